"""Volumes that KubeVirt attaches after a machine has started, and the places that they then get.

A hotpluggable volume is not part of the pod of the machine, so KubeVirt starts the domain without it and attaches it
when it is mounted. Source: KubeVirt 1.9.0-rc.2, pkg/virt-controller/services/rendervolumes.go and
pkg/virt-launcher/virtwrap; observed: libvirt 12.8 gives such a disk the lowest free place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from lxml.etree import SubElement

from virtkit.domain.address import CcwAddress, PciAddress
from virtkit.domain.devices import Controller
from virtkit.readers.kubevirt.placement import addressed

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.device_classes import Inventory
    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.instance import Instance

__all__ = ["attach", "take_out"]

_BRIDGES = frozenset({"pcie-to-pci-bridge", "pci-bridge", "pci-root"})


def take_out(instance: Instance, building: Building) -> list[Element]:
    """Remove the disks that are attached later from the domain. None is where every volume is hotpluggable."""
    disks = list(building.devices.iterchildren("disk"))
    wanted = {
        f"ua-{volume.text('name')}"
        for volume in instance.spec.items_of("volumes")
        if any(volume.child(key).get("hotpluggable") is True for key in ("persistentVolumeClaim", "dataVolume"))
    }
    found = [disk for disk in disks if (alias := disk.find("alias")) is not None and alias.get("name") in wanted]
    if len(found) == len(disks):
        return []
    for disk in found:
        building.devices.remove(disk)
    return found


def attach(building: Building, disks: list[Element]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Add the disks at the places that are free; the names of those that were added, and of those without a place."""
    if not disks:
        return (), ()
    added, left = [], []
    inventory = addressed(building)
    places: dict[str, Iterator[dict[str, str]]] = {}
    for disk in disks:
        alias = disk.find("alias")
        name = "" if alias is None else str(alias.get("name", "")).removeprefix("ua-")
        virtio = disk.find("target[@bus='virtio']") is not None
        if virtio and disk.find("address") is None and inventory is not None:
            kind = _slots_for(disk, inventory)
            place = next(places.setdefault(kind.__name__, kind(inventory)), None)
            if place is None:
                left.append(name)
                continue
            SubElement(disk, "address", place)
        building.devices.append(disk)
        added.append(name)
    return tuple(added), tuple(left)


def _slots_for(disk: Element, inventory: Inventory) -> Callable[[Inventory], Iterator[dict[str, str]]]:
    """What a virtio disk takes: a channel, a root port, or a slot of a conventional bus."""
    if any(isinstance(one.address, CcwAddress) for one in inventory.in_order()):
        return _channels
    return _bridge_slots if disk.get("model") == "virtio-transitional" else _root_ports


def _channels(inventory: Inventory) -> Iterator[dict[str, str]]:
    used = {one.address.devno for one in inventory.in_order() if isinstance(one.address, CcwAddress)}
    for devno in range(0x10000):
        if devno not in used:
            yield {"type": "ccw", "cssid": "0xfe", "ssid": "0x0", "devno": f"0x{devno:04x}"}


def _root_ports(inventory: Inventory) -> Iterator[dict[str, str]]:
    used = {one.address.bus for one in inventory.in_order() if isinstance(one.address, PciAddress)}
    for port in _pci(inventory, {"pcie-root-port"}):
        if port.index not in used:
            yield _pci_address(port.index, 0)


def _bridge_slots(inventory: Inventory) -> Iterator[dict[str, str]]:
    places = [one.address for one in inventory.in_order() if isinstance(one.address, PciAddress)]
    used = {(one.bus, one.slot) for one in places}
    for bridge in _pci(inventory, _BRIDGES):
        for slot in range(1, 32):
            if (bridge.index, slot) not in used:
                yield _pci_address(bridge.index, slot)


def _pci(inventory: Inventory, models: set[str] | frozenset[str]) -> list[Controller]:
    found = (one for one in inventory.controllers if one.type == "pci" and one.model in models)
    return sorted(found, key=lambda one: one.index)


def _pci_address(bus: int, slot: int) -> dict[str, str]:
    return {"type": "pci", "domain": "0x0000", "bus": f"0x{bus:02x}", "slot": f"0x{slot:02x}", "function": "0x0"}
