"""Firmware: which devices it drives, and what it does beyond its room for port I/O."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.guests.record import version_key
from virtkit.host.machine_types import machine_version
from virtkit.topology.port_io import limit_of
from virtkit.virtio.interface import Interface
from virtkit.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "Candidate",
    "Firmware",
    "Found",
    "Window",
    "firmware_for",
    "firmware_named",
    "found",
    "lost_windows",
    "window_limit",
]

_FIRMWARE = "boot/firmware.csv"
_DRIVERS = "boot/firmware-drivers.csv"
_WINDOWS = "boot/io-windows.csv"
#: The release of U-Boot whose room for bridges was measured; of newer ones it is not known.
_MEASURED = (2023, 1)


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware: ``version`` is its release in numbers, () when it is not known (then the newest counts).

    ``transitional`` is the half of a transitional device that it drives. ``one_disk`` says that it starts the first
    hard disk only, ``expander`` that it finds devices behind an expander bus; ``first_slot`` is the lowest slot of
    pcie.0 in which it finds devices. ``hides`` says that a boot loader cannot read a disk without a boot index while
    another device has one; false where no boot showed it. ``by_place`` says that the PCI place decides which disk comes
    first, not the boot index. ``bridges`` is the number of bridges with which it still starts, None where it was not
    measured.
    """

    name: str
    release: str
    version: tuple[int, ...]
    transitional: Interface
    one_disk: bool
    expander: bool
    first_slot: int
    hides: bool
    by_place: bool
    bridges: int | None
    source: str

    @property
    def title(self) -> str:
        """The name with the release."""
        return f"{self.name} {self.release}".strip()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that a firmware might drive.

    ``kind`` is a kind of virtio device or "nvme"; ``interface`` is None for a device that is not virtio. ``transport``
    is pci, mmio or ccw. ``window`` is false when the device has no port I/O, although it has a BAR for it.
    ``root_slot`` is the slot on pcie.0, 0 elsewhere; ``expander`` says that the device is behind an expander bus.
    """

    kind: str
    interface: Interface | None
    transport: str = "pci"
    window: bool = True
    root_slot: int = 0
    expander: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a firmware does with a device: boots, seen (driven but not started from), not-found, refused or unknown."""

    result: str
    reason: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A bridge on bus 0 that needs windows of port I/O: its slot and function, and how many windows."""

    slot: int
    function: int
    count: int = 1


def firmware_named(name: str, version: str = "") -> Firmware:
    """The firmware with a name such as "OVMF" or "U-Boot arm64". Raises UsageError with the known names.

    Source: data/boot/firmware.csv.
    """
    wanted = name.strip().lower()
    for row in facts.table(_FIRMWARE):
        names = row["names"].split(";")
        if wanted in (one.lower() for one in names):
            return _firmware(row, version)
    known = [row["names"].split(";")[0] for row in facts.table(_FIRMWARE)]
    raise UsageError(f"expected a firmware, {listed(known, 'or')}, got {name!r}")


def firmware_for(name: str, arch: str, version: str = "") -> Firmware | None:
    """The firmware of an architecture with a name or of a family (BIOS, UEFI, U-Boot); None when it has none of it.

    Raises UsageError with the known names. Source: data/boot/firmware.csv.
    """
    wanted = name.strip().lower()
    rows = facts.table(_FIRMWARE)
    if wanted in (row["family"].lower() for row in rows):
        fitting = [row for row in rows if row["family"].lower() == wanted and arch in row["arch"].split()]
        return _firmware(fitting[0], version) if fitting else None
    found = firmware_named(name, version)
    (row,) = (row for row in rows if row["names"].split(";")[0] == found.name)
    return found if arch in row["arch"].split() else None


def _firmware(row: Mapping[str, str], version: str) -> Firmware:
    return Firmware(
        row["names"].split(";")[0],
        version,
        version_key(version),
        Interface(row["transitional"]),
        row["tries"] == "one",
        row["expander"] == "yes",
        int(row["first_slot"]),
        row["unindexed"] == "hidden",
        row["order"] == "place",
        int(row["bridges"]) if row["bridges"] and version_key(version) <= _MEASURED else None,
        row["source"],
    )


_EMULATED = {"nvme": "NVMe", "ahci": "SATA disks", "ide": "IDE disks", "usb": "USB disks"}
"""The kinds of disks that are not virtio, as sentences name them."""


def found(firmware: Firmware, device: Candidate) -> Found:
    """What a firmware does with one device, apart from the order of boot devices.

    Sources: data/boot/firmware-drivers.csv, firmware.csv; observed, more than 900 boots.
    """
    what = _EMULATED.get(device.kind) or f"virtio-{device.kind}"
    row = _driver(firmware, device)
    if row is None:
        on = {"pci": "", "mmio": " on virtio-mmio", "ccw": " on the channel bus"}[device.transport]
        return Found("not-found", f"{firmware.title} has no driver for {what}{on}", firmware.source)
    allowed = row["interfaces"].split()
    if allowed and device.interface is not None and device.interface.value not in allowed:
        text = f"{firmware.title} drives {what} only if it is {listed(allowed, 'or')}; this one is {device.interface}"
        return Found("not-found", text, row["source"])
    if device.expander and not firmware.expander:
        return Found("not-found", f"{firmware.title} finds no device behind an expander bus", firmware.source)
    if 0 < device.root_slot < firmware.first_slot:
        text = f"{firmware.title} finds no device in slot {device.root_slot} of pcie.0"
        return Found("not-found", text, firmware.source)
    if not device.window and _needs_port_io(firmware, device):
        text = f"the device has no port I/O, and {firmware.title} drives its {_half(firmware, device)} interface only"
        return Found("not-found", text, firmware.source)
    return Found(row["result"], f"{firmware.title} drives {what}", row["source"])


def window_limit(firmware: Firmware, machine: str) -> tuple[int | None, bool, str]:
    """How many windows of port I/O fit on a machine type, whether one too many stops the machine, and the source.

    The number is None where it was not measured. Sources: data/boot/io-windows.csv, data/qemu/port-io-windows.csv.
    """
    if firmware.name == "SeaBIOS":
        limit, source = limit_of(machine, "bios")
        return limit, True, source
    family = machine_version(machine)[0]
    for row in facts.table(_WINDOWS):
        if (row["firmware"], row["family"]) == (firmware.name, family):
            return int(row["windows"]), row["lost"] == "all", row["source"]
    return None, False, ""


def lost_windows(windows: Iterable[Window], limit: int) -> Sequence[Window]:
    """The bridges that get no window when only ``limit`` fit: those in the lowest slots.

    Observed: OVMF and AAVMF; a bridge whose windows do not fit as a whole gets none.
    """
    wanted = sorted(windows, key=lambda one: (one.slot, one.function))
    room = limit
    lost = []
    for one in reversed(wanted):
        if one.count <= room:
            room -= one.count
        else:
            room = 0
            lost.append(one)
    return tuple(reversed(lost))


def _needs_port_io(firmware: Firmware, device: Candidate) -> bool:
    half = _half(firmware, device)
    return half is Interface.LEGACY


def _half(firmware: Firmware, device: Candidate) -> Interface | None:
    """The half of the device that the firmware drives."""
    return firmware.transitional if device.interface is Interface.TRANSITIONAL else device.interface


@cache
def _driver(firmware: Firmware, device: Candidate) -> dict[str, str] | None:
    """The row of the driver, None where the firmware has none."""
    fitting = [
        row
        for row in facts.table(_DRIVERS)
        if row["firmware"] == firmware.name
        and row["transport"] == device.transport
        and device.kind in row["kinds"].split()
        and _since(row["since"], firmware.version)
    ]
    return fitting[-1] if fitting else None


def _since(text: str, version: tuple[int, ...]) -> bool:
    """Whether a release has what came after the first release of a range, or with a single one."""
    if text == "-" or not version:
        return True
    low, dots, high = text.partition("..")
    # No release inside a range was observed: it counts as the older end, whose drivers it has.
    return version[: len(version_key(high or low))] >= version_key(high if dots else low)
