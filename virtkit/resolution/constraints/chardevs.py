"""Refusals about serials, parallels, consoles, channels, smartcards and redirected devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address import CcidAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Device
from virtkit.errors import Refused
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.context import Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_chardevs", "has_spice"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"

_X86 = frozenset({"i686", "x86_64"})

BUILT_IN = frozenset({"spapr-vty", "pl011", "16550a", "sclpconsole", "sclplmconsole"})
"""Serial models that one machine family has built in."""

ADDRESSES = {
    "isa-serial": "isa",
    "isa-debug": "isa",
    "pci-serial": "pci",
    "usb-serial": "usb",
    "sclp-serial": "",
    "system-serial": "",
}
"""The address type a serial must have when it has one, by target type; an empty one means none is allowed."""

FOREIGN_CONSOLES = frozenset({"xen", "uml", "lxc", "openvz"})


def _refuse(device: Device, what: str) -> Refused:
    return Refused(CFG, what, device.label, device.line)


def has_spice(draft: Draft) -> bool:
    """Whether the domain has a spice display."""
    return "spice" in [one.model for one in draft.devices.graphics]


def check_chardevs(context: Ground, draft: Draft, devices: Inventory, *, spice: bool) -> None:
    """Refuse an invalid character device among those that are left to check, and a second smartcard.

    ``spice`` says whether the domain has a spice display. Raises Refused.
    """
    for serial in devices.serials:
        _check_serial_model(context, serial)
        _check_serial_address(serial)
    for parallel in devices.parallels:
        if context.arch == "s390x" or context.family.name == "pseries":
            raise _refuse(parallel, "parallel ports are not supported")
    for console in devices.consoles:
        if console.target in FOREIGN_CONSOLES:
            raise _refuse(console, f"unsupported console target type {console.target}")
    if "one-smartcard" in context.behaves:
        _check_one_card(draft.devices.smartcards)
    for card in devices.smartcards:
        _check_certificates(card)
    for group in (devices.serials, devices.parallels, devices.channels, devices.consoles, devices.smartcards):
        for chardev in group:
            if not chardev.shadowed:
                _check_backend(chardev)
    for redirected in devices.redirdevs:
        _check_backend(redirected)
    if not spice and "spice-backends-checked" in context.behaves:
        _check_no_spice(devices)


def _check_one_card(cards: list[Chardev]) -> None:
    """Refuse a second smartcard, and a place that only a second one would have."""
    for number, card in enumerate(cards):
        at = card.address
        if number or (isinstance(at, CcidAddress) and (at.controller or at.slot)):
            raise _refuse(card, "this QEMU binary lacks multiple smartcard support")


def _check_certificates(card: Chardev) -> None:
    element = card.sample
    if element is None or card.model != "host-certificates":
        return
    if len(element.findall("certificate")) != CERTIFICATES:
        raise Refused(XML, "host-certificates mode needs exactly three certificates", card.label, card.line)
    database = element.findtext("database")
    if database is not None and not database.startswith("/"):
        raise Refused(XML, f"expecting absolute path: {database}", card.label, card.line)


CERTIFICATES = 3


def _check_backend(device: Device) -> None:
    """Refuse more endpoints than the type of connection has, and UDP without an address to send to."""
    element, kids = device.sample, device.children
    if element is None:
        return
    if "source" not in kids and "protocol" not in kids and element.get("type") != "udp":
        return
    sources = element.findall("source")
    datagram = element.get("type") == "udp"
    if len(sources) > (2 if datagram else 1):
        raise Refused(XML, "only one source element is allowed for character device", device.label, device.line)
    if len(element.findall("protocol")) > 1:
        raise Refused(XML, "only one protocol element is allowed for character device", device.label, device.line)
    if datagram and not any(one.get("service") and one.get("mode") != "bind" for one in sources):
        raise Refused(INT, "Missing source service attribute for char device", device.label, device.line)


def _check_serial_model(context: Ground, serial: Chardev) -> None:
    model = serial.target_model
    foreign = model in BUILT_IN and model != context.family.serial_model
    if model == "sclplmconsole" and context.family.ccw:
        foreign = False
    if foreign or (model == "isa-debugcon" and context.arch not in _X86):
        raise _refuse(
            serial,
            f"Serial device with target type '{serial.target}' and target model '{model}' "
            "not compatible with guest architecture or machine type",
        )


def _check_serial_address(serial: Chardev) -> None:
    address = serial.address
    wanted = ADDRESSES.get(serial.target or "")
    if address is None or wanted is None or address.type == wanted:
        return
    if not wanted:
        raise _refuse(serial, f"Target type '{serial.target}' cannot have an associated address")
    if wanted == "usb":
        raise _refuse(serial, "usb-serial requires address of usb type")
    raise _refuse(serial, f"Target type '{serial.target}' requires address type '{wanted}'")


def _check_no_spice(devices: Inventory) -> None:
    chardevs: list[Device] = [
        *devices.serials,
        *devices.parallels,
        *devices.channels,
        *devices.consoles,
        *devices.smartcards,
        *devices.redirdevs,
    ]
    for device in (*chardevs, *devices.rngs):
        element = device.sample
        backend = None if element is None else _backend(element)
        if backend in ("spicevmc", "spiceport"):
            raise _refuse(device, f"chardev '{backend}' not supported without spice graphics")


def _backend(element: Element) -> str | None:
    """The kind of connection of a character device, or of the daemon that a random number generator asks."""
    own = element.find("backend") if element.tag == "rng" else element
    return None if own is None else own.get("type")
