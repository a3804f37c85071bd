"""Questions put to a matrix: selections of its rows, with no rule of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["needs_transitional"]


def needs_transitional(frame: pd.DataFrame) -> pd.DataFrame:
    """The guests for which plain virtio fails where virtio-transitional works.

    ``frame`` as ``virtkit.matrix`` gives it. One row for each guest and machine: guest, machine, kinds (text, those
    for which it is so), reason (of the first). Empty when the frame lacks either model.
    """
    import pandas as pd

    columns = ["guest", "machine", "kind", "model", "verdict", "reason"]
    plain = frame[columns].astype("str")
    fails = plain[(plain["model"] == "virtio") & (plain["verdict"] == "fails")].drop(columns=["model", "verdict"])
    works = plain[(plain["model"] == "virtio-transitional") & (plain["verdict"] == "works")]
    both = fails.merge(works[["guest", "machine", "kind"]], on=["guest", "machine", "kind"])
    if both.empty:
        return pd.DataFrame(columns=["guest", "machine", "kinds", "reason"])
    grouped = both.groupby(["guest", "machine"], sort=False)
    return grouped.agg(kinds=("kind", ", ".join), reason=("reason", "first")).reset_index()
