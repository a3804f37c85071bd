"""The compatibility matrix as HTML: guests with equal cells in one row, and the reason of every cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from virtkit.draw.changes import flips
from virtkit.draw.grid import Grid, Part, Row, State, arrange
from virtkit.draw.html import escape_text, static
from virtkit.draw.labels import Label
from virtkit.draw.page import document
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["html_fragment", "html_page"]

# The CSS class and the word of a cell by its verdict; matrix.css adds the glyph of the class.
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
    ("w", "works", "as libvirt places the device, with the in-box drivers of the guest"),
    ("c", "if", "works if the numbered condition holds"),
    ("f", "fails", "the guest has no driver for the interface of the device"),
    ("u", "unknown", "the guest database does not say"),
    ("r", "refused", "libvirt or QEMU refuses the device"),
)
# The reasons of a cell: the states of its guests and, where there are several, the names and number of the guests.
_Why = tuple[tuple[int, tuple[str, ...], int], ...]
_SPANS = 2  # ranges of releases that a collapsed row names; the rest is counted


def html_page(
    frame: pd.DataFrame,
    title: str,
    labels: Mapping[str, Label],
    *,
    footnotes: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
    csv: str = "",
    home: str = "",
) -> str:
    """A self-contained page of a matrix.

    ``frame`` and ``labels`` as for ``grid.arrange``. ``footnotes`` are sentences under the table; ``previous`` is an
    earlier matrix, whose differences are listed above the table; ``csv`` is the relative URL of the same matrix as CSV,
    ``home`` that of the page that links here. The page can be read without JavaScript, which adds a filter, folding,
    arrow keys, a panel with the reason of a cell, and a CSV of the rows shown.
    """
    inside = html_fragment(frame, labels, footnotes=footnotes, previous=previous, csv=csv, styled=False)
    back = f'<p class="noprint"><a href="{escape_text(home)}">← The report</a></p>' if home else ""
    body = f"<header>{back}<h1>{escape_text(title)}</h1></header>\n<main>\n{inside}</main>"
    return document(title, body, styles=("matrix.css",), scripts=("matrix.js",))


def html_fragment(
    frame: pd.DataFrame,
    labels: Mapping[str, Label],
    *,
    footnotes: Sequence[str] = (),
    previous: pd.DataFrame | None = None,
    csv: str = "",
    prefix: str = "m",
    styled: bool = True,
) -> str:
    """The matrix as a fragment of a page; ``prefix`` makes the ids of several matrices in one page distinct."""
    grid = arrange(frame, labels)
    conditions = {text: n for n, text in enumerate(dict.fromkeys(s.condition for s in grid.states if s.condition), 1)}
    whys: dict[_Why, str] = {}
    body: list[str] = []
    for family in grid.families:
        size = f"{counted(family.guests, 'guest')} in {counted(len(family.rows), 'row')}"
        title = f'{escape_text(family.title)} <span class="n">{size}</span>'
        body.append(
            f'<tbody><tr class="fam"><th colspan="{len(grid.columns) + 1}"><span class="name">'
            f"{title}</span></th></tr>"
        )
        for row in family.rows:
            body.append(f"{_row_head(row, labels)}{''.join(_cells(grid, row, conditions, whys, prefix))}")
        body.append("</tbody>")
    columns = json.dumps([f"{kind}, {machine}, {model}" for kind, machine, model in grid.columns])
    parts = [
        f"<style>{static('matrix.css')}{static('jupyter.css')}</style>" if styled else "",
        '<div class="vkm">',
        *_changes(frame, previous),
        *_bar(csv),
        *_legend(grid),
        '<div class="scroll" tabindex="0" role="region" aria-label="compatibility matrix">'
        f'<table data-columns="{escape_text(columns)}">',
        *_head(grid),
        *body,
        '</table></div><p class="none noprint" hidden></p>',
        '<div class="panel" hidden aria-live="polite">'
        "To read the reason of a cell, point at it, tap it, or move to it with Tab and the arrow keys.</div>",
        *_notes(conditions, footnotes, prefix),
        *_reasons(grid, conditions, whys),
        _data(grid, labels),
        "</div>\n",
    ]
    return "\n".join(part for part in parts if part)


def _changes(frame: pd.DataFrame, previous: pd.DataFrame | None) -> Iterator[str]:
    yield "<!--changes-->"
    if previous is None:
        return
    found = flips(previous, frame)
    if not found:
        yield '<p class="soft">No cell changed since the previous run.</p>'
        return
    heading = f"{counted(sum(flip.count for flip in found), 'cell')} changed since the previous run"
    yield f'<details class="changes" open><summary>{heading}</summary><ul>'
    for flip in found:
        yield f"<li>{escape_text(flip.text)}</li>"
    yield "</ul></details>"


def _bar(csv: str) -> Iterator[str]:
    options = "".join(f'<option value="{name}">{escape_text(word)}</option>' for name, word, _ in _LEGEND)
    yield (
        '<div class="bar noprint" hidden><label>Filter '
        '<input type="search" placeholder="rhel 6.10, server 2022, …"></label>'
        f'<label>with a cell that is <select><option value="">any verdict</option>{options}</select></label>'
        '<output aria-live="polite"></output><button type="button">CSV of the rows shown</button></div>'
    )
    if csv:
        yield f'<p class="noprint"><a href="{escape_text(csv)}" download>All cells as CSV</a></p>'


def _head(grid: Grid) -> Iterator[str]:
    yield '<thead><tr><th class="corner" rowspan="3">Guest</th>'
    for kind, run in groupby(grid.columns, key=lambda column: column[0]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup"><span>{escape_text(kind)}</span></th>'
    yield "</tr><tr>"
    for (_, machine), run in groupby(grid.columns, key=lambda column: column[:2]):
        yield f'<th colspan="{len(list(run))}" scope="colgroup"><span>{escape_text(machine)}</span></th>'
    yield '</tr><tr class="last">'
    for _, _, model in grid.columns:
        yield f'<th scope="col">{escape_text(_MODEL.get(model, model))}</th>'
    yield "</tr></thead>"


def _row_head(row: Row, labels: Mapping[str, Label]) -> str:
    first = ", ".join(row.spans[:_SPANS])
    if len(row.guests) == 1:
        inside = f'<span class="name">{escape_text(first)}</span>'
    else:
        rest = len(row.spans) - _SPANS
        more = f" and {rest} more" if rest > 0 else ""
        names = row.spans if len(row.spans) > 1 else [labels[ident].name for ident in row.guests]
        listed = "".join(f"<li>{escape_text(name)}" for name in names)
        inside = (
            f'<details><summary><span class="name">{escape_text(first)}{more}</span> '
            f'<span class="n">({len(row.guests)} guests)</span></summary><ul>{listed}</ul></details>'
        )
    return f'<tr class="row"><th scope="row">{inside}</th>'


def _look(state: State) -> tuple[str, str]:
    if state.interface == "refused":
        return _CELL["refused"]
    return _CELL.get(state.verdict) or ("u", escape_text(state.verdict))


def _cells(grid: Grid, row: Row, conditions: Mapping[str, int], whys: dict[_Why, str], prefix: str) -> Iterator[str]:
    """The cells of a row, each with a link to its reasons; ``whys`` numbers those met so far."""
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
            yield f'<span class="item"><span class="key {name}">{word}</span>{meaning}</span> '
    yield "</p>"


def _notes(conditions: Mapping[str, int], footnotes: Sequence[str], prefix: str) -> Iterator[str]:
    if conditions:
        yield "<h3>Conditions</h3><ol>"
        for text, number in conditions.items():
            yield f'<li id="{prefix}c{number}">{escape_text(text)}</li>'
        yield "</ol>"
    for note in footnotes:
        yield f"<p>{escape_text(note)}</p>"
    yield '<p class="onpaper">The reason and source of every cell are in the CSV and on the page on a screen.</p>'


def _reasons(grid: Grid, conditions: Mapping[str, int], whys: Mapping[_Why, str]) -> Iterator[str]:
    yield f'<details><summary>{counted(len(whys), "reason")} with evidence and source</summary><ol class="why">'
    for why, ident in whys.items():
        state = grid.states[why[0][0]]
        word = _look(state)[1] if state.interface == "refused" else state.verdict or "no verdict"
        interface = condition = ""
        if state.interface not in ("", "refused"):
            interface = f" with the {escape_text(state.interface)} interface"
        if state.condition:
            condition = f" Condition {conditions[state.condition]}: {escape_text(state.condition)}."
        yield f'<li id="{ident}"><b>{escape_text(word)}</b>{interface}.{condition}'
        states = [grid.states[code] for code, _, _ in why]
        reasons = {_reason(state) for state in states}
        yield f" {escape_text(_sentence(reasons.pop()))}. " if len(reasons) == 1 else " "
        if len(why) == 1:
            yield _source(state)
            continue
        yield "<ul>"
        for state, (_, spans, guests) in zip(states, why, strict=True):
            own = f"{_reason(state)}. " if reasons else ""
            yield f"<li>{escape_text(_named(spans, guests))}: {escape_text(own)}{_source(state)}"
        yield "</ul>"
    yield "</ol></details>"


def _named(spans: tuple[str, ...], guests: int) -> str:
    if len(spans) <= _SPANS + 1:
        return ", ".join(spans)
    return f"{', '.join(spans[:_SPANS])} and {len(spans) - _SPANS} more, {counted(guests, 'guest')}"


def _reason(state: State) -> str:
    return ": ".join(text for text in (f"at {state.placement}" if state.placement else "", state.reason) if text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _source(state: State) -> str:
    return f'<span class="n">{escape_text(f"{state.evidence}: {state.source}")}</span>'


def _data(grid: Grid, labels: Mapping[str, Label]) -> str:
    """The whole matrix as JSON for the script, each text once: rows as on the page, with guests, names and states."""
    numbers: dict[str, int] = {}
    states = [[numbers.setdefault(text, len(numbers)) for text in astuple(state)] for state in grid.states]
    rows = [[[part.guests, part.cells] for part in row.parts] for family in grid.families for row in family.rows]
    names = {ident: labels[ident].name for family in grid.families for row in family.rows for ident in row.guests}
    data = {"columns": grid.columns, "texts": list(numbers), "states": states, "rows": rows, "names": names}
    return f'<template class="data">{escape(json.dumps(data, separators=(",", ":")))}</template>'
