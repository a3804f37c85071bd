"""The canonical text of a parsed domain, with marks in the place of its open values.

A mark begins with a character that libvirt refuses in every one of these values. Equal values have equal marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from virtkit.fleet.open_values import open_values, rows

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["SIGN", "Marks", "OpenValue", "Place", "canonical", "opened", "places", "whole_text"]

SIGN = "\u2400"
"""The character that a mark begins with."""

# White space between elements. The text of an element without children is kept as it is.
_BEFORE_BEGINNING = re.compile(rb">\s+<(?!/)")
_BEFORE_END = re.compile(rb">(\s+)</")

OpenValue = tuple["Element", str, str]
"""An open value: its element, its attribute ("" for the text), and the value."""


class Place(NamedTuple):
    """An element of the path to an open value: its own ones, each with what fits it, and the elements below it."""

    values: list[tuple[str, Callable[[str], object]]]
    below: dict[object, Place]


class Marks(dict[str, bytes]):
    """The mark of each open value of a domain, made when it is first asked for."""

    def __missing__(self, value: str) -> bytes:
        mark = self[value] = f"{SIGN}{len(self)}".encode()
        return mark


@cache
def places() -> Mapping[object, Place]:
    """The elements below <domain> that have open values or lead to some, by name."""
    found: dict[object, Place] = {}
    for path, values in rows().items():
        below = found
        for name in path[:-1]:
            below = below.setdefault(name, Place([], {})).below
        place = below.setdefault(path[-1], Place([], {}))
        for attribute, form in values:
            place.values.append((attribute, re.compile(open_values(form).pattern.decode("ascii")).fullmatch))
    return found


def opened(element: Element, place: Place) -> Iterator[OpenValue]:
    """The open values at and below an element, in document order."""
    values, deeper = place
    for attribute, fits in values:
        value = element.get(attribute) if attribute else None if len(element) else element.text
        if value and fits(value):
            yield element, attribute, value
    for child in element.iterchildren(*deeper) if deeper else ():
        yield from opened(child, deeper[child.tag])


def whole_text(root: Element) -> bytes:
    """The canonical text of a domain without its metadata and the white space between elements."""
    below, marks = places(), Marks()
    values = [one for child in root.iterchildren(*below) for one in opened(child, below[child.tag])]
    return _without_metadata(root, canonical(root, values, [marks[value].decode() for _, _, value in values]))


def canonical(element: Element, values: list[OpenValue], marks: list[str]) -> bytes:
    """The canonical text of an element without the white space between elements, with marks for its open values."""
    _write(values, marks)
    try:
        # Canonical XML: attributes in order, one kind of quotes, no comments.
        text = etree.tostring(element, method="c14n", with_comments=False)
    finally:
        _write(values, [value for _, _, value in values])
    return _dense(text)


def _write(places: list[OpenValue], values: list[str]) -> None:
    for (element, attribute, _), value in zip(places, values, strict=True):
        if attribute:
            element.set(attribute, value)
        else:
            element.text = value


def _dense(text: bytes) -> bytes:
    """Canonical XML without the white space between elements."""
    before, *others = _BEFORE_END.split(_BEFORE_BEGINNING.sub(b"><", text))
    found = [before]
    for blank, piece in zip(others[::2], others[1::2], strict=True):
        tag = before.rfind(b"<")
        # After the end of an element follows that of an element with children. A piece without "<" is such an end.
        ended = tag < 0 or before.startswith(b"/", tag + 1)
        found += (b"></", piece) if ended else (b">", blank, b"</", piece)
        before = piece
    return b"".join(found)


def _without_metadata(root: Element, text: bytes) -> bytes:
    """The canonical text without its one <metadata>; with more than one, everything stays."""
    if len(root.findall("metadata")) != 1 or text.count(b"</metadata>") != 1:
        return text
    begin, end = text.find(b"<metadata"), text.find(b"</metadata>")
    return text[:begin] + text[end + len(b"</metadata>") :]
