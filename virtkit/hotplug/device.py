"""A device that is to be attached or detached: its XML, read as a domain's device is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.domain.devices import Chardev, Controller, Device, Disk, Input, Inventory, Nic
from virtkit.domain.document import Document, parse
from virtkit.domain.reader import read_devices
from virtkit.errors import Refused

if TYPE_CHECKING:
    from virtkit.domain.vocabulary import Release

__all__ = ["NewDevice", "action_of", "inventory_of", "list_of", "read_device", "same_device", "target_name"]

_LISTS = {"interface": "nics", "memory": "memories"}


def list_of(devices: Inventory, device: Device) -> list[Device]:
    """The list of an inventory that a device belongs to."""
    return getattr(devices, _LISTS.get(device.kind, f"{device.kind}s"))  # type: ignore[no-any-return]


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
    """A device as written: its XML text, and the document that holds nothing else."""

    xml: str
    document: Document

    @property
    def kind(self) -> str:
        """The name of its element."""
        return str(self.document.root[0][0].tag)

    @property
    def label(self) -> str:
        """What a person calls it before it is read."""
        return self.kind

    def read(self, at: Release) -> tuple[Device, Inventory]:
        """The device as a typed value, in an inventory of its own. Raises Refused as libvirt does while parsing."""
        inventory = read_devices(self.document.root, at)
        found = [*inventory.in_order(), *inventory.graphics]
        if not found:
            raise Refused("unsupported configuration", f"unknown device type '{self.kind}'", self.kind)
        return found[0], inventory


def read_device(xml: str, file: str | None = None) -> NewDevice:
    """A device from the XML of one device element. Raises InputError when it is no XML or not one element."""
    text = xml.strip()
    document = parse(f"<domain><devices>{text}</devices></domain>".encode(), file)
    elements = [child for child in document.root[0] if isinstance(child.tag, str)]
    if len(elements) != 1:
        from virtkit.errors import InputError

        raise InputError(f"expected one device element, got {len(elements)}", file)
    return NewDevice(text, document)


def same_device(devices: Inventory, wanted: NewDevice) -> Device | None:
    """The device of an inventory that a detach of ``wanted`` means; None when there is none.

    Disks match by target, NICs by MAC address (then model), controllers by type and index, inputs by type and bus,
    channels by target name; others by kind and model, the first of several. Source: observed, libvirt 12.8 (detach).
    """
    element = wanted.document.root[0][0]
    for device in devices.in_order():
        if device.kind == wanted.kind and _matches(device, element):
            return device
    return None


def _matches(device: Device, element) -> bool:  # type: ignore[no-untyped-def]
    def child(path: str, attribute: str) -> str | None:
        found = element.find(path)
        return None if found is None else found.get(attribute)

    if isinstance(device, Disk):
        return device.target == child("target", "dev")
    if isinstance(device, Nic):
        mac = child("mac", "address")
        return mac is None or (device.mac or "").lower() == mac.lower()
    if isinstance(device, Controller):
        index = element.get("index")
        return device.type == element.get("type") and (index is None or str(device.index) == index)
    if isinstance(device, Input):
        bus = element.get("bus")
        return device.type == element.get("type") and (bus is None or device.bus == bus)
    if isinstance(device, Chardev):
        name = child("target", "name")
        own = None if device.element is None else device.element.find("target")
        if device.target != child("target", "type") and child("target", "type") is not None:
            return False
        return name is None or (own is not None and own.get("name") == name)
    if device.kind == "shmem":
        own_name = None if device.element is None else device.element.get("name")
        return own_name == element.get("name")
    model = element.get("model")
    return model is None or device.model == model
