"""A device that is to be attached or detached: its XML, read as a device of a domain is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Device
from virtkit.domain.document import Document, parse
from virtkit.domain.reader import read_devices
from virtkit.errors import InputError, Refused
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.releases import Release

__all__ = ["NewDevice", "action_of", "inventory_of", "list_of", "read_device", "target_name"]

_LISTS = {"interface": "nics", "memory": "memories", "graphics": "graphics"}


def list_of(devices: Inventory, device: Device) -> list[Device]:
    """The list of an inventory that a device belongs to."""
    found: list[Device] = getattr(devices, _LISTS.get(device.kind, f"{device.kind}s"))
    return found


def action_of(device: Device) -> str:
    """The action of a watchdog; "reset" when none is written."""
    return "reset" if device.element is None else device.element.get("action") or "reset"


def target_name(device: Device) -> str:
    """The name of a channel's target, "" when it has none."""
    found = None if device.element is None or device.kind != "channel" else device.element.find("target")
    return "" if found is None else found.get("name") or ""


def inventory_of(device: Device) -> Inventory:
    """An inventory that holds one device only."""
    alone = Inventory()
    list_of(alone, device).append(device)
    return alone


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device as written: its XML text, and a document that holds nothing else."""

    xml: str
    document: Document

    @property
    def kind(self) -> str:
        """The name of its element."""
        return str(self.document.root[0][0].tag)

    def read(self, at: Release) -> Inventory:
        """The device as a typed value, alone in an inventory. Raises Refused as libvirt does while it parses."""
        alone = read_devices(self.document, at)
        if not alone.in_order() and not alone.graphics:
            raise Refused("unsupported configuration", f"unknown device type '{self.kind}'", self.kind)
        return alone

    def device(self, at: Release) -> Device:
        """The typed value itself. Raises Refused as libvirt does while it parses."""
        alone = self.read(at)
        return [*alone.in_order(), *alone.graphics][0]


def read_device(xml: str, file: str | None = None) -> NewDevice:
    """A device from the XML of one device element. Raises InputError when it is no XML or not one element."""
    text = xml.strip()
    document = parse(f"<domain><devices>{text}</devices></domain>".encode(), file)
    holder = document.root[0] if len(document.root) == 1 else None
    count = 0 if holder is None else sum(1 for _ in holder.iterchildren("*"))
    if holder is None or count != 1 or len(holder) != 1:
        raise InputError(f"expected the XML of one device, got {counted(count, 'element')}", file)
    return NewDevice(text, document)
