"""Tables for people in which rows that say the same share a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from virtkit.wording import few

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["folded"]


def folded(frame: pd.DataFrame, *columns: str, count: str = "") -> pd.DataFrame:
    """``frame`` with one row for rows that differ in one of ``columns`` only, in the order of the first of them.

    The columns are folded one after the other, so a row with several values in two columns stands for all of their
    combinations. Values are joined by commas, each once; the first few are named and the others counted. ``count``
    names a further column with the number of rows; "" adds none.
    """
    order = [*([count] if count else []), *frame.columns]
    found = frame.assign(**{name: frame[name].map(lambda value: (value,)) for name in columns})
    found[count or "rows"] = 1
    for name in columns:
        others = [other for other in frame.columns if other != name]
        groups = found.groupby(others, sort=False, dropna=False)
        found = groups.agg({name: _united, count or "rows": "sum"}).reset_index()
    for name in columns:
        found[name] = found[name].map(lambda values: few([str(value) for value in values]))
    return found[order]


def _united(values: Iterable[tuple[object, ...]]) -> tuple[object, ...]:
    """All values of some rows, each once."""
    return tuple(dict.fromkeys(value for some in values for value in some))
