"""What device elements become, kept by their text: in a fleet most devices recur to the letter.

This is safe because a reader of elements sees nothing but the element and libvirt's release, there is a memo for each
release, and the text of an element decides what the parser makes of it where the document has no comment, CDATA section
or processing instruction (``Outline.plain``) and no document type. An element that is refused is not kept, so each
refusal has its own lines. Each domain gets devices of its own: lists, options and addresses are copied, and the
children are those of its own element. The memo is bounded, and threads may share it: a lost entry is read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from virtkit.domain.address import Address
from virtkit.domain.devices import Alike, Controller, Device
from virtkit.domain.elements.reading import kids_of
from virtkit.releases import Release

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["MOST", "OPEN", "OPEN_VALUES", "Prototype", "Prototypes", "open_key", "prototypes"]

MOST = 2048
"""How many prototypes each of the two generations of a memo holds; one takes about 2 KB."""

_BASE = len(fields(Device))

OPEN = "\x01"
"""The sign that stands for an open value; XML cannot contain it."""

OPEN_VALUES: Mapping[str, tuple[str, ...]] = {
    "disk": ("source@file", "source@dev"),
    "interface": ("mac@address",),
    "graphics": ("@port",),
}
"""The values that differ from domain to domain, and decide nothing about a device beyond a field of their own."""

_OPEN: Mapping[str, tuple[str, re.Pattern[str], str | None]] = {
    "disk": ("<source ", re.compile(r"(<source (?:file|dev)=)(['\"])(/[^'\"<>&]*)\2"), None),
    "interface": (
        "<mac ",
        re.compile(r"(<mac address=)(['\"])([0-9a-f][02468ace](?::[0-9a-f]{2}){5})\2"),
        "mac",
    ),
    "graphics": (" port=", re.compile(r"( port=)(['\"])([0-9]{1,5})\2"), None),
}
"""For each of these elements: what stands before an open value, its pattern, and the field that holds it."""


def open_key(name: str, text: str) -> tuple[str, str | None, str]:
    """The key of an element in a memo, and the field that takes its open value, with the value.

    In the key ``OPEN`` stands for the value; a text without one is its own key. Only the values of ``OPEN_VALUES`` are
    open, and only where they have a form that every release accepts.
    """
    rule = _OPEN.get(name)
    if rule is None:
        return text, None, ""
    before, pattern, field = rule
    # With two of them it would be unclear which one the field holds.
    if text.count(before) != 1:
        return text, None, ""
    found = pattern.search(text)
    if found is None:
        return text, None, ""
    start, end = found.span(3)
    return f"{text[:start]}{OPEN}{text[end:]}", field, found[3]


class Kids(Mapping[object, "Element"]):
    """The children of an element by name, the first of each; they are looked up when they are asked for."""

    __slots__ = ("_element", "_names")

    def __init__(self, element: Element, names: Mapping[object, None]) -> None:
        self._element = element
        self._names = names

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, name: object) -> Element:
        if name not in self._names:
            raise KeyError(name)
        return next(self._element.iterchildren(cast("str", name)))

    def get(self, name: object, default: Any = None) -> Any:
        """A child, or the default."""
        return next(self._element.iterchildren(cast("str", name))) if name in self._names else default

    def __iter__(self) -> Iterator[object]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Prototype:
    """What one text becomes: the values of a device, or nothing where the release passes over the element."""

    __slots__ = ("_address", "_alias", "_alike", "_edits", "_flags", "_kind", "_last", "_make", "_names", "_options")

    def __init__(self, device: Device | None) -> None:
        self._make: Callable[..., Device] | None = None if device is None else type(device)
        if device is None:
            return
        device.alike = Alike()
        self._alike = device.alike
        self._kind, self._alias = (device.kind, device.model), device.alias
        at = device.address
        self._address: tuple[Callable[..., Address], tuple[Any, ...]] | None = None
        if at is not None:
            self._address = type(at), tuple(getattr(at, name) for name in at.__slots__)
        self._flags = (device.given, device.readdressed)
        self._edits = tuple(device.edits)
        self._names = dict.fromkeys(device.children)
        self._last = tuple(getattr(device, field.name) for field in fields(device)[_BASE:])
        self._options = device.options.copy() if isinstance(device, Controller) else None

    def device(self, element: Element, position: int) -> Device | None:
        """A new device of an element with this text."""
        make = self._make
        if make is None:
            return None
        kind, model = self._kind
        given, readdressed = self._flags
        address = None
        if self._address is not None:
            of, numbers = self._address
            address = of(*numbers)
        device = make(
            kind, element, position, model, address, self._alias, given, [*self._edits], readdressed, "",
            Kids(element, self._names), self._alike, *self._last,
        )  # fmt: skip
        if self._options is not None:
            device.options = self._options.copy()  # type: ignore[attr-defined]
        return device


class Prototypes:
    """The memo of one release: two generations, of which the older goes when the newer is full."""

    __slots__ = ("_newer", "_older")

    def __init__(self) -> None:
        self._newer: dict[str, Prototype] = {}
        self._older: dict[str, Prototype] = {}

    def find(self, key: str) -> Prototype | None:
        """The prototype with a key."""
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self._enter(key, found)
        return found

    def keep(self, key: str, element: Element, device: Device | None) -> None:
        """Enter what an element became.

        Left out is a device whose reader dropped one of its children, or that has a child with a prefix: what a prefix
        means is written outside the element.
        """
        if device is not None:
            names = kids_of(element).keys()
            if device.children.keys() != names or any(str(name).startswith("{") for name in names):
                return
        self._enter(key, Prototype(device))

    def _enter(self, key: str, found: Prototype) -> None:
        if len(self._newer) >= MOST:
            self._older, self._newer = self._newer, {}
        self._newer[key] = found


@cache
def prototypes(at: Release) -> Prototypes:
    """The memo of a libvirt release."""
    return Prototypes()
