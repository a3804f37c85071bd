"""What a display in a notebook is made of: a heading, lines and tables, in a light and a dark theme.

All text is escaped; what is long is cut, and it is told how much more there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from virtkit.draw.page import said, static
from virtkit.draw.palette import LOOKS, verdict

__all__ = ["Card", "Cell", "judged"]

_SIGNS = 400  # of a cell
_ROWS = 60


class Cell(NamedTuple):
    """A cell with more than its text: ``tip`` shows when the pointer rests on it, ``look`` is a class of LOOKS."""

    text: str
    tip: str = ""
    look: str = ""


def judged(name: str, tip: str = "", *, short: bool = False) -> Cell:
    """A cell that says a verdict: glyph, word and colour."""
    look = verdict(name)
    return Cell(f"{look.glyph} {look.short if short else look.name}" if name else "", tip, LOOKS.get(name, ""))


class Card:
    """A display under construction: ``title`` and what goes beside it, then lines and tables in the order added."""

    def __init__(self, title: str, *beside: str) -> None:
        words = " · ".join(_cut(word) for word in beside if word)
        head = f"<p><strong class=t>{_cut(title)}</strong> <span class=n>{words}</span></p>"
        self._parts = [head] if title else []

    def line(self, text: str, *, soft: bool = False) -> None:
        """A line of text."""
        if text:
            self._parts.append(f"<p{' class=n' if soft else ''}>{_cut(text, 4 * _SIGNS)}</p>")

    def raw(self, html: str) -> None:
        """HTML that is safe already, such as a picture."""
        self._parts.append(html)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[object]],
        *,
        limit: int = _ROWS,
        what: str = "rows",
    ) -> None:
        """A table; a cell is a Cell or any value (None shows as nothing). Columns without a text are left out.

        Beyond ``limit`` rows a line says how many more of ``what`` there are.
        """
        cells = [[cell if isinstance(cell, Cell) else Cell(_text(cell)) for cell in row] for row in rows]
        if not cells:
            return
        used = [n for n, _ in enumerate(heads) if any(row[n].text for row in cells)]
        head = "".join(f"<th scope=col>{said(heads[n])}</th>" for n in used)
        body = "".join(f"<tr>{''.join(_cell(row[n]) for n in used)}</tr>" for row in cells[:limit])
        self._parts.append(f"<div class=o><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")
        if len(cells) > limit:
            self.line(f"and {len(cells) - limit} more {what}", soft=True)

    def html(self) -> str:
        """The whole display."""
        return f'<div class="vkd"><style>{static("display.css")}</style>{"".join(self._parts)}</div>'


def _text(value: object) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _cell(cell: Cell) -> str:
    classes = f' class="{cell.look} k"' if cell.look else ""
    tip = f' title="{_cut(cell.tip)}"' if cell.tip else ""
    return f"<td{classes}{tip}>{_cut(cell.text)}</td>"


def _cut(text: str, signs: int = _SIGNS) -> str:
    more = f" … ({len(text) - signs} more signs)" if len(text) > signs else ""
    return said(text[:signs]) + more
