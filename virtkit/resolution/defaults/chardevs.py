"""Serials and consoles: target types, ports, and the console that mirrors serial 0.

Source: libvirt, "Domain XML format", Consoles, serial, parallel & channel devices; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from lxml import etree

from virtkit.domain.devices import Chardev
from virtkit.domain.edits import AppendChild
from virtkit.errors import Refused
from virtkit.resolution.context import Context, Draft

__all__ = ["fill_chardevs", "match_console"]

CFG = "unsupported configuration"
INT = "internal error"

ISA_PORTS = 4

MODELS = {
    "usb-serial": "usb-serial",
    "pci-serial": "pci-serial",
    "spapr-vio-serial": "spapr-vty",
    "sclp-serial": "sclpconsole",
    "isa-debug": "isa-debugcon",
}
"""The model of a serial by its target type; that of system-serial depends on the machine."""

_MIRRORED = frozenset({None, "isa-serial", "spapr-vio-serial", "system-serial", "sclp-serial"})


def number_ports(context: Context, draft: Draft) -> None:
    """Give ports to serials, parallels and consoles. Raises Refused beyond four ISA serials."""
    serials = draft.devices.serials
    if "isa-serials-first" in context.behaves:
        _number_isa(serials)
        for serial in serials:
            if serial.port < 0:
                _set_port(serial, max(other.port for other in serials) + 1)
    else:
        _number_in_order(serials)
    _number_in_order(draft.devices.parallels)
    for place, console in enumerate(draft.devices.consoles):
        console.port = place


def _number_in_order(chardevs: list[Chardev]) -> None:
    """Give each device without a port the one after the highest before it."""
    highest = -1
    for chardev in chardevs:
        if chardev.port < 0:
            _set_port(chardev, highest + 1)
        highest = max(highest, chardev.port)


def _number_isa(serials: list[Chardev]) -> None:
    taken: set[int] = set()
    unset = []
    for serial in serials:
        if serial.written_target != "isa-serial":
            continue
        if serial.port < 0:
            unset.append(serial)
            continue
        if serial.port >= ISA_PORTS:
            raise Refused(
                INT, f"Maximum supported number of ISA serial ports is '{ISA_PORTS}'", serial.label, serial.line
            )
        if serial.port in taken:
            raise Refused(INT, f"target port '{serial.port}' already allocated", serial.label, serial.line)
        taken.add(serial.port)
    for serial in unset:
        free = next((port for port in range(ISA_PORTS) if port not in taken), None)
        if free is None:
            raise Refused(
                INT, f"Maximum supported number of ISA serial ports is '{ISA_PORTS}'", serial.label, serial.line
            )
        taken.add(free)
        _set_port(serial, free)


def _set_port(device: Chardev, port: int) -> None:
    device.port = port
    device.set_attribute("target", "port", str(port))


def fill_chardevs(context: Context, draft: Draft) -> None:
    """Choose target type and model of each serial."""
    for serial in draft.devices.serials:
        _fill_serial(context, draft, serial)


def _fill_serial(context: Context, draft: Draft, serial: Chardev) -> None:
    if serial.target in (None, "isa-serial"):
        chosen = context.family.serial
        if chosen and chosen != serial.target:
            serial.target = chosen
            serial.set_attribute("target", "type", chosen)
            draft.trace.record(serial, "serial.type", chosen, context.family.name)
        elif not chosen and serial.target is not None:
            serial.target = None
            serial.unset_attribute("target", "type")
    if serial.target_model is None and serial.target is not None:
        model = MODELS.get(serial.target)
        if serial.target == context.family.serial:
            model = context.family.serial_model
        if model:
            serial.target_model = model
            serial.set_attribute("target/model", "name", model)


def match_console(context: Context, draft: Draft) -> None:
    """Pair console 0 with serial 0: add one of them or neither. Raises Refused for a later serial console."""
    devices = draft.devices
    consoles = devices.consoles
    for later in consoles[1:]:
        if later.target in (None, "serial"):
            raise Refused(CFG, "Only the first console can be a serial port", later.label, later.line)
    first = consoles[0] if consoles else None
    first_port = 0
    if first is not None and first.target in (None, "serial"):
        if not devices.serials:
            serial = _serial_from(first)
            serial.address, serial.given = first.address, first.given
            _fill_serial(context, draft, serial)
            devices.serials.append(serial)
            draft.trace.record(serial, "serial.from-console")
        else:
            first.shadowed = True
        first.mirror = True
        if first.address is not None:
            # It shows the serial's address and has no address of its own.
            first.address = None
            first.readdressed = False
            first.remove_child("address")
    elif devices.serials and devices.serials[0].target in _MIRRORED:
        mirror = Chardev("console", None, -1, type=devices.serials[0].type, mirror=True)
        mirror.set_attribute("", "type", mirror.type)
        consoles.insert(0, mirror)
        if "mirror-counts" not in context.behaves:
            first_port = -1
        draft.trace.record(mirror, "console.mirror")
    for place, console in enumerate(consoles, first_port):
        if console.mirror:
            continue
        console.port = place
        if not console.added:
            _show_console(console, console.target or "serial", place)


def finish_mirror(draft: Draft) -> None:
    """After addresses are known: the mirror shows serial 0's port and address."""
    consoles, serials = draft.devices.consoles, draft.devices.serials
    if not consoles or not consoles[0].mirror or not serials:
        return
    mirror, serial = consoles[0], serials[0]
    mirror.target = "serial"
    _show_console(mirror, "serial", max(serial.port, 0))
    if serial.address is not None and mirror.address != serial.address:
        mirror.place(serial.address)


def _show_console(console: Chardev, type_: str, port: int) -> None:
    console.port = port
    if console.written_target != type_:
        console.set_attribute("target", "type", type_)
    number = str(port)
    if console.written_port != number:
        console.set_attribute("target", "port", number)


def _serial_from(console: Chardev) -> Chardev:
    serial = Chardev("serial", None, -1, type=console.type, port=0)
    serial.set_attribute("", "type", console.type)
    written = console.sample
    if written is not None:
        for child in written.iterchildren("*"):
            if child.tag not in ("target", "address", "alias"):
                serial.edits.append(AppendChild(etree.tostring(child, encoding="unicode", with_tail=False)))
    serial.set_attribute("target", "port", "0")
    return serial
