"""How a compatibility matrix is shown in a notebook and as a page."""

from __future__ import annotations

from itertools import groupby

import pandas as pd

from virtkit import display
from virtkit.compat.frame import Matrix
from virtkit.compat.matrix import COLUMNS
from virtkit.draw.grid import KEY, Grid, State, arrange
from virtkit.draw.html import escape_text
from virtkit.draw.html_card import Card, verdict_cell
from virtkit.draw.matrix import html_page
from virtkit.notebook.guests import guest_labels
from virtkit.wording import counted, listed

__all__ = ["matrix_html", "matrix_page"]

_COLUMNS, _CELLS = 40, 4000  # the most that a notebook shows


@display.page.register(Matrix)
def matrix_page(frame: pd.DataFrame, title: str) -> str:
    """The whole matrix as an HTML page of its own, with guests under their names."""
    return html_page(frame, title, guest_labels(frame["guest"].unique()))


@display.html.register(Matrix)
def matrix_html(frame: Matrix) -> str:
    """A matrix: equal guests share a row, a cell for each kind, machine type and model, its reason as hover text.

    Beyond 40 columns or 4000 cells a line counts what is left out. A frame that lacks columns or is empty, or has
    several rows for one cell (devices placed by hand), is shown as pandas shows it.
    """
    if frame.empty or frame.attrs.get("placements") or not set(COLUMNS) <= set(frame.columns):
        return str(pd.DataFrame(frame)._repr_html_())  # type: ignore[operator]
    keys = frame.groupby(list(KEY), observed=True, sort=False).ngroup()
    columns = int(keys.max()) + 1
    some: pd.DataFrame = frame if columns <= _COLUMNS else frame[keys < _COLUMNS]
    grid = arrange(some, guest_labels(some["guest"].unique()))
    room = max(1, _CELLS // max(1, min(columns, _COLUMNS)))
    guests = sum(family.guests for family in grid.families)
    size = f"{counted(guests, 'guest')} × {counted(columns, 'column')}"
    card = Card(size, str(frame.attrs.get("database", "")))
    card.raw("".join(_table(grid, room)))
    for number, text in enumerate(_conditions(grid), 1):
        card.line(f"{number}: {text}", soft=True)
    rows = sum(len(family.rows) for family in grid.families)
    more = [
        counted(count, f"more {noun}")
        for count, noun in ((columns - len(grid.columns), "column"), (rows - room, "row"))
        if count > 0
    ]
    card.line(f"and {listed(more)}; page() returns the whole matrix" if more else "", soft=True)
    return card.html()


def _conditions(grid: Grid) -> list[str]:
    return list(dict.fromkeys(state.condition for state in grid.states if state.condition))


def _table(grid: Grid, room: int) -> list[str]:
    """The table of at most ``room`` rows, as pieces of HTML."""
    parts = ["<div class=o><table class=m><thead>"]
    for level, corner in enumerate(("guest", "", "")):
        parts.append(f"<tr><th>{corner}</th>")
        for name, run in groupby(grid.columns, key=lambda column: column[: level + 1]):
            parts.append(f'<th colspan="{len(list(run))}">{escape_text(name[-1].removeprefix("virtio-"))}</th>')
        parts.append("</tr>")
    parts.append("</thead><tbody>")
    notes = {text: number for number, text in enumerate(_conditions(grid), 1)}
    for family in grid.families:
        if room <= 0:
            break
        parts.append(f'<tr class=fam><th colspan="{len(grid.columns) + 1}">{escape_text(family.title)}</th></tr>')
        for row in family.rows[:room]:
            more = f" and {len(row.spans) - 3} more" if len(row.spans) > 3 else ""
            count = f" <span class=n>({len(row.guests)})</span>" if len(row.guests) > 1 else ""
            tip = escape_text(", ".join(row.guests[:200]))
            names = escape_text(", ".join(row.spans[:3]))
            parts.append(f'<tr><th scope=row title="{tip}">{names}{more}{count}</th>')
            for n, _ in enumerate(grid.columns):
                codes = dict.fromkeys(part.cells[n] for part in row.parts)
                parts.append(_cell([grid.states[code] for code in codes if code >= 0], notes))
            parts.append("</tr>")
        room -= len(family.rows)
    parts.append("</tbody></table></div>")
    return parts


def _cell(states: list[State], notes: dict[str, int]) -> str:
    """A cell. The guests of a row share its verdict, for several reasons perhaps."""
    if not states:
        return "<td></td>"
    state = states[0]
    cell = verdict_cell("refused" if state.interface == "refused" else state.verdict, short=True)
    place = f"{state.interface}, {state.placement}" if state.placement else state.interface
    note = f"<sup>{notes[state.condition]}</sup>" if state.condition else ""
    why = "; or ".join(dict.fromkeys(f"{one.reason} (evidence: {one.evidence})" for one in states[:4]))
    tip = escape_text(f"{why}; {place}")
    return f'<td class={cell.look or "u"} title="{tip}">{escape_text(cell.text)}{note}</td>'
