"""What to change in a domain whose firmware does not find the disks that the boot needs, or does not start them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.boot.boot_index import with_boot_indices
from virtkit.boot.domain_firmware import holder_of, lost_ports
from virtkit.boot.firmware_choice import firmware_of
from virtkit.boot.power_on import power_on
from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Disk
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.errors import Refused
from virtkit.guests.kinds import database_kind
from virtkit.guests.overrides import support
from virtkit.resolved import resolve
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.boot.power_on import PowerOn
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["Remedy", "remedy"]

_MODERN = "virtio-non-transitional"


@dataclass(frozen=True, slots=True)
class Remedy:
    """The text of a domain that its firmware starts, and what was changed, one sentence for each change."""

    text: str
    steps: tuple[str, ...]


def remedy(resolved: Resolved, guest: Guest | None, firmware: str = "", needed: Sequence[str] = ()) -> Remedy | None:
    """The smallest change known with which the firmware starts the domain; None when none helps or none is needed.

    First a boot index for disks that lack one; then, tried in this order: the modern-only model for the disks that are
    lost, another place for the boot disk, the modern-only model for every device with port I/O behind a port, a place
    that libvirt chooses, and fewer ports with port I/O. A model is changed only if the guest OS is known to drive it.
    Each change is resolved and judged again. ``firmware`` and ``needed`` are as for ``power_on``.
    """

    def judged(one: Resolved) -> PowerOn:
        return power_on(one, guest, firmware=firmware, needed=needed)

    before = judged(resolved)
    if before.ok and not before.starts_no_disk:
        return None
    steps: tuple[str, ...] = ()
    if (indexed := with_boot_indices(resolved, before)) is not None:
        text, steps = indexed
        after = _resolved(text, resolved)
        if after is not None:
            if judged(after).ok:
                return Remedy(text, steps)
            resolved, before = after, judged(after)
    for text, further in _candidates(resolved, before, guest, firmware):
        tried = _resolved(text, resolved)
        if tried is not None and judged(tried).ok:
            return Remedy(text, (*steps, *further))
    return None


def _resolved(text: str, before: Resolved) -> Resolved | None:
    """The changed domain, None when libvirt would refuse it."""
    try:
        return resolve(read(text.encode(before.domain.document.codec)), before.host)
    except Refused:
        return None


def _candidates(
    resolved: Resolved, power: PowerOn, guest: Guest | None, named: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The texts to try, with their changes in words."""
    lost = {disk.device for disk in power.disks if disk.needed and disk.result == "not-found"}
    holders = {holder_of(resolved, one).id for one in resolved.devices if isinstance(one, Disk) and one.id in lost}
    own = [one for one in resolved.virtio_devices if one.device.id in holders and one.device.element is not None]
    modern = [one for one in own if _may_be_modern(one, guest)]
    if modern:
        yield _with_models(resolved, modern), (_says_model(modern),)
    for one in own[:1]:
        if (swap := _swapped(resolved, one.device, named)) is not None:
            yield swap
    others = [one for one in resolved.virtio_devices if _has_port_io(one) and _may_be_modern(one, guest)]
    if len(others) > len(modern):
        yield _with_models(resolved, others), (_says_model(others),)
    free = _addressed(resolved, holders)
    if free:
        yield _without_addresses(resolved, free), (_says_place(free, "libvirt chooses another place"),)
    yield from _fewer_ports(resolved, holders)


def _addressed(resolved: Resolved, ids: Collection[str]) -> list[Device]:
    """The devices among ``ids`` whose PCI address is written."""
    devices = [one for one in resolved.devices if one.id in ids and one.element is not None]
    return [one for one in devices if one.element is not None and one.element.find("address[@type='pci']") is not None]


