"""The topology picture, in the manner of lstopo: SVG with hover titles, or PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.draw import layout
from virtkit.draw.canvas import Pen, fit, measure, save_png, written
from virtkit.draw.layout import Box, Bridge, Layout, Line, short
from virtkit.draw.marks import Dashes
from virtkit.draw.palette import CHANGES, CLASSES, ChangeLook, DeviceClass, clean, device_class, tint
from virtkit.topology.diff import Change, ChangeKind, Difference
from virtkit.topology.model import Node, Topology

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["both", "figure", "png", "save", "svg"]

_BORDER: dict[str, Dashes] = {"user": (), "allocated": (4, 2), "fixed": (1, 1.6)}
_INK, _FAINT, _LINK = "#1B1B1B", "#5A5A5A", "#8A8A8A"
_LEGEND = 44.0


def figure(topology: Topology, before: Topology | None = None) -> Figure:
    """A Figure of ``topology``, sized to its content; with ``before``, of what changed since.

    The root bus is at the left, bridges are small squares, devices are boxes at the right in slot order, free slots are
    hollow, and equal empty ports next to each other are collapsed with a count. The border shows who chose the
    address. In a difference it shows how the device changed, and a second box shows the device as it was.
    """
    return _draw(topology, before)[0].figure


def svg(topology: Topology, before: Topology | None = None) -> str:
    """The picture as SVG; each device and bridge has a hover title."""
    drawn, titles = _draw(topology, before)
    return drawn.svg(titles, _name(topology, before))


def png(topology: Topology, before: Topology | None = None, dpi: int = 144) -> bytes:
    """The picture as PNG, at ``dpi`` dots per inch."""
    return save_png(_draw(topology, before)[0].figure, dpi)


def both(topology: Topology, before: Topology | None = None, dpi: int = 144) -> tuple[str, bytes]:
    """The picture as SVG and as PNG, drawn once."""
    drawn, titles = _draw(topology, before)
    return drawn.svg(titles, _name(topology, before)), save_png(drawn.figure, dpi)


def save(topology: Topology, path: Path, before: Topology | None = None) -> None:
    """Write the picture to a file that ends in ``.svg`` or ``.png``. Raises UsageError for another suffix."""
    from virtkit.errors import UsageError
    from virtkit.outputs import write_bytes, write_text

    if path.suffix == ".svg":
        write_text(path, svg(topology, before))
    elif path.suffix == ".png":
        write_bytes(path, png(topology, before))
    else:
        raise UsageError(f"{path}: expected a file name that ends in .svg or .png, got {path.suffix or 'no suffix'!r}")


def _name(topology: Topology, before: Topology | None = None) -> str:
    if before is not None:
        found = Difference(before, topology, ())
        return f"Change of the bus topology of {clean(found.names)} ({clean(found.machines)})"
    return f"Bus topology of {clean(topology.name)} ({clean(topology.machine)})"


def _draw(topology: Topology, before: Topology | None) -> tuple[Pen, dict[str, str]]:
    placed = layout.lay_out(topology, before)
    width = max(placed.width, 520.0)
    pen = Pen(width, placed.height + _LEGEND)
    titles: dict[str, str] = {}
    if placed.compared is None:
        _head(pen, topology, width)
    else:
        _compared_head(pen, placed.compared, width)
    for line in placed.lines:
        _line(pen, line)
    for one in placed.headings:
        pen.text(one.x, one.y, one.text, 8, colour=_FAINT, weight="bold", background=True, limit=one.room)
    for count, bridge in enumerate(placed.bridges):
        _bridge(pen, bridge, f"bridge-{count}", titles)
    for count, box in enumerate(placed.boxes):
        _box(pen, box, f"device-{count}", titles)
    for count, box in enumerate(placed.earlier):
        _earlier(pen, box, f"earlier-{count}", titles)
    _legend(pen, placed)
    return pen, titles


def _head(pen: Pen, topology: Topology, width: float) -> None:
    _title_line(pen, [topology.name], [f"{topology.machine}, {topology.arch}"], width)
    rooms = "   ".join(f"{room.kind}: {room.free}" for room in topology.headroom)
    pen.text(
        layout.MARGIN,
        layout.MARGIN + 24,
        f"free for hotplug   {rooms or 'none'}",
        8,
        limit=width - 2 * layout.MARGIN,
    )


def _compared_head(pen: Pen, compared: Difference, width: float) -> None:
    before, after = compared.before, compared.after
    _title_line(pen, (before.name, after.name), (before.machine, after.machine), width)
    inside = width - 2 * layout.MARGIN
    pen.text(layout.MARGIN, layout.MARGIN + 24, compared.summary(), 8.5, weight="bold", limit=inside)
    rooms = "   ".join(
        f"{kind}: {old}" if old == new else f"{kind}: {old} → {new}" for kind, old, new in compared.headroom()
    )
    pen.text(layout.MARGIN, layout.MARGIN + 42, f"free for hotplug   {rooms or 'none'}", 8, limit=inside)


def _title_line(pen: Pen, names: Sequence[str], about: Sequence[str], width: float) -> None:
    """The name at the left, the machine type at the right; two that differ share the space, with an arrow between."""
    inside = width - 2 * layout.MARGIN
    y = layout.MARGIN + 6
    pen.text(layout.MARGIN, y, _both(names, 12, "bold", inside * 0.58), 12, weight="bold")
    words = _both(about, 8.5, "normal", inside * 0.38)
    pen.text(width - layout.MARGIN, y, words, 8.5, colour=_FAINT, align="right")


def _both(words: Sequence[str], size: float, weight: str, room: float) -> str:
    """One or two words cut to fit into ``room`` points, each to its share."""
    some = list(dict.fromkeys(written(word, weight=weight) for word in words))
    arrow = " → "
    room -= measure(arrow, size, weight=weight) * (len(some) - 1)
    return arrow.join(fit(word, size, room / len(some), weight=weight) for word in some)


def _line(pen: Pen, line: Line) -> None:
    pen.line(line.x0, line.y0, line.x1, line.y1, _LINK, 1.0)
    if line.label:
        room = layout.LABEL - 8 if "." in line.label and ":" not in line.label else line.x1 - line.x0 - 12
        pen.text(
            line.x0 + 4, line.y0 - 5, line.label, 6.2, family="DejaVu Sans Mono", colour=_FAINT, limit=max(room, 32)
        )


def _bridge(pen: Pen, bridge: Bridge, ident: str, titles: dict[str, str]) -> None:
    node = bridge.node
    look = None if bridge.change is None else CHANGES[bridge.change.kind]
    new = bridge.change is not None and bridge.change.kind is ChangeKind.NEW
    for shift in (3.0, 0.0) if bridge.count > 1 else (0.0,):
        pen.box(
            bridge.x - 5 + shift,
            bridge.y - shift,
            10,
            10,
            face="#FFFFFF" if node.added else "#D9D9D9",
            edge=_INK if look is None else look.colour,
            dashes=(),
            width=1.6 if new else 1.0,
            ident="" if shift else ident,
        )
    if new:
        pen.plus(bridge.x, bridge.y)
    pen.text(bridge.x + 9, bridge.y - 5, bridge.label, 6.2, colour=_FAINT, limit=40)
    if bridge.model:
        pen.text(bridge.x - 20, bridge.y + 9, bridge.model, 6.2, colour=_FAINT, limit=layout.STEP - 20)
    titles[ident] = _title(node, bridge.change)


def _box(pen: Pen, box: Box, ident: str, titles: dict[str, str]) -> None:
    node = box.node
    if node is None:
        pen.box(
            box.x, box.y, box.width, box.height, face="#FFFFFF", edge=_LINK, dashes=(1, 1.6), width=0.9, ident=ident
        )
        pen.text(box.x + 10, box.y, box.text, 7, colour=_FAINT, limit=box.width - 16)
        titles[ident] = box.text
        if box.hotplug:
            pen.socket(box.x, box.y)
        return
    change = box.change
    if change is None:
        below = _joined(node.driver, _alias(node), "added by libvirt" if node.added else "") or node.kind
        chips = [node.interface or ""]
        _device(pen, box, node, below, chips, tint(_class(node).colour), ident)
    else:
        below = _joined(short(node.address), node.driver) or node.kind
        chips = [_chip_text(CHANGES[change.kind]) if change.kind is not ChangeKind.SAME else "", node.interface or ""]
        share = 0.08 if change.kind is ChangeKind.SAME else 0.22
        _device(pen, box, node, below, chips, tint(_class(node).colour, share), ident)
    if box.hotplug:
        pen.socket(box.x, box.y)
    titles[ident] = _title(node, change)


def _earlier(pen: Pen, box: Box, ident: str, titles: dict[str, str]) -> None:
    """The box of a device as it was, or of a removed device."""
    node, change = box.node, box.change
    if node is None or change is None:
        return
    gone = change.kind is ChangeKind.GONE
    place = box.text or short(node.address)
    below = _joined(place, "" if box.text.count(" ") else node.driver) or node.kind
    chips = [_chip_text(CHANGES["gone"]) if gone else "", node.interface or ""]
    _device(pen, box, node, below, chips, "#FFFFFF", ident)
    if not gone:
        # The circle of a slot that can be hot-plugged is on the edge of the box.
        pen.arrow(box.x + box.width + layout.GAP - 5, box.y)
    titles[ident] = f"before: {_title(node)}" if not gone else f"removed: {_title(node)}"


def _device(pen: Pen, box: Box, node: Node, below: str, chips: list[str], face: str, ident: str) -> None:
    """The box of a device: the colour of its class at the left, its name above ``below``, chips at the right."""
    kind = _class(node)
    look = None if box.change is None else CHANGES[box.change.kind]
    if look is None:
        edge, dashes, width = _INK, _BORDER.get(node.placed, ()), 1.0
    else:
        plain = box.change is not None and (box.change.kind is ChangeKind.SAME or box.change.after not in (None, node))
        edge, dashes, width = (CHANGES["same"].colour, (), 0.8) if plain else _edge(look)
    pen.box(box.x, box.y, box.width, box.height, face, edge, dashes, width, ident)
    pen.box(box.x, box.y, 7, box.height, kind.colour, kind.colour, (), 0.0, "")
    right = box.x + box.width - 4
    for count, word in reversed(list(enumerate(chips))):
        if word:
            marked = look is not None and len(chips) > 1 and count == 0
            right = pen.chip(right, box.y, word, edge if marked else _INK, 1.4 if marked else 0.7) - 4
    room = right - box.x - 16
    pen.text(box.x + 13, box.y - 5.2, node.title or node.id, 8, weight="bold", limit=room)
    pen.text(box.x + 13, box.y + 6.2, below, 6.8, colour=_FAINT, limit=room)


def _joined(*words: str) -> str:
    return " · ".join(word for word in words if word)


def _alias(node: Node) -> str:
    """libvirt's alias, which ``virtkit explain --device`` takes; "" where the title is the alias."""
    return "" if node.id == node.title else node.id


