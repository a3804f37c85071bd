"""Addresses other than PCI: virtio on ccw (s390x) and virtio-mmio (Arm, RISC-V), and spapr-vio on pseries.

Source: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from virtkit.domain.address import Address, CcwAddress, PciAddress, PlainAddress, SpaprAddress
from virtkit.domain.device_classes import DEVICE_CLASSES, OffPci
from virtkit.domain.devices import Device
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft, Forms
from virtkit.resolution.defaults.controllers import find

__all__ = ["assign_ccw", "assign_mmio", "assign_spapr", "ccw_users"]

XML = "XML error"
CFG = "unsupported configuration"

SPAPR_STEP = 0x1000
SPAPR_MOST = 0xFFFFFFFF

_SPAPR = tuple((one.name, one.spapr) for one in DEVICE_CLASSES if one.spapr is not None)
_SPAPR_ANYWHERE = tuple((name, turn) for name, turn in _SPAPR if not turn.pseries_only)
_CCW = tuple((one.name, one.ccw) for one in DEVICE_CLASSES if one.ccw is not None)
_MMIO = tuple((one.name, one.mmio) for one in DEVICE_CLASSES if one.mmio is not None)


def assign_spapr(context: Context, draft: Draft, forms: Forms) -> bool:
    """pseries registers: each kind has its own first register; each next try is 0x1000 higher.

    Returns whether a device that had no address of this form has one then. Raises Refused for a register written twice
    or out of range.
    """
    changed = False
    pseries = context.family.name == "pseries"
    written = forms.get(SpaprAddress, ())
    taken = {
        at.reg: device
        for device in written
        if isinstance(at := device.address, SpaprAddress) and at.reg is not None and device.kind != "console"
    }
    for name, turn in _SPAPR if pseries or written else _SPAPR_ANYWHERE:
        group = getattr(draft.devices, name)
        wanting = group if turn.selects is None else list(filter(turn.selects, group))
        if turn.pseries_only and not pseries:
            wanting = []
        for device in group if written else wanting:
            if device in wanting and not isinstance(device.address, SpaprAddress):
                device.place(SpaprAddress(_register_in(device.address)))
                changed = True
            if isinstance(device.address, SpaprAddress):
                _assign_register(draft, device, device.address, turn.register, taken)
    return changed


def _register_in(address: Address | None) -> int | None:
    """libvirt reads a PCI address there as a register: the bus in bits 32 and up, the domain below."""
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
    draft.trace.record(device, "spapr.register", f"0x{reg:08x}")


def _users(context: Context, draft: Draft, classes: Iterable[tuple[str, OffPci]]) -> Iterator[Device]:
    """The devices without an address that use a transport other than PCI, in libvirt's general device order."""
    for name, transport in classes:
        if not transport.behaviour or transport.behaviour in context.behaves:
            for device in getattr(draft.devices, name):
                if device.address is None and (transport.selects is None or transport.selects(device)):
                    yield device


def ccw_users(context: Context, draft: Draft) -> Iterator[Device]:
    """The devices without an address that go to the channel subsystem of s390x."""
    yield from _users(context, draft, _CCW)


def assign_ccw(context: Context, draft: Draft, forms: Forms) -> None:
    """s390x: virtio devices without an address get the lowest free channel device number, 0xfe.0.0000 up.

    Raises Refused for a number written twice.
    """
    if not context.family.ccw:
        if "ccw-checked" not in context.behaves:
            _keep_zeros(forms)
        return
    for device in _users(context, draft, _CCW):
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
        first = taken.setdefault((address.cssid, address.ssid, address.devno), device)
        if first is not device:
            what = f"The CCW devno '{address}' is in use already "
            raise Refused(XML, what, device.label, device.line, remedy=f"{first.label} has this address, too")
    number = 0
    for device, address in wanting:
        while (address.cssid, address.ssid, number) in taken:
            number += 1
        address.devno = number
        taken[address.cssid, address.ssid, number] = device
        device.readdressed = True
        draft.trace.record(device, "ccw.first-free", str(address))


def _keep_zeros(forms: Forms) -> None:
    """A machine without a channel subsystem gives no numbers: old releases accept such an address and write zeros."""
    for device in forms.get(CcwAddress, ()):
        address = device.address
        if isinstance(address, CcwAddress) and address.devno is None:
            address.cssid = address.ssid = address.devno = 0
            device.readdressed = True


def assign_mmio(context: Context, draft: Draft) -> None:
    """Arm and RISC-V: virtio-mmio for all, if the machine has no PCI Express root or one device asks for it."""
    if not context.family.mmio:
        return
    root = find(draft, "pci", 0)
    written = any(
        isinstance(device.address, PlainAddress) and device.address.type == "virtio-mmio"
        for device in draft.devices.in_order()
    )
    if root is not None and root.model == "pcie-root" and not written:
        return
    for device in _users(context, draft, _MMIO):
        device.place(PlainAddress("virtio-mmio"))
        draft.trace.record(device, "mmio.all")
