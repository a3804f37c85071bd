"""The score of a policy: criteria with weights, which are data, counted over the cells of a comparison."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.policy.decide import Circumstances, holds_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.policy.rules import Criterion

__all__ = ["COUNTS", "MEASURES", "NEEDED", "USEFUL", "VITAL", "details", "measures", "score", "weighted"]

#: The kinds without which a guest is useless: NIC and disk.
VITAL = ("net", "block")
#: The kinds that a guest uses if they are there; without a driver for one of them the device fails.
NEEDED = (*VITAL, "gpu", "input")
#: The kinds that every guest with a driver gains from: entropy, memory that it can return, the agent's channel.
USEFUL = ("rng", "balloon", "console")

#: What a criterion can count. The first group counts cells, the second domains (one for each guest and machine).
MEASURES = MappingProxyType(
    {
        "works": "virtio devices that work without a condition",
        "condition": "virtio devices that work under a condition, such as an installed driver",
        "emulated": "emulated devices that the guest drives or that need no driver of their own",
        "unknown": "devices of which no source says whether the guest drives them",
        "fails": "disks, NICs, video and input devices without a driver, and devices that are refused",
        "idle": "other devices that the guest has no driver for",
        "left-out": "rng, balloon and serial devices that are not written although the guest has the driver",
        "no-disk-or-nic": "domains whose disk or NIC is missing or fails",
        "buses": "PCI controllers that libvirt or the software adds",
        "no-free-port": "domains on q35 without a free root port for a later device",
    }
)
#: Columns of ``score`` after ``policy`` and ``score``; all are counts.
COUNTS = (
    "works",
    "condition",
    "emulated",
    "unknown",
    "fails",
    "idle",
    "left_out",
    "guests_failing",
    "buses",
    "not_created",
)
_WEIGHT = re.compile(r"\s*([\w.-]+)\s*=\s*(-?\d+(?:\.\d+)?)\s*")


def weighted(criteria: Sequence[Criterion], changes: str) -> tuple[Criterion, ...]:
    """The criteria with other weights: "buses=-0.5, i440fx-support=0". Raises UsageError for an unknown name."""
    weights: dict[str, float] = {}
    known = [one.name for one in criteria]
    for part in filter(None, (part.strip() for part in changes.split(","))):
        said = _WEIGHT.fullmatch(part)
        if said is None or said[1] not in known:
            raise UsageError(f"weights: expected NAME=NUMBER with a name among {', '.join(known)}, got {part!r}")
        weights[said[1]] = float(said[2])
    return tuple(replace(one, weight=weights.get(one.name, one.weight)) for one in criteria)


def measures(frame: pd.DataFrame) -> pd.DataFrame:
    """The measure of each cell of ``comparison.evaluate``'s frame: its index, and ``policy, kind, measure`` (text).

    A cell whose device is not written has the measure "left-out" or "". "Absent" is no success: it has no points.
    """
    verdict, kind = frame["verdict"].astype(str), frame["kind"].astype(str)
    found = verdict.map({"works-with-condition": "condition"}).fillna(verdict)
    idle = (verdict == "fails") & ~kind.isin(NEEDED) & (frame["interface"].astype(str) != "refused")
    found = found.mask(idle, "idle")
    left = (verdict == "absent") & frame["driver"] & kind.isin(USEFUL)
    found = found.mask(verdict == "absent", "").mask(left, "left-out")
    return frame[["policy", "kind"]].assign(measure=found)


def _domains(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each domain of a frame: ``policy, guest, asked, machine, buses, broken, no_port``."""
    keys = ["policy", "guest", "asked"]
    domains = frame.drop_duplicates(keys)[[*keys, "machine", "domain_buses", "free_ports"]].copy()
    lacking = frame["kind"].isin(VITAL) & frame["verdict"].isin(["fails", "absent"])
    broken = frame.loc[lacking, keys].drop_duplicates().assign(broken=True)
    merged = domains.astype(dict.fromkeys(keys, str)).merge(
        broken.astype(dict.fromkeys(keys, str)), on=keys, how="left"
    )
    merged["broken"] = merged["broken"].notna()
    merged["no_port"] = (merged["machine"].astype(str) == "q35") & (merged["free_ports"] == 0)
    return merged


