"""The firmware of a domain: which one it is, which disks it finds, and which of them it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from virtkit.boot.firmware import Candidate, Firmware, Window, firmware_named, found, lost_windows, window_limit
from virtkit.domain.address import DriveAddress, PciAddress, UsbAddress
from virtkit.domain.devices import Controller, Device, Disk, Nic
from virtkit.host.emulator import emulator_arch
from virtkit.releases import dotted
from virtkit.topology.port_io import budget
from virtkit.virtio.interface import Interface
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Node

__all__ = ["BootDisk", "boot_disks", "boot_order", "firmware_of", "holder_of", "lost_ports"]

#: INT 13h numbers hard disks from 0x80; SeaBIOS has room for 16. Source: observed, SeaBIOS 1.16.2 and 1.17.0.
_INT13 = 16
#: Words in the path of a loader, and the firmware that they stand for.
_PATHS = (("u-boot", "U-Boot"), ("uboot", "U-Boot"), ("ovmf", "OVMF"), ("aavmf", "AAVMF"), ("edk2", "edk2"))
_UBOOT = {"x86_64": "U-Boot x86", "i386": "U-Boot x86", "aarch64": "U-Boot arm64", "arm": "U-Boot arm"}
_UEFI = {"x86_64": "OVMF", "i386": "OVMF", "aarch64": "AAVMF", "arm": "AAVMF", "loongarch64": "edk2-loongarch64"}


@dataclass(frozen=True, slots=True)
class BootDisk:
    """What the firmware does with one disk.

    ``order`` is its boot index (1 for the first), None for none. ``first`` is true for the disk that the firmware
    starts. ``result`` is boots, seen, not-found, hidden (found, but a BIOS boot loader cannot read it) or unknown.
    """

    device: str
    label: str
    order: int | None
    first: bool
    result: str
    reason: str
    source: str


def firmware_of(resolved: Resolved, named: str = "") -> tuple[Firmware | None, str]:
    """The firmware of a domain, or None and why it does not matter or is not known.

    ``named`` ("OVMF", "U-Boot arm64 2023.01") replaces what the domain says. Raises UsageError for an unknown name.
    Source: libvirt, Domain XML format, <os firmware>, <loader>; QEMU's default firmware of each machine type.
    """
    if named:
        name, _, version = named.rpartition(" ")
        return (firmware_named(name, version), "") if version[:1].isdigit() else (firmware_named(named), "")
    arch = emulator_arch(resolved.arch)
    system = resolved.context.root.find("os")
    if system is not None and system.find("kernel") is not None:
        return None, "QEMU loads the kernel itself, so the firmware reads no disk"
    loader = None if system is None else system.find("loader")
    path = "" if loader is None or not loader.text else loader.text.strip()
    by_path = next((name for word, name in _PATHS if word in PurePosixPath(path).name.lower() or word in path), "")
    uefi = system is not None and system.get("firmware") == "efi"
    uefi = uefi or (loader is not None and loader.get("type") == "pflash") or by_path in ("OVMF", "AAVMF", "edk2")
    if by_path == "U-Boot":
        return firmware_named(_UBOOT.get(arch, "U-Boot riscv64 S-mode")), ""
    if uefi:
        return firmware_named(_UEFI.get(arch, "edk2-riscv64")), ""
    if path:
        return None, f"unknown: no boot was observed with the loader {path}"
    return _default(resolved, arch)


def _default(resolved: Resolved, arch: str) -> tuple[Firmware | None, str]:
    """QEMU's own firmware for a domain that names none."""
    if resolved.machine == "microvm":
        return None, "unknown: no boot was observed on microvm"
    if arch in ("x86_64", "i386"):
        return firmware_named("SeaBIOS"), ""
    if arch == "s390x":
        return firmware_named("s390-ccw", dotted(resolved.host.qemu)), ""
    if resolved.machine.startswith("pseries"):
        return firmware_named("SLOF"), ""
    return None, "the domain names no firmware, and the machine type has none of its own"


