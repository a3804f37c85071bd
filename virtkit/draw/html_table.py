"""A DataFrame as a small HTML table: escaped, verdicts with glyph, word and colour, long tables cut with a count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from numbers import Number
from typing import TYPE_CHECKING

from virtkit.draw.html import Html, escape_text
from virtkit.draw.palette import LOOKS, clean, verdict
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cell", "heads", "table", "table_rows"]

_LONG = 32  # characters from which a text gets a wide column


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
    parts = ['<div class="vkt"><table>']
    if caption:
        parts.append(f"<caption>{escape_text(caption)}</caption>")
    parts.append(f"<thead><tr>{heads(frame, names, columns)}</tr></thead><tbody>")
    parts += table_rows(frame.head(limit), names, verdicts)
    parts.append("</tbody></table>")
    if len(frame) > limit:
        parts.append(f'<p class="n">and {counted(len(frame) - limit, "more row")}, in the CSV</p>')
    parts.append("</div>")
    return Html("".join(parts))


def heads(frame: pd.DataFrame, names: Sequence[str], columns: Sequence[str] | Mapping[str, str] | None) -> str:
    """The cells of the head of a table; ``columns`` may map columns to headings."""
    words = dict(columns) if isinstance(columns, Mapping) else {name: str(name).replace("_", " ") for name in names}
    numbers = {name for name in names if frame[name].dtype.kind in "iuf"}
    return "".join(
        f"<th scope=col{' class=num' if name in numbers else ''}>{escape_text(words[name])}</th>" for name in names
    )


def table_rows(frame: pd.DataFrame, names: Sequence[str], verdicts: Sequence[str]) -> Iterator[str]:
    """Each row of a DataFrame as HTML, with the columns ``names``; those in ``verdicts`` get a glyph and a colour."""
    for values in frame[list(names)].itertuples(index=False):
        cells = [cell(value, name in verdicts) for name, value in zip(names, values, strict=True)]
        row = (f"<td{f' class={look}' if look else ''}>{escape(text)}</td>" for text, look in cells)
        yield f"<tr>{''.join(row)}</tr>"


def cell(value: object, is_verdict: bool) -> tuple[str, str]:
    """The text of a cell and its CSS class ("" for none)."""
    if isinstance(value, bool):
        return ("yes" if value else "no"), ""
    if isinstance(value, Number):
        return ("" if value != value else f"{value:,}"), "num"
    text = "" if value is None or value != value else clean(value)
    if is_verdict:
        return (f"{verdict(text).glyph} {text}" if text else ""), LOOKS.get(text, "")
    return text, "long" if len(text) > _LONG else ""
