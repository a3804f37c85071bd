"""A DataFrame as a small HTML table: escaped, verdicts with glyph, word and colour, long tables cut with a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from numbers import Number
from typing import TYPE_CHECKING

from virtkit.draw.html import Html, escape_text
from virtkit.draw.palette import LOOKS, clean, verdict
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["table"]

_LONG = 48  # characters from which a text gets a wide column


def table(
    frame: pd.DataFrame,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    verdicts: Sequence[str] = ("verdict", "before", "after"),
    limit: int = 200,
    caption: str = "",
) -> Html:
    """A DataFrame as an HTML table, without its index.

    ``columns`` are the columns to show, or a mapping of columns to headings. Columns named in ``verdicts`` get a glyph
    and a colour, numbers are aligned to the right. Beyond ``limit`` rows a line says how many more there are.
    """
    names = list(frame.columns) if columns is None else list(columns)
    heads = dict(columns) if isinstance(columns, Mapping) else {name: str(name).replace("_", " ") for name in names}
    parts = ['<div class="vkt"><table>']
    if caption:
        parts.append(f"<caption>{escape_text(caption)}</caption>")
    numbers = {name for name in names if frame[name].dtype.kind in "iuf"}
    parts.append("<thead><tr>")
    for name in names:
        parts.append(f"<th scope=col{' class=num' if name in numbers else ''}>{escape_text(heads[name])}</th>")
    parts.append("</tr></thead><tbody>")
    for values in frame[names].head(limit).itertuples(index=False):
        cells = (_cell(value, name in verdicts) for name, value in zip(names, values, strict=True))
        parts.append(f"<tr>{''.join(cells)}</tr>")
    parts.append("</tbody></table>")
    if len(frame) > limit:
        parts.append(f'<p class="n">and {counted(len(frame) - limit, "more row")}, in the CSV</p>')
    parts.append("</div>")
    return Html("".join(parts))


def _cell(value: object, is_verdict: bool) -> str:
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, Number):
        return f"<td class=num>{'' if value != value else escape(f'{value:,}')}</td>"
    text = "" if value is None or value != value else clean(value)
    if is_verdict:
        look = verdict(text)
        return f'<td class="{LOOKS.get(text, "")}">{escape(f"{look.glyph} {text}" if text else "")}</td>'
    return f"<td{' class=long' if len(text) > _LONG else ''}>{escape(text)}</td>"
