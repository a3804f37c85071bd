"""The PCI buses of a resolved domain as its guest numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit.boot.guest_pci import Bridge, GuestPci, Mode, numbered, unpluggable
from virtkit.boot.hotplug_mode import mode_of
from virtkit.domain.address import PciAddress
from virtkit.host.chipset import built_in_slots
from virtkit.host.emulator import emulator_arch
from virtkit.host.machine_types import machine_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.domain.devices import Controller
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Bus

__all__ = ["DomainPci", "domain_pci", "is_x86"]

#: Controllers whose bus is a root bus with a number of its own.
_ROOTS = frozenset({"pci-root", "pcie-root", "pcie-expander-bus"})
_X86 = frozenset({"i386", "x86_64"})


@dataclass(frozen=True, slots=True)
class DomainPci:
    """The buses of a domain: ``pci`` as the guest sees them, and for each controller index the guest's bus number.

    The host bridges of pseries are PCI domains of their own; their buses are counted from 256 times the domain.
    ``known`` is false where the bus numbers were not observed (machines of no row in data/boot/hotplug-modes.csv).
    """

    pci: GuestPci
    numbers: Mapping[int, int]
    known: bool

    def number(self, address: PciAddress) -> int | None:
        """The guest's number of the bus of an address; None where it is not known."""
        return self.numbers.get(address.bus) if self.known else None

    def text(self, address: PciAddress) -> str:
        """An address with the guest's bus number, as the guest writes it; "" where it is not known."""
        bus = self.number(address)
        if bus is None:
            return ""
        return f"{bus >> 8:04x}:{bus & 0xFF:02x}:{address.slot:02x}.{address.function:x}"


@lru_cache(maxsize=8)
def domain_pci(resolved: Resolved) -> DomainPci:
    """The buses of a resolved domain with the numbers that the firmware gives them.

    Source: observed, QEMU 7.2.22 and 11.1.2: depth first in the order of slot and function.
    """
    controllers = [one for one in resolved.inventory.controllers if one.type == "pci"]
    models = {one.index: one for one in controllers}
    roots = {0}
    written: list[tuple[int, Bridge]] = []
    fixed: set[tuple[int, int]] = set()
    bridges_of_host = {one.index: _host_bridge(one) for one in controllers if one.model == "pci-root" and one.index}
    roots |= set(bridges_of_host.values())
    for one in controllers:
        address = one.address
        if one.model in _ROOTS and one.model != "pcie-expander-bus":
            continue
        if not isinstance(address, PciAddress):
            continue
        if one.model in ("pcie-expander-bus", "pci-expander-bus"):
            root = one.options.get("busNr", 0)
            roots.add(root)
            fixed.add((0, address.slot))
            if one.model == "pci-expander-bus":
                # QEMU puts a pci-bridge on the new root bus; the devices of the controller are behind it.
                written.append((one.index, Bridge("pci-bridge", -1 - root, 0, 0, 0)))
            continue
        above = _above(models, address.bus)
        plugs = one.hotplug != "off"
        written.append((one.index, Bridge(one.model or "", above, address.slot, address.function, 0, 0, plugs)))
    bridges = numbered(roots, written)
    numbers = {0: 0} | {index: bridge.bus for index, bridge in bridges.items()}
    numbers |= {one.index: one.options.get("busNr", 0) for one in controllers if one.model == "pcie-expander-bus"}
    numbers |= bridges_of_host
    family, version = machine_version(resolved.machine)
    known = family in ("pc-i440fx", "pc-q35", "virt", "pseries")
    mode, root_acpi = _mode(resolved, models.get(0), mode_of(family, version))
    fixed |= {(0, slot) for slot in built_in_slots(resolved.context.family.chipset)}
    for bus in resolved.topology.roots:
        fixed |= _unpluggable(bus, numbers)
    # On a conventional machine the firmware does not hand SHPC to the kernel.
    shpc = resolved.context.family.express
    pci = GuestPci(tuple(bridges.values()), mode, root_acpi, frozenset(fixed), shpc)
    return DomainPci(pci, numbers, known)


def is_x86(resolved: Resolved) -> bool:
    """Whether the guest is a PC, whose ACPI can be turned off."""
    return emulator_arch(resolved.arch) in _X86


def _host_bridge(controller: Controller) -> int:
    """The first bus of a further host bridge: 256 times its PCI domain, which is the index of ``<target>``.

    Source: observed, pseries of QEMU 7.2.22 with Debian 12.
    """
    return controller.options.get("index", controller.index) << 8


def _above(models: Mapping[int, Controller], index: int) -> int:
    """The key of the bus that a bridge sits on, as ``numbered`` takes it."""
    one = models.get(index)
    if one is None or one.model in ("pci-root", "pcie-root"):
        return -1 - (_host_bridge(one) if one is not None and one.index else 0)
    if one.model == "pcie-expander-bus":
        return -1 - one.options.get("busNr", 0)
    return index


def _mode(resolved: Resolved, root: Controller | None, found: tuple[Mode, bool]) -> tuple[Mode, bool]:
    """Who announces devices, with what the domain turns off.

    Source: libvirt, Domain XML format, <features><acpi/> and <target hotplug='off'/>.
    """
    mode, root_acpi = found
    if not is_x86(resolved):
        return found
    if resolved.context.root.find("features/acpi") is None:
        return (Mode.NATIVE if resolved.context.family.express else Mode.NONE), False
    if root is not None and root.hotplug == "off":
        root_acpi = False
    for driver in ("PIIX4_PM", "ICH9-LPC"):
        behind = resolved.domain.by_hand.switch("acpi-pci-hotplug-with-bridge-support", "", driver)
        if behind is False:
            mode = Mode.NATIVE if resolved.context.family.express else Mode.NONE
        elif behind and driver == "ICH9-LPC" and resolved.context.family.express:
            mode = Mode.ACPI
        if resolved.domain.by_hand.switch("acpi-root-pci-hotplug", "", driver) is False:
            root_acpi = False
    return mode, root_acpi


def _unpluggable(bus: Bus, numbers: Mapping[int, int]) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for node in bus.nodes:
        if node.bus is not None:
            found |= _unpluggable(node.bus, numbers)
        if node.function == 0 and (node.bus is not None or node.driver in unpluggable()):
            found.add((numbers.get(bus.index, 0), node.slot))
    return found
