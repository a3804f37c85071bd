"""What changed from one matrix to the next: cells whose verdict or interface flipped, told in few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Flip", "flips"]

_KEY = ["guest", "kind", "machine", "model"]


@dataclass(frozen=True, slots=True)
class Flip:
    """Cells that changed alike: ``count`` of them, told by ``text``."""

    text: str
    count: int


def flips(before: pd.DataFrame, after: pd.DataFrame) -> list[Flip]:
    """Cells of both matrices whose verdict differs, put together by guest and by what became what; sorted.

    Both frames have the columns of ``virtkit.matrix``. Cells that only one of them has are no change.
    """
    columns = [*_KEY, "verdict"]
    both = before[columns].astype("str").merge(after[columns].astype("str"), on=_KEY, suffixes=("_before", "_after"))
    changed = both[both["verdict_before"] != both["verdict_after"]]
    found = []
    for (guest, old, new), rows in changed.groupby(["guest", "verdict_before", "verdict_after"], sort=True):
        where = [f"{kind} {model} on {machine}" for kind, machine, model in rows[_KEY[1:]].itertuples(index=False)]
        shown = "; ".join(where[:3]) + (f"; and {len(where) - 3} more" if len(where) > 3 else "")
        found.append(Flip(f"{guest}: {old} became {new} for {shown}", len(where)))
    return found
