"""Refusals about host devices: the same device of the host is assigned twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.devices import Device
from virtkit.errors import Refused
from virtkit.resolution.context import Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_hostdev_sources", "source_of"]

_POLICY = frozenset({"type", "startupPolicy", "managed", "writeFiltering", "guestReset"})
"""Attributes of a source that do not say which device it is."""


def check_hostdev_sources(draft: Draft) -> None:
    """Refuse two host devices, or interfaces of type hostdev, with one source. Raises Refused."""
    seen: set[tuple[object, ...]] = set()
    devices = draft.devices
    handed: list[tuple[str, Device]] = [
        ("pci" if one.source == "pci" else "usb", one) for one in devices.nics if one.type == "hostdev"
    ]
    handed += [(one.type, one) for one in devices.hostdevs if one.mode == "subsystem"]
    for type_, device in handed:
        source = device.children.get("source")
        if source is None or (type_ != "usb" and not len(source) and not source.attrib):
            continue
        key = (type_, *_identity(source))
        if key in seen:
            raise Refused("XML error", "Hostdev already exists in the domain configuration", device.label, device.line)
        seen.add(key)


def source_of(device: Device) -> tuple[object, ...]:
    """What the source of a host device names; empty when none is written."""
    source = device.children.get("source")
    return () if source is None else _identity(source)


def _identity(element: Element) -> tuple[object, ...]:
    """The host device that a source names, independent of how its numbers are spelled and its attributes ordered."""
    own = sorted((str(name), _number(str(value))) for name, value in element.attrib.items() if name not in _POLICY)
    return (*own, *((child.tag, _identity(child)) for child in element.iterchildren("*")))


def _number(text: str) -> str:
    try:
        return str(int(text, 0))
    except ValueError:
        return text
