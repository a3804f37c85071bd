"""The PCI buses as a guest numbers them, and the slots that its kernel registers for hotplug.

Bus numbers are those that the firmware gives: depth first, in the order of slot and function. They equal the indices
of libvirt's controllers only where these are numbered in that order.
Source: observed, QEMU 7.2.22 and 11.1.2 with Debian guests (Linux 6.1, 6.12 and 7.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from virtkit import facts

__all__ = ["Bridge", "GuestPci", "Mode", "numbered"]

#: Controllers that give a bus of conventional slots, which ACPI describes one by one.
CONVENTIONAL = frozenset({"pci-bridge", "dmi-to-pci-bridge", "pcie-to-pci-bridge"})
#: Controllers that have a hotplug controller of their own (SHPC) with 31 slots.
SHPC = frozenset({"pci-bridge", "pcie-to-pci-bridge"})
#: Controllers with one slot whose number the guest reads from the port itself.
PORTS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})


class Mode(StrEnum):
    """Who announces hotplugged devices to the guest: ACPI, the port itself (pciehp), or neither."""

    ACPI = "acpi"
    NATIVE = "native"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge or port, with the number of the bus that it sits on (``above``) and of the bus that it gives (``bus``).

    ``model`` is libvirt's name of the controller. ``number`` is the physical slot number of a port, 0 where none is
    set: libvirt sets none. ``hotplug`` is false for a port whose hotplug is turned off.
    """

    model: str
    above: int
    slot: int
    function: int
    bus: int
    number: int = 0
    hotplug: bool = True


@dataclass(frozen=True, slots=True)
class GuestPci:
    """The PCI buses of a guest, as far as the names of its devices depend on them.

    ``root_acpi`` says whether ACPI describes the slots of bus 0, ``mode`` who announces devices behind bridges.
    ``fixed`` are the slots (bus, slot) whose function 0 cannot be unplugged; ACPI announces no hotplug there. ``shpc``
    says whether the kernel runs the hotplug controllers of conventional bridges: it has the driver, and the machine is
    PCI Express (observed: on pc, Linux 6.1 leaves them to ACPI).
    """

    bridges: tuple[Bridge, ...]
    mode: Mode
    root_acpi: bool
    fixed: frozenset[tuple[int, int]]
    shpc: bool = True

    @property
    def main(self) -> frozenset[int]:
        """The buses below the root bus with number 0; those of expander buses are not among them."""
        found = {0}
        for bridge in sorted(self.bridges, key=lambda one: one.bus):
            if bridge.above in found:
                found.add(bridge.bus)
        return frozenset(found)

    def described(self, bus: int, slot: int) -> bool:
        """Whether ACPI describes the slot of a conventional bus with its number, so that devices can be plugged in.

        Slot numbers of ports are 0 there, and the guest's naming rules ignore 0.
        """
        if bus == 0:
            return self.root_acpi and slot > 0 and (0, slot) not in self._fixed()
        models = {one.bus: one.model for one in self.bridges}
        known = self.mode is Mode.ACPI and bus in self.main and models.get(bus) in CONVENTIONAL
        return known and slot > 0 and (bus, slot) not in self._fixed()

    def registered(self) -> Mapping[tuple[int, int], int]:
        """The slots that the kernel registers, as (bus, slot) and the number that is its name; the first one wins.

        A second slot with the same number gets a name that is no number, which the naming rules ignore.
        """
        found: dict[tuple[int, int], int] = {}
        taken: set[int] = set()
        for bus, slot, number in (*self._acpi_slots(), *self._native_slots()):
            if number not in taken:
                taken.add(number)
                found[bus, slot] = number
        return found

    def bridge_to(self, bus: int) -> Bridge | None:
        """The bridge that gives a bus, None for a root bus."""
        return next((one for one in self.bridges if one.bus == bus), None)

    def after_gap(self, bus: int) -> bool:
        """Whether a switch port above a bus is in a slot of its switch that comes after an empty slot."""
        while (bridge := self.bridge_to(bus)) is not None:
            slots = {one.slot for one in self.bridges if one.above == bridge.above and not one.function}
            if bridge.model == "pcie-switch-downstream-port" and not slots.issuperset(range(bridge.slot)):
                return True
            bus = bridge.above
        return False

    def _fixed(self) -> frozenset[tuple[int, int]]:
        return self.fixed | {(one.above, one.slot) for one in self.bridges if one.function == 0}

    def _acpi_slots(self) -> Iterator[tuple[int, int, int]]:
        for bus in sorted(self.main):
            for slot in range(1, 32):
                if self.described(bus, slot):
                    yield bus, slot, slot

    def _native_slots(self) -> Iterator[tuple[int, int, int]]:
        """The slots of ports (pciehp), then those of bridges with a hotplug controller of their own (SHPC)."""
        main = self.main
        # ACPI knows only the buses below bus 0; ports of expander buses announce devices themselves.
        native = [
            one
            for one in self._as_added()
            if self.mode is Mode.NATIVE or (self.mode is Mode.ACPI and one.above not in main)
        ]
        for one in native:
            if one.hotplug and one.number > 0 and one.model in PORTS:
                yield one.bus, 0, one.number
        for one in native:
            if self.shpc and one.model in SHPC:
                yield from ((one.bus, slot, slot) for slot in range(1, 32))

    def _as_added(self) -> Iterator[Bridge]:
        """The bridges in the order in which the kernel adds them: those of a bus first, then those below each.

        Source: observed, Linux 6.1: of two bridges with SHPC, the one on pcie.0 comes before the one behind a port.
        """
        below: dict[int, list[Bridge]] = {}
        for one in self.bridges:
            below.setdefault(one.above, []).append(one)
        own = {one.bus for one in self.bridges}

        def visit(bus: int) -> Iterator[Bridge]:
            here = sorted(below.get(bus, ()), key=lambda one: (one.slot, one.function))
            yield from here
            for one in here:
                yield from visit(one.bus)

        for root in sorted(set(below) - own):
            yield from visit(root)


def numbered(roots: Iterable[int], bridges: Iterable[tuple[int, Bridge]]) -> dict[int, Bridge]:
    """The bridges with the bus numbers that the firmware gives.

    ``roots`` are the numbers of the root buses. ``bridges`` are pairs of a key and a bridge whose ``above`` is the key
    of the bridge that gives its bus, or the negative of a root bus number minus 1 (-1 for bus 0). The result has the
    same keys; ``above`` and ``bus`` are bus numbers.
    """
    below: dict[int, list[tuple[int, Bridge]]] = {}
    for key, bridge in bridges:
        below.setdefault(bridge.above, []).append((key, bridge))
    found: dict[int, Bridge] = {}

    def visit(parent: int, above: int, last: int) -> int:
        for key, bridge in sorted(below.get(parent, ()), key=lambda one: (one[1].slot, one[1].function)):
            last += 1
            found[key] = replace(bridge, above=above, bus=last)
            last = visit(key, last, last)
        return last

    for root in sorted(roots):
        visit(-1 - root, root, root)
    return found


@cache
def unpluggable() -> frozenset[str]:
    """QEMU's device types that cannot be plugged into a running guest. Source: data/boot/not-pluggable.csv."""
    return frozenset(row["driver"] for row in facts.table("boot/not-pluggable.csv"))
