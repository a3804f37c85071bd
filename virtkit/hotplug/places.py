"""Where a running domain has room for one device more: PCI slots, USB ports, virtio-serial ports, ccw, memory slots.

Nothing is added for a device: no hub, no bus, no virtio-serial controller. Source: observed, libvirt 9.0, 11.3 and 12.8
(domains started paused, devices attached and read back).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import CcwAddress, DimmAddress, DriveAddress, PciAddress, SerialAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Device, Disk, Hostdev, Memory, Nic
from virtkit.errors import Refused
from virtkit.host.chipset import built_in
from virtkit.hotplug.device import inventory_of
from virtkit.hotplug.memory_map import check_total, memory_base
from virtkit.hotplug.pci_slots import PciSlots
from virtkit.resolution.addresses import memory_slots, transports, usb, virtio_serial
from virtkit.resolution.addresses.connect_types import ConnectTypes
from virtkit.resolution.context import Draft

if TYPE_CHECKING:
    from virtkit.resolution.context import Context

__all__ = ["Places"]

XML = "XML error"
INT = "internal error"


class Places:
    """The places of a running domain: ``find`` gives a new device its place, ``take`` and ``release`` keep account."""

    def __init__(self, context: Context, devices: Inventory) -> None:
        self.context = context
        self.devices = devices
        self.types = ConnectTypes(context, Draft(devices))
        self.slots = PciSlots(devices, tuple((one.slot, one.function) for one in built_in(context.family.chipset)))
        self.numbered = {key for key in map(_key, devices.in_order()) if key is not None}

    def copy(self, devices: Inventory) -> Places:
        """The same places, to be taken independently; ``devices`` is the copy of the list of devices."""
        other = Places.__new__(Places)
        other.context, other.devices, other.types = self.context, devices, self.types
        other.slots, other.numbered = self.slots.copy(), set(self.numbered)
        return other

    def find(self, device: Device) -> None:
        """Give a device the place that it would have; nothing is taken yet. Raises Refused when there is none."""
        if isinstance(device, Memory):
            self._memory(device)
        elif isinstance(device, Chardev) and device.target == "virtio":
            self._port(device)
        elif device in usb.on_usb(self.context, inventory_of(device)):
            device.place(usb.free_place(self.context, self.devices, device))
        elif self.context.family.ccw and self._on_ccw(device):
            self._ccw(device)
        else:
            self._pci(device)

    def take(self, device: Device) -> None:
        """Mark the place of a device as taken; USB, virtio-serial and memory places follow from the list of devices."""
        if isinstance(device.address, PciAddress) and not device.address.empty:
            self.slots.take(device.address)
        key = _key(device)
        if key is not None:
            self.numbered.add(key)

    def release(self, device: Device) -> None:
        """Give the place of a device back."""
        if isinstance(device.address, PciAddress) and not device.address.empty:
            self.slots.release(device.address)
        self.numbered.discard(_key(device) or ("", ()))

    def is_taken(self, device: Device) -> bool:
        """Whether another device has the drive or ccw address of a device."""
        return _key(device) in self.numbered

    def _pci(self, device: Device) -> None:
        written = isinstance(device.address, PciAddress) and not device.address.empty
        want = self.types.written(device) if written else self.types.of(device)
        if want:
            device.place(self.slots.place(device, want))

    def _on_ccw(self, device: Device) -> bool:
        alone = Draft(inventory_of(device))
        if isinstance(device, Nic) and device.type != "hostdev" and not isinstance(device.address, PciAddress | None):
            # A NIC with an address of another kind gets one of ccw in its place.
            return True
        return isinstance(device.address, CcwAddress) or device in transports.ccw_users(self.context, alone)

    def _ccw(self, device: Device) -> None:
        at = device.address
        if isinstance(at, CcwAddress) and at.devno is not None:
            if self.is_taken(device):
                raise Refused(XML, f"The CCW devno '{at}' is in use already ", device.label)
            return
        address = CcwAddress(devno=0)
        while ("ccw", (address.cssid, address.ssid, address.devno)) in self.numbered:
            address.devno = (address.devno or 0) + 1
        device.place(address)

    def _port(self, device: Chardev) -> None:
        """A port of a virtio-serial controller that is there; a console without an address gets none written."""
        ports = self._ports()
        at = device.address
        if isinstance(at, SerialAddress):
            if at.port:
                virtio_serial.reserve(ports, device, at)
                return
            port = ports.free(at.controller, 1) if at.controller in ports.sizes else None
            if port is None:
                raise Refused(XML, f"virtio serial controller {at.controller} is missing", device.label)
            device.place(SerialAddress(at.controller, at.bus, port))
            return
        found = ports.anywhere(0 if device.kind == "console" else 1)
        if found is None:
            raise Refused(INT, "no virtio-serial controllers are available", device.label)
        if device.kind != "console":
            device.place(SerialAddress(found[0], 0, found[1]))

    def is_full_of_ports(self) -> bool:
        """Whether there are virtio-serial controllers, and none has a free port."""
        ports = self._ports()
        return bool(ports.sizes) and ports.anywhere(1) is None

    def _ports(self) -> virtio_serial.Ports:
        ports = virtio_serial.Ports(Draft(self.devices))
        for one in self.devices.in_order():
            if isinstance(one.address, SerialAddress) and one.address.controller in ports.taken:
                ports.taken[one.address.controller].add(one.address.port or 0)
        return ports

    def _memory(self, device: Memory) -> None:
        """A memory slot and the address at which QEMU maps it, or a PCI slot for memory that is a virtio device."""
        memory_slots.assign(self.context, Draft(Inventory(memories=[*self.devices.memories, device])))
        check_total(self.context, self.devices.memories, device)
        if isinstance(device.address, DimmAddress):
            if device.address.base is None:
                device.address.base = memory_base(self.context, self.devices.memories, device)
        elif self.context.family.ccw and self._on_ccw(device):
            self._ccw(device)
        else:
            self._pci(device)


Key = tuple[str, tuple[int | None, ...]]


def _key(device: Device) -> Key | None:
    """The drive address of a disk or host device with its bus, or a ccw address; None for other places."""
    at = device.address
    if isinstance(at, CcwAddress):
        return "ccw", (at.cssid, at.ssid, at.devno)
    if isinstance(at, DriveAddress) and isinstance(device, Disk | Hostdev):
        bus = device.bus if isinstance(device, Disk) else "scsi"
        return bus, (at.controller, at.bus, at.target, at.unit)
    return None
