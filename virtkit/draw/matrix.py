"""The compatibility matrix as HTML: grouped, merged and collapsed, with every reason within reach."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from virtkit.draw.changes import flips
from virtkit.draw.grid import Grid, Part, Row, State, arrange
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
# Why a cell says what it says: each state it rests on and, where there are several, whose and how many guests' it is.
_Why = tuple[tuple[int, tuple[str, ...], int], ...]
_SPANS = 2  # how many ranges of releases a collapsed row names before it counts the rest


def html_page(
    frame: pd.DataFrame,
    title: str,
    *,
    footnotes: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
    labels: Mapping[str, Label] | None = None,
    csv: str = "",
    home: str = "",
) -> str:
    """A self-contained page of a matrix.

    ``frame`` as for ``grid.arrange``. ``footnotes`` are sentences under the table, ``previous`` an earlier matrix
    whose differences stand on top, ``csv`` the relative address of the same matrix as CSV, ``home`` that of the page
    it belongs to. Readable without JavaScript; with it there are a filter, folding, arrow keys, a panel with the
    reason of the cell, and a CSV of what is shown.
    """
    inside = html_fragment(frame, footnotes=footnotes, previous=previous, labels=labels, csv=csv, styled=False)
    back = f'<p class="noprint"><a href="{said(home)}">← The report</a></p>' if home else ""
    body = f"<header>{back}<h1>{said(title)}</h1></header>\n<main>\n{inside}</main>"
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
    conditions = {text: n for n, text in enumerate(dict.fromkeys(s.condition for s in grid.states if s.condition), 1)}
    whys: dict[_Why, str] = {}
    body: list[str] = []
    for family in grid.families:
        counted = f"{_count(family.guests, 'system')} in {_count(len(family.rows), 'row')}"
        body.append(
            f'<tbody><tr class="fam"><th colspan="{len(grid.columns) + 1}"><span class="name">{said(family.title)} '
            f'<span class="n">{counted}</span></span></th></tr>'
        )
        for row in family.rows:
            body.append(f"{_row_head(row)}{''.join(_cells(grid, row, conditions, whys, prefix))}")
        body.append("</tbody>")
    columns = json.dumps([f"{kind}, {machine}, {model}" for kind, machine, model in grid.columns])
    parts = [
        f"<style>{static('matrix.css')}{static('jupyter.css')}</style>" if styled else "",
        '<div class="vkm">',
        *_changes(frame, previous),
        *_bar(csv),
        *_legend(grid),
        '<div class="scroll" tabindex="0" role="region" aria-label="compatibility matrix">'
        f'<table data-columns="{said(columns)}">',
        *_head(grid),
        *body,
        "</table></div>",
        '<div class="panel" hidden aria-live="polite">'
        "Point at a cell, tap it, or reach it with Tab and the arrow keys, to read why.</div>",
        *_notes(conditions, footnotes, prefix),
        *_reasons(grid, conditions, whys),
        _data(grid),
        "</div>\n",
    ]
    return "\n".join(part for part in parts if part)


def _changes(frame: pd.DataFrame, previous: pd.DataFrame | None) -> Iterator[str]:
    yield "<!--changes-->"
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
        '<output aria-live="polite"></output><button type="button">CSV of what is shown</button></div>'
    )
    if csv:
        yield f'<p class="noprint"><a href="{said(csv)}" download>All cells as CSV</a></p>'


def _head(grid: Grid) -> Iterator[str]:
    yield '<thead><tr><th class="corner" rowspan="3">Guest</th>'
    for kind, run in groupby(grid.columns, key=lambda column: column[0]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup"><span>{said(kind)}</span></th>'
    yield "</tr><tr>"
    for (_, machine), run in groupby(grid.columns, key=lambda column: column[:2]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup"><span>{said(machine)}</span></th>'
    yield '</tr><tr class="last">'
    for _, _, model in grid.columns:
        yield f'<th scope="col">{said(_MODEL.get(model, model))}</th>'
    yield "</tr></thead>"


def _row_head(row: Row) -> str:
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
    return f'<tr class="row"><th scope="row">{inside}</th>'


def _look(state: State) -> tuple[str, str]:
    if state.interface == "refused":
        return _CELL["refused"]
    return _CELL.get(state.verdict) or ("u", said(state.verdict))


def _cells(grid: Grid, row: Row, conditions: Mapping[str, int], whys: dict[_Why, str], prefix: str) -> Iterator[str]:
    """The cells of a row, each with a link to why; ``whys`` are those that were numbered so far."""
    for place in range(len(grid.columns)):
        grounds: dict[int, list[Part]] = {}
        for part in row.parts:
            grounds.setdefault(part.cells[place], []).append(part)
        if -1 in grounds:
            yield "<td>"
            continue
        state = grid.states[next(iter(grounds))]
        why = tuple(
            (code, tuple(span for part in parts for span in part.spans), sum(len(part.guests) for part in parts))
            if len(grounds) > 1
            else (code, (), 0)
            for code, parts in grounds.items()
        )
        ident = whys.setdefault(why, f"{prefix}r{len(whys)}")
        name, word = _look(state)
        note = f"<sup>{conditions[state.condition]}</sup>" if state.condition else ""
        yield f"<td class={name}><a href=#{ident}>{word}{note}</a>"


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
    yield '<p class="onpaper">The page itself and the CSV have the reason and source of every cell.</p>'


def _reasons(grid: Grid, conditions: Mapping[str, int], whys: Mapping[_Why, str]) -> Iterator[str]:
    yield f'<details><summary>All {len(whys)} reasons, with evidence and source</summary><ol class="why">'
    for why, ident in whys.items():
        state = grid.states[why[0][0]]
        word = _look(state)[1] if state.interface == "refused" else state.verdict or "not asked"
        meets = f" on a {said(state.interface)} device" if state.interface not in ("", "refused") else ""
        condition = f" Condition {conditions[state.condition]}: {said(state.condition)}." if state.condition else ""
        yield f'<li id="{ident}"><b>{said(word)}</b>{meets}.{condition}'
        states = [grid.states[code] for code, _, _ in why]
        reasons = {_reason(state) for state in states}
        yield f" {said(_sentence(reasons.pop()))}. " if len(reasons) == 1 else " "
        if len(why) == 1:
            yield _source(state)
            continue
        yield "<ul>"
        for state, (_, spans, guests) in zip(states, why, strict=True):
            own = f"{_reason(state)}. " if reasons else ""
            yield f"<li>{said(_named(spans, guests))}: {said(own)}{_source(state)}"
        yield "</ul>"
    yield "</ol></details>"


def _named(spans: tuple[str, ...], guests: int) -> str:
    if len(spans) <= _SPANS + 1:
        return ", ".join(spans)
    return f"{', '.join(spans[:_SPANS])} and {len(spans) - _SPANS} more, {guests} systems"


def _reason(state: State) -> str:
    return ": ".join(text for text in (f"at {state.placement}" if state.placement else "", state.reason) if text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _source(state: State) -> str:
    return f'<span class="n">{said(f"{state.evidence}: {state.source}")}</span>'


def _data(grid: Grid) -> str:
    """The whole matrix for the script's CSV, each text once: rows as on the page, of parts, of guests and states."""
    numbers: dict[str, int] = {}
    states = [[numbers.setdefault(text, len(numbers)) for text in astuple(state)] for state in grid.states]
    rows = [[[part.guests, part.cells] for part in row.parts] for family in grid.families for row in family.rows]
    data = {"columns": grid.columns, "texts": list(numbers), "states": states, "rows": rows}
    return f'<template class="data">{escape(json.dumps(data, separators=(",", ":")))}</template>'
