"""Character devices: serial and parallel ports, consoles, channels, smartcards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address_reader import unsigned
from virtkit.domain.devices import Chardev
from virtkit.domain.elements.reading import XML, Reader, kids_of
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["channel", "console", "parallel", "serial", "smartcard"]

#: The back end of a serial port, parallel port, console or channel that names none. Observed: libvirt 9.0.
_DEFAULT = "pty"


def smartcard(reader: Reader, element: Element, position: int) -> Chardev:
    """A smartcard."""
    mode = reader.required(element, "mode")
    card = Chardev("smartcard", element, position, mode, type=element.get("type") or "")
    return reader.common(card, kids_of(element))


def serial(reader: Reader, element: Element, position: int) -> Chardev:
    """A serial port."""
    return _chardev(reader, "serial", element, position)


def parallel(reader: Reader, element: Element, position: int) -> Chardev:
    """A parallel port."""
    return _chardev(reader, "parallel", element, position)


def console(reader: Reader, element: Element, position: int) -> Chardev:
    """A console."""
    return _chardev(reader, "console", element, position)


def channel(reader: Reader, element: Element, position: int) -> Chardev:
    """A channel, whose target type must be named."""
    channel = _chardev(reader, "channel", element, position)
    if channel.written_target is None:
        raise Refused(XML, "target type must be specified for channel device")
    return channel


def _chardev(reader: Reader, kind: str, element: Element, position: int) -> Chardev:
    kids = kids_of(element)
    device = Chardev(kind, element, position, type=element.get("type") or _DEFAULT)
    if "type" not in element.attrib:
        device.set_attribute("", "type", _DEFAULT)
    target = kids.get("target")
    if target is not None:
        written = target.get("type")
        if written is not None and kind == "parallel":
            device.unset_attribute("target", "type")
        elif written is not None:
            reader.check(kind, "target", written)
            device.written_target = written
            if written != "none" or kind == "channel":
                device.target = written
        port = target.get("port")
        if port is not None and kind in ("serial", "parallel", "console"):
            device.port, device.written_port = unsigned(port, "port", "target", base=10), port
            if port != str(device.port):
                device.set_attribute("target", "port", str(device.port))
        model = target.find("model")
        if model is not None:
            device.target_model = model.get("name")
    return reader.common(device, kids)
