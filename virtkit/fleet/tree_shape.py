"""The shape of a parsed domain: what it has in common with domains that differ only in names, paths and the like.

Its key holds everything that resolution, verdicts and notes read, in the order of the XML: every element, attribute
and text but the open values of ``data/fleet/variable-values.csv``, comments, line breaks, and metadata of other
software. Equal open values have equal marks in the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.document import line_of
from virtkit.fleet.open_values import open_values, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element as Element

    from virtkit.domain.domain import Domain

__all__ = ["lines_of", "moved_lines", "tree_key"]

_LIBOSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}os"
_OWN = "{urn:virtkit:"
#: Attributes of virtkit's own metadata that identify a domain.
_IDENTITY = frozenset({"name", "namespace"})
# White space between elements. The text of an element without children is kept as it is.
_BEFORE_BEGINNING = re.compile(rb">\s+<(?!/)")
_AFTER_END = re.compile(rb"(</[^<>]*>)\s+</")
#: The open values of a device: a path below it, and the attributes and forms there.
_OfDevice = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
#: A mark begins with a character that libvirt refuses in every one of these values.
_MARK = "\u2400{}"


def tree_key(domain: Domain) -> bytes:
    """The key of a domain's shape, 16 bytes: domains with the same key get the same verdicts for one question, up to
    lines."""
    root = domain.document.root
    changed: list[tuple[Element, str, str]] = []
    marks: dict[str, str] = {}
    for element, attribute, form in _open(root):
        value = element.get(attribute) if attribute else element.text
        if not value or open_values(form).fullmatch(value.encode()) is None:
            continue
        changed.append((element, attribute, value))
        _put(element, attribute, marks.setdefault(value, _MARK.format(len(marks))))
    try:
        # Canonical XML: attributes in order, one kind of quotes, no comments.
        text = etree.tostring(root, method="c14n", with_comments=False)
    finally:
        for element, attribute, value in changed:
            _put(element, attribute, value)
    text = _AFTER_END.sub(rb"\1</", _BEFORE_BEGINNING.sub(b"><", text))
    parts = [_without_metadata(root, text), *_metadata(root), *(note.encode() for note in domain.notes)]
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def lines_of(domain: Domain) -> list[int | None]:
    """The lines of the elements of a domain, in document order, without those in its metadata."""
    root = domain.document.root
    found = [line_of(root)]
    for child in root.iterchildren("*"):
        if child.tag != "metadata":
            found += [line_of(element) for element in child.iter("*")]
    return found


def moved_lines(
    old: Sequence[int | None], new: Sequence[int | None], used: Sequence[object]
) -> dict[object, int] | None:
    """The line in one domain of each line that is ``used`` of another domain of the same shape.

    None where that is not certain: a line without an element, or elements of one line that are on several lines.
    """
    found: dict[object, set[int | None]] = {line: set() for line in used if line is not None}
    for before, after in zip(old, new, strict=True):
        if before in found:
            found[before].add(after)
    moved: dict[object, int] = {}
    for line, places in found.items():
        place = places.pop() if len(places) == 1 else None
        if place is None:
            return None
        moved[line] = place
    return moved


def _put(element: Element, attribute: str, value: str) -> None:
    if attribute:
        element.set(attribute, value)
    else:
        element.text = value


def _open(root: Element) -> Iterator[tuple[Element, str, str]]:
    """The places of open values: an element, an attribute ("" for the text), and the form."""
    tops, devices = _places()
    for path, attribute, form in tops:
        for element in root.iterfind(path):
            if attribute or not len(element):
                yield element, attribute, form
    for holder in root.iterchildren("devices"):
        for device in holder.iterchildren("*"):
            for path, values in devices.get(str(device.tag), ()):
                for element in device.iterfind(path) if path else (device,):
                    for attribute, form in values:
                        if attribute or not len(element):
                            yield element, attribute, form


@cache
def _places() -> tuple[tuple[tuple[str, str, str], ...], Mapping[str, _OfDevice]]:
    """The open values outside the devices (path, attribute and form), and those of devices by their element."""
    tops: list[tuple[str, str, str]] = []
    devices: dict[str, _OfDevice] = {}
    for path, values in rows().items():
        if path[0] == "devices":
            devices[path[1]] = (*devices.get(path[1], ()), ("/".join(path[2:]), values))
        else:
            tops += [("/".join(path), attribute, form) for attribute, form in values]
    return tuple(tops), MappingProxyType(devices)


def _without_metadata(root: Element, text: bytes) -> bytes:
    """The canonical text without its one <metadata>; with more than one, everything stays."""
    if len(root.findall("metadata")) != 1 or text.count(b"</metadata>") != 1:
        return text
    begin, end = text.find(b"<metadata"), text.find(b"</metadata>")
    return text[:begin] + text[end + len(b"</metadata>") :]


def _metadata(root: Element) -> Iterator[bytes]:
    """What is read of the metadata: the guest OS, and the notes of virtkit's own readers."""
    for holder in root.iterchildren("metadata"):
        for element in holder.iter("*"):
            tag = str(element.tag)
            if tag == _LIBOSINFO:
                yield f"{tag} {element.get('id')}".encode()
            elif tag.startswith(_OWN):
                cells = sorted((name, value) for name, value in element.items() if name not in _IDENTITY)
                yield f"{tag} {cells}".encode()
