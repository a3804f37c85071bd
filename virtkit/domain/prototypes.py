"""What device elements become, kept by their text: in a fleet most devices recur to the letter.

This is safe because a reader of elements sees nothing but the element and libvirt's release, what is read is kept for
each release, and the text of an element decides what the parser makes of it where it has neither prefixes nor a
default namespace, and its document no comment, CDATA section, processing instruction or document type. A refusal is not
kept, so each has its own lines. Each domain gets devices of its own: lists, options and addresses are copied; the
children are those of the element that is kept. The memo is bounded, and threads may share it: a lost entry is read
again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from virtkit.domain.address import Address
from virtkit.domain.devices import Alike, Controller, Device, Origin
from virtkit.releases import Release

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["MOST", "OPEN", "OPEN_VALUES", "Prototype", "Sample", "Samples", "Written", "open_key", "samples"]

MOST = 2048
"""How many elements each of the two generations of the memo holds; one takes about 4 KB."""

MOST_SEEN = 16 * MOST
"""How many keys are noted that were seen once."""

_BASE = len(fields(Device))

OPEN = "\x01"
"""The sign that stands for an open value; XML cannot contain it."""

OPEN_VALUES: Mapping[str, tuple[str, ...]] = {
    "disk": ("source@file", "source@dev"),
    "interface": ("mac@address",),
    "graphics": ("@port",),
}
"""The values that differ from domain to domain, and decide nothing about a device beyond a field of their own."""


class _Opening(NamedTuple):
    """Where the open value of an element is: what begins it and must be there once, what may stand before the value,
    the form of the value, the field of the device that takes it, and the child that has it ("" for none)."""

    begins: str
    places: tuple[str, ...]
    form: re.Pattern[str]
    field: str
    child: str


_OPEN: Mapping[str, _Opening] = {
    # A path has no character that XML excludes or changes, because it is not parsed again.
    "disk": _Opening("<source", ("<source file=", "<source dev="), re.compile(r"/[^'\"<>&\x00-\x1f]*"), "", "source"),
    "interface": _Opening(
        "<mac", ("<mac address=",), re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}"), "mac", "mac"
    ),
    "graphics": _Opening(" port=", (" port=",), re.compile("[0-9]{1,5}"), "", ""),
}  # fmt: skip


def open_key(name: str, text: str) -> tuple[str, str]:
    """The key of an element in the memo, and its open value, "" for none.

    In the key ``OPEN`` stands for the value; a text without one is its own key. Only the values of ``OPEN_VALUES`` are
    open, and only where they have a form that every release accepts.
    """
    rule = _OPEN.get(name)
    if rule is None:
        return text, ""
    begins, places, form, _, _ = rule
    for place in places:
        before, found, rest = text.partition(place)
        if found:
            quote = rest[:1]
            value, end, behind = rest[1:].partition(quote) if quote in ("'", '"') else ("", "", "")
            # With two of them it would be unclear which one the field holds.
            if (
                end and form.fullmatch(value) and value.isprintable() and begins not in before and begins not in behind
                and (place[0] == "<" or _in_start_tag(before, quote))
            ):  # fmt: skip
                return f"{before}{place}{quote}{OPEN}{quote}{behind}", value
    return text, ""


def _in_start_tag(before: str, quote: str) -> bool:
    """Whether an attribute follows the beginning of an element, rather than the text of a value or of a child."""
    other = '"' if quote == "'" else "'"
    return ">" not in before and other not in before and before.count(quote) % 2 == 0


class _Children(Mapping[object, "Element"]):
    """The children of an element of which one has an open value: that one is the domain's own."""

    __slots__ = ("_alike", "_open", "_origin", "_position")

    def __init__(self, alike: Mapping[object, Element], open_child: str, origin: Origin, position: int) -> None:
        self._alike = alike
        self._open = open_child
        self._origin = origin
        self._position = position

    def __contains__(self, name: object) -> bool:
        return name in self._alike

    def __getitem__(self, name: object) -> Element:
        if name == self._open and name in self._alike:
            return next(self._origin.element(self._position).iterchildren(self._open))
        return self._alike[name]

    def get(self, name: object, default: Any = None) -> Any:
        """A child, or the default."""
        return self[name] if name in self._alike else default

    def __iter__(self) -> Iterator[object]:
        return iter(self._alike)

    def __len__(self) -> int:
        return len(self._alike)


