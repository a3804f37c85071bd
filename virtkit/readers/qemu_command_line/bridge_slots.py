"""Whether QEMU refuses a device in slot 0 of a conventional bridge.

A bridge with the standard hotplug controller (SHPC) has none in slot 0, and QEMU refuses a device there unless ACPI
hotplug serves the bridge instead. Source: observed, QEMU 7.2.22 and 11.1.2; machine types:
``data/qemu/acpi-bridge-hotplug.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass

from virtkit import facts
from virtkit.readers.qemu_command_line.machine import Machine
from virtkit.readers.qemu_command_line.tree import Bus
from virtkit.releases import parse

__all__ = ["BridgeSlots"]

_BRIDGES = frozenset({"pci-bridge", "pcie-pci-bridge"})
_WITHOUT_SHPC = (2, 9)
"""The machine types whose pci-bridge has no SHPC by default; observed: info qtree of QEMU 7.2.22, 2.4 to 5.2."""


@dataclass(frozen=True, slots=True)
class BridgeSlots:
    """The rule for one machine; ``acpi`` says whether ACPI, and its hotplug of bridges, is on."""

    machine: Machine
    acpi: bool

    def refuses_slot_0(self, bus: Bus) -> bool:
        """Whether slot 0 of a bus can take no device."""
        owner = bus.owner
        if owner is None or owner.facts.driver not in _BRIDGES:
            return False
        has_controller = self.machine.version != _WITHOUT_SHPC or owner.facts.driver != "pci-bridge"
        return owner.group.on("shpc", has_controller) and not self._served_by_acpi(bus)

    def _served_by_acpi(self, bus: Bus) -> bool:
        # ACPI hotplug serves the root bus and what hangs below it, but no expander.
        above = bus
        while above.owner is not None and above.owner.bus is not None:
            above = above.owner.bus
        if not above.root or not self.acpi:
            return False
        for row in facts.table("qemu/acpi-bridge-hotplug.csv"):
            if row["family"] == self.machine.family:
                return self.machine.version is None or self.machine.version >= parse(row["machine_first"])
        return False
