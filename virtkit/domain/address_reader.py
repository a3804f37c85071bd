"""Reads ``<address>`` elements, with libvirt's ranges and refusals.

Source: libvirt, "Domain XML format", section "Device Addresses"; observed: libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from virtkit.domain.address import (
    Address,
    CcidAddress,
    CcwAddress,
    DimmAddress,
    DriveAddress,
    IsaAddress,
    PciAddress,
    PlainAddress,
    SerialAddress,
    SpaprAddress,
    UsbAddress,
)
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["INT", "UINT", "number", "read_address", "signed", "unsigned"]

XML = "XML error"


UINT = 0xFFFF_FFFF
INT = 0x7FFF_FFFF
ULONGLONG = 0xFFFF_FFFF_FFFF_FFFF


def unsigned(
    text: str,
    attribute: str,
    element: str,
    expected: str = "Expected non-negative integer value",
    most: int = UINT,
    base: int = 0,
) -> int:
    """A number without a minus sign. Raises Refused as libvirt does.

    ``base`` 0: decimal, hexadecimal (0x) or octal (leading 0), as libvirt reads most addresses; 10: decimal only.
    """
    try:
        value = number(text, base)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise Refused(XML, f"Invalid value for attribute '{attribute}' in element '{element}': '{text}'. {expected}")
    return value


def signed(text: str, attribute: str, element: str) -> int:
    """A number that may be negative, so that a later range check can name the limits. Raises Refused."""
    try:
        value = number(text)
    except ValueError:
        value = INT + 1
    if not -INT <= value <= INT:
        raise Refused(
            XML, f"Invalid value for attribute '{attribute}' in element '{element}': '{text}'. Expected integer value"
        )
    return value


def number(text: str, base: int = 0) -> int:
    """The number that C's strtol reads from a whole text; ``base`` is as for ``unsigned``.

    White space and one sign may come first, and nothing may follow. Raises ValueError for any other text.
    """
    if text.isascii() and text.isdigit() and (text[0] != "0" or text == "0"):
        return int(text)
    body = text.lstrip(" \t\n\v\f\r")
    sign = body[:1] if body[:1] in ("+", "-") else ""
    body = body[len(sign) :].lower()
    # At most one sign, and nothing after the digits.
    if not body or not body.isalnum() or not body.isascii():
        raise ValueError(text)
    if base == 10:
        value = int(body, 10)
    elif body.startswith("0x"):
        value = int(body, 16)
    elif len(body) > 1 and body[0] == "0":
        value = int(body, 8)
    else:
        value = int(body, 10)
    return -value if sign == "-" else value


def _optional(element: Element, attribute: str, most: int = UINT, base: int = 0) -> int | None:
    text = element.get(attribute)
    if text is None:
        return None
    # libvirt refuses a minus sign even before 0.
    return unsigned(text if text.lstrip()[:1] != "-" else "-1", attribute, "address", most=most, base=base)


def _decimal(element: Element, attribute: str) -> int | None:
    return _optional(element, attribute, base=10)


def read_address(element: Element, known: frozenset[str]) -> tuple[Address, bool]:
    """The address in an element, and whether it is complete.

    Raises Refused for a missing or unknown type, a number out of range, and a partial address.
    """
    type_ = element.get("type")
    if type_ is None:
        raise Refused(XML, "Missing required attribute 'type' in element 'address'")
    if type_ not in known:
        allowed = ", ".join(sorted(known))
        raise Refused(XML, f"Invalid value for attribute 'type' in element 'address': '{type_}'; expected {allowed}")
    return _READ[type_](element)


def _pci(element: Element) -> tuple[Address, bool]:
    get = element.get
    domain = _ranged(get("domain"), "domain", 0xFFFF, "Invalid PCI address domain='0x{:x}', must be <= 0xFFFF")
    bus = _ranged(get("bus"), "bus", 0xFF, "Invalid PCI address bus='0x{:x}', must be <= 0xFF")
    slot = _ranged(get("slot"), "slot", 0x1F, "Invalid PCI address slot='0x{:x}', must be <= 0x1F")
    function = _ranged(get("function"), "function", 7, "Invalid PCI address function=0x{:x}, must be <= 7")
    address = PciAddress(domain, bus, slot, function)
    multifunction = get("multifunction")
    if multifunction is not None:
        if multifunction not in ("on", "off"):
            what = f"Invalid value for attribute 'multifunction' in element 'address': '{multifunction}'"
            raise Refused(XML, f"{what}; expected on or off")
        address.multifunction = multifunction
    if len(element):
        zpci = element.find("zpci")
        if zpci is not None:
            _zpci(address, zpci)
    return address, not address.empty


def _zpci(address: PciAddress, zpci: Element) -> None:
    uid, fid = zpci.get("uid"), zpci.get("fid")
    if uid is not None:
        value = unsigned(uid, "uid", "zpci")
        if not 0 < value <= 0xFFFF:
            raise Refused(XML, f"Invalid PCI address uid='0x{value:04x}', must be > 0x0000 and <= 0xffff")
        address.uid = value
    if fid is not None:
        value = unsigned(fid, "fid", "zpci")
        if value > 0xFFFFFFFF:
            raise Refused(XML, f"Invalid PCI address fid='0x{value:x}', must be <= 0xffffffff")
        address.fid = value


def _ranged(text: str | None, attribute: str, most: int, refusal: str) -> int:
    if text is None:
        return 0
    value = unsigned(text, attribute, "address")
    if value > most:
        raise Refused(XML, refusal.format(value))
    return value


def _drive(element: Element) -> tuple[Address, bool]:
    number = _decimal
    return (
        DriveAddress(
            number(element, "controller") or 0,
            number(element, "bus") or 0,
            number(element, "target") or 0,
            number(element, "unit") or 0,
        ),
        True,
    )


def _serial(element: Element) -> tuple[Address, bool]:
    port = _decimal(element, "port")
    controller, bus = _decimal(element, "controller") or 0, _decimal(element, "bus") or 0
    return SerialAddress(controller, bus, port), bool(port)


def _ccid(element: Element) -> tuple[Address, bool]:
    return CcidAddress(_optional(element, "controller") or 0, _optional(element, "slot") or 0), True


def _usb(element: Element) -> tuple[Address, bool]:
    text = element.get("port")
    port: tuple[int, ...] = ()
    if text:
        try:
            port = tuple(int(part) for part in text.split("."))
        except ValueError:
            port = (0,)
        if len(port) > 4 or any(part < 0 for part in port) or (port == (0,) and text != "0"):
            raise Refused(
                XML, f"Cannot parse <address> 'port' attribute: '{text}'; expected up to 4 numbers separated by dots"
            )
        if not any(port):
            port = ()
    return UsbAddress(_optional(element, "bus") or 0, port, element.get("bus") is not None), bool(port)


def _spapr(element: Element) -> tuple[Address, bool]:
    reg = _optional(element, "reg", ULONGLONG)
    return SpaprAddress(reg), reg is not None


def _ccw(element: Element) -> tuple[Address, bool]:
    parts = [element.get(name) for name in ("cssid", "ssid", "devno")]
    if not any(part is not None for part in parts):
        return CcwAddress(), False
    if any(part is None for part in parts):
        raise Refused(XML, "Invalid partial specification for virtio ccw address: cssid, ssid and devno go together")
    cssid, ssid, devno = (unsigned(part or "", "address", "address") for part in parts)
    if cssid > 0xFE or ssid > 3 or devno > 0xFFFF:
        raise Refused(
            XML,
            f"Invalid specification for virtio ccw address: cssid='0x{cssid:x}' ssid='0x{ssid:x}' "
            f"devno='0x{devno:04x}'",
        )
    return CcwAddress(cssid, ssid, devno), True


def _isa(element: Element) -> tuple[Address, bool]:
    return IsaAddress(_optional(element, "iobase"), _optional(element, "irq")), True


def _dimm(element: Element) -> tuple[Address, bool]:
    if element.get("slot") is None:
        raise Refused(XML, "Missing required attribute 'slot' in element 'address'")
    return DimmAddress(_decimal(element, "slot"), _optional(element, "base", ULONGLONG)), True


def _mmio(element: Element) -> tuple[Address, bool]:
    return PlainAddress("virtio-mmio"), True


def _unassigned(element: Element) -> tuple[Address, bool]:
    return PlainAddress("unassigned"), True


def _s390(element: Element) -> tuple[Address, bool]:
    raise Refused(XML, "virtio-s390 bus doesn't have an address")


_READ: dict[str, Callable[[Element], tuple[Address, bool]]] = {
    "pci": _pci,
    "drive": _drive,
    "virtio-serial": _serial,
    "ccid": _ccid,
    "usb": _usb,
    "spapr-vio": _spapr,
    "virtio-s390": _s390,
    "ccw": _ccw,
    "virtio-mmio": _mmio,
    "isa": _isa,
    "dimm": _dimm,
    "unassigned": _unassigned,
}
