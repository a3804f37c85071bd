"""Where virtio goes instead of PCI: ccw on s390x, virtio-mmio on Arm and RISC-V; and spapr-vio on pseries.

Source: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from virtkit.domain.address import Address, CcwAddress, PciAddress, PlainAddress, SpaprAddress
from virtkit.domain.devices import VIRTIO, Chardev, Device
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft
from virtkit.resolution.defaults.controllers import find

__all__ = ["assign_ccw", "assign_mmio", "assign_spapr"]

XML = "XML error"
CFG = "unsupported configuration"

SPAPR_STEP = 0x1000
SPAPR_MOST = 0xFFFFFFFF


def assign_spapr(context: Context, draft: Draft) -> None:
    """pseries registers: each kind has its own first one; a taken one moves on by 0x1000.

    Raises Refused for a register written twice or out of range.
    """
    devices, pseries = draft.devices, context.family.name == "pseries"
    groups: tuple[tuple[Sequence[Device], Callable[[Any], bool], int], ...] = (
        (devices.nics, lambda one: one.model == "spapr-vlan", 0x1000),
        (devices.controllers, lambda one: one.type == "scsi" and one.model == "ibmvscsi", 0x2000),
        (devices.serials, lambda one: one.target == "spapr-vio-serial", 0x30000000),
        (devices.nvrams, lambda one: pseries, 0x3000),
        (devices.tpms, lambda one: pseries and one.model != "spapr-tpm-proxy", 0x4000),
    )
    taken = {
        device.address.reg: device
        for device in draft.devices.in_order()
        if isinstance(device.address, SpaprAddress)
        and device.address.reg is not None
        and not (isinstance(device, Chardev) and device.kind == "console")
    }
    for group, belongs, default in groups:
        for device in group:
            if belongs(device) and not isinstance(device.address, SpaprAddress):
                device.place(SpaprAddress(_register_in(device.address)))
            if isinstance(device.address, SpaprAddress):
                _assign_register(draft, device, device.address, default, taken)


def _register_in(address: Address | None) -> int | None:
    """libvirt takes the numbers of a PCI address written there for a register: bus above bit 32, domain below."""
    if isinstance(address, PciAddress) and address.slot:
        return address.bus << 32 | address.domain
    return None


def _assign_register(
    draft: Draft, device: Device, address: SpaprAddress, default: int, taken: dict[int, Device]
) -> None:
    if address.reg is not None:
        if taken.setdefault(address.reg, device) is not device:
            raise Refused(XML, f"spapr-vio address 0x{address.reg:x} already in use", device.label, device.line)
        if address.reg > SPAPR_MOST:
            raise Refused(
                CFG,
                f"spapr-vio reg='0x{address.reg:x}' exceeds maximum possible value (0x{SPAPR_MOST:x})",
                device.label,
                device.line,
            )
        return
    reg = default
    while reg in taken:
        reg += SPAPR_STEP
    taken[reg] = device
    address.reg = reg
    device.readdressed = True
    draft.trace.note(device, "spapr.register", f"0x{reg:08x}")


def _ccw_wanting(context: Context, draft: Draft) -> Iterator[Device]:
    devices = draft.devices
    newer = "virtio-mmio-all" in context.behaves
    yield from (disk for disk in devices.disks if disk.bus == "virtio")
    yield from (one for one in devices.nics if one.model in VIRTIO)
    if newer:
        yield from (sound for sound in devices.sounds if sound.model == "virtio")
    for hostdev in devices.hostdevs:
        if hostdev.type == "scsi_host" or (hostdev.type == "mdev" and hostdev.model == "vfio-ccw"):
            yield hostdev
    yield from (video for video in devices.videos if video.model == "virtio")
    yield from (one for one in devices.controllers if one.type in ("scsi", "virtio-serial"))
    yield from (device for device in devices.inputs if device.bus == "virtio")
    yield from (filesystem for filesystem in devices.filesystems if filesystem.driver != "mtp")
    yield from (balloon for balloon in devices.memballoons if balloon.model in VIRTIO)
    yield from devices.rngs
    if "ccw-virtio-mem" in context.behaves:
        # virtio-pmem is offered ccw too, and then refused for it.
        yield from (memory for memory in devices.memories if memory.model in ("virtio-mem", "virtio-pmem"))
    yield from devices.vsocks
    if newer:
        yield from devices.cryptos


def assign_ccw(context: Context, draft: Draft) -> None:
    """s390x: virtio devices without an address get the lowest free channel device number, 0xfe.0.0000 up.

    Raises Refused for a number written twice.
    """
    if not context.family.ccw:
        return
    for device in _ccw_wanting(context, draft):
        if device.address is None:
            device.place(CcwAddress())
    taken: dict[tuple[int, int, int], Device] = {}
    wanting = []
    for device in draft.devices.in_order():
        address = device.address
        if not isinstance(address, CcwAddress):
            continue
        if address.devno is None:
            wanting.append((device, address))
            continue
        if taken.setdefault((address.cssid, address.ssid, address.devno), device) is not device:
            raise Refused(XML, f"The CCW devno '{address}' is in use already ", device.label, device.line)
    number = 0
    for device, address in wanting:
        while (address.cssid, address.ssid, number) in taken:
            number += 1
        address.devno = number
        taken[address.cssid, address.ssid, number] = device
        device.readdressed = True
        draft.trace.note(device, "ccw.first-free", str(address))


def _mmio_wanting(context: Context, draft: Draft) -> Iterator[Device]:
    devices = draft.devices
    newer = "virtio-mmio-all" in context.behaves
    yield from (disk for disk in devices.disks if disk.bus == "virtio")
    yield from (one for one in devices.nics if one.model in VIRTIO)
    if newer:
        yield from (sound for sound in devices.sounds if sound.model == "virtio")
    yield from (hostdev for hostdev in devices.hostdevs if hostdev.type == "scsi_host")
    yield from (video for video in devices.videos if video.model == "virtio")
    yield from (one for one in devices.controllers if one.type in ("scsi", "virtio-serial"))
    yield from (device for device in devices.inputs if device.bus == "virtio")
    yield from (balloon for balloon in devices.memballoons if balloon.model in VIRTIO)
    yield from devices.rngs
    yield from (memory for memory in devices.memories if memory.model in ("virtio-mem", "virtio-pmem"))
    if newer:
        yield from devices.cryptos


def assign_mmio(context: Context, draft: Draft) -> None:
    """Arm and RISC-V: virtio-mmio for all, if the machine has no PCI Express root or one device is written so."""
    if not context.family.mmio:
        return
    root = find(draft, "pci", 0)
    written = any(
        isinstance(device.address, PlainAddress) and device.address.type == "virtio-mmio"
        for device in draft.devices.in_order()
    )
    if root is not None and root.model == "pcie-root" and not written:
        return
    for device in _mmio_wanting(context, draft):
        if device.address is None:
            device.place(PlainAddress("virtio-mmio"))
            draft.trace.note(device, "mmio.all")
