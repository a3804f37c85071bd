"""The systems of a matrix that need virtio-transitional: selections of its rows, without rules of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["by_release_range", "needs_transitional"]


def needs_transitional(frame: pd.DataFrame) -> pd.DataFrame:
    """The guests for which plain virtio fails and virtio-transitional works.

    ``frame`` is a result of ``virtkit.matrix``. The result has one row for each guest and machine: guest, machine,
    kinds (text: the kinds of device concerned), reason (of the first kind). It is empty when the frame lacks either
    model.
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


def by_release_range(needing: pd.DataFrame) -> pd.DataFrame:
    """The table of ``needs_transitional`` with the releases of a system merged into ranges, as in the matrix.

    One row for each family, machine and set of kinds: family, machine, kinds, count (number of systems), systems (text:
    names with ranges of releases).
    """
    import pandas as pd

    from virtkit.draw.grid import merged
    from virtkit.draw.labels import FAMILIES
    from virtkit.notebook.guests import guest_labels

    known = guest_labels(needing["guest"])
    rows = []
    for machine, mine in needing.groupby("machine", sort=False):
        kinds = dict(zip(mine["guest"], mine["kinds"], strict=True))
        ordered = sorted((known[guest] for guest in kinds), key=lambda entry: entry.order)
        keys = {
            entry.id: (FAMILIES.get(entry.family) or entry.family or "Others", kinds[entry.id]) for entry in ordered
        }
        for (family, which), spans, systems in merged(ordered, keys):
            rows.append((family, machine, which, len(systems), ", ".join(spans)))
    return pd.DataFrame(rows, columns=["family", "machine", "kinds", "count", "systems"])
