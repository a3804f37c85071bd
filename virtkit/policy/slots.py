"""The slot policies A, B and C that libvirt discussed in 2019: where each virtio model is placed, and what breaks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.matrix import matrix, select_kinds, select_machines, select_models
from virtkit.compat.prober import Prober
from virtkit.display import Displayable
from virtkit.errors import FactsError, UsageError
from virtkit.guests.catalogue import catalogue
from virtkit.host import Host
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue, Guest

__all__ = ["BASELINE", "Comparison", "SlotPolicy", "cells", "compare", "policies", "policy", "saved_on_pc"]

#: The policy of libvirt, with which the others are compared.
BASELINE = "C"


@dataclass(frozen=True, slots=True, repr=False)
class SlotPolicy(Displayable):
    """The kind of slot for each virtio model: "machine" (that of the root bus), "conventional" or "express".

    ``slots`` maps models to kinds of slot. ``vk.resolve`` takes it as ``slot_policy``.
    """

    name: str
    title: str
    slots: Mapping[str, str]
    source: str

    def connect(self, model: str) -> str:
        """The kind of slot for a virtio model; that of plain virtio for a name such as virtio-scsi or virtio-mem."""
        return self.slots.get(model) or self.slots.get("virtio", "machine")

    def __repr__(self) -> str:
        return f"<SlotPolicy {self.name}: {self.title}>"


@cache
def policies() -> Mapping[str, SlotPolicy]:
    """The slot policies by name. Source: data/policies/slot-policies.csv. Raises FactsError."""
    found: dict[str, tuple[str, str, dict[str, str]]] = {}
    for row in facts.table("policies/slot-policies.csv"):
        if row["connect"] not in ("machine", "conventional", "express"):
            where = f"policies/slot-policies.csv: {row['policy']}"
            raise FactsError(f"{where}: expected connect machine, conventional or express, got {row['connect']!r}")
        _, _, models = found.setdefault(row["policy"], (row["title"], row["source"], {}))
        models[row["model"]] = row["connect"]
    return MappingProxyType(
        {
            name: SlotPolicy(name, title, MappingProxyType(models), source)
            for name, (title, source, models) in found.items()
        }
    )


def policy(name: str) -> SlotPolicy:
    """The slot policy called ``name``. Raises UsageError."""
    try:
        return policies()[name]
    except KeyError:
        raise UsageError(f"no slot policy {name!r}; expected one of {', '.join(policies())}") from None


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Displayable):
    """The slot policies compared, as DataFrames; the index of each counts from 0.

    ``cells``: one row for each policy, guest, kind, machine and model: ``policy`` and the columns of
    ``virtkit.compat.matrix.COLUMNS``.
    ``changed``: cells whose verdict differs from the baseline's: ``policy, guest, family, kind, machine, model,
    before, after, effect, before_placement, placement, reason``; ``effect`` is "better", "worse" or "other".
    ``buses``: one row for each policy, machine, model and kind: ``policy, machine, model, kind, placement,
    interface, buses`` (PCI controllers that libvirt adds for one such device, int), ``io_window`` (1 when the device
    has port I/O and is behind a PCIe port, where it takes a window of port I/O space, else 0), ``refused`` (text).
    ``summary``: one row for each policy: ``policy, title, works, condition, fails, unknown`` (cells), ``better,
    worse`` (against the baseline), ``buses`` and ``io_windows`` (sums over ``buses``), ``guests_broken`` (guests
    with a cell that works in the baseline and fails here), ``source``.
    ``broken``: ``policy, family, guests, cells, example``: the guests that break, by family.
    """

    cells: pd.DataFrame
    changed: pd.DataFrame
    buses: pd.DataFrame
    summary: pd.DataFrame
    broken: pd.DataFrame

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.summary["policy"]))
        return f"<Comparison of slot policies {names}: {counted(len(self.cells), 'cell')}, {len(self.changed)} changed>"


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

    Raises UsageError and GuestError for a selection that names nothing.
    """
    import pandas as pd

    host = host or Host.default()
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
                placement, shown = prober.shown(prober.machine(machine), kind, model)
                interface = shown.interface.value if shown and shown.interface else "refused"
                refused = placement.refusal or (shown.message if shown and not shown.interface else "")
                location, buses = placement.location, placement.buses
                window = int(location == "pcie-port" and interface in ("legacy", "transitional"))
                rows.append((name, machine, model, kind, location, interface, buses, window, refused))
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
    """The slot policies compared on the same guests and machines: which cells change, the buses, the guests that break.

    Selections as in ``virtkit.matrix``; the defaults are all guests, pc and q35, all kinds and models. Every policy of
    ``names`` and the ``baseline`` is resolved separately. Raises UsageError and GuestError.

    >>> from virtkit.policy import slots
    >>> slots.compare(guests="ubuntu24.04", kinds="block", names=("B", "C"))
    <Comparison of slot policies B, C: 12 cells, 1 changed>
    """
    import pandas as pd
    from pandas.api.types import union_categoricals

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


def saved_on_pc(buses: pd.DataFrame) -> pd.DataFrame:
    """What pc would save: the PCI controllers that libvirt adds for one device of each kind, on q35 and on pc.

    ``buses`` is that of a Comparison. Columns: ``policy, model, kinds`` (int: the kinds accepted on both machines),
    ``q35, pc, saved`` (PCI controllers, int). No row for a policy that was not compared on both machines.
    """
    import pandas as pd

    families = buses["machine"].astype(str).map(lambda name: "q35" if "q35" in name else "pc")
    accepted = buses.assign(family=families)[buses["refused"] == ""]
    wide = accepted.pivot_table(index=["policy", "model", "kind"], columns="family", values="buses", aggfunc="max")
    if not {"pc", "q35"} <= set(wide.columns):
        return pd.DataFrame(columns=["policy", "model", "kinds", "q35", "pc", "saved"])
    both = wide.dropna()
    sums = both.groupby(["policy", "model"], sort=True).sum().astype(int)
    sums.insert(0, "kinds", both.groupby(["policy", "model"], sort=True).size())
    sums["saved"] = sums["q35"] - sums["pc"]
    return sums.reset_index()[["policy", "model", "kinds", "q35", "pc", "saved"]]


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
