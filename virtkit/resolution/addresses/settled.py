"""Whether each PCI device of a domain has its place already, as in XML that libvirt wrote.

Then the allocator has nothing to decide, and most domains of a fleet need no table of buses. The answer is no wherever
this is not plain, and for each place that libvirt would refuse: the allocator then finds out.
"""

from __future__ import annotations

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Controller, Device
from virtkit.resolution.addresses import chipset
from virtkit.resolution.addresses.connect_types import INTEGRATED, ConnectTypes, PciModel, pci_models
from virtkit.resolution.context import Context, Draft

__all__ = ["is_settled"]

_PLACED = frozenset(one.element for one in DEVICE_CLASSES if one.pci)
"""The kinds of device of which some get PCI addresses."""


def is_settled(context: Context, draft: Draft, types: ConnectTypes, count: int) -> bool:
    """Whether no device of a domain with ``count`` PCI buses needs a place, and each has one that fits and is free."""
    buses = _buses(draft, count)
    if buses is None:
        return False
    family = context.family.chipset
    taken = set(chipset.taken(family))
    written = types.written
    for device in draft.devices.in_order():
        address = device.address
        if not isinstance(address, PciAddress):
            if device.kind in _PLACED and not _stays_off(types, device):
                return False
            continue
        bus, slot = address.bus, address.slot
        if bus >= count or address.domain or not (bus or slot):
            return False
        want, model = written(device), buses[bus]
        if not model.allows & want or (bus and want & INTEGRATED) or not model.first <= slot <= model.last:
            return False
        place = bus << 8 | slot << 3 | address.function
        if place in taken:
            return False
        taken.add(place)
        if isinstance(device, Controller) and device.type != "pci" and not chipset.keeps(family, device, address):
            return False
    # libvirt keeps room on a conventional root bus for one more bridge.
    root = buses[0]
    return root.name != "pci-root" or len({place >> 3 for place in taken if place < 256}) <= root.last - root.first


def _buses(draft: Draft, count: int) -> list[PciModel] | None:
    """The model that provides each bus, None when one has no controller."""
    offers = pci_models()
    found: list[PciModel] = []
    pci = [one for one in draft.devices.controllers if one.type == "pci"]
    if len(pci) != count:
        return None
    for controller in pci:
        if controller.index != len(found) or controller.model is None:
            return None
        found.append(offers[controller.model])
    return found


def _stays_off(types: ConnectTypes, device: Device) -> bool:
    """Whether a device of a kind that may be on a PCI bus is not, and gets no place there."""
    if device.address is not None:
        # A chipset passes over an address of another type.
        return not isinstance(device, Controller) or device.type not in chipset.CONTROLLERS
    if device.kind == "interface":
        return False
    return device.model in chipset.ROOTS or not types.of(device)
