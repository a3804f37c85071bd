"""What a domain is resolved in: releases, emulator, machine family, and the facts of the domain that rules ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

from virtkit import facts
from virtkit.domain.devices import Inventory
from virtkit.domain.vocabulary import Release, release
from virtkit.resolution.trace import Trace

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.host import Emulator
    from virtkit.host.family import Family

__all__ = ["Setting", "SlotPolicy", "behaviours"]


class SlotPolicy(Protocol):
    """Where a virtio model may be placed, for what-if reviews; None in a Setting means libvirt's own rule."""

    def connect(self, model: str) -> str:
        """ "machine" (as the root bus is), "conventional" or "express" for a virtio model."""


@cache
def behaviours(at: Release) -> frozenset[str]:
    """The names of the changes that hold in a libvirt release, from ``data/libvirt/behaviours.csv``."""
    return frozenset(row["name"] for row in facts.table("libvirt/behaviours.csv") if release(row["since"]) <= at)


@cache
def drivers() -> dict[tuple[str, str], tuple[str, str]]:
    """For (kind, model) QEMU's driver name and the QOM type that tells whether QEMU has it."""
    return {
        (row["kind"], row["model"]): (row["driver"], row["type"] or row["driver"])
        for row in facts.table("libvirt/qemu-drivers.csv")
    }


@dataclass(slots=True, eq=False)
class Setting:
    """One resolution's surroundings and its devices. ``arch`` is libvirt's name, ``machine`` the canonical one."""

    root: Element
    arch: str
    machine: str
    family: Family
    at: Release
    emulator: Emulator
    devices: Inventory
    behaves: frozenset[str]
    slot_policy: SlotPolicy | None = None
    trace: Trace = field(default_factory=Trace)

    def has_model(self, kind: str, model: str) -> bool:
        """Whether QEMU has what a libvirt model needs; what nobody knows counts as there."""
        known = drivers().get((kind, model))
        return known is None or self.emulator.has(known[1]) is not False

    def first_model(self, kind: str, candidates: tuple[str, ...]) -> str | None:
        """The first of some models that QEMU has."""
        for model in candidates:
            if self.has_model(kind, model):
                return model
        return None
