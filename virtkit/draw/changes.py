"""The difference of two matrices: sentences on the cells whose verdict changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Flip", "flips"]

_SHOWN = 3  # guests, and cells, that a sentence names
_KEY = ["guest", "kind", "machine", "model"]


@dataclass(frozen=True, slots=True)
class Flip:
    """Cells with the same change: their ``count``, and a sentence as ``text``."""

    text: str
    count: int


def flips(before: pd.DataFrame, after: pd.DataFrame) -> list[Flip]:
    """Cells of both matrices whose verdict differs; guests with the same changes share a sentence; sorted.

    Both frames have the columns of ``virtkit.matrix``. Cells that are in one of them only are ignored.
    """
    columns = [*_KEY, "verdict"]
    both = before[columns].astype("str").merge(after[columns].astype("str"), on=_KEY, suffixes=("_before", "_after"))
    changed = both[both["verdict_before"] != both["verdict_after"]]
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for key, rows in changed.groupby(["guest", "verdict_before", "verdict_after"], sort=True):
        guest, old, new = map(str, key)
        where = tuple(f"{kind} {model} on {machine}" for kind, machine, model in rows[_KEY[1:]].itertuples(index=False))
        alike.setdefault((old, new, where), []).append(guest)
    found = []
    for (old, new, where), guests in alike.items():
        text = f"{_few(guests, ', ', ' and')}: {old} became {new} for {_few(where, '; ', '; and')}"
        found.append(Flip(text, len(guests) * len(where)))
    return found


def _few(words: Sequence[str], between: str, last: str) -> str:
    more = f"{last} {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return between.join(words[:_SHOWN]) + more
