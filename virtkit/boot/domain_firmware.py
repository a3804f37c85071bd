"""The disks of a domain as its firmware treats them: which it finds, which it starts, which a boot loader can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit.boot.domain_pci import domain_pci
from virtkit.boot.firmware import Candidate, Firmware, Window, found, lost_windows, window_limit
from virtkit.domain.address import DriveAddress, PciAddress, UsbAddress
from virtkit.domain.boot_order import order_of
from virtkit.domain.devices import Controller, Device, Disk, Nic
from virtkit.topology.port_io import budget
from virtkit.virtio.interface import Interface
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Node

__all__ = [
    "INT13",
    "BootDisk",
    "behind_expander",
    "boot_disks",
    "boot_order",
    "first_disk",
    "holder_of",
    "is_hard",
    "lost_ports",
    "port_above",
    "too_many_bridges",
]

INT13 = 16
"""INT 13h numbers hard disks from 0x80; SeaBIOS has room for 16. Source: observed, SeaBIOS 1.16.2 and 1.17.0."""


@dataclass(frozen=True, slots=True)
class BootDisk:
    """What the firmware does with one disk.

    ``order`` is its place among the devices with a boot index (1 for the first), None for none. ``first`` is true for
    the disk that the firmware starts, ``needed`` for one that the boot needs: the first one, or those that were named.
    ``result`` is boots, seen, not-found, refused, hidden (found, but a boot loader cannot read it), not-tried (a system
    disk that the firmware does not start) or unknown.
    """

    device: str
    label: str
    order: int | None
    first: bool
    result: str
    reason: str
    source: str
    needed: bool = False


def boot_order(resolved: Resolved) -> tuple[Device, ...]:
    """The devices that have a boot index, in their order.

    With ``<boot order>`` these are the devices that have one; otherwise ``<boot dev>`` (default: hd) gives an index to
    the first device of each kind. Source: libvirt, Domain XML format, BIOS bootloader; observed, libvirt 9.0 and 12.8.
    """
    own = [(order, n, one) for n, one in enumerate(resolved.devices) if (order := order_of(one)) is not None]
    if own:
        return tuple(one for _, _, one in sorted(own, key=lambda entry: entry[:2]))
    kinds = [node.get("dev", "") for node in resolved.context.root.iterfind("os/boot")] or ["hd"]
    found: list[Device] = []
    for kind in kinds:
        first = next((one for one in resolved.devices if _is(one, kind)), None)
        if first is not None:
            found.append(first)
    return tuple(found)


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


def is_hard(device: Device) -> bool:
    """Whether a device is a hard disk for the firmware."""
    return isinstance(device, Disk) and device.device in ("disk", "lun")


def too_many_bridges(resolved: Resolved, firmware: Firmware) -> str:
    """Why the firmware does not start a machine with so many bridges, "" when it does.

    Source: data/boot/firmware.csv; observed, U-Boot 2023.01 for x86.
    """
    controllers = [one for one in resolved.inventory.controllers if one.type == "pci"]
    count = sum(isinstance(one.address, PciAddress) for one in controllers)
    if firmware.bridges is None or count <= firmware.bridges:
        return ""
    return f"{firmware.title} does not start a machine with more than {firmware.bridges} bridges; this has {count}"


def first_disk(resolved: Resolved, firmware: Firmware) -> Device | None:
    """The hard disk that the firmware tries first: by boot index, or by place; None where it is not known.

    Source: data/boot/firmware.csv; observed, U-Boot 2023.01: disks on the root bus first, then bus by bus.
    """
    if not firmware.by_place:
        return next((one for one in boot_order(resolved) if is_hard(one)), None)
    hard = [one for one in resolved.devices if is_hard(one)]
    placed = [(domain_pci(resolved).number(one.address), one) for one in hard if isinstance(one.address, PciAddress)]
    known = [(bus, one) for bus, one in placed if bus is not None]
    if len(hard) == 1:
        return hard[0]
    if len(known) < len(hard) or any(isinstance(one, Disk) and one.bus != "virtio" for one in hard):
        return None
    found = [(bus, one) for bus, one in known if _tried(resolved, firmware, one)]
    return min(found, key=lambda entry: (entry[0], *_slot(entry[1])))[1] if found else None


def _tried(resolved: Resolved, firmware: Firmware, disk: Device) -> bool:
    return isinstance(disk, Disk) and _answer(resolved, firmware, disk, disk, True)[0] == "boots"


def _slot(device: Device) -> tuple[int, int]:
    address = device.address
    return (address.slot, address.function) if isinstance(address, PciAddress) else (0, 0)


def boot_disks(resolved: Resolved, firmware: Firmware, needed: Sequence[str] = ()) -> tuple[BootDisk, ...]:
    """What the firmware does with each disk of the domain, in the order of the domain; floppies are left out.

    The first disk of the boot order is the one that the firmware starts; SeaBIOS tries no other hard disk. ``needed``
    are ids of disks that the boot needs: the system disk, and those that its boot loader reads.
    """
    lost, why_lost, lost_source = lost_ports(resolved, firmware)
    stops = bool(lost) and firmware.name == "SeaBIOS"
    if why := too_many_bridges(resolved, firmware):
        stops, why_lost, lost_source = True, why, firmware.source
    order = boot_order(resolved)
    disks = [one for one in resolved.devices if isinstance(one, Disk) and one.device != "floppy"]
    ranked = [one for one in order if is_hard(one)]
    first = first_disk(resolved, firmware)
    answers = []
    for disk in disks:
        holder = holder_of(resolved, disk)
        port = port_above(resolved, holder)
        result, reason, source = _answer(resolved, firmware, disk, holder, port not in lost)
        if stops:
            result, reason, source = "not-found", why_lost, lost_source
        elif result == "not-found" and port in lost and port:
            reason, source = f"{reason}: {why_lost}", lost_source
        if result == "boots" and disk is not first and is_hard(disk):
            rank = ranked.index(disk) + 1 if disk in ranked else None
            result, reason = _for_a_loader(firmware, rank, bool(order), reason)
        index = order.index(disk) + 1 if disk in order else None
        required = disk.id in needed if needed else disk is first
        answer = BootDisk(disk.id, disk.label, index, disk is first, result, reason, source, required)
        answers.append(_started(firmware, answer, first) if needed[:1] == (disk.id,) else answer)
    return tuple(answers)


def _for_a_loader(firmware: Firmware, rank: int | None, indexed: bool, reason: str) -> tuple[str, str]:
    """Whether a boot loader can read a disk that is not the first; ``rank`` is its place among the hard disks that
    have a boot index, and ``indexed`` says whether any device has one.

    Source: observed, SeaBIOS 1.16.2 and 1.17.0 with -boot strict=on, OVMF 2022.11.
    """
    if rank is None and indexed and firmware.hides:
        also = "libvirt's -boot strict=on keeps" if firmware.one_disk else f"{firmware.name} does not connect"
        end = " from a boot loader" if firmware.one_disk else ", so a boot loader cannot read them"
        return "hidden", f"the disk has no boot index, and {also} such disks{end}"
    if rank is not None and rank > INT13 and firmware.name == "SeaBIOS":
        return "hidden", f"SeaBIOS gives {INT13} hard disks to a boot loader, and this one comes later"
    return "boots", reason


def _started(firmware: Firmware, disk: BootDisk, first: Device | None) -> BootDisk:
    """The answer for the system disk, which the firmware has to start."""
    if disk.first or disk.result not in ("boots", "hidden"):
        return disk
    if firmware.by_place:
        if first is None:
            return disk
        why = f"{firmware.title} reads no boot index; it tries {first.label} only, the first by its PCI place"
        return replace(disk, result="not-tried", reason=why, source=firmware.source)
    if disk.order is None and firmware.hides:
        why = f"the disk has no boot index, so {firmware.name} does not start it"
    elif firmware.one_disk and first is not None:
        why = f"{firmware.name} tries one hard disk only, {first.label}; this one needs a lower boot index"
    else:
        return disk
    return replace(disk, result="not-tried", reason=why, source=firmware.source)


def port_above(resolved: Resolved, device: Device) -> str:
    """The id of the bridge on bus 0 that a device is behind, "" for none."""
    return _ports(resolved).get(device.id, "")


@lru_cache(maxsize=8)
def _ports(resolved: Resolved) -> Mapping[str, str]:
    """Every device below a bridge on bus 0, by id, with the id of that bridge."""
    found: dict[str, str] = {}
    for root in resolved.topology.roots:
        for node in root.nodes:
            if node.bus is not None:
                found |= dict.fromkeys(_ids(node), node.id)
    return found


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
        expander = behind_expander(resolved, address)
        slot = address.slot if address.bus == 0 and resolved.context.family.express else 0
    found_ = found(firmware, Candidate(kind, interface, transport, window, slot, expander))
    return found_.result, found_.reason, found_.source


def behind_expander(resolved: Resolved, address: PciAddress) -> bool:
    """Whether an address is behind an expander bus."""
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