def details(
    frame: pd.DataFrame,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
) -> pd.DataFrame:
    """What each criterion adds to the score of each policy.

    Columns: ``policy, criterion, count`` (int), ``weight, points`` (float), ``reason, source``; policies and criteria
    in the order of ``frame`` and ``criteria``.
    """
    import pandas as pd

    known, circumstances = guest_database or catalogue(), about or Circumstances()
    cells, domains = measures(frame), _domains(frame)
    of_cells: dict[Any, int] = cells.groupby(["policy", "kind", "measure"], observed=True).size().to_dict()
    named = domains.assign(machine=domains["machine"].astype(str))
    pairs: dict[Any, int] = named.groupby(["policy", "guest", "machine"]).size().to_dict()
    guests = {(guest, machine): known.find(guest) for _, guest, machine in pairs}
    holding = {
        one.name: {pair for pair, guest in guests.items() if holds_for(one.when, guest, pair[1], circumstances)}
        for one in criteria
        if not one.counts
    }
    rows = []
    for name in frame["policy"].unique():
        mine = domains[domains["policy"] == name]
        own = {(kind, measure): n for (policy, kind, measure), n in of_cells.items() if policy == name}
        there = [((guest, machine), n) for (policy, guest, machine), n in pairs.items() if policy == name]
        of_domains = {
            "no-disk-or-nic": int(mine["broken"].sum()),
            "buses": int(mine["domain_buses"].sum()),
            "no-free-port": int(mine["no_port"].sum()),
        }
        for one in criteria:
            if not one.counts:
                count = int(sum(number for pair, number in there if pair in holding[one.name]))
            elif one.counts in of_domains:
                count = of_domains[one.counts]
            else:
                count = _cells(own, one)
            points = round(count * one.weight, 2) + 0.0
            rows.append((str(name), one.name, count, one.weight, points, one.reason, one.source))
    columns = ["policy", "criterion", "count", "weight", "points", "reason", "source"]
    return pd.DataFrame(rows, columns=columns)


def _cells(counts: Mapping[tuple[str, str], int], criterion: Criterion) -> int:
    """The number of cells with the criterion's measure; ``counts`` is by kind and measure."""
    return sum(
        int(number)
        for (kind, measure), number in counts.items()
        if measure == criterion.counts and (not criterion.kinds or kind in criterion.kinds)
    )


def score(
    frame: pd.DataFrame,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
    *,
    points: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The score of each policy, best first: the sum of the points of all criteria.

    ``points`` is what ``details`` gives for the other arguments, where it is known already.

    Columns: ``policy, score`` (float), and COUNTS (int). ``works`` to ``left_out`` count cells by their measure,
    ``guests_failing`` the guests without a working disk or NIC on one of the machines, ``buses`` the PCI controllers of
    all domains, ``not_created`` the cells whose device the policy does not write.

    >>> import virtkit as vk
    >>> from virtkit.policy import comparison, scoring
    >>> policies = [vk.load_policy(name) for name in ("recommended", "libvirt")]
    >>> frame = comparison.evaluate(policies, "rhel6.10", ("q35",), ("net", "block"))
    >>> scoring.score(frame, policies[0].scoring)[["policy", "works", "guests_failing"]]
            policy  works  guests_failing
    0  recommended      2               0
    1      libvirt      0               1
    """
    import pandas as pd

    if points is None:
        points = details(frame, criteria, guest_database, about)
    sums = points.groupby("policy")["points"].sum()
    cells, domains = measures(frame), _domains(frame)
    rows = []
    for name in frame["policy"].unique():
        counts = cells.loc[cells["policy"] == name, "measure"].value_counts()
        mine = domains[domains["policy"] == name]
        row: dict[str, object] = {"policy": str(name), "score": round(float(sums.get(name, 0.0)), 2)}
        row |= {column: int(counts.get(column.replace("_", "-"), 0)) for column in COUNTS[:7]}
        row["guests_failing"] = int(mine.loc[mine["broken"], "guest"].nunique())
        row["buses"] = int(mine["domain_buses"].sum())
        row["not_created"] = int((frame.loc[frame["policy"] == name, "verdict"] == "absent").sum())
        rows.append(row)
    result = pd.DataFrame(rows, columns=["policy", "score", *COUNTS])
    return result.sort_values(["score", "policy"], ascending=[False, True], ignore_index=True)
