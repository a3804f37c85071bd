"""The topology picture: lstopo's grammar drawn with a plain matplotlib Figure, as SVG with hover titles and as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.draw import layout
from virtkit.draw.canvas import Pen, save_png, save_svg
from virtkit.draw.layout import Box, Bridge, Layout, Line
from virtkit.draw.palette import CLASSES, clean, device_class, tint
from virtkit.topology import Node, Topology

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["both", "figure", "png", "save", "svg"]

_BORDER = {"user": "-", "allocated": (0, (4, 2)), "fixed": (0, (1, 1.6))}
_INK, _FAINT, _LINK = "#1B1B1B", "#5A5A5A", "#8A8A8A"
_CHANGE = {"new": "#009E73", "moved": "#E69F00", "changed": "#0072B2", "gone": "#D55E00"}
_LEGEND = 44.0


def figure(topology: Topology, before: Topology | None = None) -> Figure:
    """A Figure of ``topology``, as large as it needs to be; with ``before``, changes are marked.

    Root at the left, bridges as small squares, devices as boxes at the right in slot order, free slots hollow,
    neighbouring empty ports that differ in nothing collapsed with a count. The border tells who chose the address.
    """
    return _draw(topology, before)[0]


def svg(topology: Topology, before: Topology | None = None) -> str:
    """The picture as SVG; each device and bridge has a title that shows when the pointer rests on it."""
    drawn, titles = _draw(topology, before)
    return save_svg(drawn, titles, _name(topology))


def png(topology: Topology, before: Topology | None = None, dpi: int = 144) -> bytes:
    """The picture as PNG, ``dpi`` dots to the inch."""
    return save_png(_draw(topology, before)[0], dpi)


def both(topology: Topology, dpi: int = 144) -> tuple[str, bytes]:
    """The picture as SVG and as PNG, drawn once."""
    drawn, titles = _draw(topology, None)
    return save_svg(drawn, titles, _name(topology)), save_png(drawn, dpi)


def save(topology: Topology, path: Path, before: Topology | None = None) -> None:
    """Write the picture; the name ends in ``.svg`` or ``.png``. Raises UsageError for another ending."""
    from virtkit.errors import UsageError

    if path.suffix == ".svg":
        path.write_text(svg(topology, before), encoding="utf-8")
    elif path.suffix == ".png":
        path.write_bytes(png(topology, before))
    else:
        raise UsageError(f"{path}: a picture is written as .svg or .png, not {path.suffix or 'without an ending'!r}")


def _name(topology: Topology) -> str:
    return f"Bus topology of {clean(topology.name)} ({clean(topology.machine)})"


def _draw(topology: Topology, before: Topology | None) -> tuple[Figure, dict[str, str]]:
    placed = layout.lay_out(topology, before)
    width = max(placed.width, 520.0)
    pen = Pen(width, placed.height + _LEGEND)
    titles: dict[str, str] = {}
    _head(pen, topology, width)
    for line in placed.lines:
        _line(pen, line)
    for x, y, words in placed.headings:
        pen.text(x, y, words, 8, colour=_FAINT, weight="bold", background=True)
    for count, bridge in enumerate(placed.bridges):
        _bridge(pen, bridge, f"bridge-{count}", titles)
    for count, box in enumerate(placed.boxes):
        _box(pen, box, f"device-{count}", titles)
    _legend(pen, placed, before is not None, width)
    return pen.figure, titles


def _head(pen: Pen, topology: Topology, width: float) -> None:
    inside = width - 2 * layout.MARGIN
    pen.text(layout.MARGIN, layout.MARGIN + 6, topology.name, 12, weight="bold", limit=inside * 0.6)
    pen.text(
        width - layout.MARGIN,
        layout.MARGIN + 6,
        f"{topology.machine}, {topology.arch}",
        8.5,
        colour=_FAINT,
        align="right",
        limit=inside * 0.38,
    )
    rooms = "   ".join(f"{room.kind}: {room.free}" for room in topology.headroom)
    pen.text(layout.MARGIN, layout.MARGIN + 24, f"free for hotplug   {rooms or 'nothing'}", 8, limit=inside)


def _line(pen: Pen, line: Line) -> None:
    pen.line(line.x0, line.y0, line.x1, line.y1, _LINK, 1.0)
    if line.label:
        room = layout.LABEL - 8 if "." in line.label and ":" not in line.label else line.x1 - line.x0 - 12
        pen.text(
            line.x0 + 4, line.y0 - 5, line.label, 6.2, family="DejaVu Sans Mono", colour=_FAINT, limit=max(room, 32)
        )


def _bridge(pen: Pen, bridge: Bridge, ident: str, titles: dict[str, str]) -> None:
    node = bridge.node
    for shift in (3.0, 0.0) if bridge.count > 1 else (0.0,):
        pen.box(
            bridge.x - 5 + shift,
            bridge.y - shift,
            10,
            10,
            face="#FFFFFF" if node.added else "#D9D9D9",
            edge=_INK,
            style="-",
            width=1.0,
            ident="" if shift else ident,
        )
    pen.text(bridge.x + 9, bridge.y - 5, bridge.label, 6.2, colour=_FAINT, limit=40)
    if bridge.model:
        pen.text(bridge.x - 20, bridge.y + 9, bridge.model, 6.2, colour=_FAINT, limit=layout.STEP - 20)
    titles[ident] = _title(node)


def _box(pen: Pen, box: Box, ident: str, titles: dict[str, str]) -> None:
    node = box.node
    if node is None:
        pen.box(
            box.x, box.y, box.width, box.height, face="#FFFFFF", edge=_LINK, style=(0, (1, 1.6)), width=0.9, ident=ident
        )
        pen.text(box.x + 10, box.y, box.text, 7, colour=_FAINT, limit=box.width - 16)
        titles[ident] = box.text
        if box.hotplug:
            pen.socket(box.x, box.y)
        return
    sort = device_class(node.kind, node.driver)
    edge = _CHANGE.get(box.change, _INK)
    face = "#FFFFFF" if box.change == "gone" else tint(sort.colour)
    style = _BORDER.get(node.placed, "-")
    pen.box(box.x, box.y, box.width, box.height, face, edge, style, 1.8 if box.change else 1.0, ident)
    pen.box(box.x, box.y, 7, box.height, sort.colour, sort.colour, "-", 0.0, "")
    chips = [word for word in (box.change, node.interface or "") if word]
    right = box.x + box.width - 4
    for word in reversed(chips):
        right = pen.chip(right, box.y, word, _CHANGE.get(word, _INK), solid=word in _CHANGE) - 4
    room = right - box.x - 16
    below = f"{node.driver}{' · added by libvirt' if node.added else ''}" if node.driver else "added by libvirt"
    pen.text(box.x + 13, box.y - 5.2, node.title or node.id, 8, weight="bold", limit=room)
    pen.text(box.x + 13, box.y + 6.2, below if node.driver or node.added else node.kind, 6.8, colour=_FAINT, limit=room)
    if box.hotplug:
        pen.socket(box.x, box.y)
    titles[ident] = _title(node)


def _title(node: Node) -> str:
    parts = [f"{node.title or node.id} at {node.address}" if node.address else node.title or node.id]
    if node.driver:
        parts.append(f"driver {node.driver}")
    if node.interface:
        parts.append(f"shows the {node.interface} interface")
    parts.append(
        {"user": "address from the XML", "fixed": "address given by the chipset"}.get(node.placed, "address allocated")
        + (", added by libvirt" if node.added else "")
    )
    if node.reason:
        parts.append(node.reason)
    if node.line:
        parts.append(f"line {node.line}")
    return "\n".join(clean(part) for part in parts)


def _legend(pen: Pen, placed: Layout, compared: bool, width: float) -> None:
    shown = {device_class(box.node.kind, box.node.driver).name for box in placed.boxes if box.node is not None}
    y = placed.height + 4
    x = layout.MARGIN
    for entry in CLASSES:
        if entry.name in shown:
            pen.box(x, y, 9, 9, entry.colour, entry.colour, "-", 0.0, "")
            x = pen.text(x + 13, y, entry.name, 6.8, colour=_FAINT) + 12
    y += 16
    x = layout.MARGIN
    for name, words in (
        ("user", "address from the XML"),
        ("allocated", "allocated"),
        ("fixed", "given by the chipset"),
    ):
        pen.box(x, y, 18, 9, "#FFFFFF", _INK, _BORDER[name], 1.0, "")
        x = pen.text(x + 22, y, words, 6.8, colour=_FAINT) + 12
    if placed.bridges:
        pen.box(x, y, 9, 9, "#D9D9D9", _INK, "-", 1.0, "")
        x = pen.text(x + 13, y, "bridge", 6.8, colour=_FAINT) + 12
        pen.box(x, y, 9, 9, "#FFFFFF", _INK, "-", 1.0, "")
        x = pen.text(x + 13, y, "bridge added", 6.8, colour=_FAINT) + 12
    if any(box.hotplug for box in placed.boxes):
        pen.socket(x + 4, y)
        pen.text(x + 13, y, "hotplug", 6.8, colour=_FAINT)
    if compared:
        pen.text(width - layout.MARGIN, y - 16, "new, moved, changed, gone: marked", 6.8, colour=_FAINT, align="right")
