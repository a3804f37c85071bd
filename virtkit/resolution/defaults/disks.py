"""Disks: list order, numbers, and their places on drive controllers, scsi host devices included.

Source: libvirt, "Domain XML format", Device Addresses (drive); observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from operator import attrgetter

from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Disk
from virtkit.domain.targets import nvme_name
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft
from virtkit.resolution.defaults.controllers import find

__all__ = ["order_disks", "place_disks", "place_scsi_hostdevs"]

CFG = "unsupported configuration"
XML = "XML error"

_NUMBER = attrgetter("number")

UNITS = {"ide": 4, "sata": 6, "fdc": 2, "scsi": 7}
"""Disks per controller, by bus, that automatic places use."""


def order_disks(context: Context, draft: Draft) -> None:
    """Group disks by bus, in order of first appearance; inside a group by target number.

    Newer releases group by the bus as written: disks without one are a group of their own.
    """
    disks = draft.devices.disks
    if len(disks) < 2:
        return
    groups: dict[str | None, list[Disk]] = {}
    written = "disks-by-written-bus" in context.behaves
    for disk in disks:
        groups.setdefault(disk.written_bus if written else disk.bus, []).append(disk)
    ordered: list[Disk] = []
    for group in groups.values():
        group.sort(key=_NUMBER)
        ordered += group
    draft.devices.disks = ordered


def place_disks(draft: Draft) -> None:
    """Give each disk without an address the position that its name encodes. Raises Refused for a bad name."""
    unplaced = [disk for disk in draft.devices.disks if disk.address is None]
    if not unplaced:
        return
    written_hosts = [
        hostdev
        for hostdev in draft.devices.hostdevs
        if hostdev.type == "scsi" and isinstance(hostdev.address, DriveAddress)
    ]
    for disk in unplaced:
        address = _automatic(disk)
        if address is None:
            continue
        if disk.bus == "scsi":
            for hostdev in written_hosts:
                if hostdev.address == address:
                    raise Refused(
                        CFG,
                        f"using disk target name '{disk.target}' conflicts with SCSI host device address "
                        f"controller='{address.controller}' bus='{address.bus}' target='{address.target}' "
                        f"unit='{address.unit}'",
                        disk.label,
                        disk.line,
                    )
        disk.place(address)
        draft.trace.record(disk, "drive.by-name", disk.target, max(disk.number, 0), disk.bus)


def _automatic(disk: Disk) -> DriveAddress | None:
    bus = disk.bus
    if bus == "nvme":
        named = nvme_name(disk.target)
        if named is not None:
            return DriveAddress(named[0], 0, 0, named[1])
        if disk.number >= 0:
            return DriveAddress(0, 0, 0, disk.number)
        raise Refused(XML, f"Unknown disk name '{disk.target}' and no address specified", disk.label, disk.line)
    per = UNITS.get(bus)
    if per is None:
        return None
    count = disk.number
    if count < 0:
        raise Refused(XML, f"Unknown disk name '{disk.target}' and no address specified", disk.label, disk.line)
    if bus == "ide":
        return DriveAddress(count // 4, count % 4 // 2, 0, count % 2)
    return DriveAddress(count // per, 0, 0, count % per)


def place_scsi_hostdevs(draft: Draft) -> None:
    """Give each scsi host device without an address the first free unit of the scsi controllers."""
    wanting = [
        hostdev
        for hostdev in draft.devices.hostdevs
        if hostdev.type == "scsi" and hostdev.mode == "subsystem" and hostdev.address is None
    ]
    if not wanting:
        return
    taken = {
        (disk.address.controller, disk.address.unit)
        for disk in draft.devices.disks
        if disk.bus == "scsi"
        and isinstance(disk.address, DriveAddress)
        and not (disk.address.bus or disk.address.target)
    }
    for hostdev in draft.devices.hostdevs:
        at = hostdev.address
        if hostdev.type == "scsi" and isinstance(at, DriveAddress) and not (at.bus or at.target):
            taken.add((at.controller, at.unit))
    for hostdev in wanting:
        address = _free_unit(draft, taken)
        taken.add((address.controller, address.unit))
        hostdev.place(address)
        draft.trace.record(hostdev, "scsi.free-unit", address.controller, address.unit)


def _free_unit(draft: Draft, taken: set[tuple[int, int]]) -> DriveAddress:
    """Controllers 0, 1, 2 and so on are tried, one number for each scsi controller there is, then one more."""
    count = sum(controller.type == "scsi" for controller in draft.devices.controllers)
    number = 0
    while True:
        controller = find(draft, "scsi", number) if number < count else None
        # QEMU's lsisas1068 takes few units; observed: libvirt 9.0 and 12.8 offer two.
        units = 2 if controller is not None and controller.model == "lsisas1068" else UNITS["scsi"]
        for unit in range(units):
            if (number, unit) not in taken:
                return DriveAddress(number, 0, 0, unit)
        number += 1