def _class(node: Node) -> DeviceClass:
    return device_class(node.kind, node.driver or node.title)


def _edge(look: ChangeLook) -> tuple[str, Dashes, float]:
    """Colour, style and width of the border of a change."""
    return look.colour, look.dashes, 2.0


def _chip_text(look: ChangeLook) -> str:
    return f"{look.glyph} {look.name}"


def _title(node: Node, change: Change | None = None) -> str:
    parts = [f"{node.title or node.id} at {node.address}" if node.address else node.title or node.id]
    if _alias(node):
        parts.append(f"alias {node.id}")
    if node.driver:
        parts.append(f"driver {node.driver}")
    if node.interface:
        parts.append(f"{node.interface} interface")
    if node.address:
        chosen = {"user": "address from the XML", "fixed": "address fixed by the chipset"}
        parts.append(chosen.get(node.placed, "address allocated"))
    if node.added:
        parts.append("added by libvirt")
    if node.placed != "user":
        parts += node.reason.splitlines()
    if node.line:
        parts.append(f"line {node.line}")
    if change is not None:
        parts.insert(1, "unchanged" if change.kind is ChangeKind.SAME else str(change.kind))
        parts[2:2] = [f"{one.name} was {one.before or 'none'}" for one in change.attributes]
    return "\n".join(clean(part) for part in parts)


