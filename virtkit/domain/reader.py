"""Reads device elements into typed devices, and refuses what libvirt refuses while parsing.

Source of forms: libvirt, "Domain XML format". Source of refusals: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory
from virtkit.domain.document import label_of, line_of
from virtkit.domain.elements import chardevs, console_devices, network, plain, storage
from virtkit.domain.elements.reading import Read, Reader
from virtkit.errors import FactsError, Refused
from virtkit.releases import Release

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["read_devices"]

_OWN: dict[str, Read] = {
    "disk": storage.disk,
    "controller": storage.controller,
    "filesystem": storage.filesystem,
    "interface": network.nic,
    "hostdev": network.hostdev,
    "smartcard": chardevs.smartcard,
    "serial": chardevs.serial,
    "parallel": chardevs.parallel,
    "channel": chardevs.channel,
    "console": chardevs.console,
    "video": console_devices.video,
    "graphics": console_devices.graphics,
    "input": console_devices.input_device,
    "hub": plain.hub,
    "memballoon": plain.memballoon,
    "memory": plain.memory,
    "redirdev": plain.redirdev,
    "iommu": plain.iommu,
    "shmem": plain.shmem,
}
"""The elements that have a reader of their own."""


def _readers() -> dict[str, Read]:
    """The reader of each element. Raises FactsError for a device class that has none, or two."""
    simple = {one.element: plain.simple(one) for one in DEVICE_CLASSES if one.reads is not None}
    found = {**simple, **_OWN}
    unclear = {one.element for one in DEVICE_CLASSES} ^ found.keys() | simple.keys() & _OWN.keys()
    if unclear:
        raise FactsError(f"device classes: expected one reader each for {', '.join(sorted(unclear))}")
    return found


_READ = _readers()


def read_devices(root: Element, at: Release) -> Inventory:
    """All devices of a ``<domain>`` element, in document order within each class.

    Raises Refused for what libvirt refuses while parsing: unknown kinds, bad numbers, missing parts.
    """
    reader = Reader(at)
    position = 0
    for holder in root.iterchildren("devices"):
        for element in holder.iterchildren():
            tag = element.tag
            if isinstance(tag, str):
                read = _READ.get(tag)
                if read is not None:
                    try:
                        read(reader, element, position)
                    except Refused as refusal:
                        if refusal.line is not None:
                            raise
                        raise _here(refusal, element) from None
                position += 1
    return reader.inventory


def _here(refusal: Refused, element: Element) -> Refused:
    return Refused(refusal.category, refusal.what, refusal.device or label_of(element), line_of(element))
