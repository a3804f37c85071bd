"""The bus tree of a resolved domain, with the free slots that take hot-plugged devices.

Source of hotplug rules: libvirt, "PCI topology and hotplug"; ``data/libvirt/pci-controllers.csv``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Device, Disk, Nic, Video
from virtkit.host.chipset import built_in_slots
from virtkit.host.emulator import emulator_arch
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, EXPRESS, pci_models
from virtkit.resolution.addresses.usb import ports_left
from virtkit.resolution.context import drivers
from virtkit.topology.model import Bus, Headroom, Node, Topology
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.resolution.result import Resolution
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["topology_of"]


def topology_of(resolution: Resolution, virtio: Iterable[VirtioDevice]) -> Topology:
    """The bus tree of a resolved domain."""
    return _TreeBuilder(resolution, virtio).build()


class _TreeBuilder:
    """One tree in the making: the devices by bus, and what is known of each."""

    def __init__(self, resolution: Resolution, virtio: Iterable[VirtioDevice]) -> None:
        self.resolution = resolution
        self.context = resolution.context
        self.virtio = {id(found.device): found for found in virtio}
        self.reasons: dict[int, str] = {}
        for device, _, text, _ in resolution.trace.entries():
            earlier = self.reasons.get(id(device))
            self.reasons[id(device)] = text if earlier is None else f"{earlier}\n{text}"
        self.by_bus: dict[int, list[Device]] = {}
        self.others: list[Device] = []
        for device in resolution.devices:
            address = device.address
            if isinstance(address, PciAddress) and not getattr(device, "mirror", False):
                self.by_bus.setdefault(address.bus, []).append(device)
            elif not (isinstance(device, Controller) and device.type == "pci"):
                self.others.append(device)

    def build(self) -> Topology:
        roots = []
        for controller in self.resolution.inventory.controllers:
            if controller.type == "pci" and controller.model in ("pci-root", "pcie-root"):
                roots.append(self._bus(controller))
        resolution = self.resolution
        assumed = resolution.assumption
        return Topology(
            name=resolution.name,
            machine=resolution.machine,
            arch=resolution.arch,
            roots=tuple(roots),
            others=tuple(self._node(device) for device in self.others if not _is_left_out(device)),
            headroom=self._headroom(roots),
            firmware=self._firmware(),
            notes=() if assumed is None else (assumed.note,),
        )

    def _firmware(self) -> str:
        """The firmware, as in Topology.firmware. Source: libvirt, BIOS bootloader (firmware=, <loader>)."""
        node = self.context.root.find("os")
        loader = None if node is None else node.find("loader")
        if node is not None and node.get("firmware"):
            return node.get("firmware") or ""
        if loader is not None:
            return "efi" if loader.get("type") == "pflash" else ""
        return "bios" if emulator_arch(self.resolution.arch) in ("i386", "x86_64") else ""

    def _bus(self, controller: Controller) -> Bus:
        offer = pci_models()[controller.model or ""]
        devices = sorted(self.by_bus.get(controller.index, ()), key=_slot_and_function)
        used = {device.address.slot for device in devices if isinstance(device.address, PciAddress)}
        used |= frozenset() if controller.index else built_in_slots(self.context.family.chipset)
        free = offer.last + 1 - offer.first - sum(offer.first <= slot <= offer.last for slot in used)
        express = bool(offer.accepts & EXPRESS)
        conventional = bool(offer.accepts & CONVENTIONAL)
        accepts = "PCI Express" if express else ("conventional PCI" if conventional else "PCI Express ports")
        return Bus(
            index=controller.index,
            model=controller.model or "",
            accepts=accepts,
            first=offer.first,
            last=offer.last,
            hotplug=offer.hotplug and controller.hotplug != "off" and (express or conventional),
            free=free,
            nodes=tuple(self._node(device) for device in devices),
            chassis=controller.options.get("chassisNr"),
        )

    def _node(self, device: Device) -> Node:
        address = device.address
        virtio = self.virtio.get(id(device))
        bus = None
        if isinstance(device, Controller) and device.type == "pci" and device.model in pci_models():
            bus = self._bus(device)
        shown = None if virtio is None or virtio.shown is None else virtio.shown.interface
        slot, function = (address.slot, address.function) if isinstance(address, PciAddress) else (0, 0)
        return Node(
            id=device.id,
            kind=device.kind,
            title=_title(device, virtio),
            driver=_driver(device, virtio),
            address="" if address is None else str(address),
            slot=slot,
            function=function,
            placed=_placed(device),
            added=device.added,
            interface=None if shown is None else str(shown),
            line=device.line,
            reason=self.reasons.get(id(device), "address as written in the XML" if device.given else ""),
            bus=bus,
            identity=_identity(device),
        )

    def _headroom(self, roots: list[Bus]) -> tuple[Headroom, ...]:
        free = {"PCI Express": 0, "conventional PCI": 0}
        used = {"PCI Express": 0, "conventional PCI": 0}
        stack = list(roots)
        while stack:
            bus = stack.pop()
            stack += [node.bus for node in bus.nodes if node.bus is not None]
            if bus.hotplug:
                free[bus.accepts] += bus.free
                used[bus.accepts] += len({node.slot for node in bus.nodes})
        found = []
        if roots:
            for kind in free:
                if free[kind] or used[kind] or kind == _root_slot_kind(roots[0]):
                    found.append(Headroom(kind, free[kind], used[kind], _headroom_reason(kind, free[kind])))
        if [room.kind for room in found] == ["PCI Express"] and free["PCI Express"]:
            found = [replace(found[0], reason=_express_only(free["PCI Express"]))]
        usb_free, usb_used = ports_left(self.context, self.resolution.inventory)
        if usb_free or usb_used:
            found.append(Headroom("usb", usb_free, usb_used, f"{counted(usb_free, 'free USB port')}"))
        return tuple(found)


def _root_slot_kind(root: Bus) -> str:
    return "PCI Express" if root.model == "pcie-root" else "conventional PCI"


def _express_only(free: int) -> str:
    return (
        f"{counted(free, 'PCI Express device')} can be hot-plugged; none of the conventional kind (rtl8139, e1000, "
        "virtio-transitional): these need a pcie-to-pci-bridge"
    )


def _headroom_reason(kind: str, free: int) -> str:
    if free:
        return f"{counted(free, 'device')} can be plugged in while the guest runs"
    if kind == "PCI Express":
        return "no free root port: hotplug fails with 'No more available PCI slots'"
    return "no free conventional PCI slot takes hotplug"


def _slot_and_function(device: Device) -> tuple[int, int]:
    address = device.address
    return (address.slot, address.function) if isinstance(address, PciAddress) else (0, 0)


def _placed(device: Device) -> str:
    if device.given and not device.readdressed:
        return "user"
    if device.given:
        return "user" if isinstance(device.address, PciAddress) else "allocated"
    address = device.address
    fixed = isinstance(device, Controller) and (
        (device.type in ("ide", "sata") and device.index == 0)
        or (device.type == "usb" and device.model == "piix3-uhci" and device.index == 0)
    )
    if fixed and isinstance(address, PciAddress) and address.function and address.bus == 0:
        return "fixed"
    return "allocated"


def _identity(device: Device) -> str:
    if isinstance(device, Disk):
        return device.alias or device.target
    if isinstance(device, Nic):
        return device.alias or (device.mac or "").lower()
    return device.alias or ""


def _is_left_out(device: Device) -> bool:
    """Whether the tree leaves the device out: a console that mirrors a serial port, or a model "none"."""
    return bool(getattr(device, "mirror", False)) or device.model == "none"


def _title(device: Device, virtio: VirtioDevice | None) -> str:
    if isinstance(device, Disk):
        return f"disk {device.target} ({device.bus})"
    if isinstance(device, Nic):
        return f"NIC {device.model}" if device.model else f"NIC {device.type}"
    if isinstance(device, Controller):
        name = device.model or device.type
        return name if device.type == "pci" else f"{device.type} {name}" if name != device.type else name
    if isinstance(device, Video):
        return f"video {device.model}"
    if virtio is not None:
        return f"{device.kind} {virtio.kind}" if device.kind != virtio.kind else device.kind
    return device.label


def _driver(device: Device, virtio: VirtioDevice | None) -> str:
    if virtio is not None:
        return virtio.driver
    kind = device.kind
    if isinstance(device, Controller):
        if device.type == "pci":
            return device.model_name or ""
        kind = device.type
    if isinstance(device, Disk):
        return ""
    known = drivers().get((kind, device.model or ""))
    if known is not None:
        return known[0]
    return device.model or "" if isinstance(device, Nic) else ""
