"""Moves disks between the buses of pc and q35 machines."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.errors import UsageError
from virtkit.resolution.defaults.disks import UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

    from virtkit.domain.editor import Editor

__all__ = ["move_disks"]

#: For each target: the disk bus to leave, the bus to use, and the beginning of its disk names.
_DISKS = MappingProxyType({"q35": ("ide", "sata", "sd"), "pc": ("sata", "ide", "hd")})
_MOST_IDE_DISKS = 4


def move_disks(editor: Editor, devices: list[Element], to: str) -> Iterator[str]:
    """Moves IDE disks to SATA for a q35 machine, SATA disks to IDE for pc, and describes each move.

    A moved disk gets a free name and loses its address. Raises UsageError when all names are taken.
    """
    old, new, prefix = _DISKS[to]
    disks = [device for device in devices if device.tag == "disk" and _bus(device) == old]
    if to == "pc" and len(disks) > _MOST_IDE_DISKS:
        yield f"{len(disks)} {old} disks: kept, because IDE has room for {_MOST_IDE_DISKS}; pc gets an AHCI controller"
        return
    others = [device for device in devices if device.tag == "disk" and device not in disks]
    if disks and any(_bus(disk) == new for disk in others) and not any(disk.find("boot") is not None for disk in disks):
        yield f"note: disks that were already on {new} now come first; choose the boot disk with <boot order='1'/>"
    taken = {target.get("dev", "") for disk in others for target in disk.iterchildren("target")}
    # libvirt derives a disk's address from its name, so a name whose address another disk has is taken as well.
    used = {_number(address) for disk in others if _bus(disk) == new for address in disk.iterchildren("address")}
    names = (name for n in range(26) if n not in used and (name := f"{prefix}{chr(97 + n)}") not in taken)
    for disk in disks:
        target = disk.find("target")
        if target is None:
            continue
        name = next(names, "")
        if not name:
            dev = target.get("dev")
            raise UsageError(f"disk {dev}: cannot move to {new}: the names {prefix}a to {prefix}z are all taken")
        yield f"disk {target.get('dev')}: bus {old} becomes {new}, target {name}"
        editor.set(target, "bus", new)
        editor.set(target, "dev", name)
        for address in disk.iterchildren("address"):
            editor.remove(address)
        for geometry in disk.iterchildren("geometry"):
            if geometry.get("trans"):
                editor.unset(geometry, "trans")
                yield f"disk {name}: CHS translation {geometry.get('trans')} removed; only the ide bus has it"


def _number(address: Element) -> int:
    """The number of the disk name that stands for a written SATA address, -1 for an address that is not a number."""
    try:
        return int(address.get("controller", "0")) * UNITS["sata"] + int(address.get("unit", "0"))
    except ValueError:
        return -1


def _bus(disk: Element) -> str:
    target = disk.find("target")
    if target is None:
        return ""
    written = target.get("bus")
    return written or ("ide" if target.get("dev", "").startswith("hd") else "")
