"""Mutations of random domains: a missing attribute, an odd value, a missing child, an odd address, a device twice.

The generator writes domains that its authors thought of; a mutation reaches those that they did not.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["mutate"]

ODD = ("", "0", "-1", "none", "default", "on", "255", "4294967296", "x")
"""Values that mean no choice, a limit, or nothing."""

ADDRESSES = ("pci", "usb", "drive", "virtio-serial", "virtio-mmio", "unassigned")
"""Address types that need no numbers."""

KEPT = frozenset({"dev", "uuid"})
"""Attributes that are never changed: libvirtd 12.8 crashes without a target name, and devices are matched by name."""


def mutate(random: Random, text: str) -> str:
    """The domain XML ``text`` with one mutation in one of its devices; the same ``random`` gives the same text."""
    root = etree.fromstring(text)
    devices = root.find("devices")
    choices: list[Element] = [] if devices is None else list(devices)
    if not choices:
        return text
    device = random.choice(choices)
    part = random.choice([one for one in device.iter(etree.Element) if one.tag != "address"])
    kind = random.choice(("attribute", "value", "value", "part", "address", "duplicate"))
    if kind == "attribute":
        _drop_attribute(random, part)
    elif kind == "value":
        _odd_value(random, root, part)
    elif kind == "part":
        _drop_part(random, device)
    elif kind == "address":
        _odd_address(random, device)
    else:
        _duplicate(random, device)
    return etree.tostring(root, encoding="unicode")


def _attributes(part: Element) -> list[str]:
    return [str(name) for name in part.attrib if name not in KEPT]


def _drop_attribute(random: Random, part: Element) -> None:
    names = _attributes(part)
    if names:
        del part.attrib[random.choice(names)]


def _odd_value(random: Random, root: Element, part: Element) -> None:
    """A value that the attribute has elsewhere in the domain, or an odd one."""
    names = _attributes(part)
    if names:
        name = random.choice(names)
        elsewhere = sorted({str(one.get(name)) for one in root.iter(etree.Element) if one.get(name)})
        part.set(name, random.choice((*elsewhere, *ODD)))


def _drop_part(random: Random, device: Element) -> None:
    parts = [child for child in device if child.tag != "target" or device.tag != "disk"]
    if parts:
        device.remove(random.choice(parts))


def _odd_address(random: Random, device: Element) -> None:
    if device.tag == "iommu":
        return  # it crashes libvirtd 9.0
    for address in device.findall("address"):
        device.remove(address)
    etree.SubElement(device, "address", type=random.choice(ADDRESSES))


def _duplicate(random: Random, device: Element) -> None:
    """Add the device a second time; not a disk, whose name would only be refused as a duplicate."""
    parent = device.getparent()
    if parent is not None and device.tag != "disk":
        parent.insert(random.randint(0, len(parent)), etree.fromstring(etree.tostring(device)))
