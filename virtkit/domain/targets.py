"""Disk target names ("vda", "sdab", "nvme0n1"): the bus and the number that each encodes.

Source: libvirt, "Domain XML format", element ``target`` of a disk; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.domain.vocabulary import accepted
from virtkit.errors import Refused
from virtkit.releases import Release

if TYPE_CHECKING:
    from virtkit.domain.devices import Disk

__all__ = ["bus_of", "ide_floppy_name", "known_prefix", "letters", "number", "nvme_name"]

_NAME = re.compile(r"(fd|hd|vd|sd|xvd|ubd)([a-z]+)([0-9]*)$")
_NVME = re.compile(r"nvme([0-9]+)n([1-9][0-9]*)(?:p[0-9]+)?$")
_BUS_OF_PREFIX = {"vd": "virtio", "hd": "ide", "sd": "scsi", "xvd": "xen", "ubd": "uml", "fd": "fdc"}


def known_prefix(target: str, at: Release) -> str | None:
    """The bus of a target name by its prefix, None for an unknown prefix."""
    for prefix, bus in _BUS_OF_PREFIX.items():
        if target.startswith(prefix):
            return bus
    if target.startswith("nvme") and "nvme" in accepted(at)["disk", "bus"]:
        return "nvme"
    return None


def bus_of(disk: Disk, at: Release) -> str:
    """The bus that a target name implies when none is written. Raises Refused for a name that implies none."""
    if disk.device == "floppy":
        return "fdc"
    bus = known_prefix(disk.target, at)
    if disk.device == "cdrom" and bus == "fdc":
        return "ide"
    if bus is None:
        raise Refused("XML error", f"Unknown disk name '{disk.target}' and no address specified", disk.label)
    return bus


def letters(text: str) -> int:
    """The number that letters encode: a is 0, z is 25, aa is 26."""
    value = 0
    for letter in text:
        value = value * 26 + ord(letter) - 96
    return value - 1


def number(target: str) -> int:
    """The number that a target name encodes, -1 for an unknown prefix. A partition suffix is ignored."""
    match = _NAME.match(target)
    return letters(match.group(2)) if match else -1


def nvme_name(target: str) -> tuple[int, int] | None:
    """(controller, unit) of an nvme name, None for any other name."""
    match = _NVME.match(target)
    return (int(match.group(1)), int(match.group(2)) - 1) if match else None


def ide_floppy_name(disk: Disk) -> None:
    """Raises Refused for a floppy that is not called fdX, and for a hard disk that is."""
    floppy = disk.target.startswith("fd")
    if disk.device == "floppy" and not floppy:
        raise Refused("internal error", f"Invalid floppy device name: {disk.target}", disk.label)
    if disk.device == "disk" and floppy:
        raise Refused("internal error", f"Invalid harddisk device name: {disk.target}", disk.label)