def _fewer_ports(resolved: Resolved, last: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Two and more devices with port I/O taken out of their ports; libvirt puts them behind one conventional bridge.

    Disks go first, from the last one on, and the disks in ``last`` after all others.
    """
    ports = [one.device for one in resolved.virtio_devices if _has_port_io(one) and one.model == "virtio-transitional"]
    movable = _addressed(resolved, {one.id for one in ports})
    movable.reverse()
    order = sorted(movable, key=lambda one: (one.id in last, not isinstance(one, Disk)))
    for count in range(2, len(order) + 1):
        moved = order[:count]
        yield _without_addresses(resolved, moved), (_says_place(moved, "one conventional bridge takes all of them"),)


def _without_addresses(resolved: Resolved, devices: Sequence[Device]) -> str:
    editor = Editor(resolved.domain.document.text, resolved.domain.document.root)
    for device in devices:
        address = None if device.element is None else device.element.find("address")
        if address is not None:
            editor.remove(address)
    return editor.text()


def _says_place(devices: Sequence[Device], why: str) -> str:
    return f"{listed([one.label for one in devices])}: <address> removed, so that {why}"


def _has_port_io(device: VirtioDevice) -> bool:
    shown = device.shown
    known = shown is not None and shown.interface is not None and shown.interface.value != "modern"
    return known and device.location == "pcie-port" and device.device.element is not None


def _may_be_modern(device: VirtioDevice, guest: Guest | None) -> bool:
    """Whether the guest drives the device without its legacy interface, and the domain can say so."""
    if guest is None or device.device.kind not in ("disk", "controller", "interface", "rng", "memballoon"):
        return False
    answer = support(guest, database_kind(device.kind))
    return answer.modern and not answer.unknown and device.kind in ("blk", "scsi", "net", "rng", "balloon")


def _with_models(resolved: Resolved, devices: list[VirtioDevice]) -> str:
    editor = Editor(resolved.domain.document.text, resolved.domain.document.root)
    for one in devices:
        element = one.device.element
        if element is None:
            continue
        child = element.find("model") if one.device.kind == "interface" else None
        if child is not None:
            editor.set(child, "type", _MODERN)
        else:
            editor.set(element, "model", _MODERN)
    return editor.text()


def _says_model(devices: list[VirtioDevice]) -> str:
    names = listed([one.label for one in devices])
    return f"{names}: model='{_MODERN}', which needs no port I/O"


def _swapped(resolved: Resolved, holder: Device, named: str) -> tuple[str, tuple[str, ...]] | None:
    """The boot disk in the place of the last device in a port that keeps its port I/O, and that device in its place."""
    firmware, _ = firmware_of(resolved, named)
    address = holder.address
    if firmware is None or not isinstance(address, PciAddress):
        return None
    lost, _, _ = lost_ports(resolved, firmware)
    buses = {one.index: one for one in resolved.devices if isinstance(one, Controller) and one.type == "pci"}
    found: list[tuple[int, int, Device]] = []
    for one in resolved.virtio_devices:
        other = one.device.address
        port = buses.get(other.bus) if isinstance(other, PciAddress) else None
        if port is None or not _has_port_io(one) or port.id in lost or not isinstance(port.address, PciAddress):
            continue
        if port.address.bus == 0 and isinstance(other, PciAddress) and not other.function:
            found.append((port.address.slot, port.address.function, one.device))
    if not found:
        return None
    other_device = max(found, key=lambda entry: entry[:2])[2]
    text = _exchanged(resolved, holder, other_device)
    return text, (f"{holder.label} and {other_device.label}: places exchanged, so that the boot disk keeps port I/O",)


def _exchanged(resolved: Resolved, one: Device, other: Device) -> str:
    editor = Editor(resolved.domain.document.text, resolved.domain.document.root)
    for device, address in ((one, other.address), (other, one.address)):
        if device.element is None or not isinstance(address, PciAddress):
            continue
        pairs = dict(address.pairs())
        written = device.element.find("address")
        if written is None:
            attributes = "".join(f" {name}='{value}'" for name, value in pairs.items())
            editor.append(device.element, f"<address type='pci'{attributes}/>")
            continue
        editor.set(written, "type", "pci")
        for name, value in pairs.items():
            editor.set(written, name, value)
    return editor.text()
