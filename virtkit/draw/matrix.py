"""The compatibility matrix as HTML: grouped, merged and collapsed, with every reason within reach."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from virtkit.draw.changes import flips
from virtkit.draw.grid import Grid, Row, State, arrange
from virtkit.draw.labels import Label
from virtkit.draw.page import document, said, static

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_fragment", "html_page"]

# Verdict (or refusal) to the class and word of its cells; the glyph is the class's, in matrix.css.
_CELL = {
    "works": ("w", "works"),
    "works-with-condition": ("c", "if"),
    "fails": ("f", "fails"),
    "unknown": ("u", "unknown"),
    "refused": ("r", "refused"),
}
_MODEL = {
    "virtio": "virtio",
    "virtio-transitional": "transitional",
    "virtio-non-transitional": "non-transitional",
}
_LEGEND = (
    ("w", "works", "as libvirt places it, with the drivers that come with the system"),
    ("c", "if", "works when the numbered condition holds"),
    ("f", "fails", "the guest has no driver for what it meets"),
    ("u", "unknown", "nobody has said, which is not no"),
    ("r", "refused", "libvirt or QEMU refuses it"),
)
_SPANS = 2  # how many ranges of releases a collapsed row names before it counts the rest


def html_page(
    frame: pd.DataFrame,
    title: str,
    *,
    footnotes: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
    labels: Mapping[str, Label] | None = None,
    csv: str = "",
) -> str:
    """A self-contained page of a matrix.

    ``frame`` as for ``grid.arrange``. ``footnotes`` are sentences under the table, ``previous`` an earlier matrix
    whose differences stand on top, ``csv`` the relative address of the same matrix as CSV. Readable without
    JavaScript; with it there are a filter, folding, arrow keys and a panel with the reason of the cell.
    """
    inside = html_fragment(frame, footnotes=footnotes, previous=previous, labels=labels, csv=csv, styled=False)
    body = f"<header><h1>{said(title)}</h1></header>\n<main>\n{inside}</main>"
    return document(title, body, styles=("matrix.css",), scripts=("matrix.js",))


def html_fragment(
    frame: pd.DataFrame,
    *,
    footnotes: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
    labels: Mapping[str, Label] | None = None,
    csv: str = "",
    prefix: str = "m",
    styled: bool = True,
) -> str:
    """The matrix as a piece of a page; ``prefix`` keeps the ids of several matrices in one page apart."""
    grid = arrange(frame, labels)
    parts = [f"<style>{static('matrix.css')}</style>" if styled else "", '<div class="vkm">']
    parts += _changes(frame, previous)
    parts += _bar(csv)
    parts += _legend(grid)
    conditions = {text: n for n, text in enumerate(dict.fromkeys(s.condition for s in grid.states if s.condition), 1)}
    columns = json.dumps([f"{kind}, {machine}, {model}" for kind, machine, model in grid.columns])
    parts.append(
        f'<div class="scroll" tabindex="0" role="region" aria-label="compatibility matrix">'
        f'<table data-columns="{said(columns)}">'
    )
    parts += _head(grid)
    cells = [_cell(state, f"{prefix}r{n}", conditions) for n, state in enumerate(grid.states)]
    for family in grid.families:
        counted = f"{_count(family.guests, 'system')} in {_count(len(family.rows), 'row')}"
        width = len(grid.columns) + 1
        parts.append(
            f'<tbody><tr class="fam"><th colspan="{width}">{said(family.title)} '
            f'<span class="n">{counted}</span></th></tr>'
        )
        for row in family.rows:
            parts.append(f"{_row_head(row)}{''.join(cells[code] if code >= 0 else '<td>' for code in row.cells)}")
        parts.append("</tbody>")
    parts.append("</table></div>")
    parts.append(
        '<div class="panel" hidden aria-live="polite">'
        "Point at a cell, tap it, or reach it with Tab and the arrow keys, to read why.</div>"
    )
    parts += _notes(conditions, footnotes, prefix)
    parts += _reasons(grid, conditions, prefix)
    parts.append("</div>\n")
    return "\n".join(part for part in parts if part)


def _changes(frame: pd.DataFrame, previous: pd.DataFrame | None) -> Iterator[str]:
    if previous is None:
        return
    found = flips(previous, frame)
    if not found:
        yield '<p class="soft">No cell changed since the last run.</p>'
        return
    told = f"{_count(sum(flip.count for flip in found), 'cell')} changed since the last run"
    yield f'<details class="changes" open><summary>{told}</summary><ul>'
    for flip in found:
        yield f"<li>{said(flip.text)}</li>"
    yield "</ul></details>"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _bar(csv: str) -> Iterator[str]:
    options = "".join(f'<option value="{name}">{said(word)}</option>' for name, word, _ in _LEGEND)
    yield (
        '<div class="bar noprint" hidden><label>Filter <input type="search" placeholder="rhel 6, windows, …"></label>'
        f'<label>with a cell that <select><option value="">says anything</option>{options}</select></label>'
        '<output aria-live="polite"></output><button type="button">CSV of these rows</button></div>'
    )
    if csv:
        yield f'<p class="noprint"><a href="{said(csv)}" download>All cells as CSV</a></p>'


def _head(grid: Grid) -> Iterator[str]:
    yield '<thead><tr><th class="corner" rowspan="3">Guest</th>'
    for kind, run in groupby(grid.columns, key=lambda column: column[0]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup">{said(kind)}</th>'
    yield "</tr><tr>"
    for (_, machine), run in groupby(grid.columns, key=lambda column: column[:2]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup">{said(machine)}</th>'
    yield '</tr><tr class="last">'
    for _, _, model in grid.columns:
        yield f'<th scope="col">{said(_MODEL.get(model, model))}</th>'
    yield "</tr></thead>"


def _row_head(row: Row) -> str:
    names = said(" ".join((*row.spans, *row.guests)).lower())
    first = ", ".join(row.spans[:_SPANS])
    if len(row.guests) == 1:
        inside = f'<span class="name">{said(first)}</span>'
    elif len(row.spans) == 1:
        inside = f'<span class="name">{said(first)}</span> <span class="n">({len(row.guests)})</span>'
    else:
        rest = len(row.spans) - _SPANS
        more = f" and {rest} more" if rest > 0 else ""
        listed = "".join(f"<li>{said(span)}" for span in row.spans)
        inside = (
            f'<details><summary><span class="name">{said(first)}{more}</span> '
            f'<span class="n">({len(row.guests)} equal)</span></summary><ul>{listed}</ul></details>'
        )
    return f'<tr class="row" data-names="{names}"><th scope="row">{inside}</th>'


def _look(state: State) -> tuple[str, str]:
    if state.interface == "refused":
        return _CELL["refused"]
    return _CELL.get(state.verdict) or ("u", said(state.verdict))


def _cell(state: State, ident: str, conditions: Mapping[str, int]) -> str:
    name, word = _look(state)
    note = f"<sup>{conditions[state.condition]}</sup>" if state.condition else ""
    return f"<td class={name}><a href=#{ident}>{word}{note}</a>"


def _legend(grid: Grid) -> Iterator[str]:
    used = {_look(state)[0] for state in grid.states}
    yield '<p class="legend">'
    for name, word, meaning in _LEGEND:
        if name in used:
            yield f'<span class="item"><span class="key {name}">{said(word)}</span>{said(meaning)}</span> '
    yield "</p>"


def _notes(conditions: Mapping[str, int], footnotes: Sequence[str], prefix: str) -> Iterator[str]:
    if conditions:
        yield "<h3>Conditions</h3><ol>"
        for text, number in conditions.items():
            yield f'<li id="{prefix}c{number}">{said(text)}</li>'
        yield "</ol>"
    for note in footnotes:
        yield f"<p>{said(note)}</p>"


def _reasons(grid: Grid, conditions: Mapping[str, int], prefix: str) -> Iterator[str]:
    yield f'<details><summary>All {len(grid.states)} reasons, with evidence and source</summary><ol class="why">'
    for number, state in enumerate(grid.states):
        word = _look(state)[1] if state.interface == "refused" else state.verdict or "not asked"
        meets = f" ({state.interface}{', ' + state.placement if state.placement else ''})" if state.interface else ""
        text = f"{word}{meets}: {state.reason}"
        if state.condition:
            text += f" Condition {conditions[state.condition]}: {state.condition}."
        text += f" Evidence: {state.evidence}. Source: {state.source}."
        yield f'<li id="{prefix}r{number}">{said(text)}</li>'
    yield "</ol></details>"
