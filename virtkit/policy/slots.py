"""The slot policies A, B and C of January 2019: where each virtio model may sit, and what each choice breaks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.display import Displayable
from virtkit.errors import FactsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue, Guest
    from virtkit.host import Host

__all__ = ["BASELINE", "Comparison", "SlotPolicy", "cells", "compare", "policies", "policy"]

#: The policy that libvirt has, against which the others are compared.
BASELINE = "C"


@dataclass(frozen=True, slots=True, repr=False)
class SlotPolicy(Displayable):
    """Where each virtio model may be placed by itself: "machine" (as the root bus is), "conventional", "express".

    Fits the ``slot_policy`` argument of ``virtkit.resolution.pipeline``.
    """

    name: str
    title: str
    places: Mapping[str, str]
    source: str

    def connect(self, model: str) -> str:
        """The kind of slot for a virtio model; plain virtio's for a name such as virtio-scsi or virtio-mem."""
        return self.places.get(model) or self.places.get("virtio", "machine")

    def __repr__(self) -> str:
        return f"<SlotPolicy {self.name}: {self.title}>"


@cache
def policies() -> Mapping[str, SlotPolicy]:
    """The slot policies by name. Source: data/policies/slot-policies.csv. Raises FactsError."""
    found: dict[str, tuple[str, str, dict[str, str]]] = {}
    for row in facts.table("policies/slot-policies.csv"):
        if row["connect"] not in ("machine", "conventional", "express"):
            raise FactsError(f"policies/slot-policies.csv: {row['policy']}: connect {row['connect']!r}")
        _, _, places = found.setdefault(row["policy"], (row["title"], row["source"], {}))
        places[row["model"]] = row["connect"]
    return MappingProxyType(
        {
            name: SlotPolicy(name, title, MappingProxyType(places), source)
            for name, (title, source, places) in found.items()
        }
    )


def policy(name: str) -> SlotPolicy:
    """The slot policy called ``name``. Raises UsageError."""
    try:
        return policies()[name]
    except KeyError:
        raise UsageError(f"no slot policy {name!r}; known: {', '.join(policies())}") from None


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Displayable):
    """What ``compare`` found, as DataFrames; the index of each is a plain count.

    ``cells``: one row for each policy, guest, kind, machine and model: ``policy`` and the columns of
    ``virtkit.compat.matrix.COLUMNS``.
    ``changed``: cells whose verdict differs from the baseline's: ``policy, guest, family, kind, machine, model,
    before, after, effect, before_placement, placement, reason``; ``effect`` is "better", "worse" or "other".
    ``buses``: one row for each policy, machine, model and kind: ``policy, machine, model, kind, placement,
    interface, buses`` (PCI controllers that one such device causes to be added, int), ``io_window`` (1 when the
    device sits behind a PCIe port with port I/O, of which a q35 has room for 14, else 0), ``refused`` (text).
    ``summary``: one row for each policy: ``policy, title, works, condition, fails, unknown`` (cells), ``better,
    worse`` (against the baseline), ``buses`` and ``io_windows`` (sums over ``buses``), ``guests_broken`` (guests
    with a cell that worked in the baseline and fails here), ``source``.
    ``broken``: ``policy, family, guests, cells, example``: who breaks, by family of guest.
    """

    cells: pd.DataFrame
    changed: pd.DataFrame
    buses: pd.DataFrame
    summary: pd.DataFrame
    broken: pd.DataFrame

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.summary["policy"]))
        return f"<Comparison of slot policies {names}: {len(self.cells)} cells, {len(self.changed)} changed>"


