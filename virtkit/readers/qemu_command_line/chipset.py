"""The root bus of a machine type and the chipset devices on it. Source: observed, QEMU 7.2.22 and 11.1.2."""

from __future__ import annotations

from dataclasses import dataclass

from virtkit.readers.qemu_command_line.device_facts import DeviceFacts
from virtkit.readers.qemu_command_line.machine import Machine
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.tree import Node, Tree

__all__ = ["build"]


@dataclass(frozen=True, slots=True)
class _Part:
    """One function of the root bus: its device type, address, buses, and how domain XML writes it."""

    driver: str
    addr: str
    brings: str = ""
    count: int = 0
    element: str = ""
    model: str = ""
    when: str = ""


_PARTS = {
    "pc-i440fx": (
        _Part("i440FX", "0"),
        _Part("PIIX3", "1.0"),
        _Part("PIIX4_PM", "1.3", when="acpi"),
        _Part("piix3-ide", "1.1", "ide", 2, "controller:ide"),
        _Part("piix3-usb-uhci", "1.2", "usb", 1, "controller:usb", "piix3-uhci", when="usb"),
    ),
    "pc-q35": (
        _Part("mch", "0"),
        _Part("ICH9-LPC", "1f.0"),
        _Part("ich9-ahci", "1f.2", "ide", 6, "controller:sata", when="sata"),
        _Part("ich9-usb-ehci1", "1d.7", "usb", 1, "controller:usb", "ich9-ehci1", when="usb"),
        _Part("ich9-usb-uhci1", "1d.0", "", 0, "controller:usb", "ich9-uhci1", when="usb"),
        _Part("ich9-usb-uhci2", "1d.1", "", 0, "controller:usb", "ich9-uhci2", when="usb"),
        _Part("ich9-usb-uhci3", "1d.2", "", 0, "controller:usb", "ich9-uhci3", when="usb"),
        _Part("ICH9-SMB", "1f.3", when="smbus"),
    ),
    "virt": (_Part("gpex-root", "0"),),
}


def build(tree: Tree, machine: Machine, usb: bool, acpi: bool) -> None:
    """Add the root bus and the chipset of a machine; ``usb`` and ``acpi`` say whether these parts are on."""
    if machine.x86:
        floppy = DeviceFacts("isa-fdc", "isa", "floppy", 1)
        tree.add(Node(floppy, Group("", {}, 0), built_in=True))
    if not machine.root:
        return
    tree.add_root(machine.root, f"{machine.root}.0")
    on = {"acpi": acpi, "usb": usb, "": True}
    for part in _PARTS.get(machine.family, ()):
        if not on.get(part.when, machine.properties.on(part.when, True)):
            continue
        facts = DeviceFacts(part.driver, "pci", part.brings, part.count, part.element, part.model)
        tree.add(Node(facts, Group("", {"addr": part.addr, "bus": f"{machine.root}.0"}, 0), built_in=True))

