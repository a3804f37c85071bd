"""Refusals about disks: names, address forms, drive places."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from virtkit.domain.address import DriveAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Device, Disk
from virtkit.errors import Refused
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.context import Context, Draft
from virtkit.resolution.defaults.controllers import find

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_disks", "check_scsi_place", "check_sources", "check_targets"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"

ON_DRIVE = frozenset({"ide", "sata", "scsi", "fdc", "nvme"})
_PARTITION = re.compile(r"(fd|hd|vd|sd|xvd|ubd)[a-z]+[0-9]+$")
NO_MMIO = frozenset({"ppc64", "ppc64le", "s390x", "loongarch64"})
"""Architectures on which a virtio-mmio disk is refused. Source: observed, libvirt 9.0 and 12.8."""

_USB_MODELS = frozenset({"usb-storage", "usb-bot"})


def _refuse(disk: Disk, what: str, category: str = CFG, remedy: str = "") -> Refused:
    return Refused(category, what, disk.label, disk.line, remedy=remedy)


def _source(disk: Disk) -> str:
    source = disk.children.get("source")
    if source is None:
        return ""
    return source.get("file") or source.get("dev") or source.get("name") or source.get("dir") or ""


def check_targets(draft: Draft) -> None:
    """Raises Refused for a target name that encodes no number, and for one that two disks have."""
    seen: dict[str, Disk] = {}
    for disk in draft.devices.disks:
        if disk.number < 0 and not disk.target.startswith("nvme"):
            raise _refuse(
                disk, f"Unknown disk name '{disk.target}': expected vdX, sdX, hdX, xvdX, ubdX or fdX (X: letters)", XML
            )
        other = seen.setdefault(disk.target, disk)
        if other is not disk:
            raise _refuse(
                disk,
                f"target '{disk.target}' duplicated for disk sources '{_source(other)}' and '{_source(disk)}'",
                XML,
            )


SOURCES = {
    "file": "file",
    "block": "dev",
    "dir": "dir",
    "network": "protocol",
    "volume": "pool",
    "nvme": "type",
    "vhostuser": "type",
    "vhostvdpa": "dev",
}
"""The attribute of ``<source>`` without which a disk of that type has none. Source: libvirt, "Domain XML format"."""

NEEDED_IN_SOURCE = frozenset({"network", "nvme", "vhostuser", "vhostvdpa"})
REMOVABLE = frozenset({"cdrom", "floppy"})
LUN_TYPES = frozenset({"block", "volume", "network"})


def check_sources(disks: Iterable[Disk]) -> None:
    """Refuse a fixed disk without a source, and an incomplete source. Raises Refused.

    A disk whose text was accepted before has its source.
    """
    for disk in disks:
        if disk.alike is not None and disk.alike.accepted:
            continue
        needed = SOURCES[disk.type]
        # Whether there is a path is seen in any element with this text.
        source = None if disk.sample is None else next(disk.sample.iterchildren("source"), None)
        if source is not None:
            _check_source(disk, source, needed)
        if disk.device == "lun":
            if source is None or disk.type not in LUN_TYPES:
                raise _refuse(disk, "disk device='lun' is only valid for block type disk source")
        elif disk.device not in REMOVABLE:
            empty = source is None or (disk.type != "volume" and not source.get(needed))
            if empty:
                raise _refuse(
                    disk, f"missing source information for device {disk.target}: <source {needed}='…'/> is needed", XML
                )


def _check_source(disk: Disk, source: Element, needed: str) -> None:
    value = source.get(needed)
    if value is None and disk.type in NEEDED_IN_SOURCE:
        raise _refuse(disk, f"Missing required attribute '{needed}' in element 'source'", XML)
    if disk.type == "volume" and bool(source.get("pool")) != bool(source.get("volume")):
        raise _refuse(disk, "'pool' and 'volume' must be specified together for 'pool' type source", XML)
    if disk.type == "network" and value != "nbd" and not source.get("name"):
        raise _refuse(disk, "missing name for disk source", XML)
    if disk.type == "dir" and (value or disk.device in REMOVABLE):
        driver = disk.children.get("driver")
        if driver is None or driver.get("type") != "fat":
            raise _refuse(disk, "storage type 'dir' requires use of storage format 'fat'")


def check_disks(context: Context, draft: Draft, left: Inventory) -> None:
    """Refuse an invalid disk or scsi controller among those that are left to check, and two disks at one place.

    Raises Refused.
    """
    for disk in left.disks:
        _check_disk(context, disk)
        if _check_iothread(context, disk) and disk.bus != "virtio":
            raise _refuse(disk, f"IOThreads not available for bus {disk.bus} target {disk.target}")
        if isinstance(disk.address, DriveAddress):
            _check_numbers(draft, disk, disk.address)
    for controller in left.controllers:
        if controller.type == "scsi":
            _check_iothread(context, controller)
    _check_places(draft)


def _check_disk(context: Ground, disk: Disk) -> None:
    _check_address(context, disk)
    bus, model = disk.bus, disk.model
    if _PARTITION.match(disk.target):
        raise _refuse(disk, f"invalid disk target '{disk.target}', partitions can't appear in disk targets")
    if disk.device == "lun":
        if bus not in ("virtio", "scsi"):
            raise _refuse(disk, f"disk device='lun' is not supported for bus='{bus}'")
        if bus == "virtio" and context.emulator.has_property("virtio-blk-pci", "scsi") is False:
            raise _refuse(disk, "This QEMU doesn't support SCSI emulation with 'virtio-blk' device")
    if model is not None:
        on_usb = bus == "usb" and model in _USB_MODELS
        if bus != "virtio" and not on_usb:
            raise _refuse(disk, f"disk model '{model}' not supported for bus '{bus}'")
        if bus == "virtio" and model in _USB_MODELS:
            raise _refuse(disk, f"disk model '{model}' not supported for bus '{bus}'")
    if disk.serial and (bus == "sd" or (disk.device == "lun" and bus == "scsi")):
        raise _refuse(disk, f"a serial is not supported for device='{disk.device}' on bus='{bus}'")
    _check_driver(disk)


def _check_iothread(context: Context, device: Device) -> bool:
    """Whether it has an iothread; raises Refused for one that the domain lacks (numbered ones, else the lowest)."""
    driver = device.children.get("driver")
    text = None if driver is None else driver.get("iothread")
    if text is None:
        return False
    root = context.root
    numbers = {one.get("id") for one in root.findall("iothreadids/iothread")}
    count = (root.findtext("iothreads") or "0").strip()
    number = 0
    while len(numbers) < (int(count) if count.isdigit() else 0) and number < MANY_THREADS:
        number += 1
        numbers.add(str(number))
    wanted = text.lstrip("+0")
    if wanted and wanted not in numbers:
        raise Refused(CFG, f"iothread '{text}' not defined in iothreadids", device.label, device.line)
    return True


MANY_THREADS = 65535
"""The highest number of iothreads that is considered."""


def _check_numbers(draft: Draft, disk: Disk, at: DriveAddress) -> None:
    if disk.bus == "scsi":
        check_scsi_place(draft, disk, at)
    elif disk.bus == "fdc" and at.bus:
        raise _refuse(disk, "Only 1 fdc bus is supported", INT)
    elif disk.bus == "sata" and at.bus:
        raise _refuse(disk, "bus must be 0 for sata controller")
    elif disk.bus in ("ide", "fdc", "sata") and at.target:
        raise _refuse(disk, f"target must be 0 for {disk.bus} controller")


def _check_places(draft: Draft) -> None:
    seen: dict[tuple[str, int, int, int, int], Disk] = {}
    for disk in draft.devices.disks:
        at = disk.address
        if not isinstance(at, DriveAddress):
            continue
        key = (disk.bus, at.controller, at.bus, at.target, at.unit)
        first = seen.setdefault(key, disk)
        if first is not disk:
            raise _refuse(
                disk,
                f"Found duplicate drive address for disk with target name '{disk.target}' "
                f"controller='{at.controller}' bus='{at.bus}' target='{at.target}' unit='{at.unit}'",
                remedy=f"{first.label} has this address, too",
            )
    handed: dict[tuple[int, int, int, int], Device] = {}
    for hostdev in draft.devices.hostdevs:
        at_ = hostdev.address
        if hostdev.type == "scsi" and isinstance(at_, DriveAddress):
            other = handed.setdefault((at_.controller, at_.bus, at_.target, at_.unit), hostdev)
            if other is not hostdev:
                what = f"SCSI host address {at_} in use by another SCSI host device"
                raise Refused(CFG, what, hostdev.label, hostdev.line)
            disk_ = seen.get(("scsi", at_.controller, at_.bus, at_.target, at_.unit))
            if disk_ is not None:
                raise Refused(
                    XML,
                    f"SCSI host address controller='{at_.controller}' bus='{at_.bus}' target='{at_.target}' "
                    f"unit='{at_.unit}' in use by a SCSI disk",
                    hostdev.label,
                    hostdev.line,
                )


def _check_address(context: Ground, disk: Disk) -> None:
    address = disk.address
    if disk.bus == "fdc" and "machine-lists" in context.behaves and not _takes_floppies(context):
        raise _refuse(disk, "this machine type do not support floppy devices")
    if address is None:
        return
    if disk.bus in ON_DRIVE and address.type != "drive":
        raise _refuse(
            disk,
            f"Invalid address type '{address.type}' for the disk '{disk.target}' with the bus type '{disk.bus}'",
        )
    if disk.bus == "usb" and address.type != "usb":
        raise _refuse(disk, "unexpected address type for usb disk", INT)
    forms = ("pci", "ccw") if context.arch in NO_MMIO else ("pci", "ccw", "virtio-mmio")
    checked = context.family.pci or "pci-required" in context.behaves
    if disk.bus == "virtio" and checked and address.type not in forms:
        raise _refuse(disk, f"virtio disk cannot have an address of type '{address.type}'")


def _takes_floppies(context: Ground) -> bool:
    return context.arch in ("i686", "x86_64") or context.family.name in ("ppc64-other", "g3beige")


def _check_driver(disk: Disk) -> None:
    if disk.bus == "virtio":
        return
    driver = disk.children.get("driver")
    if driver is None:
        return
    for option in ("iommu", "ats", "packed", "page_per_vq"):
        if driver.get(option) is not None:
            raise _refuse(disk, f"{option} driver option is only supported for virtio devices")


def check_scsi_place(draft: Draft, device: Device, at: DriveAddress) -> None:
    """Refuse bus and target numbers that a scsi controller does not have. Raises Refused."""
    if at.bus:
        raise Refused(INT, "SCSI controller only supports 1 bus", device.label, device.line)
    controller = find(draft, "scsi", at.controller)
    if at.target and controller is not None and controller.model == "lsilogic":
        raise Refused(CFG, "target must be 0 for controller model 'lsilogic'", device.label, device.line)
