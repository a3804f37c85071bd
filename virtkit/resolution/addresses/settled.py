"""Whether each PCI device of a domain has its place already, as in XML that libvirt wrote, or is sure to find one.

Then the allocator has nothing to decide, or needs no dry run. The answer is no wherever this is not plain, and for each
place that libvirt would refuse: the allocator then finds out.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType
from typing import Any

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Device
from virtkit.resolution.addresses import chipset
from virtkit.resolution.addresses.connect_types import (
    CONVENTIONAL,
    INTEGRATED,
    KINDS,
    NONE,
    ConnectTypes,
    PciModel,
    own_slots,
    pci_models,
)
from virtkit.resolution.context import Context, Draft, Forms

__all__ = ["has_room", "is_settled"]

MOST = 256
"""With more buses the allocator decides."""

ROOT_SLOTS = 31
"""Slots of a conventional root bus: 1 to 31."""

_PLACED = frozenset(one.element for one in DEVICE_CLASSES if one.pci)
"""The kinds of device of which some get PCI addresses."""


def is_settled(context: Context, draft: Draft, types: ConnectTypes, forms: Forms) -> bool:
    """Whether no device of a domain with PCI buses needs a place, and each has one that fits and is free."""
    family = context.family.chipset
    buses = _buses(draft, family)
    count = len(buses)
    if not 0 < count <= MOST or not buses[0].first:
        return False
    for device in forms.get(NoneType, ()):
        if device.kind in _PLACED and not _stays_off(types, device):
            return False
    placed = forms.get(PciAddress, [])
    own = own_slots()
    taken = set(chipset.taken(family))
    for device in placed:
        address: Any = device.address
        bus, slot = address.bus, address.slot
        if bus >= count or address.domain:
            return False
        model = buses[bus]
        if slot < model.first or slot > model.last:
            return False
        if (kind := device.kind) in own or (kind == "controller" and device.type == "pci"):  # type: ignore[attr-defined]
            want = types.written(device)
            if not model.allows & want or (bus and want & INTEGRATED):
                return False
        elif not model.allows & CONVENTIONAL:
            # A bus for endpoints takes those of either kind where the address is written.
            return False
        taken.add(bus << 8 | slot << 3 | address.function)
    if len(taken) != len(placed) + len(chipset.taken(family)):
        return False
    # libvirt keeps room on a conventional root bus for one more bridge.
    root = buses[0]
    return root.name != "pci-root" or len({place >> 3 for place in taken if place < 256}) <= root.last - root.first


def has_room(context: Context, draft: Draft, forms: Forms, requests: Iterable[tuple[Device, int]]) -> bool:
    """Whether the only bus is a conventional root bus on which each device finds a place, so that none is added.

    ``requests`` are the devices that may need a place, with the kind of slot that each requires.

    Then the dry run is not needed: it would find no bus missing. It takes at most a slot for each device, one for a
    later bridge, and a second one for the first display. A part of an ich9 usb set beside another one that has its
    place is left to it, because the dry run places that part.
    """
    pci = [one for one in draft.devices.controllers if one.type == "pci"]
    if len(pci) != 1 or pci[0].model != "pci-root" or pci[0].index:
        return False
    placed, wanting = forms.get(PciAddress, []), list(requests)
    if len(placed) + len(wanting) + len(chipset.taken(context.family.chipset)) + 2 > ROOT_SLOTS:
        return False
    for device in placed:
        address: Any = device.address
        if address.bus or address.domain or not address.slot:
            return False
    parts = False
    for device, want in wanting:
        if want & KINDS not in (NONE, CONVENTIONAL):
            return False
        parts = parts or device.model in chipset.ICH9_FUNCTIONS
    return not parts or not [one for one in placed if one.model in chipset.ICH9_FUNCTIONS]


def _buses(draft: Draft, family: str) -> list[PciModel]:
    """The models that provide the buses; none where a bus is missing, or the chipset moves or refuses a controller."""
    offers = pci_models()
    found: list[PciModel] = []
    for controller in draft.devices.controllers:
        if controller.type == "pci":
            if controller.index != len(found) or controller.model is None:
                return []
            found.append(offers[controller.model])
        elif not controller.index and not chipset.keeps(family, controller):
            return []
    return found


def _stays_off(types: ConnectTypes, device: Device) -> bool:
    """Whether a device without an address gets no place on a PCI bus."""
    return device.kind != "interface" and (device.model in chipset.ROOTS or not types.of(device))