def cells(
    name: str,
    guests: str | Sequence[Guest | str] | None = None,
    machines: str | Iterable[str] | None = None,
    kinds: str | Iterable[str] | None = None,
    models: str | Iterable[str] | None = None,
    *,
    overrides: bool = True,
    host: Host | None = None,
    guest_database: Catalogue | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The compatibility matrix under one slot policy, and the buses that it adds; columns as in Comparison.

    Raises UsageError and GuestError for a selection that fits nothing.
    """
    import pandas as pd

    from virtkit.compat.matrix import matrix, select_kinds, select_machines, select_models
    from virtkit.compat.prober import Prober
    from virtkit.host import Host as TheHost

    host = host or TheHost.default()
    prober = Prober(host, policy=policy(name))
    frame = pd.DataFrame(
        matrix(
            guests,
            machines,
            models,
            kinds,
            overrides=overrides,
            host=host,
            guest_database=guest_database,
            prober=prober,
        )
    )
    rows = []
    for machine in select_machines(machines, host):
        for model in select_models(models):
            for kind in select_kinds(kinds):
                placed, shown = prober.shown(prober.machine(machine), kind, model)
                interface = shown.interface.value if shown and shown.interface else "refused"
                refused = placed.refusal or (shown.message if shown and not shown.interface else "")
                window = int(placed.location == "pcie-port" and interface in ("legacy", "transitional"))
                rows.append((name, machine, model, kind, placed.location, interface, placed.buses, window, refused))
    columns = ["policy", "machine", "model", "kind", "placement", "interface", "buses", "io_window", "refused"]
    frame.insert(0, "policy", pd.Series([name] * len(frame), dtype="category"))
    return frame, pd.DataFrame(rows, columns=columns)


def compare(
    guests: str | Sequence[Guest | str] | None = None,
    machines: str | Iterable[str] | None = None,
    kinds: str | Iterable[str] | None = None,
    models: str | Iterable[str] | None = None,
    *,
    names: Sequence[str] = ("A", "B", "C"),
    baseline: str = BASELINE,
    overrides: bool = True,
    host: Host | None = None,
    guest_database: Catalogue | None = None,
) -> Comparison:
    """The slot policies side by side on the same guests and machines: which cells change, what it costs, who breaks.

    Selections as in ``virtkit.matrix``; the defaults are all guests, pc and q35, all kinds and models. Every
    policy of ``names`` and the ``baseline`` is resolved for itself. Raises UsageError and GuestError.

    >>> from virtkit.policy import slots
    >>> slots.compare(guests="ubuntu24.04", kinds="block", names=("B", "C"))
    <Comparison of slot policies B, C: 12 cells, 1 changed>
    """
    import pandas as pd
    from pandas.api.types import union_categoricals

    from virtkit.guests import catalogue

    wanted = list(dict.fromkeys((*names, baseline)))
    made = {
        name: cells(
            name, guests, machines, kinds, models, overrides=overrides, host=host, guest_database=guest_database
        )
        for name in wanted
    }
    family = {guest.id: guest.family for guest in guest_database or catalogue()}
    base = made[baseline][0]
    changed = pd.concat([_changed(made[name][0], base, family) for name in wanted], ignore_index=True)
    buses = pd.concat([made[name][1] for name in wanted], ignore_index=True)
    summary = pd.DataFrame([_summary(name, made[name][0], changed, buses) for name in wanted])
    broken = (
        changed[changed["effect"] == "worse"]
        .replace({"family": {"": "other"}})
        .groupby(["policy", "family"], sort=True)
        .agg(guests=("guest", "nunique"), cells=("guest", "size"), example=("guest", "first"))
        .reset_index()
    )
    frames = [made[name][0] for name in wanted]
    every = pd.DataFrame({name: union_categoricals([f[name] for f in frames]) for name in frames[0]})
    return Comparison(every, changed, buses, summary, broken)


_RANK = MappingProxyType({"fails": 0, "works-with-condition": 1, "works": 2})


def _effect(before: str, after: str) -> str:
    if "unknown" in (before, after):
        return "other"
    return "better" if _RANK[after] > _RANK[before] else "worse"


def _changed(frame: pd.DataFrame, base: pd.DataFrame, family: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    after, before = frame["verdict"].astype(str), base["verdict"].astype(str)
    differ = (after != before).to_numpy()
    now, then = frame[differ], base[differ]
    steps = zip(then["verdict"].astype(str), now["verdict"].astype(str), strict=True)
    effect = [_effect(old, new) for old, new in steps]
    guest = now["guest"].astype(str)
    return pd.DataFrame(
        {
            "policy": now["policy"].astype(str),
            "guest": guest,
            "family": [family[name] for name in guest],
            "kind": now["kind"].astype(str),
            "machine": now["machine"].astype(str),
            "model": now["model"].astype(str),
            "before": then["verdict"].astype(str),
            "after": now["verdict"].astype(str),
            "effect": effect,
            "before_placement": then["placement"].astype(str),
            "placement": now["placement"].astype(str),
            "reason": now["reason"].astype(str),
        }
    )


def _summary(name: str, frame: pd.DataFrame, changed: pd.DataFrame, buses: pd.DataFrame) -> dict[str, object]:
    counts = frame["verdict"].value_counts()
    mine = changed[changed["policy"] == name]
    return {
        "policy": name,
        "title": policies()[name].title,
        "works": int(counts.get("works", 0)),
        "condition": int(counts.get("works-with-condition", 0)),
        "fails": int(counts.get("fails", 0)),
        "unknown": int(counts.get("unknown", 0)),
        "better": int((mine["effect"] == "better").sum()),
        "worse": int((mine["effect"] == "worse").sum()),
        "buses": int(buses.loc[buses["policy"] == name, "buses"].sum()),
        "io_windows": int(buses.loc[buses["policy"] == name, "io_window"].sum()),
        "guests_broken": int(mine.loc[mine["effect"] == "worse", "guest"].nunique()),
        "source": policies()[name].source,
    }
