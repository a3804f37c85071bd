"""The drives of a command line: -drive, -hda to -hdd, -cdrom, -fda, and the empty ones that QEMU adds.

Source: QEMU, qemu-options.hx (``-drive``); observed: ``info qtree`` of QEMU 7.2.22 and 11.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from virtkit.readers.qemu_command_line.machine import Machine
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.settings import Settings

__all__ = ["Drives", "drives_of"]

_UNITS = {"scsi": 7, "floppy": 2, "ide": 2}
_FIRST_CDROM = 2


@dataclass(slots=True)
class Drives:
    """The drives by interface: those for ``-device`` by id, virtio ones, and (bus, unit) of IDE and floppy drives."""

    by_id: dict[str, Group] = field(default_factory=dict)
    virtio: list[Group] = field(default_factory=list)
    ide: dict[tuple[int, int], Group] = field(default_factory=dict)
    floppy: dict[tuple[int, int], Group] = field(default_factory=dict)
    firmware: list[Group] = field(default_factory=list)


def drives_of(settings: Settings, machine: Machine, defaults: frozenset[str]) -> Drives:
    """Sort the drives; ``defaults`` names which default drives QEMU adds ("cdrom", "floppy")."""
    found = Drives()
    for group in settings.all("blockdev"):
        name = group.get("node-name")
        if name:
            found.by_id[name] = group
    for group in settings.all("drive"):
        _sort(settings, machine, found, group)
    drive = machine.defaults.drive
    if "cdrom" in defaults and machine.defaults.cdrom and drive == "ide":
        place = divmod(_FIRST_CDROM, machine.defaults.units)
        found.ide.setdefault(place, Group("drive", {"media": "cdrom"}, 0))
    if "floppy" in defaults and machine.defaults.floppy:
        found.floppy.setdefault((0, 0), Group("drive", {}, 0))
    return found


def _sort(settings: Settings, machine: Machine, found: Drives, group: Group) -> None:
    interface = group.get("if") or machine.defaults.drive or "none"
    if group.get("id"):
        found.by_id[group.get("id")] = group
    if interface == "virtio":
        found.virtio.append(group)
    elif interface == "pflash":
        found.firmware.append(group)
    elif interface in ("ide", "floppy"):
        units = machine.defaults.units if interface == "ide" else _UNITS["floppy"]
        taken = found.ide if interface == "ide" else found.floppy
        place = _place(group, units, taken)
        if place in taken:
            settings.remark(group.line, f"-drive if={interface}: its place is taken already, so QEMU refuses it")
        else:
            taken[place] = group
    elif interface != "none":
        what = f"-drive if={interface}: its place on this machine type is not known"
        settings.remark(group.line, f"{what}; the drive is left out. Write -device for it")


def _place(group: Group, units: int, taken: dict[tuple[int, int], Group]) -> tuple[int, int]:
    """Bus and unit: of the index, of what is written, or the lowest that is free."""
    index, bus, unit = (_number(group.get(key)) for key in ("index", "bus", "unit"))
    if index is not None:
        return divmod(index, units)
    if unit is not None:
        return bus or 0, unit
    if bus is not None:
        return bus, next(number for number in range(256) if (bus, number) not in taken)
    return next(divmod(number, units) for number in range(4096) if divmod(number, units) not in taken)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
