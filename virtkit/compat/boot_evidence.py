"""Which devices a real guest drove when it was booted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement
from virtkit.guests.kinds import database_kind
from virtkit.host.machine_types import machine_version

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["booted_guests", "machine_kind", "with_boot_evidence"]

#: Machine types up to this version offer other interfaces than all later ones, which are alike.
_LAST_OLD_MACHINE = (2, 6)


@cache
def _driven() -> Mapping[tuple[str, str, str, str, str], tuple[str, str]]:
    """The newest boot that drove (OS, kind, machine family, location, model), as (machine, source)."""
    found: dict[tuple[str, str, str, str, str], tuple[str, str]] = {}
    for row in facts.table("evidence/boot.csv"):
        if row["os"] and row["driven"] == "yes":
            family, version = machine_version(row["machine"])
            if version is not None and version > _LAST_OLD_MACHINE:
                key = (row["os"], database_kind(row["kind"]), family, row["location"], row["model"])
                found[key] = (row["machine"], row["source"])
    return MappingProxyType(found)


@cache
def booted_guests() -> frozenset[str]:
    """The short ids of the guests that were booted with the drivers they include."""
    return frozenset(key[0] for key in _driven())


@lru_cache(maxsize=1024)
def machine_kind(machine: str) -> tuple[str, bool]:
    """What the evidence of a boot depends on: the family of a machine type, and whether it is newer than 2.6."""
    family, version = machine_version(machine)
    return family, version is not None and version > _LAST_OLD_MACHINE


def with_boot_evidence(
    judgement: Judgement, guest: str, kind: str, machine: str, location: str, model: str
) -> Judgement:
    """The judgement with evidence "boot" when that guest drove such a device on a machine of the same family.

    Failing judgements and machine types up to 2.6 stay as they are. Source: data/evidence/boot.csv.
    """
    family, recent = machine_kind(machine)
    driven = _driven().get((guest, kind, family, location, model))
    if driven is None or not recent or not judgement.good:
        return judgement
    return replace(judgement, evidence=Evidence.BOOT, source=f"{judgement.source} | seen on {driven[0]}: {driven[1]}")
