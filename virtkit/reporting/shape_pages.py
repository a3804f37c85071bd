"""The section of a shape on a page: its domains, its picture and verdicts, and what changing its models would give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from virtkit.draw import tree
from virtkit.draw.html import Html, escape_text, preformatted
from virtkit.draw.html_table import table
from virtkit.fleet.survey import folded
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Shape
    from virtkit.reporting.notebook import Output
    from virtkit.topology.model import Topology

__all__ = ["ShapePages"]

_COLUMNS = ("label", "model", "address", "interface", "verdict", "reason", "condition", "change")
_NAMES = 200  # domains of a shape that are listed
_ROOM = 900_000  # bytes of the pictures on a page, so that it opens at once
_IMAGES = 10  # shapes whose pictures are written as PNG as well, which takes long


class ShapePages:
    """The sections of the shapes of a survey, in order.

    ``out`` takes the pictures as files. The first ones are on the page as well, as far as they fit into ``room`` bytes;
    a link leads to the others. ``devices`` is the table ``Survey.devices``.
    """

    def __init__(self, out: Output, devices: pd.DataFrame, room: int = _ROOM) -> None:
        self._out, self._room = out, room
        self._devices = {str(file): rows for file, rows in devices.groupby("file", sort=False)}
        self._none = devices.iloc[:0]

    def section(self, shape: Shape) -> Html:
        """The HTML of one shape."""
        return Html("".join(self._parts(shape)))

    def _parts(self, shape: Shape) -> Iterator[str]:
        item = shape.first
        title = item.resolved.domain.title
        words = f"{item.file}: {title}" if title else item.file
        many = f" and {counted(len(shape.items) - 1, 'equal domain')}" if len(shape.items) > 1 else ""
        yield f"<h3 id='shape-{shape.number}'>{escape_text(words + many)}</h3>"
        if many:
            yield preformatted(_names(shape), f"the {len(shape.items):,} domains").text
        name = item.file.removesuffix(".xml").replace("/", "-")
        image = shape.number <= _IMAGES
        yield self._picture(f"topology-{name}", item.topology, None, image)
        yield table(folded(self._devices.get(item.file, self._none)), columns=_COLUMNS).text
        for remark in item.review.remarks:
            yield f"<p>{escape_text(remark.level)}: {escape_text(remark.text)}</p>"
        yield preformatted(tree.text(item.topology), "the tree as text").text
        repair = item.repaired()
        if repair is None:
            return
        yield f"<h4>{escape_text(repair.outcome)}</h4>{preformatted(repair.command).text}"
        yield f"<ul>{''.join(f'<li>{escape_text(step)}</li>' for step in repair.steps)}</ul>"
        if repair.topology is not None:
            yield self._picture(f"fixed-{name}", repair.topology, item.topology, image)
            yield preformatted(tree.difference(item.topology, repair.topology), "the change as text").text

    def _picture(self, name: str, topology: Topology, before: Topology | None, image: bool) -> str:
        """The picture, or a link to its file where the page has no room for it."""
        drawn = self._out.topology(name, topology, before, image=image).text
        drawn = drawn[drawn.index("<svg") :]
        size = len(drawn.encode())
        if self._out.place is None or size <= self._room:
            self._room -= size
            return f"<figure>{drawn}</figure>"
        return f'<p><a href="{escape_text(quote(name))}.svg">The picture, a file beside this page</a></p>'


def _names(shape: Shape) -> str:
    """The domains of a shape, one a line."""
    lines = [f"{one.name}  {one.file}" for one in shape.items[:_NAMES]]
    if len(shape.items) > _NAMES:
        lines.append(f"and {len(shape.items) - _NAMES:,} more")
    return "\n".join(lines)
