"""How many devices can be plugged into the PCI buses of a resolved domain while it runs.

Source of hotplug rules: libvirt, "PCI topology and hotplug"; ``data/libvirt/pci-controllers.csv``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Chardev, Controller
from virtkit.host.chipset import built_in_slots
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, EXPRESS, pci_models
from virtkit.topology.model import Headroom
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from virtkit.domain.devices import Device
    from virtkit.resolution.result import Resolution

__all__ = [
    "ByBus",
    "Slots",
    "Taken",
    "devices_by_bus",
    "free_slots",
    "hotplug_slots",
    "pci_headroom",
    "roots_of",
    "slots_of",
    "taken_slots",
]

_NONE: frozenset[int] = frozenset()
_ADDRESS = attrgetter("address")
_ROOTS = frozenset({"pci-root", "pcie-root"})
ByBus = dict[int, list["Device"]]
"""The devices with a PCI address by the number of their bus, in libvirt's order."""
Taken = Mapping[int, Set[int]]
"""The taken slots of PCI buses by the number of the bus; none for an empty bus."""


class Slots(NamedTuple):
    """The slots of a bus: what they accept, the first and the last, and whether the model takes hotplug."""

    accepts: str
    first: int
    last: int
    hotplug: bool


@cache
def slots_of(model: str) -> Slots:
    """The slots of a PCI controller model, as in Bus. Raises KeyError for an unknown model."""
    offer = pci_models()[model]
    express, conventional = bool(offer.accepts & EXPRESS), bool(offer.accepts & CONVENTIONAL)
    accepts = "PCI Express" if express else ("conventional PCI" if conventional else "PCI Express ports")
    return Slots(accepts, offer.first, offer.last, offer.hotplug and (express or conventional))


def devices_by_bus(devices: Iterable[Device]) -> ByBus:
    """The devices on PCI buses; a console that mirrors a serial port is none."""
    found: ByBus = defaultdict(list)
    for device in devices:
        address = device.address
        if isinstance(address, PciAddress) and not _mirrors(device):
            found[address.bus].append(device)
    return dict(found)


def taken_slots(devices: Iterable[Device]) -> Taken:
    """The slots of the devices on PCI buses."""
    found: dict[int, set[int]] = defaultdict(set)
    for address in map(_ADDRESS, devices):
        # A console that mirrors a serial port has its address.
        if isinstance(address, PciAddress):
            found[address.bus].add(address.slot)
    return dict(found)


def _mirrors(device: Device) -> bool:
    """Whether a device is a console that mirrors a serial port."""
    return isinstance(device, Chardev) and device.mirror


def roots_of(resolution: Resolution) -> list[Controller]:
    """The controllers of the root buses: one, or on pseries one for each host bridge."""
    controllers = resolution.inventory.controllers
    return [one for one in controllers if one.type == "pci" and one.model in _ROOTS]


def free_slots(slots: Slots, controller: Controller, taken: Collection[int], chipset: str) -> int:
    """The number of empty slots of a bus; ``taken`` are the slots of its devices."""
    _, first, last, _ = slots
    if not controller.index:
        taken = {*taken, *built_in_slots(chipset)}
    elif not taken:
        return last + 1 - first
    if first == last:
        return int(first not in taken)
    return last + 1 - first - sum([first <= slot <= last for slot in set(taken)])


def pci_headroom(resolution: Resolution, taken: Taken) -> tuple[Headroom, ...]:
    """The free PCI slots that take hotplug, by what they accept; empty for a machine without PCI.

    ``taken`` is what ``taken_slots`` gives for the devices of the domain.
    """
    found = [
        Headroom(kind, free, used, _reason(kind, free))
        for kind, (free, used) in hotplug_slots(resolution, taken).items()
    ]
    if [room.kind for room in found] == ["PCI Express"] and found[0].free:
        found = [replace(found[0], reason=_express_only(found[0].free))]
    return tuple(found)


def hotplug_slots(resolution: Resolution, taken: Taken) -> dict[str, tuple[int, int]]:
    """The numbers of free and of used slots in ``pci_headroom``, by what they accept."""
    buses, below = _pci_controllers(resolution)
    if not buses:
        return {}
    free = {"PCI Express": 0, "conventional PCI": 0}
    used = {"PCI Express": 0, "conventional PCI": 0}
    chipset = resolution.context.family.chipset
    # The buses below are added while the loop runs.
    for controller in buses:
        index = controller.index
        if index in below:
            buses += below[index]
        slots = slots_of(controller.model or "")
        if slots.hotplug and controller.hotplug != "off":
            own, accepts = taken.get(index, _NONE), slots.accepts
            free[accepts] += free_slots(slots, controller, own, chipset)
            used[accepts] += len(own)
    main = "PCI Express" if buses[0].model == "pcie-root" else "conventional PCI"
    return {kind: (count, used[kind]) for kind, count in free.items() if count or used[kind] or kind == main}


def _pci_controllers(resolution: Resolution) -> tuple[list[Controller], Mapping[int, Sequence[Controller]]]:
    """The controllers of the root buses, and those below others by the number of the bus that they are on."""
    roots: list[Controller] = []
    below: dict[int, list[Controller]] = defaultdict(list)
    models = pci_models()
    for one in resolution.inventory.controllers:
        if one.type != "pci":
            continue
        if one.model in _ROOTS:
            roots.append(one)
        elif one.model in models and isinstance(address := one.address, PciAddress):
            below[address.bus].append(one)
    return roots, below


def _express_only(free: int) -> str:
    return (
        f"{counted(free, 'PCI Express device')} can be hot-plugged; none of the conventional kind (rtl8139, e1000, "
        "virtio-transitional): these need a pcie-to-pci-bridge"
    )


def _reason(kind: str, free: int) -> str:
    if free:
        return f"{counted(free, 'device')} can be plugged in while the guest runs"
    if kind == "PCI Express":
        return "no free root port: hotplug fails with 'No more available PCI slots'"
    return "no free conventional PCI slot takes hotplug"
