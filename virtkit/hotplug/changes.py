"""What a step adds to and takes from one side of a domain, as rows that can be compared and printed."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Input, Inventory, Nic

__all__ = ["Change", "changes", "rows"]


class Change(NamedTuple):
    """One device that is new ("+") or gone ("-"): its element, what identifies it, and its address as attributes.

    ``address`` reads "type=pci domain=0x0000 bus=0x01 slot=0x00 function=0x0"; it is "" for a device without one.
    """

    sign: str
    element: str
    identity: str
    address: str


Row = tuple[str, str, str]


def rows(devices: Inventory) -> Counter[Row]:
    """Every device of one side as (element, identity, address), with the number of equal ones."""
    return Counter((device.kind, _identity(device), _address(device)) for device in devices.in_order())


def changes(before: Counter[Row], after: Counter[Row]) -> tuple[Change, ...]:
    """The rows that are gone and the rows that are new, in that order; each sorted by element and identity."""
    gone = sorted((before - after).elements())
    new = sorted((after - before).elements())
    return (*(Change("-", *row) for row in gone), *(Change("+", *row) for row in new))


def _identity(device: Device) -> str:
    """What tells a device from others of its element: target, MAC address, type and index, name."""
    if isinstance(device, Disk):
        return device.target
    if isinstance(device, Nic):
        return (device.mac or "").lower()
    if isinstance(device, Controller):
        return " ".join(filter(None, (device.type, str(device.index), device.model)))
    if isinstance(device, Input):
        return f"{device.type} {device.bus}"
    if isinstance(device, Chardev):
        name = _child(device, "target", "name")
        return " ".join(filter(None, (device.target, name)))
    if device.kind in ("shmem", "tpm"):
        name = None if device.element is None else device.element.get("name")
        return name or device.model or ""
    return device.model or ""


def _child(device: Device, child: str, attribute: str) -> str | None:
    found = None if device.element is None else device.element.find(child)
    return None if found is None else found.get(attribute)


def _address(device: Device) -> str:
    at = device.address
    if at is None or (isinstance(at, PciAddress) and at.empty):
        return ""
    pairs = (f"{name}={value}" for name, value in at.pairs() if name != "multifunction")
    return " ".join((f"type={at.type}", *pairs))
