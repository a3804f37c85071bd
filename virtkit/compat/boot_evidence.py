"""Which cells of the matrix a real guest was seen driving."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement
from virtkit.guests.kinds import database_kind
from virtkit.virtio.interface import machine_version

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["guests", "proved"]


@cache
def _seen() -> Mapping[tuple[str, str, str, str, str], tuple[str, str]]:
    """For (OS, kind, machine family, location, model) the machine and source of the newest boot that drove it."""
    found: dict[tuple[str, str, str, str, str], tuple[str, str]] = {}
    for row in facts.table("evidence/boot.csv"):
        if row["os"] and row["driven"] == "yes":
            family, version = machine_version(row["machine"])
            # Machine types up to 2.6 show something else than all later ones, which are alike.
            if version is not None and version > (2, 6):
                key = (row["os"], database_kind(row["kind"]), family, row["location"], row["model"])
                found[key] = (row["machine"], row["source"])
    return MappingProxyType(found)


@cache
def guests() -> frozenset[str]:
    """The short ids of the OSes that were booted as they come."""
    return frozenset(key[0] for key in _seen())


def proved(judgement: Judgement, guest: str, kind: str, machine: str, location: str, model: str) -> Judgement:
    """The judgement with evidence "boot" when that guest was seen driving such a device on that family of machines.

    Machine types up to 2.6 are left as they are. Source: data/evidence/boot.csv.
    """
    family, version = machine_version(machine)
    seen = _seen().get((guest, kind, family, location, model))
    if seen is None or version is None or version <= (2, 6) or not judgement.good:
        return judgement
    source = f"{judgement.source} | seen on {seen[0]}: {seen[1]}"
    return Judgement(judgement.verdict, judgement.reason, judgement.condition, Evidence.BOOT, source)
