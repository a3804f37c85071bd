"""Domains that differ only in names, paths, MAC addresses and the like: they share one resolution and its verdicts.

A shape is the text of one accepted domain with the values of ``data/fleet/variable-values.csv`` left open. A text that
agrees with it everywhere else parses to the same tree, at the same lines, because an open value holds no markup.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Generic, TypeVar

from virtkit.domain.source_map import ElementSpan, source_map
from virtkit.fleet.open_values import open_values, rows

__all__ = ["Hit", "Shapes"]

T = TypeVar("T")

_ATTRIBUTE = r"""\s%s\s*=\s*(["'])(.*?)\1"""
_ENTRY = ("sysinfo", "system", "entry")
_SMBIOS_UUID = (*_ENTRY, "uuid")
_UUID_ENTRY = re.compile(r"""\sname\s*=\s*["']uuid["']""")
_SMBIOS = re.compile(r"""<sysinfo\s+type\s*=\s*["']smbios["']""")
_SYSTEM = re.compile(r"<system[\s/>]")
_OWN_UUID = re.compile(r"<uuid[\s>]")
#: The shapes kept in memory, and those of one fingerprint that a text is compared with.
_KEPT = 4096
_NEAR = 16
#: Once so many shapes were made in vain, a text is compared and made a shape of only when shapes pay.
_TRIAL = 256


@dataclass(frozen=True, slots=True)
class _Open:
    """An open value of a shape: where it ends, what it may be, and the text that follows it."""

    form: re.Pattern[bytes]
    end: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class _Shape(Generic[T]):
    before: bytes
    values: tuple[_Open, ...]
    #: For each value the place of the first that is equal: which values are equal may matter.
    equal: tuple[int, ...]
    name: int
    uuid: int
    answer: T

    def fits(self, data: bytes) -> list[bytes] | None:
        """The values of a text that has this shape, None for another text."""
        if not data.startswith(self.before):
            return None
        at = len(self.before)
        found = []
        for value in self.values:
            end = data.find(value.end, at)
            if end < 0 or not data.startswith(value.after, end):
                return None
            word = data[at:end]
            if value.form.fullmatch(word) is None:
                return None
            found.append(word)
            at = end + len(value.after)
        return found if at == len(data) and _equal(found) == self.equal else None


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """The answer of the shape that a text has, and the name and UUID of its domain ("" where it has none)."""

    answer: T
    name: str
    uuid: str


class Shapes(Generic[T]):
    """The shapes of the domains seen so far, with one answer each; bounded in number.

    ``hits`` and ``misses`` count what ``find`` was asked.
    """

    def __init__(self) -> None:
        self._near: OrderedDict[bytes, list[_Shape[T]]] = OrderedDict()
        self._seen: set[bytes] = set()
        self._made = 0
        #: The last text with its fingerprint: most texts are looked for and then added.
        self._last = (b"", b"")
        self.hits = 0
        self.misses = 0

    @property
    def kept(self) -> int:
        """The number of shapes in memory."""
        return sum(map(len, self._near.values()))

    def find(self, data: bytes) -> Hit[T] | None:
        """The answer for the text of a domain, None when it has no known shape."""
        key = self._fingerprint(data)
        for place, shape in enumerate(near := self._near.get(key, [])):
            values = shape.fits(data)
            if values is not None:
                self.hits += 1
                if place:
                    near.insert(0, near.pop(place))
                name, uuid = (values[n].decode("ascii") if n >= 0 else "" for n in (shape.name, shape.uuid))
                return Hit(shape.answer, name, uuid)
        self.misses += 1
        return None

    def add(self, data: bytes, answer: T) -> None:
        """Keep the answer for the text of an accepted domain, and for all texts of its shape.

        ``data`` is one domain document in UTF-8. Only the second text with a fingerprint becomes a shape, and none
        while shapes do not pay.
        """
        key = self._fingerprint(data)
        if key not in self._seen:
            if len(self._seen) < 16 * _KEPT:
                self._seen.add(key)
            return
        if self._made >= _TRIAL and self.hits < self._made:
            return
        shape = _shape(data, answer)
        if shape is None:
            return
        self._made += 1
        near = self._near.setdefault(key, [])
        near.insert(0, shape)
        del near[_NEAR:]
        self._near.move_to_end(key)
        while len(self._near) > _KEPT:
            self._near.popitem(last=False)


    def _fingerprint(self, data: bytes) -> bytes:
        text, key = self._last
        if text is not data:
            key = _fingerprint(data)
            self._last = (data, key)
        return key


#: The signs that no open value has; the others are left out of a fingerprint.
_OTHERS = bytes(sign for sign in range(256) if sign not in b"\n<'\"")


def _fingerprint(data: bytes) -> bytes:
    """What is equal for all texts of a shape and quick to find: the signs that no open value has."""
    return blake2b(data.translate(None, _OTHERS), digest_size=16).digest()


def _equal(values: list[bytes]) -> tuple[int, ...]:
    """For each value the place of the first value that is equal."""
    first: dict[bytes, int] = {}
    return tuple([first.setdefault(value, place) for place, value in enumerate(values)])


def _shape(data: bytes, answer: T) -> _Shape[T] | None:
    """The shape of a text, None for a text without an open value, or with a UUID that is not written in the usual way.
    """
    text = data.decode("utf-8")
    spans = sorted(_spans(source_map(text), (), text))
    if not spans:
        return None
    values, opens = [], []
    for place, (start, end, form, _) in enumerate(spans):
        following = spans[place + 1][0] if place + 1 < len(spans) else len(text)
        after = text[end:following].encode()
        values.append(text[start:end].encode())
        opens.append(_Open(open_values(form), after[:1], after))
    paths = [span[3] for span in spans]
    name, own, smbios = (paths.index(path) if path in paths else -1 for path in (("name",), ("uuid",), _SMBIOS_UUID))
    if not _usual_uuids(text, own >= 0, smbios >= 0) or (min(own, smbios) >= 0 and values[own] != values[smbios]):
        return None
    uuid = own if own >= 0 else smbios
    return _Shape(text[: spans[0][0]].encode(), tuple(opens), _equal(values), name, uuid, answer)


def _usual_uuids(text: str, own: bool, smbios: bool) -> bool:
    """Whether the UUIDs that libvirt reads in a text are the open ones: its own, and one among its SMBIOS strings."""
    if not own and _OWN_UUID.search(text):
        return False
    entries = len(_UUID_ENTRY.findall(text))
    holders = len(_SMBIOS.findall(text)), len(_SYSTEM.findall(text))
    return not entries or (entries == 1 and smbios and holders == (1, 1))


def _spans(span: ElementSpan, path: tuple[str, ...], text: str) -> Iterator[tuple[int, int, str, tuple[str, ...]]]:
    """Start, end, form and element path of each open value at or below an element."""
    values = rows().get(path, ())
    if path == _ENTRY and _UUID_ENTRY.search(text, span.start, span.inner):
        values, path = (("", "uuid"),), _SMBIOS_UUID
    for attribute, form in values:
        found = _attribute(attribute).search(text, span.start, span.inner) if attribute else None
        start, end = found.span(2) if found else (span.inner, span.outer) if not attribute else (0, 0)
        if open_values(form).fullmatch(text[start:end].encode()) and start < end:
            yield start, end, form, path
    for child in span.children:
        below = (*path, child.name)
        if below in _prefixes():
            yield from _spans(child, below, text)


@cache
def _prefixes() -> frozenset[tuple[str, ...]]:
    """The paths of the elements that lead to an open value."""
    return frozenset(path[: place + 1] for path in rows() for place in range(len(path)))


@cache
def _attribute(name: str) -> re.Pattern[str]:
    return re.compile(_ATTRIBUTE % re.escape(name), re.S)
