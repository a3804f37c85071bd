"""What decides whether a guest starts from its boot disk, apart from having a driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.address import DriveAddress
from virtkit.domain.boot_order import order_of
from virtkit.guests.flavours import flavour_of

if TYPE_CHECKING:
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["boot_condition", "boot_device"]

_BOOTABLE = frozenset({"disk", "lun"})


def boot_device(resolved: Resolved) -> Device | None:
    """The boot disk, or the SCSI controller that it is attached to; None for a domain without a disk.

    The boot disk is the disk with the lowest ``<boot order>``, else the first disk; CD-ROMs and floppies do not count.
    Source: libvirt, Domain XML format, BIOS bootloader and per-device boot elements.
    """
    disks = [disk for disk in resolved.inventory.disks if disk.device in _BOOTABLE]
    if not disks:
        return None
    ordered = [(order, n) for n, disk in enumerate(disks) if (order := order_of(disk)) is not None]
    disk = disks[min(ordered)[1] if ordered else 0]
    if disk.bus != "scsi":
        return disk
    number = disk.address.controller if isinstance(disk.address, DriveAddress) else 0
    controllers = resolved.inventory.controllers
    return next((one for one in controllers if one.type == "scsi" and one.index == number), disk)


def boot_condition(guest: Guest, kind: str) -> str:
    """What must hold, besides a driver, for ``guest`` to start from a virtio disk; "" when nothing is known.

    ``kind`` is block, or scsi for a disk on a SCSI controller. An installer brings its own RAM disk, so there is no
    condition on it. Source: data/guests/boot-conditions.csv.
    """
    flavour = flavour_of(guest)
    if flavour is not None and flavour.installer:
        return ""
    for row in facts.table("guests/boot-conditions.csv"):
        distros = row["distros"].split()
        if row["family"] == guest.family and row["kind"] == kind and (not distros or guest.distro in distros):
            return f"the system starts from this disk if {row['condition']}; to be sure, {row['remedy']}"
    return ""
