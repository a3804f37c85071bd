"""What to change in a domain whose firmware does not find the disk that it is to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.boot.domain_firmware import boot_order, firmware_of, holder_of, lost_ports
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
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["Remedy", "remedy"]

_MODERN = "virtio-non-transitional"


@dataclass(frozen=True, slots=True)
class Remedy:
    """The text of a domain whose firmware finds its boot disk, and what was changed, one sentence for each change."""

    text: str
    steps: tuple[str, ...]


def remedy(resolved: Resolved, guest: Guest | None, firmware: str = "") -> Remedy | None:
    """The smallest change known with which the firmware finds the boot disk; None when none helps.

    Tried in this order: the modern-only model for the boot disk, another place for it, and the modern-only model for
    every device with port I/O behind a port. A model is changed only if the guest OS is known to drive it. Each change
    is resolved and judged again. ``firmware`` is as for ``power_on``.
    """
    before = power_on(resolved, guest, firmware=firmware)
    if before.ok:
        return None
    holder = _holder(resolved)
    if holder is None:
        return None
    for text, steps in _candidates(resolved, holder, guest, firmware):
        try:
            after = resolve(read(text.encode(resolved.domain.document.codec)), resolved.host)
        except Refused:
            continue
        if power_on(after, guest, firmware=firmware).ok:
            return Remedy(text, steps)
    return None


def _holder(resolved: Resolved) -> Device | None:
    """The device on the bus that the boot disk needs: itself or its SCSI controller; None when it is not written."""
    disks = (one for one in boot_order(resolved) if isinstance(one, Disk) and one.device in ("disk", "lun"))
    disk = next(disks, None)
    return None if disk is None else holder_of(resolved, disk)


def _candidates(
    resolved: Resolved, holder: Device, guest: Guest | None, firmware: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The texts to try, with their changes in words."""
    if holder.element is None:
        return
    own = [one for one in resolved.virtio_devices if one.device is holder]
    if own and _may_be_modern(own[0], guest):
        yield _with_models(resolved, own), (_says_model(own),)
    if (swap := _swapped(resolved, holder, firmware)) is not None:
        yield swap
    others = [one for one in resolved.virtio_devices if _has_port_io(one) and _may_be_modern(one, guest)]
    if len(others) > len(own):
        yield _with_models(resolved, others), (_says_model(others),)


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
