"""The domain XML of a command line: the devices at the places that QEMU gives them, each with the line of its option.

The XML is marked as placed by QEMU (``virtkit.domain.placed``), so that resolution adds and moves nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.placed import PLACED_NAMESPACE, PLACED_TAG, QEMU
from virtkit.readers.qemu_command_line.elements import SWITCHES, Builder
from virtkit.readers.qemu_command_line.names import clean
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.plan import Plan
from virtkit.readers.qemu_command_line.tree import Node

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["domain_of"]

_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
_Q = f"{{{_NAMESPACE}}}"
_UNITS = {"": 1024, "k": 1, "m": 1024, "g": 1024**2, "t": 1024**3}
_BOOT = {"c": "hd", "d": "cdrom", "n": "network", "a": "fd"}
_QUIET = frozenset({"isa", "system", "hda", "floppy", ""})
_PASSED_ON = ("id", "bus", "addr", "multifunction")


def domain_of(plan: Plan, name: str) -> tuple[Element, dict[Element, int]]:
    """The ``<domain>`` element and the line of each element; the notes go into the settings of the plan."""
    settings, machine = plan.settings, plan.machine
    kvm = "enable-kvm" in settings.switches or _accelerator(plan).startswith(("kvm", "hvf"))
    namespaces = {"qemu": _NAMESPACE, "virtkit": PLACED_NAMESPACE}
    root = etree.Element("domain", type="kvm" if kvm else "qemu", nsmap=namespaces)
    etree.SubElement(root, "name").text = name
    uuid = settings.values.get("uuid")
    if uuid is not None and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", uuid.value):
        etree.SubElement(root, "uuid").text = uuid.value
    etree.SubElement(etree.SubElement(root, "metadata"), PLACED_TAG, by=QEMU)
    memory, vcpus = _size(plan), _vcpus(plan)
    etree.SubElement(root, "memory", unit="KiB").text = str(memory)
    etree.SubElement(root, "vcpu").text = str(vcpus)
    os = etree.SubElement(root, "os")
    type_ = etree.SubElement(os, "type", arch=machine.arch, machine=clean(machine.type))
    type_.text = "hvm"
    _firmware(plan, os)
    lines = {type_: settings.merged("machine").line or 1}
    if machine.x86:
        etree.SubElement(etree.SubElement(root, "features"), "acpi")
    devices = etree.SubElement(root, "devices")
    builder = Builder(devices, lines, nodes=plan.drives.by_id, boots=_boots(plan))
    if not builder.boots:
        _boot_order(plan, os)
    written = _devices(plan, builder)
    _past_libvirt(plan, root, lines, written)
    return root, lines


def _accelerator(plan: Plan) -> str:
    return plan.settings.merged("accel").get("accel") or plan.machine.properties.get("accel")


def _size(plan: Plan) -> int:
    """The memory in KiB; QEMU's default is 128 MiB."""
    match = re.fullmatch(r"([0-9]{1,9})([kKmMgGtT]?)B?", plan.settings.merged("memory").get("size"))
    return int(match[1]) * _UNITS[match[2].lower()] if match else 131_072


def _vcpus(plan: Plan) -> int:
    group = plan.settings.merged("smp-opts")
    if group.get("cpus").isdigit() and len(group.get("cpus")) < 5:
        return max(int(group.get("cpus")), 1)
    count = 1
    for key in ("sockets", "dies", "cores", "threads"):
        count *= int(group.get(key)) if re.fullmatch(r"[1-9][0-9]{0,3}", group.get(key)) else 1
    return count


def _firmware(plan: Plan, os: Element) -> None:
    """Flash in the form of -drive if=pflash or -machine pflash0=; a file is named only when it is a plain path."""
    flash = bool(plan.drives.firmware) or bool(plan.machine.properties.get("pflash0"))
    bios = plan.settings.values.get("bios")
    if flash or (bios is not None and re.search(r"ovmf|edk2|qemu_efi|uefi", bios.value, re.I)):
        etree.SubElement(os, "loader", readonly="yes", type="pflash")


def _boots(plan: Plan) -> dict[int, int]:
    """The boot order of each device with a ``bootindex``, counted from 1."""
    found: list[tuple[int, int, int]] = []
    for node in plan.tree.nodes:
        index = node.group.get("bootindex") or (node.backend.get("bootindex") if node.backend is not None else "")
        bootable = node.facts.element.partition(":")[0] in ("disk", "interface", "hostdev")
        if bootable and re.fullmatch(r"[0-9]{1,5}", index):
            found.append((int(index), len(found), id(node)))
    return {ident: order for order, (_, _, ident) in enumerate(sorted(found), 1)}


