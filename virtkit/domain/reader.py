"""Reads device elements into typed devices, and refuses what libvirt refuses while parsing.

Source of forms: libvirt, "Domain XML format". Source of refusals: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory
from virtkit.domain.devices import Alike, Device, Nic, Video
from virtkit.domain.document import Document, label_of, line_of
from virtkit.domain.elements import chardevs, console_devices, network, plain, storage
from virtkit.domain.elements.reading import Read, Reader
from virtkit.domain.frame import Framed
from virtkit.domain.prototypes import Prototype
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
_COUNTED = frozenset({"interface", "memballoon", "video"})
"""The elements of which one depends on those before it."""
_LISTS = {one.element: one.name for one in DEVICE_CLASSES}


def read_devices(document: Document, at: Release) -> Inventory:
    """All devices of a document, in document order within each class.

    Elements that are written alike are read once.
    Raises Refused for what libvirt refuses while parsing: unknown kinds, bad numbers, missing parts.
    """
    reader = Reader(at)
    inventory = Inventory()
    if not isinstance(document, Framed):
        for position, element in enumerate(document.device_elements):
            _enter(inventory, _read(reader, element, position))
        return inventory
    names = {name for name, _, _ in document.written}
    lists = {name: getattr(inventory, _LISTS[name]) for name in names if name in _READ}
    for position, (name, sample, value) in enumerate(document.written):
        if name not in lists:
            continue
        prototype = None if sample is None else sample.readings.get(at)
        known = prototype or _reading(reader, document, position)
        device = known.device(document, position, value) if isinstance(known, Prototype) else known
        if device is None or name in _COUNTED:
            _enter(inventory, device)
        else:
            lists[name].append(device)
    return inventory


def _reading(reader: Reader, document: Framed, position: int) -> Prototype | Device | None:
    """What the release reads of a device, kept where its text decides it. Raises Refused."""
    _, sample, _ = document.written[position]
    if sample is not None:
        with suppress(Refused):
            found = sample.keep(reader.at, _read(reader, sample.element, -1))
            if found is not None:
                return found
    # Its own element has the lines of a refusal.
    element = document.fresh.get(position)
    device = _read(reader, document.element(position) if element is None else element, position)
    if device is not None:
        device.origin = document
        device.alike = None if element is None else Alike(element, recurs=False)
    return device


def _read(reader: Reader, element: Element, position: int) -> Device | None:
    """The device of an element, None for one that is no device of the release."""
    read = _READ.get(element.tag)
    if read is None:
        return None
    try:
        return read(reader, element, position)
    except Refused as refusal:
        if refusal.line is not None:
            raise
        raise _here(refusal, element) from None


def _enter(inventory: Inventory, device: Device | None) -> None:
    """Put a device into its list. Raises Refused for a second one of which there can be one only."""
    if device is None:
        return
    kind = device.kind
    devices = getattr(inventory, _LISTS[kind])
    if kind == "interface":
        cast("Nic", device).number = len(devices)
    elif kind == "memballoon" and devices:
        what = "only a single memory balloon device is supported"
        raise _here(Refused("internal error", what, "memballoon"), device.element)
    elif kind == "video" and cast("Video", device).primary:
        if any(other.primary for other in devices):
            what = "Only one primary video device is supported"
            raise _here(Refused("unsupported configuration", what, "video"), device.element)
        devices.insert(0, device)
        return
    devices.append(device)


def _here(refusal: Refused, element: Element | None) -> Refused:
    if element is None:
        return refusal
    return Refused(refusal.category, refusal.what, refusal.device or label_of(element), line_of(element))
