"""A long DataFrame as an HTML table of its first rows; a script of the page filters the others, which it carries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from virtkit.draw.html import Html, escape_text
from virtkit.draw.html_table import cell, heads, table_rows
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["long_table"]

_SHOWN = 100
_BYTES = 300_000  # of the rows that a page carries


def long_table(
    frame: pd.DataFrame,
    name: str,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    verdicts: Sequence[str] = ("verdict", "before", "after"),
    shown: int = _SHOWN,
    most: int = _BYTES,
) -> Html:
    """A DataFrame as an HTML table of its first ``shown`` rows, without its index.

    The page carries the other rows as text of at most ``most`` bytes, and its script filters all that it carries and
    shows further ones. ``name`` is that of the file with all rows, without an ending; ``columns`` and ``verdicts`` are
    those of ``table``. A table with no more rows than are shown has no filter.
    """
    names = list(frame.columns) if columns is None else list(columns)
    body = "".join(table_rows(frame.head(shown), names, verdicts))
    table = f"<table><thead><tr>{heads(frame, names, columns)}</tr></thead><tbody>{body}</tbody></table>"
    if len(frame) <= shown:
        return Html(f'<div class="vkt">{table}</div>')
    carried, data = _carried(frame, names, verdicts, most)
    files = f"all {len(frame):,} rows: {escape_text(name)}.parquet and {escape_text(name)}.csv"
    kept = "" if carried == len(frame) else f"; the filter covers the first {carried:,} rows"
    bar = '<p class="bar noprint" hidden><label>Filter <input type="search"></label> <output></output></p>'
    more = '<p class="noprint"><button type="button" class="more" hidden>Show more</button></p>'
    note = f'<p class="n"><span class="count">The first {counted(shown, "row")}</span>; {files}{kept}</p>'
    return Html(f'<div class="vkt vkl">{bar}{table}{more}{note}<template class="data">{data}</template></div>')


def _carried(
    frame: pd.DataFrame, names: Sequence[str], verdicts: Sequence[str], most: int
) -> tuple[int, str]:
    """How many rows the page carries, and they themselves as JSON: for each column its distinct cells as a pair of text
    and class, and for each row the place of its cell."""
    kept: list[dict[tuple[str, str], int]] = [{} for _ in names]
    codes: list[list[int]] = [[] for _ in names]
    size = count = 0
    for values in frame[list(names)].itertuples(index=False):
        cells = [cell(value, name in verdicts) for name, value in zip(names, values, strict=True)]
        size += sum(
            len(str(len(known))) + 1 + (0 if one in known else len(json.dumps(one)) + 1)
            for known, one in zip(kept, cells, strict=True)
        )
        if size > most:
            break
        for known, column, one in zip(kept, codes, cells, strict=True):
            column.append(known.setdefault(one, len(known)))
        count += 1
    found = {"cells": [list(known) for known in kept], "rows": codes}
    data = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    # As text of an element: no sign of markup is left.
    return count, data.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
