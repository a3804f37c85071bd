"""The names of disks in /dev/disk/by-path of a Linux guest.

Source: observed, Debian 12 (systemd 252) on QEMU 7.2.22, ID_PATH of virtio-blk, virtio-scsi, SATA, IDE and NVMe disks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.boot.domain_pci import domain_pci
from virtkit.domain.address import CcwAddress, DriveAddress, PciAddress
from virtkit.domain.devices import Controller, Disk

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["by_path"]


def by_path(resolved: Resolved, disk: Disk) -> str:
    """The name of a disk in /dev/disk/by-path; "" where it was not observed (USB, floppy, virtio-mmio)."""
    address = disk.address
    if isinstance(address, DriveAddress):
        kind = "scsi" if disk.bus == "scsi" else disk.bus
        controllers = (one for one in resolved.devices if isinstance(one, Controller) and one.type == kind)
        holder = next((one for one in controllers if one.index == address.controller), None)
        above = "" if holder is None else _place(resolved, holder.address)
        return f"{above}{_on_controller(disk.bus, address)}" if above else ""
    return _place(resolved, address)


def _place(resolved: Resolved, address: object) -> str:
    """The beginning of the name: the place of the device or of its controller."""
    if isinstance(address, CcwAddress):
        first = "0" if address.cssid == 0xFE else f"{address.cssid:x}"
        return f"ccw-{first}.{address.ssid:x}.{address.devno or 0:04x}"
    if isinstance(address, PciAddress):
        if address.uid is not None:
            return f"pci-{address.uid:04x}:00:00.0"
        text = domain_pci(resolved).text(address)
        return f"pci-{text}" if text else ""
    return ""


def _on_controller(bus: str, address: DriveAddress) -> str:
    if bus == "scsi":
        return f"-scsi-0:{address.bus}:{address.target}:{address.unit}"
    if bus == "sata":
        return f"-ata-{address.unit + 1}"
    if bus == "ide":
        return f"-ata-{address.bus + 1}.{address.unit}"
    return ""
