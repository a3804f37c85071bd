"""What holds of every resolution: no place is given twice, no device is lost, resolving again changes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.address import CcwAddress, DriveAddress, PciAddress, SerialAddress, UsbAddress
from virtkit.domain.devices import Chardev, Controller, Disk, Filesystem, Hostdev, Input

if TYPE_CHECKING:
    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved

__all__ = ["elements", "given_twice", "lost", "of_dumps", "unshared"]


def unshared(found: Resolved) -> Iterator[tuple[Device, tuple[object, ...]]]:
    """Every place that only one device may have, with the device."""
    any_pci = any(one.type == "pci" for one in found.inventory.controllers)
    for device in found.devices:
        at = device.address
        if isinstance(device, Chardev) and device.mirror:
            continue
        if isinstance(at, PciAddress):
            if at.empty and not any_pci:
                # An address without numbers stays as it is on a machine without PCI. Observed: libvirt 9.0.
                continue
            # A piix3-uhci away from i440fx may share its fixed place: libvirt does not look there.
            if isinstance(device, Controller) and device.type in ("usb", "ide") and (at.bus, at.slot) == (0, 1):
                continue
            yield device, ("pci", at.domain, at.bus, at.slot, at.function)
            if at.uid is not None:
                yield device, ("zpci uid", at.uid)
                yield device, ("zpci fid", at.fid)
        elif isinstance(at, CcwAddress):
            yield device, ("ccw", str(at))
        elif isinstance(at, UsbAddress) and at.port and _on_usb(device):
            yield device, ("usb", at.bus, at.port)
        elif isinstance(at, SerialAddress) and at.port:
            yield device, ("port", at.controller, at.port)
        elif isinstance(at, DriveAddress) and device.kind in ("disk", "hostdev"):
            bus = device.bus if isinstance(device, Disk) else "scsi"
            yield device, ("drive", bus, at.controller, at.bus, at.target, at.unit)
    for controller in found.inventory.controllers:
        # Parts of an ich9 set share a number, and "none" stands for no controller.
        if "-uhci" not in (controller.model or "") and controller.model != "none":
            yield controller, ("controller", controller.type, controller.index)


def _on_usb(device: Device) -> bool:
    """Whether libvirt reserves the USB port of a device. It does not reserve the port of a NIC, nor the one that is
    written for a device on another bus, such as a PS/2 mouse, an ac97 sound card or a balloon. Observed: libvirt 9.0.
    """
    match device:
        case Disk() | Input():
            return device.bus == "usb"
        case Controller():
            return device.type == "ccid"
        case Hostdev():
            return device.type == "usb"
        case Chardev():
            return device.target == "usb-serial"
        case Filesystem():
            return device.driver == "mtp"
    return device.kind in ("hub", "redirdev") or (device.kind, device.model) == ("sound", "usb")


def given_twice(found: Resolved) -> list[tuple[object, ...]]:
    """The places that two devices have, where the resolution gave one of them its place: two places that a user wrote
    are what libvirt accepts of them."""
    owners: dict[tuple[object, ...], list[Device]] = {}
    for device, place in unshared(found):
        owners.setdefault(place, []).append(device)
    return [place for place, some in owners.items() if len(some) > 1 and not all(one.given for one in some)]


def elements(text: str) -> list[str]:
    """The device elements of a document without white space, sorted."""
    root = _root(text)
    found = []
    for element in root.iterfind("devices/*"):
        element.tail = None
        for part in element.iter():
            part.text = (part.text or "").strip() or None
            if part is not element:
                part.tail = None
        found.append(etree.tostring(element).decode())
    return sorted(found)


def lost(before: etree._Element, text: str) -> dict[str, int]:
    """How many device elements of each name a resolved text has fewer than the input."""
    after = _root(text)
    count = Counter(str(one.tag) for one in before.iterfind("devices/*"))
    count.subtract(str(one.tag) for one in after.iterfind("devices/*"))
    return {tag: number for tag, number in sorted(count.items()) if number > 0}


def _root(text: str) -> etree._Element:
    """The root of a text, whose declaration names the encoding of the file that it is from."""
    return etree.fromstring(re.sub(r"^\s*<\?xml.*?\?>", "", text.removeprefix("\ufeff")).encode())


def of_dumps(text: str) -> bool:
    """Whether libvirt reads its own dump of a resolved domain otherwise, or refuses it.

    It refuses a USB controller "none" beside others. An input of bus "none" loses its bus, and gets one the next time.
    Observed: libvirt 9.0 and 12.8. An input whose bus is written as USB may have no other address; newer releases
    accept one where they choose the bus (behaviour written-bus-counts). Observed: libvirt 9.0 refuses both.
    """
    root = _root(text)
    usb = [one.get("model") for one in root.iterfind("devices/controller") if one.get("type") == "usb"]
    if len(usb) > 1 and "none" in usb:
        return True
    inputs = [(one.get("bus"), one.find("address")) for one in root.iterfind("devices/input")]
    return any(bus is None or (bus == "usb" and at is not None and at.get("type") != "usb") for bus, at in inputs)