class Prototype:
    """What one text becomes: the values of a device, or nothing where the release passes over the element."""

    __slots__ = (
        "_address", "_alias", "_alike", "_children", "_edits", "_given", "_kind", "_last", "_make", "_model",
        "_numbers", "_open", "_options", "_readdressed", "_value_field",
    )  # fmt: skip

    def __init__(self, device: Device | None, sample: Sample) -> None:
        self._make: Callable[..., Device] | None = None if device is None else type(device)
        if device is None:
            return
        device.alike = Alike(sample.element)
        self._alike = device.alike
        self._kind, self._model, self._alias = device.kind, device.model, device.alias
        at = device.address
        self._address: Callable[..., Address] | None = None if at is None else type(at)
        names = () if at is None else at.__slots__
        self._numbers: tuple[Any, ...] = tuple(getattr(at, name) for name in names)
        self._given, self._readdressed = device.given, device.readdressed
        self._edits = tuple(device.edits)
        self._children = device.children
        self._last = tuple(getattr(device, field.name) for field in fields(device)[_BASE:])
        self._options = device.options.copy() if isinstance(device, Controller) else None
        opening = _OPEN[device.kind] if sample.value else None
        self._value_field, self._open = (opening.field, opening.child) if opening else ("", "")

    def device(self, origin: Origin, position: int, value: str) -> Device | None:
        """A new device of an element with this text; ``value`` is its open value, "" for none."""
        make = self._make
        if make is None:
            return None
        of, children = self._address, self._children
        if self._open:
            children = _Children(children, self._open, origin, position)
        device = make(
            self._kind, origin, position, self._model, None if of is None else of(*self._numbers), self._alias,
            self._given, [*self._edits], self._readdressed, "", children, self._alike, *self._last,
        )  # fmt: skip
        if self._options is not None:
            device.options = self._options.copy()  # type: ignore[attr-defined]
        if self._value_field:
            setattr(device, self._value_field, value)
        return device


Written = tuple[str, "Sample | None", str]
"""One child of ``<devices>``: its name, the element with its text (None where none is kept), and its open value."""


class Sample:
    """An element that stands for all with the same text up to the open value, and what each release reads of it.

    ``end`` is its end tag without "<" where that is on a line of its own, else ""; ``value`` is its own open value, ""
    for none. ``written`` stands for an element without an open value. ``canonical`` is what the key of a domain's shape
    has of it, None until that is asked for.
    """

    __slots__ = ("canonical", "element", "end", "name", "readings", "value", "written")

    def __init__(self, element: Element, end: str, value: str) -> None:
        self.element = deepcopy(element)
        self.name = str(element.tag)
        self.end = end
        self.value = value
        self.written: Written = (self.name, self, "")
        self.canonical: object = None
        self.readings: dict[Release, Prototype | None] = {}

    def keep(self, at: Release, device: Device | None) -> Prototype | None:
        """Note what a release reads of the element; None where that may depend on the open value."""
        field = _OPEN[self.name].field if self.value else ""
        # An open value that the reader did not take is the value of something else.
        open_taken = device is None or not field or getattr(device, field) == self.value
        found = self.readings[at] = Prototype(device, self) if open_taken else None
        return found


class Samples:
    """The memo of elements: two generations, of which the older goes when the newer is full.

    An element is entered when its text is seen for the second time; most texts of some inputs never recur.
    """

    __slots__ = ("_newer", "_older", "_seen")

    def __init__(self) -> None:
        self._newer: dict[str, Sample] = {}
        self._older: dict[str, Sample] = {}
        self._seen: set[int] = set()

    @property
    def recent(self) -> Callable[[str], Sample | None]:
        """What finds an element of the newer generation, and costs less than ``find``."""
        return self._newer.get

    def find(self, key: str) -> Sample | None:
        """The element with a key."""
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self._enter(key, found)
        return found

    def saw(self, key: str) -> bool:
        """Whether a key was seen before. One that was not may be taken for another one that was."""
        number = hash(key)
        if number in self._seen:
            return True
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(number)
        return False

    def keep(self, key: str, end: str, value: str, element: Element) -> Sample | None:
        """Enter an element; None for one that its key does not decide, as with a name in a namespace."""
        if "{" in str(element.tag) or ((":" in key or "xmlns" in key) and any(map(_has_namespace, element.iter()))):
            return None
        if end and (not len(element) or (element[-1].tail or "").strip()):
            return None  # The blanks before its end tag count, and they are not part of the key.
        if value and (child := _OPEN[str(element.tag)].child) and element.find(child) is None:
            return None  # The open value is that of a deeper element.
        return self._enter(key, Sample(element, end, value))

    def _enter(self, key: str, found: Sample) -> Sample:
        if len(self._newer) >= MOST:
            self._older, self._newer = self._newer, {}
        self._newer[key] = found
        return found


def _has_namespace(element: Element) -> bool:
    return any("{" in str(name) for name in (element.tag, *element.attrib))


@cache
def samples() -> Samples:
    """The memo of this process."""
    return Samples()
