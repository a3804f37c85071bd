"""The shape of a parsed domain: what it has in common with domains that differ only in names, paths and the like.

Its key holds everything that resolution, verdicts and notes read, in the order of the XML: every element, attribute
and text but the open values of ``data/fleet/variable-values.csv``, comments, line breaks, and metadata of other
software. Equal open values have equal marks in the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from virtkit.domain.document import line_of
from virtkit.fleet.open_values import open_values, rows

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.domain import Domain

__all__ = ["lines_of", "moved_lines", "tree_key"]

_LIBOSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}os"
_OWN = "{urn:virtkit:"
#: Attributes of virtkit's own metadata that identify a domain.
_IDENTITY = frozenset({"name", "namespace"})
# White space between elements. The text of an element without children is kept as it is.
_BEFORE_BEGINNING = re.compile(rb">\s+<(?!/)")
_BEFORE_END = re.compile(rb">(\s+)</")
#: A mark begins with a character that libvirt refuses in every one of these values.
_MARK = "\u2400{}"

_Value = tuple["Element", str, str]
"""An open value: its element, its attribute ("" for the text), and the value."""


class _Place(NamedTuple):
    """An element of the path to an open value: its own ones, each with what fits it, and the elements below it."""

    values: list[tuple[str, Callable[[str], object]]]
    below: dict[object, _Place]


def tree_key(domain: Domain) -> bytes:
    """The key of a domain's shape, 16 bytes: domains with the same key get the same verdicts for one question, up to
    lines."""
    root = domain.document.root
    opened: list[_Value] = []
    _open(root, _places(), opened)
    marks: dict[str, str] = {}
    for element, attribute, value in opened:
        mark = marks.get(value)
        if mark is None:
            mark = marks[value] = _MARK.format(len(marks))
        if attribute:
            element.set(attribute, mark)
        else:
            element.text = mark
    try:
        # Canonical XML: attributes in order, one kind of quotes, no comments.
        text = etree.tostring(root, method="c14n", with_comments=False)
    finally:
        for element, attribute, value in opened:
            if attribute:
                element.set(attribute, value)
            else:
                element.text = value
    parts = [_without_metadata(root, _dense(text)), *_metadata(root), *(note.encode() for note in domain.notes)]
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def lines_of(domain: Domain) -> list[int | None]:
    """The lines of a domain and of its devices, in document order."""
    root = domain.document.root
    devices = [device for holder in root.iterchildren("devices") for device in holder.iterchildren("*")]
    return [line_of(element) for element in (root, *devices)]


def moved_lines(
    old: Sequence[int | None], new: Sequence[int | None], used: Sequence[object]
) -> dict[object, int] | None:
    """The line in one domain of each line that is ``used`` of another domain of the same shape.

    None where that is not certain: a line on which no device begins, or devices of one line that are on several lines.
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


def _open(element: Element, below: Mapping[object, _Place], found: list[_Value]) -> None:
    """Add the open values below an element to ``found``, in document order."""
    for child in element.iterchildren(*below):
        values, deeper = below[child.tag]
        for attribute, fits in values:
            value = child.get(attribute) if attribute else None if len(child) else child.text
            if value and fits(value):
                found.append((child, attribute, value))
        if deeper:
            _open(child, deeper, found)


@cache
def _places() -> Mapping[object, _Place]:
    """The elements below <domain> that have open values or lead to some, by name."""
    found: dict[object, _Place] = {}
    for path, values in rows().items():
        below = found
        for name in path[:-1]:
            below = below.setdefault(name, _Place([], {})).below
        place = below.setdefault(path[-1], _Place([], {}))
        for attribute, form in values:
            place.values.append((attribute, re.compile(open_values(form).pattern.decode("ascii")).fullmatch))
    return found


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
