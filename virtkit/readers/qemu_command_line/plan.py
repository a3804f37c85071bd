"""The devices of a command line in the order in which QEMU creates them, each in its place in the tree.

The order is: the chipset, the display, the NICs of -nic and -net, sound of -audio, -usbdevice, the -device options with
key=value, the drives of if=virtio, and the -device options in JSON. Source: observed, QEMU 7.2.22 and 11.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from virtkit import facts
from virtkit.readers.qemu_command_line import chipset
from virtkit.readers.qemu_command_line.bridge_slots import BridgeSlots
from virtkit.readers.qemu_command_line.device_facts import DeviceFacts, device_facts, named
from virtkit.readers.qemu_command_line.drives import Drives, drives_of
from virtkit.readers.qemu_command_line.machine import Machine
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.settings import Settings
from virtkit.readers.qemu_command_line.tree import Node, NotPlaced, Tree
from virtkit.releases import Release

__all__ = ["Plan", "plan"]

_VIRTUAL_FUNCTIONS = (11, 0)
_OHCI_TO = (2, 4)
_TRIES_NICS = (10, 0)
_NIC_ADDR_IGNORED = (9, 0)
"""The first QEMU release that ignores addr= of -net nic; observed: honoured by 7.2.22, ignored by 10.0 and 11.1.2."""


@dataclass(slots=True)
class Plan:
    """The devices of a command line, and what QEMU gets past them: ``unknown`` are devices that domain XML lacks."""

    settings: Settings
    machine: Machine
    tree: Tree
    drives: Drives
    unknown: list[Group]
    qemu: Release | None

    def add(self, facts_of: DeviceFacts, group: Group, *, built_in: bool = False, backend: Group | None = None) -> None:
        """Put a device into the tree; one that QEMU refuses becomes a note."""
        if facts_of.needs in ("isa", "floppy") and not self.machine.x86:
            self.settings.remark(group.line, f"{facts_of.driver}: the machine has no bus for it; it is left out")
            return
        node = Node(facts_of, group, group.get("id"), built_in=built_in, backend=backend)
        if group.get("masterbus"):
            # A companion of another USB controller has no bus of its own.
            node.facts = replace(facts_of, brings="", count=0)
        try:
            self.tree.add(node)
        except NotPlaced as refusal:
            name = f"{facts_of.driver} {node.id}".strip()
            self.settings.remark(group.line, f"{name}: {refusal}{refusal.consequence}")


@cache
def _effects() -> dict[str, str]:
    return {row["driver"]: row["default"] for row in facts.table("qemu/default-device-effects.csv")}


def plan(settings: Settings, machine: Machine, qemu: Release | None) -> Plan:
    """Place every device. ``qemu`` is the release that runs the command line, None when it is not known."""
    defaults = _defaults(settings)
    drives = drives_of(settings, machine, defaults)
    # On q35 the hotplug of bridges does not depend on acpi=.
    acpi = machine.family != "pc-i440fx" or _acpi(settings, machine)
    slots = BridgeSlots(machine, acpi and _acpi_hotplug(settings))
    found = Plan(settings, machine, Tree(slots.refuses_slot_0), drives, [], qemu)
    found.tree.shows_virtual_functions = qemu is None or qemu >= _VIRTUAL_FUNCTIONS
    chipset.build(found.tree, machine, usb=_usb(settings, machine), acpi=_acpi(settings, machine))
    if machine.family == "pseries":
        _pseries(found, defaults)
    else:
        _display(found, defaults)
        _nics(found, defaults)
    _sounds(found)
    for place, drive in sorted(drives.ide.items()):
        _ide_drive(found, place, drive)
    for place, drive in sorted(drives.floppy.items()):
        found.add(_known("floppy"), replace_values(drive, unit=str(place[1])), built_in=not drive.line)
    for option in settings.usb_devices:
        for driver in named("usbdevice", option.value.partition(":")[0]) or ():
            found.add(_known(driver), Group("device", {"driver": driver}, option.line))
    for group in settings.devices:
        if not group.json:
            _device(found, group)
    for drive in drives.virtio:
        _virtio_drive(found, drive)
    for group in settings.devices:
        if group.json:
            _device(found, group)
    _check_globals(found)
    return found


def _check_globals(found: Plan) -> None:
    """Say where QEMU refuses a -global: the drivers of fixed virtio models lack the switches.

    A NIC of the machine is enough: QEMU then tries every NIC driver. 10.0 and 11.1 try them on every machine that
    creates NICs on PCI, and 7.2 does not. Observed: QEMU 7.2.22, 10.0 and 11.1.2.
    """
    newer = found.qemu is None or found.qemu >= _TRIES_NICS
    every = newer and bool(found.machine.defaults.nic) and not found.settings.removed
    fixed = any(node.facts.driver.endswith("transitional") for node in found.tree.nodes)
    if not (every or fixed or any(node.group.name == "nic" for node in found.tree.nodes)):
        return
    who = "" if found.qemu is not None or fixed else " (observed: 10.0 and 11.1)"
    for group in found.settings.all("global"):
        for key in ("virtio-pci.disable-legacy", "virtio-pci.disable-modern"):
            if key in group.values or f"{group.get('driver')}.{group.get('property')}" == key:
                what = f"-global {key}: the transitional and non-transitional drivers lack the property"
                found.settings.remark(group.line, f"{what}, so QEMU refuses the command line{who}")


def replace_values(group: Group, **values: str) -> Group:
    """A group with some values replaced."""
    return Group(group.name, {**group.values, **values}, group.line, group.json, group.numbers)


def _known(driver: str) -> DeviceFacts:
    return device_facts(driver) or DeviceFacts(driver, "system")


def _defaults(settings: Settings) -> frozenset[str]:
    """The default devices that QEMU adds."""
    if "nodefaults" in settings.switches:
        return frozenset()
    found = {"cdrom", "floppy", "display", "nic"}
    found -= {_effects().get(group.get("driver"), "") for group in settings.devices}
    if any(settings.all(name) for name in ("net", "nic", "netdev")):
        found.discard("nic")
    return frozenset(found)


def _usb(settings: Settings, machine: Machine) -> bool:
    return machine.properties.on("usb", "usb" in settings.switches)


def _acpi(settings: Settings, machine: Machine) -> bool:
    return machine.properties.on("acpi", "no-acpi" not in settings.switches)


def _pseries(found: Plan, defaults: frozenset[str]) -> None:
    """The devices of a pseries machine: NICs, then the display, then the USB controller that a display brings.

    Source: observed, info qtree of pseries-2.4 to 11.1.
    """
    settings, machine = found.settings, found.machine
    _nics(found, defaults)
    before = len(found.tree.nodes)
    _display(found, defaults)
    shown = len(found.tree.nodes) > before
    by_default = "usb" in settings.switches or (shown and "nodefaults" not in settings.switches)
    if not machine.properties.on("usb", by_default):
        return
    older = machine.version is not None and machine.version <= _OHCI_TO
    found.add(_known("pci-ohci" if older else "nec-usb-xhci"), Group("usb", {}, 0))
    for driver in ("usb-kbd", "usb-mouse") if shown else ():
        found.add(_known(driver), Group("usb", {}, 0))


def _acpi_hotplug(settings: Settings) -> bool:
    """Whether no -global turns the ACPI hotplug of bridges off."""
    keys = {f"{driver}.acpi-pci-hotplug-with-bridge-support" for driver in ("PIIX4_PM", "ICH9-LPC")}
    return not any(group.get(key) in ("off", "false", "no") for group in settings.all("global") for key in keys)


def _display(found: Plan, defaults: frozenset[str]) -> None:
    option = found.settings.values.get("vga")
    if option is not None:
        drivers = named("vga", option.value.partition(",")[0])
        if drivers is None:
            found.settings.remark(option.line, f"-vga {option.value!r} is not known to this reader; it is left out")
        for driver in drivers or ():
            found.add(_known(driver), Group("vga", {"driver": driver}, option.line))
    elif "display" in defaults and found.machine.defaults.display:
        found.add(_known(found.machine.defaults.display), Group("vga", {}, 0))


def _nics(found: Plan, defaults: frozenset[str]) -> None:
    """The NICs that the machine creates: those of -nic, then those of -net nic, else the default one."""
    settings = found.settings
    wanted = [group for group in settings.all("nic") if group.get("type") not in ("none", "help")]
    wanted += [group for group in settings.all("net") if group.get("type") == "nic"]
    if not wanted and "nic" in defaults:
        wanted = [Group("nic", {"type": "user"}, 0)]
    for group in wanted:
        model = group.get("model") or found.machine.defaults.nic
        driver = (named("nic", model) or (model,))[0]
        if found.machine.arch == "s390x":
            driver = driver.replace("-pci", "-ccw")
        known = device_facts(driver)
        if not found.machine.defaults.nic:
            what = f"machine type {found.machine.type} is not known to create NICs of -nic and -net"
            settings.remark(group.line, f"{what}; it is left out")
            continue
        if known is None or not known.element.startswith("interface"):
            settings.remark(group.line, f"NIC model {model!r} has no place that is known; it is left out")
            continue
        values = {"driver": driver, "mac": group.get("mac") or group.get("macaddr"), "type": group.get("type")}
        if group.get("addr") and _honours_nic_addr(found, group):
            values["addr"] = group.get("addr")
        found.add(known, Group("nic", values, group.line), backend=group)


def _honours_nic_addr(found: Plan, group: Group) -> bool:
    release = found.qemu
    if release is None and found.settings.removed:
        # An option that QEMU no longer has says that an older one runs the command line.
        return True
    honours = release is not None and release < _NIC_ADDR_IGNORED
    if release is None:
        what = "addr= of -net nic is ignored, as QEMU 10.0 and 11.1 do; QEMU 7.2 honours it"
        found.settings.remark(group.line, f"{what}. Write -device with addr= to have the same place in both")
    return honours


def _sounds(found: Plan) -> None:
    for option in found.settings.sounds:
        names = option.value.split(",")
        if option.name == "audio":
            names = [part[6:] for part in names if part.startswith("model=")]
        for name in names:
            drivers = named("audio", name)
            if drivers is None:
                found.settings.remark(option.line, f"sound card {name!r} is not known; it is left out")
            for driver in drivers or ():
                found.add(_known(driver), Group("device", {"driver": driver}, option.line))


def _ide_drive(found: Plan, place: tuple[int, int], drive: Group) -> None:
    cdrom = drive.get("media") == "cdrom"
    values = {"driver": "ide-cd" if cdrom else "ide-hd", "bus": f"ide.{place[0]}", "unit": str(place[1])}
    if found.tree.find(values["bus"]) is None and not drive.line:
        return
    found.add(_known(values["driver"]), Group("drive", values, drive.line), built_in=not drive.line, backend=drive)


def _virtio_drive(found: Plan, drive: Group) -> None:
    transport = "ccw" if found.machine.arch == "s390x" else "pci"
    known = device_facts("virtio-blk", transport)
    if known is not None:
        found.add(known, Group("drive", {"driver": known.driver}, drive.line), backend=drive)


def _device(found: Plan, group: Group) -> None:
    driver = group.get("driver")
    if not driver:
        found.settings.remark(group.line, "-device without a driver; it is left out")
        return
    known = device_facts(driver, "ccw" if found.machine.arch == "s390x" else "pci")
    if known is None:
        found.unknown.append(group)
        return
    drive = found.drives.by_id.get(group.get("drive"))
    netdev = next((one for one in found.settings.all("netdev") if one.get("id") == group.get("netdev")), None)
    found.add(known, group, backend=drive or netdev)
