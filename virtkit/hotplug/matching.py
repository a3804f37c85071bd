"""Which device of a domain the XML of a detach means, and which two devices are the same to libvirt.

Source: observed, libvirt 9.0 and 12.8 (devices attached to and detached from domains and their definitions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Hostdev, Input, Memory, Nic
from virtkit.errors import Refused
from virtkit.hotplug.device import action_of, target_name
from virtkit.hotplug.memory_map import bytes_of
from virtkit.resolution.constraints.hostdevs import source_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.resolution.context import Context

__all__ = ["console_of", "same_chardev", "same_device", "same_share", "same_shmem"]

LOST = "device not found"


def same_device(context: Context, devices: Inventory, wanted: Device, *, live: bool = False) -> Device:
    """The device of an inventory that a detach of ``wanted`` means, the first of several.

    Disks match by target, NICs by what is written of MAC address, PCI address and alias, controllers by type and index,
    character devices by type, source, target and port, host devices by source, others by their properties and a written
    address. A ``live`` character device has a path of its own: it matches only where that path is known and written.
    Raises Refused when there is none, or several such NICs.
    """
    if wanted.kind == "console" and isinstance(wanted, Chardev) and wanted.target in (None, "serial"):
        what = "detaching serial console is not supported"
        raise Refused("Requested operation is not valid", what, wanted.label)
    found = [one for one in devices.in_order() if one.kind == wanted.kind and _matches(context, one, wanted, live)]
    if not found:
        raise Refused(*_lost(wanted), wanted.label)
    if len(found) > 1 and isinstance(wanted, Nic):
        what = f"devices matching MAC address {wanted.mac}" if wanted.mac else "matching devices"
        raise Refused("operation failed", f"multiple {what} found", wanted.label)
    return found[0]


def console_of(devices: Inventory, device: Device) -> Chardev | None:
    """The console that shows a serial and goes with it; None for any other device."""
    if device.kind != "serial" or device is not next(iter(devices.serials), None):
        return None
    return next((one for one in devices.consoles if one.target in (None, "serial")), None)


def _lost(wanted: Device) -> tuple[str, str]:
    if isinstance(wanted, Disk):
        return LOST, f"no target device {wanted.target}"
    if isinstance(wanted, Nic):
        return LOST, f"no device matching MAC address {wanted.mac} found" if wanted.mac else "no such interface found"
    if isinstance(wanted, Chardev):
        return "invalid argument", "device not present in domain configuration"
    return LOST, f"no matching {wanted.kind} device was found"


def _matches(context: Context, own: Device, wanted: Device, live: bool) -> bool:
    if isinstance(own, Disk) and isinstance(wanted, Disk):
        return own.target == wanted.target
    if isinstance(own, Nic) and isinstance(wanted, Nic):
        return _same_nic(own, wanted)
    if isinstance(own, Controller) and isinstance(wanted, Controller):
        return own.type == wanted.type and wanted.index == own.index
    if isinstance(own, Chardev) and isinstance(wanted, Chardev):
        return same_chardev(own, wanted) and not (live and _path_is_unknown(own))
    if isinstance(own, Hostdev) and isinstance(wanted, Hostdev):
        return own.type == wanted.type and source_of(own) == source_of(wanted)
    if wanted.kind == "filesystem":
        return same_share(own, wanted)
    if own.kind == "watchdog" and not live and "several-watchdogs" not in context.behaves:
        return True
    return _same_place(own, wanted) and _same_properties(own, wanted)


def _same_place(own: Device, wanted: Device) -> bool:
    """Whether a written address, if any, is that of the device."""
    at = wanted.address
    return at is None or own.address is None or (at.type == own.address.type and str(at) == str(own.address))


def _same_properties(own: Device, wanted: Device) -> bool:
    if isinstance(own, Input) and isinstance(wanted, Input):
        return own.type == wanted.type and wanted.bus in ("", own.bus)
    if isinstance(own, Memory) and isinstance(wanted, Memory):
        return own.model == wanted.model and _memory(own) == _memory(wanted)
    if own.kind == "shmem":
        return same_shmem(own, wanted)
    if own.kind == "rng":
        return own.model == wanted.model and _same_backend(own, wanted)
    if own.kind == "watchdog":
        return own.model == wanted.model and action_of(own) == action_of(wanted)
    if own.kind == "vsock":
        return _attributes(own, "cid") == _attributes(wanted, "cid")
    if own.kind == "redirdev":
        return _source(own) == _source(wanted)
    return wanted.model in (None, own.model)


def _same_nic(own: Nic, wanted: Nic) -> bool:
    if wanted.mac and (own.mac or "").lower() != wanted.mac.lower():
        return False
    if own.alias and wanted.alias and own.alias != wanted.alias:
        return False
    at = wanted.address
    return not isinstance(at, PciAddress) or at.empty or str(own.address) == str(at)


def same_chardev(own: Chardev, wanted: Chardev) -> bool:
    """Whether two character devices are one to libvirt: by source, target type, and name or port.

    A serial or parallel port without a written port is a new one.
    """
    if own.kind != wanted.kind or wanted.target not in (None, own.target) or _source(own) != _source(wanted):
        return False
    if own.kind == "channel":
        return target_name(own) == target_name(wanted)
    if own.kind == "console":
        return wanted.port in (-1, own.port)
    return own.port == wanted.port


def same_shmem(own: Device, wanted: Device) -> bool:
    """Whether two shared memories are one to libvirt: by name, model, size and server."""
    return _shmem(own) == _shmem(wanted)


def same_share(own: Device, wanted: Device) -> bool:
    """Whether two shares are one to libvirt: by the name that the guest mounts."""
    return _attributes(own, "target").get("dir") == _attributes(wanted, "target").get("dir")


def _shmem(device: Device) -> tuple[object, ...]:
    element = device.element
    if element is None:
        return ()
    size = bytes_of(element.find("size"), "b")
    return element.get("name"), device.model or "ivshmem", size, _attributes(device, "server").get("path")


def _memory(device: Memory) -> tuple[object, ...]:
    element = device.element
    if element is None:
        return ()
    return bytes_of(element.find("target/size")), (element.findtext("target/node") or "").strip()


def _same_backend(own: Device, wanted: Device) -> bool:
    """Whether the back ends of two random number generators agree; a file that is not written is any."""
    one, other = (None if device.element is None else device.element.find("backend") for device in (own, wanted))
    if one is None or other is None or one.get("model") != other.get("model"):
        return one is other
    if other.get("model") == "egd":
        return one.get("type") == other.get("type") and _sources(one) == _sources(other)
    return _file(one) == _file(other)


def _file(backend: Element) -> str:
    """The file that random numbers come from; libvirt's choice where none is written."""
    return (backend.text or "").strip() or "/dev/random"


def _path_is_unknown(device: Device) -> bool:
    """Whether libvirt chose the path of a running character device, and the XML does not say which."""
    return _source(device) in (("pty",), ("unix",))


def _source(device: Device) -> tuple[object, ...]:
    """The type of a character device and where it leads."""
    element = device.element
    return () if element is None else (element.get("type") or "pty", *_sources(element))


def _sources(element: Element) -> list[tuple[tuple[str, str], ...]]:
    """What each source of a character device names; a socket without a path is chosen by libvirt."""
    found = []
    for source in element.iterfind("source"):
        names = {str(name): str(value) for name, value in source.attrib.items() if name not in ("append", "mode")}
        found.append(tuple(sorted(names.items())))
    return [names for names in found if names]


def _attributes(device: Device, child: str) -> dict[str, str]:
    found = None if device.element is None else device.element.find(child)
    return {} if found is None else {str(name): str(value) for name, value in found.attrib.items()}
