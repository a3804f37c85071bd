"""The PCI slots of a running domain: only those that take hot plug, and nothing is ever added.

Source: observed, libvirt 9.0 and 12.8 (domains started paused, devices attached and read back).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.errors import Refused
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, ENDPOINT, EXPRESS, KINDS, connect_names, pci_models

if TYPE_CHECKING:
    from virtkit.domain.devices import Controller, Device, Inventory
    from virtkit.resolution.addresses.connect_types import PciModel

__all__ = ["PciSlots"]

XML = "XML error"
INT = "internal error"


class _Bus:
    __slots__ = ("hotplug", "model", "used")

    def __init__(self, model: PciModel, hotplug: bool) -> None:
        self.model = model
        self.hotplug = hotplug
        self.used: dict[int, int] = {}


class PciSlots:
    """Which slots of which bus are taken; a bus is the number of its controller."""

    def __init__(self, devices: Inventory, chipset: tuple[tuple[int, int], ...]) -> None:
        """``chipset`` are (slot, function) of bus 0 that belong to the machine and stand in no XML."""
        models = pci_models()
        self.buses: dict[int, _Bus] = {}
        for controller in devices.controllers:
            if controller.type == "pci" and controller.model in models:
                self.add(controller)
        for slot, function in chipset:
            if 0 in self.buses:
                self.take(PciAddress(0, 0, slot, function))
        for device in devices.in_order():
            if isinstance(device.address, PciAddress) and not device.address.empty:
                self.take(device.address)

    def add(self, controller: Controller) -> None:
        """Enter the bus of a controller."""
        model = pci_models()[controller.model or ""]
        self.buses[controller.index] = _Bus(model, model.hotplug and controller.hotplug != "off")

    def take(self, at: PciAddress) -> None:
        """Mark a place as taken."""
        bus = self.buses.get(at.bus)
        if bus is not None:
            bus.used[at.slot] = bus.used.get(at.slot, 0) | 1 << at.function

    def release(self, at: PciAddress) -> None:
        """Give a place back."""
        bus = self.buses.get(at.bus)
        if bus is not None:
            bus.used[at.slot] = bus.used.get(at.slot, 0) & ~(1 << at.function)

    def place(self, device: Device, want: int) -> PciAddress:
        """The place of a device: the written one when it will do, else the first free one. Raises Refused."""
        at = device.address
        if isinstance(at, PciAddress) and not at.empty:
            self._check(device, at, want)
            self.take(at)
            return at
        for number in sorted(self.buses):
            bus = self.buses[number]
            if bus.hotplug and bus.model.accepts & want & KINDS:
                for slot in range(bus.model.first, bus.model.last + 1):
                    if not bus.used.get(slot):
                        found = PciAddress(0, number, slot, 0)
                        self.take(found)
                        return found
        raise Refused(INT, "No more available PCI slots", device.label)

    def _check(self, device: Device, at: PciAddress, want: int) -> None:
        """Refuse a written address that a running domain cannot take. Raises Refused."""
        if at.function:
            raise Refused(INT, "Only PCI device addresses with function=0 are supported", device.label)
        if at.domain:
            raise Refused(XML, f"Invalid PCI address {at}. Only PCI domain 0 is available", device.label)
        bus = self.buses.get(at.bus)
        if bus is None:
            most = max(self.buses, default=-1)
            raise Refused(XML, f"Invalid PCI address {at}. Only PCI buses up to {most} are available", device.label)
        accepts = bus.model.accepts
        if accepts & ENDPOINT:
            accepts |= CONVENTIONAL | EXPRESS
        if not accepts & want & KINDS:
            raise Refused(
                XML,
                f"The device at PCI address {at} cannot be plugged into the PCI controller with index='{at.bus}'. "
                f"It requires a controller that accepts a {connect_names(want)}.",
                device.label,
            )
        if not bus.hotplug:
            raise Refused(
                XML,
                f"The device at PCI address {at} requires hotplug capability, but the PCI controller with "
                f"index='{at.bus}' doesn't support hotplug",
                device.label,
            )
        if at.slot < bus.model.first:
            raise Refused(XML, f"Invalid PCI address {at}. slot must be >= {bus.model.first}", device.label)
        if at.slot > bus.model.last:
            raise Refused(XML, f"Invalid PCI address {at}. slot must be <= {bus.model.last}", device.label)
        if bus.used.get(at.slot):
            raise Refused(XML, f"Attempted double use of PCI Address {at}", device.label)
