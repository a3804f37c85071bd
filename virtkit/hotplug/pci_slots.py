"""The PCI slots of a running domain: only those that take hot plug, and nothing is ever added.

Source: observed, libvirt 9.0 and 12.8 (domains started paused, devices attached and read back).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import PciAddress
from virtkit.errors import Refused
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, ENDPOINT, EXPRESS, KINDS, connect_names, pci_models

if TYPE_CHECKING:
    from virtkit.domain.device_classes import Inventory
    from virtkit.domain.devices import Controller, Device
    from virtkit.resolution.addresses.connect_types import PciModel

__all__ = ["PciSlots"]

XML = "XML error"
INT = "internal error"


class _Bus:
    """A bus; ``used`` holds the functions in use, one bit each, by slot."""

    __slots__ = ("hotplug", "model", "used")

    def __init__(self, model: PciModel, hotplug: bool) -> None:
        self.model = model
        self.hotplug = hotplug
        self.used: dict[int, int] = {}

    def copy(self) -> _Bus:
        """The same bus, to be filled independently."""
        other = _Bus(self.model, self.hotplug)
        other.used = dict(self.used)
        return other


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
        # For hotplug='off' of pci-root it is QEMU that refuses a device: see ``by_qemu.check_bus``.
        off = controller.hotplug == "off" and controller.model != "pci-root"
        self.buses[controller.index] = _Bus(model, model.hotplug and not off)

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
        """The place for a device: the written one when it will do, else the first free one; nothing is taken.

        Raises Refused.
        """
        at = device.address
        if isinstance(at, PciAddress) and not at.empty:
            self._check(device, at, want)
            return at
        for number in sorted(self.buses):
            slot = self._free_slot(self.buses[number], want)
            if slot is not None:
                return PciAddress(0, number, slot, 0)
        raise Refused(INT, "No more available PCI slots", device.label)

    def free(self, want: int) -> int:
        """How many slots of a kind (a connect type) a running domain can still give away."""
        return sum(
            not bus.used.get(slot)
            for bus in self.buses.values()
            if bus.hotplug and bus.model.accepts & want & KINDS
            for slot in range(bus.model.first, bus.model.last + 1)
        )

    @staticmethod
    def _free_slot(bus: _Bus, want: int) -> int | None:
        if not bus.hotplug or not bus.model.accepts & want & KINDS:
            return None
        return next((slot for slot in range(bus.model.first, bus.model.last + 1) if not bus.used.get(slot)), None)

    def copy(self) -> PciSlots:
        """The same slots, to be taken independently."""
        other = PciSlots.__new__(PciSlots)
        other.buses = {number: bus.copy() for number, bus in self.buses.items()}
        return other

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
        self._check_kind(device, at, bus, want)
        if at.slot < bus.model.first:
            raise Refused(XML, f"Invalid PCI address {at}. slot must be >= {bus.model.first}", device.label)
        if at.slot > bus.model.last:
            raise Refused(XML, f"Invalid PCI address {at}. slot must be <= {bus.model.last}", device.label)
        if bus.used.get(at.slot):
            raise Refused(XML, f"Attempted double use of PCI Address {at}", device.label)

    @staticmethod
    def _check_kind(device: Device, at: PciAddress, bus: _Bus, want: int) -> None:
        """Refuse a bus that takes no such device, or none while the guest runs. Raises Refused."""
        accepts = bus.model.accepts
        if accepts & ENDPOINT:
            # Under a written address, a bus for one kind of endpoint takes the other, too.
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
