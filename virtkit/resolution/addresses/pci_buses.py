"""The table of PCI buses during allocation: which slots are taken, what fits where, and how the table grows.

Source: observed, libvirt 9.0 and 12.8 (random domains defined and read back); libvirt, "PCI topology and hotplug".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Device
from virtkit.errors import Refused
from virtkit.resolution.addresses.connect_types import (
    AGGREGATES,
    AUTO,
    CONVENTIONAL,
    ENDPOINT,
    EXPRESS,
    INTEGRATED,
    KINDS,
    Connect,
    PciModel,
    connect_names,
    pci_models,
)

__all__ = ["Bus", "BusTable", "Place", "User"]

XML = "XML error"
INT = "internal error"

PCI_BRIDGE = int(Connect.PCI_BRIDGE)
UPSTREAM_PORT = int(Connect.UPSTREAM_PORT)
PCIE_TO_PCI = int(Connect.PCIE_TO_PCI)

Place = tuple[int, int, int]
"""Bus, slot, function."""

User = Device | str
"""Who asks for a place: a device, or words for what is not one. Its name and line are found when they are needed."""


def _label(user: User) -> str:
    return user if isinstance(user, str) else user.label


def _refused(category: str, what: str, user: User) -> Refused:
    return Refused(category, what, _label(user), None if isinstance(user, str) else user.line)


@dataclass(slots=True, eq=False)
class Bus:
    """One bus: the model of the controller that provides it, and for each slot a bit mask of functions taken.

    ``because`` names the rule that added the bus and the device it was added for. ``shared`` is a bit mask of the slots
    whose functions several controllers may share.
    """

    model: PciModel
    used: list[int]
    because: tuple[str, str] | None = None
    shared: int = 0


class BusTable:
    """The buses of one run; ``growing`` is true in a dry run, which may add buses, and false in the real run.

    The owners are the users of the functions taken, by 256 times the bus plus 8 times the slot plus the function.
    """

    __slots__ = ("_cursors", "_owners", "_phbs", "_port_for_bridge", "_wide_integrated", "_wording", "buses", "growing")

    def __init__(self, behaves: frozenset[str], phbs: bool, growing: bool) -> None:
        self.buses: list[Bus] = []
        self.growing = growing
        self._phbs = phbs
        self._port_for_bridge = "port-for-bridge" in behaves
        self._wide_integrated = "integrated-conventional" in behaves
        self._wording = "pcie-slot-wording" in behaves
        self._cursors: dict[int, tuple[int, int]] = {}
        self._owners: dict[int, User] = {}

    def fill(self, models: list[str | None], filler: str) -> None:
        """Add a bus for each controller model, and one of the model ``filler`` where there is none."""
        known = pci_models()
        self.buses += [
            Bus(known[model], [0] * 32) if model else Bus(known[filler], [0] * 32, ("pci.hole", "")) for model in models
        ]

    def append(self, model: str, because: tuple[str, str]) -> None:
        """Add a bus of a controller model."""
        self.buses.append(Bus(pci_models()[model], [0] * 32, because))

    # Fitting

    def _integrates(self, model: PciModel, number: int, kinds: int) -> bool:
        """Whether a bus with a number takes an automatic request for a place on bus 0."""
        accepts = model.accepts
        if self._wide_integrated and accepts & ENDPOINT:
            accepts |= ENDPOINT
        return not number and bool(accepts & kinds)

    # Reserving

    def reserve(self, address: PciAddress, want: int, category: str, user: User) -> None:
        """Take the slot that an address names; a dry run adds missing buses, and ``address`` may move to one.

        Raises Refused where there is no bus at all, for a PCI domain other than 0, a slot out of range, a slot of the
        wrong kind, and a slot that is in use. The real run finds every bus, because the dry run added it.
        """
        buses = self.buses
        number, slot = address.bus, address.slot
        if number >= len(buses) or address.domain:
            number = self._beyond(address, want, category, user)
        bus = buses[number]
        model = bus.model
        if not model.allows & want or (number and want & INTEGRATED) or not model.first <= slot <= model.last:
            raise _unfit(address, bus, want, category, user)
        self._take(number, slot, address.function, want, category, user)

    def _beyond(self, address: PciAddress, want: int, category: str, user: User) -> int:
        """The bus of an address beyond the known buses. Raises Refused where there can be none."""
        if self.growing and self.buses and not address.domain:
            address.bus = self.grow(want, address.bus, user)
        if not self.buses:
            raise _refused(XML, "No PCI buses available", user)
        if address.domain:
            raise _refused(category, f"Invalid PCI address {address}. Only PCI domain 0 is available", user)
        return address.bus

    def _take(self, number: int, slot: int, function: int, want: int, category: str, user: User) -> None:
        bus = self.buses[number]
        used = bus.used[slot]
        if used >> function & 1:
            raise self._double(number, slot, function, category, user)
        self._owners[number << 8 | slot << 3 | function] = user
        if not used and want & AGGREGATES:
            bus.shared |= 1 << slot
        bus.used[slot] = used | 1 << function

    def _double(self, number: int, slot: int, function: int, category: str, user: User) -> Refused:
        address = PciAddress(0, number, slot, function)
        owner = _label(self._owners[number << 8 | slot << 3 | function])
        return _refused(category, f"Attempted double use of PCI Address {address}: {owner} has it, too", user)

    # Choosing

    def choose(self, want: int, user: User, function: int = 0) -> Place:
        """Take the first free slot that fits, empty or shared: the lowest bus, then the lowest slot.

        Raises Refused when none is left and no bus may be added.
        """
        place = self._first_free(want, user, function)
        if place is not None:
            return place
        if not self.buses:
            raise _refused(XML, "No PCI buses available", user)
        if not self.growing:
            raise _refused(INT, "No more available PCI slots", user)
        number = self.grow(want, len(self.buses), user)
        slot = self.buses[number].model.first
        if want & INTEGRATED:
            address = PciAddress(0, number, slot, 0)
            what = f"The device at PCI address {address} needs to be an integrated device (bus=0)"
            raise _refused(INT, what, user)
        self._take(number, slot, function, want, INT, user)
        return number, slot, function

    def _first_free(self, want: int, user: User, function: int) -> Place | None:
        """Take the first free slot of the known buses, None when there is none."""
        # Slots are never released, so each kind of request continues where its last one ended.
        buses = self.buses
        lowest, start = self._cursors.get(want, (0, 0))
        kinds, automatic, shares = want & KINDS, want & AUTO, want & AGGREGATES
        for number in range(lowest, len(buses)):
            bus = buses[number]
            model = bus.model
            if want & INTEGRATED:
                fits: int | bool = self._integrates(model, number, kinds)
            else:
                fits = model.accepts & kinds and (model.auto or not automatic)
            if fits:
                used = bus.used
                slot, last = start if start > model.first else model.first, model.last
                while slot <= last:
                    mask = used[slot]
                    if mask:
                        if not shares or mask == 255 or not bus.shared >> slot & 1:
                            slot += 1
                            continue
                        function = (~mask & mask + 1).bit_length() - 1
                    elif shares:
                        bus.shared |= 1 << slot
                    used[slot] = mask | 1 << function
                    self._owners[number << 8 | slot << 3 | function] = user
                    self._cursors[want] = (number, slot if shares else slot + 1)
                    return number, slot, function
            start = 0
        self._cursors[want] = (len(buses), 0)
        return None

    def all_full(self) -> bool:
        """Whether no slot of any bus is empty."""
        return all(bus.used[slot] for bus in self.buses for slot in range(bus.model.first, bus.model.last + 1))

    # Growing

    def grow(self, want: int, number: int, user: User) -> int:
        """Add buses so that bus ``number`` exists for a request, and return the number, which may be one higher.

        Raises Refused when no bus for such a request can be added.
        """
        kind = want & KINDS
        label = _label(user)
        add = number - len(self.buses) + 1
        if kind == CONVENTIONAL:
            if self._phbs:
                for _ in range(add):
                    self.append("pci-root", ("pci.host-bridge-for", label))
                return number
            if not any(bus.model.accepts & PCI_BRIDGE for bus in self.buses):
                # So far there is PCI Express only: add a port for the bridge to conventional PCI, and then the bridge.
                self.buses.append(Bus(_port_for_bridge(), [0] * 32, ("pci.port-for-bridge", label)))
                self.append("pcie-to-pci-bridge", ("pci.bridge-for", label))
                if add == 1:
                    number += 1
                add -= 2
            for _ in range(add):
                self.append("pci-bridge", ("pci.more-slots-for", label))
            return number
        if kind in (EXPRESS, UPSTREAM_PORT) or (kind == PCIE_TO_PCI and self._port_for_bridge):
            for _ in range(add):
                self.append("pcie-root-port", ("pci.port-for", label))
            return number
        name = connect_names(want)
        if kind and kind != PCIE_TO_PCI:
            slot = "PCIe" if self._wording and name.startswith("pcie") else "PCI"
            raise _refused(
                INT,
                f"a {slot} slot is needed to connect a PCI controller model='{name}', "
                "but none is available, and it cannot be automatically added",
                user,
            )
        flags = "2000" if kind else "00"
        what = f"Cannot automatically add a new PCI bus for a device with connect flags {flags}"
        raise _refused(INT, what, user)


@cache
def _port_for_bridge() -> PciModel:
    """A root port that keeps its slot for a bridge to conventional PCI."""
    return replace(pci_models()["pcie-root-port"], accepts=PCIE_TO_PCI, allows=PCIE_TO_PCI)


def _unfit(address: PciAddress, bus: Bus, want: int, category: str, user: User) -> Refused:
    """Why a device cannot have an address on a bus that exists."""
    if want & INTEGRATED and address.bus:
        what = f"The device at PCI address {address} needs to be an integrated device (bus=0)"
    elif not bus.model.allows & want:
        what = (
            f"The device at PCI address {address} cannot be plugged into the PCI controller with "
            f"index='{address.bus}'. It requires a controller that accepts a {connect_names(want)}."
        )
    elif address.slot < bus.model.first:
        what = f"Invalid PCI address {address}. slot must be >= {bus.model.first}"
    else:
        what = f"Invalid PCI address {address}. slot must be <= {bus.model.last}"
    return _refused(category, what, user)
