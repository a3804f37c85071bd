"""A card: what a notebook shows of one value, with a heading, lines and tables, in a light and a dark theme.

All text is escaped. Long texts and tables are cut, with a count of what is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from virtkit.draw.html import escape_text, static
from virtkit.draw.palette import LOOKS, verdict
from virtkit.wording import counted

__all__ = ["Card", "Cell", "verdict_cell"]

_CHARACTERS = 400  # of a cell
_ROWS = 60


class Cell(NamedTuple):
    """A table cell: ``tip`` shows when the pointer rests on it, ``look`` is a CSS class of ``palette.LOOKS``."""

    text: str
    tip: str = ""
    look: str = ""


def verdict_cell(name: str, tip: str = "", *, short: bool = False) -> Cell:
    """A cell that shows a verdict with glyph, word and colour."""
    look = verdict(name)
    return Cell(f"{look.glyph} {look.short if short else look.name}" if name else "", tip, LOOKS.get(name, ""))


class Card:
    """A card in the making: ``title``, ``details`` beside it, then lines and tables in the order they are added."""

    def __init__(self, title: str, *details: str) -> None:
        words = " · ".join(_shortened(word) for word in details if word)
        head = f"<p><strong class=t>{_shortened(title)}</strong> <span class=n>{words}</span></p>"
        self._parts = [head] if title else []

    def line(self, text: str, *, soft: bool = False) -> None:
        """Add a line of text; "" adds none."""
        if text:
            self._parts.append(f"<p{' class=n' if soft else ''}>{_shortened(text, 4 * _CHARACTERS)}</p>")

    def raw(self, html: str) -> None:
        """Add HTML that is escaped already, such as a picture."""
        self._parts.append(html)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        limit: int = _ROWS,
        noun: str = "row",
        plural: str = "",
    ) -> None:
        """Add a table. A cell is a Cell or any value (None is blank); columns without any text are left out.

        Beyond ``limit`` rows a line counts the others with ``noun`` (``plural`` where it is irregular).
        """
        cells = [[cell if isinstance(cell, Cell) else Cell(_text(cell)) for cell in row] for row in rows]
        if not cells:
            return
        used = [n for n, _ in enumerate(heads) if any(row[n].text for row in cells)]
        head = "".join(f"<th scope=col>{escape_text(heads[n])}</th>" for n in used)
        body = "".join(f"<tr>{''.join(_cell(row[n]) for n in used)}</tr>" for row in cells[:limit])
        self._parts.append(f"<div class=o><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")
        if len(cells) > limit:
            more = counted(len(cells) - limit, f"more {noun}", f"more {plural}" if plural else "")
            self.line(f"and {more}", soft=True)

    def html(self) -> str:
        """The whole card as HTML."""
        return f'<div class="vkd"><style>{static("display.css")}</style>{"".join(self._parts)}</div>'


def _text(value: object) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _cell(cell: Cell) -> str:
    classes = f' class="{cell.look} k"' if cell.look else ""
    tip = f' title="{_shortened(cell.tip)}"' if cell.tip else ""
    return f"<td{classes}{tip}>{_shortened(cell.text)}</td>"


def _shortened(text: str, limit: int = _CHARACTERS) -> str:
    more = f" … ({counted(len(text) - limit, 'more character')})" if len(text) > limit else ""
    return escape_text(text[:limit]) + more
