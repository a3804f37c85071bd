"""What a step adds to one side of a domain and takes from it, as rows that can be compared and printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Input, Nic

__all__ = ["Change", "Row", "changes", "row", "rows", "rows_added"]


class Change(NamedTuple):
    """One device that is new ("+") or gone ("-"): its element, what identifies it, and its address as attributes.

    ``address`` reads "type=pci domain=0x0000 bus=0x01 slot=0x00 function=0x0"; it is "" for a device without one.
    """

    sign: str
    element: str
    identity: str
    address: str


class Row(NamedTuple):
    """A device of one side: its element, what identifies it, and its address as attributes."""

    element: str
    identity: str
    address: str


def row(device: Device) -> Row:
    """The row of a device."""
    return Row(device.kind, _identity(device), _address(device))


def rows(devices: Inventory) -> Counter[Row]:
    """Every device of one side as a row, with the number of equal ones."""
    return Counter(map(row, devices.in_order()))


def changes(before: Counter[Row], after: Counter[Row]) -> tuple[Change, ...]:
    """The rows that are gone and the rows that are new, in that order; each sorted by element and identity."""
    gone = sorted((before - after).elements())
    new = sorted((after - before).elements())
    return (*(Change("-", *one) for one in gone), *(Change("+", *one) for one in new))


def rows_added(new: Iterable[Device], gone: Iterable[Device] = ()) -> tuple[Change, ...]:
    """The changes where it is known which devices are new and which are gone."""
    return changes(Counter(map(row, gone)), Counter(map(row, new)))


def _identity(device: Device) -> str:
    """What sets a device apart from others of its element: target, MAC address, type and index, or name."""
    if isinstance(device, Disk):
        return device.target
    if isinstance(device, Nic):
        return (device.mac or "").lower()
    if isinstance(device, Controller):
        return " ".join(filter(None, (device.type, str(device.index), device.model)))
    if isinstance(device, Input):
        return " ".join(filter(None, (device.type, "" if device.bus == "none" else device.bus)))
    if isinstance(device, Chardev):
        target = None if device.element is None else device.element.find("target")
        return " ".join(filter(None, (device.target, None if target is None else target.get("name"))))
    if device.kind in ("shmem", "tpm"):
        name = None if device.element is None else device.element.get("name")
        return name or device.model or ""
    return device.model or ""


def _address(device: Device) -> str:
    at = device.address
    if at is None or (isinstance(at, PciAddress) and at.empty):
        return ""
    pairs = (f"{name}={value}" for name, value in at.pairs() if name != "multifunction")
    return " ".join((f"type={at.type}", *pairs))
