"""What a domain hands to QEMU past libvirt: qemu:commandline and qemu:override, as far as they concern devices.

Source: libvirt, "Advanced QEMU features" (namespace http://libvirt.org/schemas/domain/qemu/1.0); QEMU, options
-machine, -device, -global, -set and -readconfig.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.domain.document import line_of
from virtkit.domain.placed import placed_by_qemu

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

__all__ = ["HOLDERS", "NOTHING", "ByHand", "HandNote", "Setting", "by_hand"]

_QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
HOLDERS = frozenset({f"{_QEMU}override", f"{_QEMU}commandline"})
"""The children of <domain> that hand something to QEMU."""
_SWITCHES = frozenset(
    {"disable-legacy", "disable-modern", "acpi-pci-hotplug-with-bridge-support", "acpi-root-pci-hotplug"}
)
_PLACES = frozenset({"bus", "addr", "multifunction"})
#: Options with which QEMU adds devices of its own choice. Source: QEMU 8.2, qemu-options.hx.
_ADDS = frozenset(
    {
        *("hda", "hdb", "hdc", "hdd", "fda", "fdb", "cdrom", "sd", "mtdblock", "net", "nic"),
        *("vga", "soundhw", "usb", "usbdevice", "virtfs", "watchdog", "parallel"),
    }
)
_ON = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Setting:
    """A property that is set by hand: of the device with the alias ``alias``, or of every device of ``driver``."""

    name: str
    value: str
    line: int | None
    how: str
    alias: str = ""
    driver: str = ""

    @property
    def on(self) -> bool | None:
        """Whether a switch is on; None for a value that is neither on nor off."""
        return _ON.get(self.value.lower())


@dataclass(frozen=True, slots=True)
class HandNote:
    """What may falsify an answer, and where it is written."""

    line: int | None
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True)
class ByHand:
    """The settings that are taken into account, and notes on everything that concerns an answer."""

    settings: tuple[Setting, ...] = ()
    notes: tuple[HandNote, ...] = ()

    def switch(self, name: str, alias: str, driver: str) -> bool | None:
        """Whether a switch of a device is set by hand: on, off, or None for not at all.

        A setting of the one device goes before one of its driver; of equals the last counts. The value "auto" leaves
        the choice to QEMU, as no setting does.
        """
        own = [one for one in self.settings if one.name == name and one.alias and one.alias == alias]
        general = [one for one in self.settings if one.name == name and one.driver in (driver, "virtio-pci")]
        ordered = (*reversed(own), *reversed(general))
        return next((one.on for one in ordered if one.on is not None or one.value.lower() == "auto"), None)


NOTHING = ByHand()
"""What most domains hand to QEMU."""


def by_hand(root: Element) -> ByHand:
    """What the domain with this root element hands to QEMU past libvirt."""
    settings, notes = [], []
    for found in (*_overrides(root), *_arguments(root)):
        if isinstance(found, HandNote):
            notes.append(found)
            continue
        whom = f"device {found.alias}" if found.alias else f"every {found.driver}"
        said = f"{found.how} sets {found.name}={found.value} on {whom}"
        if found.name in _SWITCHES:
            settings.append(found)
            notes.append(HandNote(found.line, f"{said}, which is taken into account"))
        elif found.name in _PLACES:
            notes.append(HandNote(found.line, f"{said}: the address, slot and interface given here may be wrong"))
        elif found.name == "iommu_platform" and found.on is not False:
            notes.append(HandNote(found.line, f"{said}: QEMU does not start if the device has a legacy interface"))
    return ByHand(tuple(settings), tuple(notes))


def _overrides(root: Element) -> Iterator[Setting]:
    for device in root.iterfind(f"{_QEMU}override/{_QEMU}device"):
        for one in device.iterfind(f"{_QEMU}frontend/{_QEMU}property"):
            value = "" if one.get("type") == "remove" else one.get("value", "")
            yield Setting(one.get("name", ""), value, line_of(one), "qemu:override", alias=device.get("alias", ""))


def _arguments(root: Element) -> Iterator[Setting | HandNote]:
    """The arguments of qemu:commandline that concern the machine or its devices.

    A reader of command lines puts there what it cannot express; the option itself is what its user wrote.
    """
    arguments = root.findall(f"{_QEMU}commandline/{_QEMU}arg")
    form = "-{}" if placed_by_qemu(root) else "qemu:commandline (-{})"
    for n, argument in enumerate(arguments):
        option, equals, value = argument.get("value", "").partition("=")
        if not option.startswith("-"):
            continue
        if not equals and n + 1 < len(arguments):
            value = arguments[n + 1].get("value", "")
        yield from _argument(option.lstrip("-"), value, line_of(argument), form)


def _argument(option: str, value: str, line: int | None, form: str) -> Iterator[Setting | HandNote]:
    parts = value.split(",")
    named = dict(part.partition("=")[::2] for part in parts if "=" in part)
    how = form.format(option)
    if option in ("machine", "M"):
        name = named.get("type", "" if "=" in parts[0] else parts[0])
        if name:
            text = f"{how} gives QEMU the machine type {name}: these answers are for another one and do not hold"
            yield HandNote(line, f"{text}. Name it in <os><type machine='{name}'>")
    elif option == "global":
        yield from _global(parts[0], named, line, how)
    elif option == "set":
        path, _, setting = value.partition("=")
        group, _, rest = path.partition(".")
        alias, _, name = rest.rpartition(".")
        if group == "device":
            yield Setting(name, setting, line, how, alias=alias)
    elif option == "device":
        name = _json_driver(value) or named.get("driver", parts[0])
        yield HandNote(line, f"{how} adds the device {name}: these answers leave it out, with any slot that it takes")
    elif option in _ADDS or (option == "drive" and named.get("if") != "none"):
        yield HandNote(line, f"{how} adds a device: these answers leave it out, with any slot that it takes")
    elif option in ("readconfig", "nodefaults"):
        yield HandNote(line, f"{how} changes which devices there are: the answers given here may not hold")


def _json_driver(value: str) -> str:
    """The driver of a device that is written as JSON, "" for another form."""
    found = re.search(r'"driver"\s*:\s*"([^"]+)"', value) if value.lstrip().startswith("{") else None
    return found[1] if found else ""


def _global(first: str, named: dict[str, str], line: int | None, how: str) -> Iterator[Setting]:
    """A -global in either form: DRIVER.PROPERTY=VALUE, or driver=…,property=…,value=…."""
    if "driver" in named:
        yield Setting(named.get("property", ""), named.get("value", ""), line, how, driver=named["driver"])
        return
    path, _, value = first.partition("=")
    driver, _, name = path.rpartition(".")
    if driver:
        yield Setting(name, value, line, how, driver=driver)
