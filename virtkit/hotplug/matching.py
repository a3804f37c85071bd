"""Which device of a domain the XML of a detach means.

Source: observed, libvirt 9.0 and 12.8 (devices detached from domains and their definitions).
"""

from __future__ import annotations

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Hostdev, Input, Nic
from virtkit.errors import Refused
from virtkit.resolution.constraints.hostdevs import source_of

__all__ = ["same_device"]

LOST = "device not found"


def same_device(devices: Inventory, wanted: Device) -> Device:
    """The device of an inventory that a detach of ``wanted`` means, the first of several.

    Disks match by target, NICs by MAC address (and PCI address where one is written), controllers by type and index,
    inputs by type and bus, character devices by type and target, host devices by source, others by kind and model.
    Raises Refused when there is none, or several NICs with that MAC address.
    """
    found = [one for one in devices.in_order() if one.kind == wanted.kind and _matches(one, wanted)]
    if not found:
        raise Refused(LOST, _lost(wanted), wanted.label)
    if len(found) > 1 and isinstance(wanted, Nic) and wanted.mac:
        what = f"multiple devices matching MAC address {wanted.mac} found"
        raise Refused("operation failed", what, wanted.label)
    return found[0]


def _lost(wanted: Device) -> str:
    if isinstance(wanted, Disk):
        return f"no target device {wanted.target}"
    if isinstance(wanted, Nic) and wanted.mac:
        return f"no device matching MAC address {wanted.mac} found"
    return f"no matching {wanted.kind} device was found"


def _matches(own: Device, wanted: Device) -> bool:
    if isinstance(own, Disk) and isinstance(wanted, Disk):
        return own.target == wanted.target
    if isinstance(own, Nic) and isinstance(wanted, Nic):
        return _same_nic(own, wanted)
    if isinstance(own, Controller) and isinstance(wanted, Controller):
        return own.type == wanted.type and wanted.index in (-1, own.index)
    if isinstance(own, Input) and isinstance(wanted, Input):
        return own.type == wanted.type and wanted.bus in ("", own.bus)
    if isinstance(own, Chardev) and isinstance(wanted, Chardev):
        return (
            wanted.type in ("", own.type)
            and wanted.target in (None, own.target)
            and _written(wanted, "target", "name") in (None, _written(own, "target", "name"))
        )
    if isinstance(own, Hostdev) and isinstance(wanted, Hostdev):
        return own.type == wanted.type and source_of(own) == source_of(wanted)
    if own.kind == "shmem":
        return _written(own, "", "name") == _written(wanted, "", "name")
    if own.kind == "rng":
        return own.model == wanted.model and _text(wanted, "backend") in ("", _text(own, "backend"))
    return wanted.model in (None, own.model)


def _same_nic(own: Nic, wanted: Nic) -> bool:
    if wanted.mac and (own.mac or "").lower() != wanted.mac.lower():
        return False
    at = wanted.address
    return not isinstance(at, PciAddress) or at.empty or str(own.address) == str(at)


def _written(device: Device, child: str, attribute: str) -> str | None:
    element = device.element
    holder = element if element is None or not child else element.find(child)
    return None if holder is None else holder.get(attribute)


def _text(device: Device, child: str) -> str:
    return "" if device.element is None else (device.element.findtext(child) or "").strip()
