"""A small table as HTML: escaped, verdicts with glyph, word and colour, long ones cut with a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from numbers import Number
from typing import TYPE_CHECKING

from virtkit.draw.page import said, static
from virtkit.draw.palette import LOOKS, clean, verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Html", "Svg", "folded", "preformatted", "table"]

_LONG = 48  # signs of a text that wants a column of some width


class Html:
    """HTML that shows itself in a notebook."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self) -> str:
        # A page has its styles already; JupyterLab has its own idea of a table.
        return f"<style>{static('jupyter.css')}</style>{self.text}" if 'class="vk' in self.text else self.text


class Svg:
    """A picture that shows itself in a notebook as it is, without being parsed again."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_svg_(self) -> str:
        return self.text


def preformatted(text: str, summary: str = "") -> Html:
    """Text as it stands; folded away under ``summary`` when there is one."""
    inside = f"<pre>{escape(text)}</pre>"
    return Html(f"<details><summary>{said(summary)}</summary>{inside}</details>" if summary else inside)


def folded(inside: Html, summary: str, *, open_: bool = False) -> Html:
    """HTML folded away under ``summary``, or shown at first when ``open_``."""
    return Html(f"<details{' open' if open_ else ''}><summary>{said(summary)}</summary>{inside.text}</details>")


def table(
    frame: pd.DataFrame,
    *,
    columns: Sequence[str] | Mapping[str, str] | None = None,
    verdicts: Sequence[str] = ("verdict", "before", "after"),
    limit: int = 200,
    caption: str = "",
) -> Html:
    """A DataFrame as an HTML table, without its index.

    ``columns`` are the columns to show, or a mapping of columns to their headings; columns named in ``verdicts``
    are shown with glyph and colour, numbers to the right. Beyond ``limit`` rows a line says how many more there are.
    """
    names = list(frame.columns) if columns is None else list(columns)
    heads = dict(columns) if isinstance(columns, Mapping) else {name: str(name).replace("_", " ") for name in names}
    parts = ['<div class="vkt"><table>']
    if caption:
        parts.append(f"<caption>{said(caption)}</caption>")
    numbers = {name for name in names if frame[name].dtype.kind in "iuf"}
    marked = (f"<th scope=col{' class=num' if name in numbers else ''}>{said(heads[name])}</th>" for name in names)
    parts.append(f"<thead><tr>{''.join(marked)}</tr></thead><tbody>")
    for values in frame[names].head(limit).itertuples(index=False):
        cells = (_cell(value, name in verdicts) for name, value in zip(names, values, strict=True))
        parts.append(f"<tr>{''.join(cells)}</tr>")
    parts.append("</tbody></table>")
    if len(frame) > limit:
        parts.append(f'<p class="n">and {len(frame) - limit} more rows, in the CSV</p>')
    parts.append("</div>")
    return Html("".join(parts))


def _cell(value: object, judged: bool) -> str:
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, Number):
        return f"<td class=num>{'' if value != value else escape(f'{value:,}')}</td>"
    text = "" if value is None or value != value else clean(value)
    if judged:
        look = verdict(text)
        return f'<td class="{LOOKS.get(text, "")}">{escape(f"{look.glyph} {text}" if text else "")}</td>'
    return f"<td{' class=long' if len(text) > _LONG else ''}>{escape(text)}</td>"