def _legend(pen: Pen, placed: Layout) -> None:
    """The meaning of the colours, borders and marks that are in the picture."""
    boxes = [box for box in (*placed.boxes, *placed.earlier) if box.node is not None]
    shown = {_class(box.node).name for box in boxes if box.node is not None}
    y = placed.height + 4
    x = layout.MARGIN
    for entry in CLASSES:
        if entry.name in shown:
            pen.box(x, y, 9, 9, entry.colour, entry.colour, (), 0.0, "")
            x = pen.text(x + 13, y, entry.name, 6.8, colour=_FAINT) + 12
    y += 16
    x = layout.MARGIN
    if placed.compared is None:
        for name, words in (
            ("user", "address from the XML"),
            ("allocated", "allocated address"),
            ("fixed", "address fixed by the chipset"),
        ):
            pen.box(x, y, 18, 9, "#FFFFFF", _INK, _BORDER[name], 1.0, "")
            x = pen.text(x + 22, y, words, 6.8, colour=_FAINT) + 12
    else:
        kinds = {str(change.kind) for change in placed.compared.changes if not change.bridge}
        kinds |= {str(box.change.kind) for box in placed.earlier if box.change is not None}
        for look in CHANGES.values():
            if look.name in kinds:
                edge, dashes, width = (look.colour, (), 0.8) if look.name == "same" else _edge(look)
                pen.box(x, y, 18, 9, "#FFFFFF", edge, dashes, width, "")
                words = "unchanged" if look.name == "same" else _chip_text(look)
                x = pen.text(x + 22, y, words, 6.8, colour=_FAINT) + 12
    if placed.bridges:
        x = _bridge_keys(pen, placed, x, y)
    if any(box.hotplug for box in placed.boxes):
        pen.socket(x + 4, y)
        pen.text(x + 13, y, "hotplug", 6.8, colour=_FAINT)


def _bridge_keys(pen: Pen, placed: Layout, x: float, y: float) -> float:
    """The legend of the small squares; returns where it ends."""
    new = any(bridge.change is not None and bridge.change.kind is ChangeKind.NEW for bridge in placed.bridges)
    edge = _INK if placed.compared is None else CHANGES["same"].colour
    for added, face, words in ((False, "#D9D9D9", "bridge"), (True, "#FFFFFF", "bridge added by libvirt")):
        if not any(bridge.node.added is added for bridge in placed.bridges):
            continue
        pen.box(x, y, 9, 9, face, edge, (), 1.0, "")
        x = pen.text(x + 13, y, words, 6.8, colour=_FAINT) + 12
    if new:
        pen.box(x, y, 9, 9, "#FFFFFF", CHANGES["new"].colour, (), 1.6, "")
        pen.plus(x + 4.5, y)
        x = pen.text(x + 13, y, "new bridge", 6.8, colour=_FAINT) + 12
    return x
