"""What a firmware does with a device, for a row of keys: firmware, release, QEMU, machine type, device and place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from virtkit.boot.firmware import (
    Candidate,
    Firmware,
    Found,
    Window,
    firmware_named,
    found,
    lost_windows,
    window_limit,
)
from virtkit.errors import UsageError
from virtkit.host import shipped
from virtkit.host.emulator import emulator_arch
from virtkit.releases import dotted, parse
from virtkit.virtio.interface import Interface, shown, switched
from virtkit.virtio.kinds import kind_of
from virtkit.wording import counted

__all__ = ["KEY", "key_result"]

#: The columns of the key.
KEY = ("firmware", "firmware_version", "qemu", "arch", "machine", "device", "interface", "place")

_DEVICE = re.compile(r"(?:virtio-([a-z0-9]+)|(nvme|none))(?:-(pci|ccw)(?:\+zpci)?)?(?: x(\d+))?")
_PORTS = re.compile(r"(first|last) of (\d+) root-port(?: (io-reserve=0)| \((multifunction|others empty)\))?")
_DISKS = re.compile(r"(\d+) disks, bootable: #(\d+), bootindex: (all|none|first|good), strict=(on|off)")
_MMIO = re.compile(r"virtio-mmio (legacy|modern)")
_SLOT = re.compile(r"pcie\.0(?: slot (0x[0-9a-f]+|\d+))?(?: \(control: nvme\))?")
_ROM = re.compile(r"romfile=|\bno ROM\b")
#: Places of the key and the kind of slot that they give a device, as virtio.interface has it.
_LOCATIONS = {
    "pci.0": "conventional-root",
    "pci": "conventional-root",
    "second spapr-pci-host-bridge": "conventional-root",
    "pci-bridge": "conventional-bridge",
    "pci-bridge x2": "conventional-bridge",
    "pxb": "conventional-bridge",
    "pcie-pci-bridge": "conventional-bridge",
    "root-port+pcie-pci-bridge": "conventional-bridge",
    "dmi-to-pci-bridge+pci-bridge": "conventional-bridge",
    "root-port": "pcie-port",
    "switch": "pcie-port",
    "pxb-pcie root-port": "pcie-port",
    "pxb-pcie direct": "pcie-root",
}
#: The switches that the column interface stands for: disable-legacy and disable-modern.
_SWITCHES = {"legacy-only": (False, True), "modern-only": (True, False), "transitional": (False, False)}
_MODELS = {"auto": "virtio", "modern-only": "virtio-non-transitional", "transitional": "virtio-transitional"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row in parts: the kind of device ("none" for none), how many, and the words of the place."""

    firmware: Firmware
    rom: str
    qemu: tuple[int, int]
    arch: str
    machine: str
    kind: str
    count: int
    interface: str
    place: str


def key_result(row: Mapping[str, str]) -> Found:
    """What the firmware of a row of keys does with its device (see ``KEY``): boots, seen, not-found or refused.

    ``place`` is a bus ("pcie.0", "root-port", "pxb"), "first of N root-port" with N such devices, or a number of disks
    with their boot indices. Raises UsageError when a column cannot be understood.
    """
    parts = _parts(row)
    if parts.kind == "none":
        return Found("not-found", "the machine has no such device")
    if refused := _refused(parts):
        return refused
    if match := _DISKS.fullmatch(parts.place):
        return _of_several(parts, int(match[1]), int(match[2]), match[3])
    device, stopped = _candidate(parts)
    if stopped:
        return stopped
    answer = found(parts.firmware, device)
    if answer.result == "boots" and parts.kind == "net":
        answer = _from_net(parts, device, answer)
    if "control" in parts.place and answer.result == "boots":
        return Found("seen", f"{answer.reason}; another disk is started", answer.source)
    return answer


def _parts(row: Mapping[str, str]) -> _Row:
    match = _DEVICE.fullmatch(row["device"].strip())
    if match is None:
        raise UsageError(f"device: expected none, nvme or virtio-KIND, got {row['device']!r}")
    version = row["firmware_version"]
    machine = {"pc": "pc-i440fx", "q35": "pc-q35"}.get(row["machine"], row["machine"])
    rom = _ROM.search(version)
    return _Row(
        firmware_named(row["firmware"], version),
        rom[0] if rom else "",
        parse(row["qemu"]),
        row["arch"],
        machine,
        match[1] or match[2],
        int(match[4] or 1),
        row["interface"],
        row["place"].strip(),
    )


