"""The bus tree of a resolved domain, with the free slots that take hot-plugged devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Controller, Device, Disk, Nic, Video
from virtkit.host.emulator import emulator_arch
from virtkit.resolution.addresses.connect_types import pci_models
from virtkit.resolution.addresses.usb import ports_left
from virtkit.resolution.context import drivers
from virtkit.topology.headroom import devices_by_bus, free_slots, pci_headroom, roots_of, slots_of
from virtkit.topology.model import Bus, Headroom, Node, Topology
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.resolution.result import Resolution
    from virtkit.topology.headroom import Taken
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["firmware_of", "topology_of"]


def topology_of(resolution: Resolution, virtio: Iterable[VirtioDevice], taken: Taken) -> Topology:
    """The bus tree of a resolved domain; ``taken`` is what ``taken_slots`` gives for its devices."""
    return _TreeBuilder(resolution, virtio, taken).build()


def firmware_of(resolution: Resolution) -> str:
    """The firmware, as in Topology.firmware. Source: libvirt, BIOS bootloader (firmware=, <loader>)."""
    node = resolution.context.children.get("os")
    loader = None if node is None else next(node.iterchildren("loader"), None)
    if node is not None and node.get("firmware"):
        return node.get("firmware") or ""
    if loader is not None:
        return "efi" if loader.get("type") == "pflash" else ""
    return "bios" if emulator_arch(resolution.arch) in ("i386", "x86_64") else ""


class _TreeBuilder:
    """One tree in the making: the devices by bus, and what is known of each."""

    def __init__(self, resolution: Resolution, virtio: Iterable[VirtioDevice], taken: Taken) -> None:
        self.resolution = resolution
        self.context = resolution.context
        self.virtio = {id(found.device): found for found in virtio}
        self.reasons: dict[int, str] = {}
        for device, _, text, _ in resolution.trace.entries():
            earlier = self.reasons.get(id(device))
            self.reasons[id(device)] = text if earlier is None else f"{earlier}\n{text}"
        self.taken, self.by_bus = taken, devices_by_bus(resolution.devices)
        on_pci = {id(device) for devices in self.by_bus.values() for device in devices}
        # A PCI controller has no place among the other devices.
        on_pci |= {id(one) for one in resolution.inventory.controllers if one.type == "pci"}
        self.others = [device for device in resolution.devices if id(device) not in on_pci]

    def build(self) -> Topology:
        roots = tuple(self._bus(controller) for controller in roots_of(self.resolution))
        resolution = self.resolution
        assumed = resolution.assumption
        return Topology(
            name=resolution.name,
            machine=resolution.machine,
            arch=resolution.arch,
            roots=roots,
            others=tuple(self._node(device) for device in self.others if not _is_left_out(device)),
            headroom=self._headroom(),
            firmware=firmware_of(resolution),
            notes=() if assumed is None else (assumed.note,),
        )

    def _bus(self, controller: Controller) -> Bus:
        slots = slots_of(controller.model or "")
        devices = sorted(self.by_bus.get(controller.index, ()), key=_slot_and_function)
        taken = [device.address.slot for device in devices if isinstance(device.address, PciAddress)]
        return Bus(
            index=controller.index,
            model=controller.model or "",
            accepts=slots.accepts,
            first=slots.first,
            last=slots.last,
            hotplug=slots.hotplug and controller.hotplug != "off",
            free=free_slots(slots, controller, taken, self.context.family.chipset),
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

    def _headroom(self) -> tuple[Headroom, ...]:
        found = pci_headroom(self.resolution, self.taken)
        usb_free, usb_used = ports_left(self.context, self.resolution.inventory)
        if usb_free or usb_used:
            found += (Headroom("usb", usb_free, usb_used, f"{counted(usb_free, 'free USB port')}"),)
        return found


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
