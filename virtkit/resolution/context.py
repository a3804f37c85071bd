"""The two arguments of every step: the frozen context of a resolution, and the draft that the steps change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

from virtkit import facts
from virtkit.domain.device_classes import Inventory
from virtkit.domain.elements.reading import first_at
from virtkit.releases import Release, in_release
from virtkit.resolution.trace import Trace
from virtkit.values import maker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

    from virtkit.domain.devices import Device
    from virtkit.host import Emulator
    from virtkit.host.family import Family

__all__ = ["Context", "Draft", "Forms", "SlotPolicy", "behaviours", "drivers", "new_context"]

Forms = dict[type, "list[Device]"]
"""Devices by the class of their address."""


class SlotPolicy(Protocol):
    """Where a virtio model may be placed, for what-if reviews; None in a Context means libvirt's own rule."""

    def connect(self, model: str) -> str:
        """ "machine" (as the root bus is), "conventional" or "express" for a virtio model."""


@cache
def behaviours(at: Release) -> frozenset[str]:
    """The names of the changes that hold in a libvirt release, from ``data/libvirt/behaviours.csv``."""
    return frozenset(row["name"] for row in facts.table("libvirt/behaviours.csv") if in_release(row, at))


@cache
def drivers() -> dict[tuple[str, str], tuple[str, str]]:
    """For each (kind, model) QEMU's driver name, and the QOM type that shows whether QEMU has it."""
    return {
        (row["kind"], row["model"]): (row["driver"], row["type"] or row["driver"])
        for row in facts.table("libvirt/qemu-drivers.csv")
    }


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What a domain is resolved for; no step changes it.

    ``root`` is the domain's element as written, ``children`` its children by name (the first of each), ``names`` the
    names of all elements below ``<devices>``, ``arch`` libvirt's name of the architecture, ``machine`` the canonical
    machine type, ``at`` the libvirt release, ``behaves`` the names of the changes that hold in it. ``plugged`` says
    that a device was attached to the definition, which older releases check less strictly, and ``placed`` that QEMU
    placed the devices without libvirt.
    """

    root: Element
    arch: str
    machine: str
    family: Family
    at: Release
    emulator: Emulator
    behaves: frozenset[str]
    slot_policy: SlotPolicy | None = None
    plugged: bool = False
    placed: bool = False
    children: Mapping[object, Element] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    def find(self, path: str) -> Element | None:
        """The first element at a path below the root, None when there is none."""
        first, deeper, _ = path.partition("/")
        if not deeper or first not in self.children:
            return self.children.get(first)
        return first_at(self.root, path.split("/"))

    @property
    def cells(self) -> list[Element]:
        """The NUMA cells of the domain."""
        if "cpu" not in self.children:
            return []
        numas = [numa for cpu in self.root.iterchildren("cpu") for numa in cpu.iterchildren("numa")]
        return [cell for numa in numas for cell in numa.iterchildren("cell")]

    @property
    def trusts_controllers(self) -> bool:
        """Whether libvirt passes over controllers that QEMU lacks, which a device attached to a definition brought."""
        return self.plugged and "plug-checks-controllers" not in self.behaves

    def has_model(self, kind: str, model: str) -> bool:
        """Whether QEMU has the driver of a libvirt model; a model that the facts do not list counts as present."""
        known = drivers().get((kind, model))
        return known is None or self.emulator.has(known[1]) is not False

    def first_model(self, kind: str, candidates: tuple[str, ...]) -> str | None:
        """The first of some models that QEMU has."""
        for model in candidates:
            if self.has_model(kind, model):
                return model
        return None


new_context = maker(Context)
"""Makes a Context of the values of all its fields, in order."""


@dataclass(slots=True, eq=False)
class Draft:
    """What the steps of a resolution change: the devices, and the reason for each decision so far."""

    devices: Inventory
    trace: Trace = field(default_factory=Trace)

    def by_form(self) -> Forms:
        """The addressable devices by the class of their address (NoneType without one), in libvirt's general order."""
        found: defaultdict[type, list[Device]] = defaultdict(list)
        for device in self.devices.in_order():
            found[type(device.address)].append(device)
        return found