def _boot_order(plan: Plan, os: Element) -> None:
    order = plan.settings.merged("boot-opts").get("order")
    for letter in dict.fromkeys(order[:8]):
        if letter in _BOOT:
            etree.SubElement(os, "boot", dev=_BOOT[letter])


def _devices(plan: Plan, builder: Builder) -> list[Node]:
    """Write every device; what domain XML has no element for becomes a note, and is handed on past libvirt."""
    written = []
    if plan.machine.root:
        builder.element("controller", type="pci", index="0", model=f"{plan.machine.root}-root")
    quiet: dict[str, int] = {}
    others: dict[str, str] = {}
    for node in plan.tree.nodes:
        element = builder.add(node)
        facts = node.facts
        if element is not None:
            written.append(node)
            if facts.stands_for:
                others.setdefault(facts.driver, f"{facts.driver} (line {node.line}) as {facts.model or 'PCI device'}")
        elif not node.built_in and facts.needs in _QUIET:
            quiet.setdefault(facts.driver, node.line)
        elif not node.built_in:
            plan.unknown.append(node.group)
            what = f"{_named(node)}: domain XML has no element for it; it is left out"
            plan.settings.remark(node.line, what + _at(node))
    if quiet:
        names = ", ".join(f"{name} (line {line})" if line else name for name, line in quiet.items())
        plan.settings.remark(0, f"left out, because they have no place on a PCI, USB or storage bus: {names}")
    if others:
        what = "domain XML has no name for some devices, so a similar one is shown"
        plan.settings.remark(0, f"{what}: {', '.join(others.values())}")
    _finish(plan, builder)
    return written


def _finish(plan: Plan, builder: Builder) -> None:
    """Say that there is no USB controller and no balloon where there is none."""
    if not builder.counts["usb"]:
        builder.element("controller", type="usb", index="0", model="none")
    if not any(node.facts.element.startswith("memballoon") for node in plan.tree.nodes):
        builder.element("memballoon", model="none")
    if not any(node.facts.element.startswith("video") for node in plan.tree.nodes):
        etree.SubElement(builder.element("video"), "model", type="none")


def _named(node: Node) -> str:
    return f"{node.facts.driver} {node.id}".strip()


def _at(node: Node) -> str:
    if node.bus is None or node.bus.type not in ("pci", "pcie"):
        return ""
    return f"; its place is slot {node.slot:#04x} function {node.function} of {node.bus.name}"


def _past_libvirt(plan: Plan, root: Element, lines: dict[Element, int], written: list[Node]) -> None:
    """Add what has no form in domain XML: devices as arguments, and the switches of virtio devices as overrides."""
    arguments = []
    for group in plan.unknown:
        if group.get("driver"):
            # Of its settings only the place is passed on: others can hold passwords.
            words = [group.get("driver"), *(f"{key}={group.get(key)}" for key in _PASSED_ON if group.get(key))]
            arguments.append(("-device", ",".join(words), group.line))
    for group in plan.settings.all("global"):
        for driver, key, value in _globals(group):
            if key in SWITCHES:
                arguments.append(("-global", f"{driver}.{key}={value}", group.line))
    if arguments:
        commandline = etree.SubElement(root, f"{_Q}commandline")
        for option, argument, line in arguments:
            for value in (option, clean(argument)):
                lines[etree.SubElement(commandline, f"{_Q}arg", value=value)] = line
    override: Element | None = None
    for node in written:
        switches = _switches(node)
        if not switches:
            continue
        if override is None:
            override = etree.SubElement(root, f"{_Q}override")
        device = etree.SubElement(override, f"{_Q}device", alias=clean(node.id))
        lines[device] = node.line
        frontend = etree.SubElement(device, f"{_Q}frontend")
        for name, value in switches.items():
            lines[etree.SubElement(frontend, f"{_Q}property", name=name, type="string", value=value)] = node.line


def _switches(node: Node) -> dict[str, str]:
    """disable-legacy and disable-modern of a virtio device, as its own option sets them."""
    if not node.facts.virtio:
        return {}
    return {name: clean(node.group.get(name)) for name in SWITCHES if node.group.get(name)}


def _globals(group: Group) -> list[tuple[str, str, str]]:
    """A -global in either form: DRIVER.PROPERTY=VALUE, or driver=…,property=…,value=…."""
    if group.get("driver"):
        return [(group.get("driver"), group.get("property"), group.get("value"))]
    return [(*key.rpartition(".")[::2], value) for key, value in group.values.items() if "." in key]
