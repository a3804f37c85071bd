"""Whether each PCI device of a domain has its place already, as in XML that libvirt wrote.

Then the allocator has nothing to decide, and most domains of a fleet need no table of buses. The answer is no wherever
this is not plain, and for each place that libvirt would refuse: the allocator then finds out.
"""

from __future__ import annotations

from types import NoneType

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.devices import Device
from virtkit.resolution.addresses import chipset
from virtkit.resolution.addresses.connect_types import INTEGRATED, ConnectTypes, PciModel, pci_models
from virtkit.resolution.context import Context, Draft, Forms

__all__ = ["is_settled"]

_PLACED = frozenset(one.element for one in DEVICE_CLASSES if one.pci)
"""The kinds of device of which some get PCI addresses."""


def is_settled(context: Context, draft: Draft, types: ConnectTypes, count: int, forms: Forms) -> bool:
    """Whether no device of a domain with ``count`` PCI buses needs a place, and each has one that fits and is free."""
    family = context.family.chipset
    buses = _buses(draft, family)
    if len(buses) != count:
        return False
    for device in forms.get(NoneType, ()):
        if device.kind in _PLACED and not _stays_off(types, device):
            return False
    taken = set(chipset.taken(family))
    written = types.written
    for device in forms.get(PciAddress, ()):
        address = device.address
        if not isinstance(address, PciAddress):
            return False
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
    # libvirt keeps room on a conventional root bus for one more bridge.
    root = buses[0]
    return root.name != "pci-root" or len({place >> 3 for place in taken if place < 256}) <= root.last - root.first


def _buses(draft: Draft, family: str) -> list[PciModel]:
    """The models that provide the buses, up to a gap, and up to a controller that the chipset moves or refuses."""
    offers = pci_models()
    found: list[PciModel] = []
    for controller in draft.devices.controllers:
        if controller.type == "pci":
            if controller.index != len(found) or controller.model is None:
                break
            found.append(offers[controller.model])
        elif not chipset.keeps(family, controller):
            return []
    return found


def _stays_off(types: ConnectTypes, device: Device) -> bool:
    """Whether a device without an address gets no place on a PCI bus."""
    return device.kind != "interface" and (device.model in chipset.ROOTS or not types.of(device))