def _refused(parts: _Row) -> Found | None:
    """Why QEMU does not start with the device; None when it does."""
    if parts.place == "pxb-pcie direct":
        return Found("refused", "QEMU puts only ports and bridges on the bus of pxb-pcie")
    emulator = shipped.load(parts.qemu, emulator_arch(parts.arch))
    needed = ["nvme"] if parts.kind == "nvme" else []
    needed += ["pxb-pcie"] if "pxb-pcie" in parts.place else []
    if emulator is not None and (lacking := [name for name in needed if not emulator.has(name)]):
        return Found("refused", f"QEMU {dotted(parts.qemu)} for {parts.arch} has no device {lacking[0]}")
    location = _location(parts)
    model = _MODELS.get(parts.interface)
    if parts.kind != "nvme" and location and model:
        if kind_of(parts.kind).kind_class == "modern-only":
            model = "virtio"
        seen = shown(parts.qemu, parts.arch, parts.machine, parts.kind, model, location)
        if seen.interface is None:
            return Found("refused", f"QEMU does not start: {seen.message or seen.reason}", seen.source)
    return None


def _location(parts: _Row) -> str | None:
    """The kind of slot of the place; None where the device is not on PCI. Raises UsageError for an unknown place."""
    if parts.place == "ccw" or _MMIO.fullmatch(parts.place):
        return None
    if _SLOT.fullmatch(parts.place):
        return "pcie-root"
    if _PORTS.fullmatch(parts.place):
        return "pcie-port"
    if _DISKS.fullmatch(parts.place):
        return "conventional-root" if parts.machine.startswith("pc-i440fx") else "pcie-root"
    if parts.place not in _LOCATIONS:
        raise UsageError(f"place: expected a bus, 'first of N root-port' or 'N disks, …', got {parts.place!r}")
    return _LOCATIONS[parts.place]


def _interface(parts: _Row) -> Interface | None:
    """The interface of the device; None for a device that is not virtio."""
    if parts.kind == "nvme":
        return None
    location = _location(parts)
    if match := _MMIO.fullmatch(parts.place):
        return Interface(match[1])
    if parts.interface in _SWITCHES:
        return switched(parts.kind, *_SWITCHES[parts.interface])
    if location is None:
        return Interface.TRANSITIONAL
    if parts.interface != "auto":
        raise UsageError(f"interface: expected auto, transitional, legacy-only or modern-only, got {parts.interface!r}")
    return shown(parts.qemu, parts.arch, parts.machine, parts.kind, "virtio", location).interface


def _candidate(parts: _Row) -> tuple[Candidate, Found | None]:
    """The device as the firmware meets it, and what stops the machine before that, None for nothing."""
    interface = _interface(parts)
    slot = 0
    if (match := _SLOT.fullmatch(parts.place)) and "control" not in parts.place:
        slot = int(match[1] or "1", 0)
    transport = "ccw" if parts.place == "ccw" else "mmio" if _MMIO.fullmatch(parts.place) else "pci"
    window, stopped = True, None
    if match := _PORTS.fullmatch(parts.place):
        which, ports, reserve, words = match[1], int(match[2]), match[3], match[4]
        if reserve:
            window = interface is Interface.MODERN
        elif interface is not Interface.MODERN:
            needed = 1 if words == "others empty" else ports
            window, stopped = _window(parts, which, needed)
    if interface is None:
        window = True
    return Candidate(parts.kind, interface, transport, window, slot, "pxb-pcie" in parts.place), stopped


def _window(parts: _Row, which: str, needed: int) -> tuple[bool, Found | None]:
    """Whether the first or last of several ports gets a window, and what stops the machine."""
    limit, stops, source = window_limit(parts.firmware, parts.machine)
    if limit is None or needed <= limit:
        return True, None
    if stops:
        text = f"{counted(needed, 'port')} with port I/O, but only {limit} fit: {parts.firmware.title} does not start"
        return False, Found("not-found", text, source)
    lost = lost_windows((Window(slot, 0) for slot in range(needed)), limit)
    own = 0 if which == "first" else needed - 1
    return all(one.slot != own for one in lost), None


def _of_several(parts: _Row, disks: int, bootable: int, indices: str) -> Found:
    """The result for several disks of which one can be started from."""
    answer = found(parts.firmware, Candidate(parts.kind, _interface(parts)))
    if answer.result != "boots" or not parts.firmware.one_disk:
        return answer
    tried = bootable if indices == "good" else 1
    if tried == bootable:
        return Found("boots", f"{parts.firmware.title} tries disk {tried} of {disks}", parts.firmware.source)
    text = f"{parts.firmware.title} tries one hard disk only, disk {tried}; disk {bootable} needs the lowest boot index"
    return Found("not-found", text, parts.firmware.source)


def _from_net(parts: _Row, device: Candidate, answer: Found) -> Found:
    """The result for a NIC: SeaBIOS needs an option ROM whose ids fit."""
    if parts.firmware.name != "SeaBIOS" or not parts.rom:
        return answer
    if parts.rom == "no ROM":
        return Found("not-found", "the NIC has no option ROM", parts.firmware.source)
    if device.interface is Interface.MODERN:
        return answer
    text = f"SeaBIOS ignores a ROM file that is named for a {device.interface} NIC: QEMU does not patch its device id"
    return Found("not-found", text, parts.firmware.source)
