"""Refusals about serials, parallels, consoles, channels, smartcards and redirected devices."""

from __future__ import annotations

from virtkit.domain.address import CcidAddress
from virtkit.domain.devices import Chardev, Device
from virtkit.errors import Refused
from virtkit.setting import Setting

__all__ = ["check_chardevs"]

CFG = "unsupported configuration"

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


def check_chardevs(setting: Setting) -> None:
    """Refuse what a character device cannot be. Raises Refused."""
    devices = setting.devices
    for serial in devices.serials:
        _check_serial_model(setting, serial)
        _check_serial_address(serial)
    for parallel in devices.parallels:
        if setting.arch == "s390x" or setting.family.name == "pseries":
            raise _refuse(parallel, "parallel ports are not supported")
    for console in devices.consoles:
        if console.target in FOREIGN_CONSOLES:
            raise _refuse(console, f"unsupported console target type {console.target}")
    for card in devices.smartcards[1:]:
        raise _refuse(card, "this QEMU binary lacks multiple smartcard support")
    for card in devices.smartcards:
        at = card.address
        if isinstance(at, CcidAddress) and (at.controller or at.slot):
            raise _refuse(card, "this QEMU binary lacks multiple smartcard support")
    _check_spice(setting)


def _check_serial_model(setting: Setting, serial: Chardev) -> None:
    model = serial.target_model
    foreign = model in BUILT_IN and model != setting.family.serial_model
    if model == "sclplmconsole" and setting.family.ccw:
        foreign = False
    if foreign or (model == "isa-debugcon" and setting.arch not in _X86):
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


def _check_spice(setting: Setting) -> None:
    devices = setting.devices
    if any(one.model == "spice" for one in devices.graphics):
        return
    chardevs: list[Device] = [
        *devices.serials,
        *devices.parallels,
        *devices.channels,
        *devices.consoles,
        *devices.smartcards,
        *devices.redirdevs,
    ]
    for device in chardevs:
        backend = None if device.element is None else device.element.get("type")
        if backend in ("spicevmc", "spiceport"):
            raise _refuse(device, f"chardev '{backend}' not supported without spice graphics")
