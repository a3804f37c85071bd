"""Elements in, typed devices out; what libvirt refuses while parsing is refused here.

Source of forms: libvirt, "Domain XML format". Source of refusals: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from virtkit.domain.devices import Inventory
from virtkit.domain.document import label_of, line_of
from virtkit.domain.elements import chardevs, network, storage
from virtkit.domain.elements import console_devices as seat
from virtkit.domain.elements.plain import PLAIN
from virtkit.domain.elements.reading import Reader
from virtkit.errors import Refused
from virtkit.releases import Release

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["read_devices"]

_READ: dict[str, Callable[[Reader, Element, int], None]] = {
    "disk": storage.disk,
    "controller": storage.controller,
    "filesystem": storage.filesystem,
    "interface": network.interface,
    "hostdev": network.hostdev,
    "smartcard": chardevs.smartcard,
    "serial": chardevs.serial,
    "parallel": chardevs.parallel,
    "channel": chardevs.channel,
    "console": chardevs.console,
    "video": seat.video,
    "graphics": seat.graphics,
    "input": seat.input_device,
    **PLAIN,
}


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
