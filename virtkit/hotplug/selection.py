"""A device of a domain by one of its names, as ``virtkit detach`` takes them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Disk, Nic
from virtkit.domain.document import parse
from virtkit.domain.reader import read_devices
from virtkit.errors import UsageError
from virtkit.hotplug.changes import row
from virtkit.hotplug.device import target_name

if TYPE_CHECKING:
    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved

__all__ = ["device_named"]

_IDENTIFIED = frozenset({"disk", "interface", "controller", "filesystem", "channel", "shmem", "hostdev"})
"""The kinds that libvirt finds without an address, which may differ between the running domain and its definition."""
_MOST = 40
"""The most names that a message lists."""


def device_named(name: str, *domains: Resolved) -> str:
    """The XML of the device that has a name in the first domain that knows it.

    The name is an id or alias, a disk target, a MAC address, a PCI address, or the name of a channel or shared memory.
    Raises UsageError when no domain knows it, or several devices of one have it.
    """
    for domain in domains:
        found = [one for one in domain.devices if name.lower() in _names(one)]
        if len(found) > 1:
            labels = ", ".join(one.label for one in found)
            raise UsageError(f"{name!r} names several devices: {labels}; give device XML")
        if found:
            return _xml(domain, found[0])
    known = [_common_name(one) for one in domains[0].devices if one.kind != "controller"]
    some = ", ".join(filter(None, known[:_MOST]))
    raise UsageError(
        f"{name!r}: expected device XML, a file that ends in .xml, or the id, target, MAC address or PCI address of a "
        f"device of the domain: {some}"
    )


def _names(device: Device) -> set[str]:
    names = {device.id, device.alias or "", target_name(device)}
    if isinstance(device, Disk):
        names.add(device.target)
    if isinstance(device, Nic):
        names.add(device.mac or "")
    if device.kind == "shmem" and device.element is not None:
        names.add(device.element.get("name") or "")
    if isinstance(device.address, PciAddress) and not device.address.empty:
        names |= {str(device.address), str(device.address).removeprefix("0000:")}
    return {name.lower() for name in names if name}


def _common_name(device: Device) -> str:
    """The name that people use first."""
    if isinstance(device, Disk):
        return device.target
    return (device.mac if isinstance(device, Nic) else None) or device.id


def _xml(domain: Resolved, device: Device) -> str:
    """The XML of a device as the domain has it, with its address only where nothing else tells it from others."""
    document = parse(domain.xml().encode())
    wanted = row(device)
    found = next((one for one in read_devices(document, domain.context.at).in_order() if row(one) == wanted), None)
    if found is None or found.element is None:
        raise UsageError(f"{device.label} has no element in the domain; it cannot be detached")
    element = copy(found.element)
    element.tail = None
    for child in (*element.findall("alias"), *(element.findall("address") if device.kind in _IDENTIFIED else ())):
        element.remove(child)
    return etree.tostring(element, encoding="unicode", with_tail=False)
