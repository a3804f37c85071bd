"""What all readers of device elements share: checks of attribute values, address and alias, children by name.

Source of refusals: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from virtkit.domain.address import NUMBERS, Address, PciAddress, SerialAddress
from virtkit.domain.address_reader import read_address
from virtkit.domain.devices import Device
from virtkit.domain.vocabulary import accepted
from virtkit.errors import Refused
from virtkit.releases import Release

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["CFG", "XML", "Kids", "Read", "Reader", "first_at", "kids_of", "unless_default"]

XML = "XML error"
CFG = "unsupported configuration"

Kids = dict[object, "Element"]
AnyDevice = TypeVar("AnyDevice", bound=Device)


def kids_of(element: Element) -> Kids:
    """The children of an element by name; the first one when several have the same name."""
    return {child.tag: child for child in element.iterchildren(reversed=True)}


def first_at(element: Element, path: Sequence[str]) -> Element | None:
    """The first element below another at a path of names, None when there is none; ``find`` takes ten times as long."""
    first, rest = path[0], path[1:]
    for child in element.iterchildren(first):
        found = first_at(child, rest) if rest else child
        if found is not None:
            return found
    return None


def unless_default(model: str | None) -> str | None:
    """A model; None for "default", which leaves the choice to libvirt."""
    return None if model == "default" else model


class Reader:
    """What a reader of an element needs: the release, and the values that it accepts."""

    __slots__ = ("at", "values")

    def __init__(self, at: Release) -> None:
        self.at = at
        self.values = accepted(at)

    def check(self, element: str, attribute: str, value: str | None, category: str = XML) -> str | None:
        """``value`` if libvirt accepts it, None for None. Raises Refused.

        ``element`` may have a type ("controller:usb").
        """
        if value is None or value in self.values[element, attribute]:
            return value
        name = element.partition(":")[0]
        if category is CFG:
            raise Refused(CFG, f"Unknown {attribute} type '{value}'", name)
        allowed = ", ".join(sorted(self.values[element, attribute]))
        raise Refused(
            XML, f"Invalid value for attribute '{attribute}' in element '{name}': '{value}'; expected {allowed}"
        )

    def required(self, element: Element, attribute: str) -> str:
        """The value of a required attribute. Raises Refused when it is missing or not accepted."""
        name = str(element.tag)
        value = element.get(attribute)
        if value is None:
            raise Refused(XML, f"Missing required attribute '{attribute}' in element '{name}'")
        self.check(name, attribute, value)
        return value

    def common(self, device: AnyDevice, kids: Kids) -> AnyDevice:
        """Note the children, and read the address and alias, which every device may have."""
        device.children = kids
        address = kids.get("address")
        if address is not None:
            found, device.given = read_address(address, self.values["address", "type"])
            device.address = found
            device.readdressed = _incomplete(found, address)
        alias = kids.get("alias")
        if alias is not None:
            given = alias.get("name")
            if given is not None and given.startswith("ua-"):
                device.alias = given
        return device


Read = Callable[[Reader, "Element", int], Device | None]
"""What reads one element, None for one that the release passes over; the number counts children of ``<devices>``."""


def _incomplete(found: Address, element: Element) -> bool:
    """Whether libvirt would write an address differently: it lacks numbers, or has numbers of another form."""
    if isinstance(found, PciAddress):
        return found.empty or element.get("slot") is None
    if isinstance(found, SerialAddress) and any(element.get(name, text) != text for name, text in found.pairs()):
        return True  # libvirt writes "01" as "1"
    names = {name for name, _ in found.pairs()}
    written = {str(name) for name in element.keys()}  # noqa: SIM118 - an element iterates over its children
    return bool(names - written or (written - names) & NUMBERS)