def boot_order(resolved: Resolved) -> tuple[Device, ...]:
    """The devices that have a boot index, in their order.

    With ``<boot order>`` these are the devices that have one; otherwise ``<boot dev>`` (default: hd) gives an index to
    the first device of each kind. Source: libvirt, Domain XML format, BIOS bootloader; observed, libvirt 9.0 and 12.8.
    """
    own = [(order, n, one) for n, one in enumerate(resolved.devices) if (order := _order(one)) is not None]
    if own:
        return tuple(one for _, _, one in sorted(own, key=lambda entry: entry[:2]))
    kinds = [node.get("dev", "") for node in resolved.context.root.iterfind("os/boot")] or ["hd"]
    found: list[Device] = []
    for kind in kinds:
        first = next((one for one in resolved.devices if _is(one, kind)), None)
        if first is not None:
            found.append(first)
    return tuple(found)


def _order(device: Device) -> int | None:
    boot = None if device.element is None else device.element.find("boot")
    text = "" if boot is None else boot.get("order", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _is(device: Device, kind: str) -> bool:
    if isinstance(device, Disk):
        return {"hd": ("disk", "lun"), "cdrom": ("cdrom",), "fd": ("floppy",)}.get(kind, ()).count(device.device) > 0
    return kind == "network" and isinstance(device, Nic)


def lost_ports(resolved: Resolved, firmware: Firmware) -> tuple[frozenset[str], str, str]:
    """The ids of bridges on bus 0 below which devices get no port I/O, why, and the source.

    All of them are lost where the firmware stops the machine. Source: ``window_limit``.
    """
    limit, stops, source = window_limit(firmware, resolved.machine)
    needed = budget(resolved.topology)
    if limit is None or not needed.bridges:
        return frozenset(), "", ""
    windows = list(_windows(resolved, {name for name, _ in needed.bridges}))
    total = sum(window.count for _, window in windows)
    if total <= limit:
        return frozenset(), "", ""
    text = f"{counted(total, 'bridge needs', 'bridges need')} a 4 KiB window of port I/O, but {firmware.name} has room "
    if stops:
        return frozenset(name for name, _ in windows), f"{text}for {limit} and does not start the machine", source
    lost = lost_windows((window for _, window in windows), limit)
    places = {(window.slot, window.function) for window in lost}
    names = frozenset(name for name, window in windows if (window.slot, window.function) in places)
    return names, f"{text}for {limit}: the lowest slots get none", source


def _windows(resolved: Resolved, needing: set[str]) -> Iterator[tuple[str, Window]]:
    """The bridges on bus 0 with the number of windows that they and the bridges below them need."""
    for root in resolved.topology.roots:
        for node in root.nodes:
            if node.bus is not None and (count := sum(one in needing for one in _ids(node))):
                yield node.id, Window(node.slot, node.function, count)


def _ids(node: Node) -> Iterator[str]:
    yield node.id
    for below in () if node.bus is None else node.bus.nodes:
        yield from _ids(below)


def boot_disks(resolved: Resolved, firmware: Firmware) -> tuple[BootDisk, ...]:
    """What the firmware does with each disk of the domain, in the order of the domain; floppies are left out.

    The first disk of the boot order is the one that the firmware starts; SeaBIOS tries no other hard disk.
    """
    lost, why_lost, lost_source = lost_ports(resolved, firmware)
    below = {name: node.id for name, node in _tops(resolved)}
    order = boot_order(resolved)
    disks = [one for one in resolved.devices if isinstance(one, Disk) and one.device != "floppy"]
    first = next((one for one in order if isinstance(one, Disk) and one.device in ("disk", "lun")), None)
    stops = bool(lost) and firmware.one_disk
    answers = []
    hard = 0
    for disk in disks:
        holder = holder_of(resolved, disk)
        port = below.get(holder.id, "")
        answer = _answer(resolved, firmware, disk, holder, port not in lost)
        result, reason, source = answer
        if stops:
            result, reason, source = "not-found", why_lost, lost_source
        elif result == "not-found" and port in lost and port:
            reason, source = f"{reason}: {why_lost}", lost_source
        index = order.index(disk) + 1 if disk in order else None
        hard += disk.device != "cdrom"
        if result == "boots" and firmware.name == "SeaBIOS" and disk is not first and disk.device != "cdrom":
            result, reason = _for_a_loader(index, hard, reason)
        answers.append(BootDisk(disk.id, disk.label, index, disk is first, result, reason, source))
    return tuple(answers)


def _for_a_loader(index: int | None, number: int, reason: str) -> tuple[str, str]:
    """Whether a BIOS boot loader can read a disk that is not the first.

    Source: observed, SeaBIOS 1.16.2 and 1.17.0 with -boot strict=on.
    """
    if index is None:
        why = "the disk has no boot index, and libvirt's -boot strict=on keeps such disks from a BIOS boot loader"
        return "hidden", why
    if number > _INT13 and index > _INT13:
        return "hidden", f"SeaBIOS gives {_INT13} hard disks to a boot loader, and this one comes later"
    return "boots", reason


def _tops(resolved: Resolved) -> Iterator[tuple[str, Node]]:
    """Every device below a bridge on bus 0, by id, with that bridge."""
    for root in resolved.topology.roots:
        for node in root.nodes:
            if node.bus is not None:
                for name in _ids(node):
                    yield name, node


def holder_of(resolved: Resolved, disk: Disk) -> Device:
    """The device on the PCI bus that a disk needs: itself, or its controller."""
    if not isinstance(disk.address, DriveAddress | UsbAddress):
        return disk
    kind = {"scsi": "scsi", "ide": "ide", "sata": "sata", "usb": "usb", "nvme": "nvme"}.get(disk.bus, disk.bus)
    number = disk.address.controller if isinstance(disk.address, DriveAddress) else disk.address.bus
    controllers = (one for one in resolved.devices if isinstance(one, Controller) and one.type == kind)
    return next((one for one in controllers if one.index == number), disk)


def _answer(
    resolved: Resolved, firmware: Firmware, disk: Disk, holder: Device, window: bool
) -> tuple[str, str, str]:
    """The result for one disk by its controller, its interface and its place."""
    virtio = next((one for one in resolved.virtio_devices if one.device is holder), None)
    address = holder.address
    if virtio is not None:
        kind = virtio.kind
        interface = None if virtio.shown is None else virtio.shown.interface
        if virtio.shown is not None and interface is None:
            return "refused", f"QEMU does not start: {virtio.shown.message or virtio.shown.reason}", virtio.shown.source
        transport = {"ccw": "ccw", "virtio-mmio": "mmio"}.get(virtio.transport, "pci")
        if virtio.transport == "ccw":
            interface = Interface.MODERN
    else:
        kind = {"ide": "ide", "sata": "ahci", "usb": "usb", "nvme": "nvme"}.get(disk.bus, "")
        interface, transport = None, "pci"
        if not kind or firmware.name not in ("SeaBIOS", "OVMF", "AAVMF"):
            name = holder.model or disk.bus
            return "unknown", f"no boot of {firmware.title} from {name} was observed", ""
    slot, expander = 0, False
    if isinstance(address, PciAddress):
        expander = _behind_expander(resolved, address)
        slot = address.slot if address.bus == 0 and resolved.context.family.express else 0
    found_ = found(firmware, Candidate(kind, interface, transport, window, slot, expander))
    return found_.result, found_.reason, found_.source


def _behind_expander(resolved: Resolved, address: PciAddress) -> bool:
    controllers = {one.index: one for one in resolved.inventory.controllers if one.type == "pci"}
    seen: set[int] = set()
    bus = address.bus
    while bus not in seen and (one := controllers.get(bus)) is not None:
        seen.add(bus)
        if (one.model or "").endswith("expander-bus"):
            return True
        if not isinstance(one.address, PciAddress):
            return False
        bus = one.address.bus
    return False
