"""Conditions on one device, as tables of facts write them.

A condition is a row of terms that must all hold: ``path`` is there, ``!path`` is not, ``path=a,b`` has one of the
values, ``path!=a,b`` is there with another value. A path is ``@attribute``, ``child``, ``child@attribute`` or
``child/child@attribute`` of the device's element as written, ``.field`` of the device as resolved so far, or
``^name`` of the domain, with the names of ``DOMAIN``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from virtkit.domain.devices import Chardev, Device
from virtkit.domain.document import label_of, line_of
from virtkit.errors import FactsError
from virtkit.resolution.context import Context, Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["DOMAIN", "Subject", "Term", "reading", "terms_of"]

_TERM = re.compile(r"(!?)([.^]?[\w/@.-]+?)(?:(!?=)(\S*))?$")

DOMAIN: dict[str, Callable[[Context, Draft], str | None]] = {
    "arch": lambda context, draft: context.arch,
    "family": lambda context, draft: context.family.name,
    "chipset": lambda context, draft: context.family.chipset,
    "machine": lambda context, draft: context.machine,
    "spice": lambda context, draft: "yes" if "spice" in [one.model for one in draft.devices.graphics] else "no",
    "graphics": lambda context, draft: "yes" if draft.devices.graphics else "no",
    "numa": lambda context, draft: "no" if context.find("cpu/numa/cell") is None else "yes",
    "ioapic": lambda context, draft: _attribute(context, "features/ioapic", "driver"),
}
"""The properties of the whole domain that a term can test."""


def _attribute(context: Context, path: str, name: str) -> str:
    """An attribute of an element of the domain, "none" when it is not there."""
    found = context.find(path)
    return "none" if found is None else found.get(name) or "none"


class Subject(NamedTuple):
    """What a condition is checked on: a written device, or an element that is not a device.

    ``children`` are those of the element by name, the first of each.
    """

    what: Device | Element
    children: Mapping[object, Element]
    context: Context
    draft: Draft

    @property
    def device(self) -> Device | None:
        """The device, None for an element that is not a device."""
        return self.what if isinstance(self.what, Device) else None

    @property
    def element(self) -> Element:
        """The element, or one with the same text: its lines may be others."""
        return cast("Element", self.what.sample) if isinstance(self.what, Device) else self.what

    @property
    def line(self) -> int | None:
        """The line of the element."""
        return self.what.line if isinstance(self.what, Device) else line_of(self.what)

    @property
    def label(self) -> str:
        """The name in messages and tables."""
        return self.what.label if isinstance(self.what, Device) else label_of(self.what)

    @property
    def shadowed(self) -> bool:
        """Whether libvirt uses another device in its place."""
        return isinstance(self.what, Chardev) and self.what.shadowed

    def value(self, path: str) -> str | None:
        """The text at a path, None when there is none."""
        return reading(path)(self)


@cache
def reading(path: str) -> Callable[[Subject], str | None]:
    """The function that finds the text at a path; it is made once for each path."""
    if path[0] == ".":
        return _field(path[1:])
    if path[0] == "^":
        of_domain = DOMAIN[path[1:]]
        return lambda subject: of_domain(subject.context, subject.draft)
    steps, _, attribute = path.partition("@")
    if not steps:
        return lambda subject: subject.element.get(attribute)

    first, deeper, _ = steps.partition("/")

    def below(subject: Subject) -> str | None:
        node = subject.children.get(first)
        if node is not None and deeper:
            node = subject.element.find(steps)
        if node is None:
            return None
        return node.get(attribute) if attribute else (node.text or "").strip()

    return below


def _field(name: str) -> Callable[[Subject], str | None]:
    def of_device(subject: Subject) -> str | None:
        found = getattr(subject.what, name, None)
        return None if found is None else str(found)

    return of_device


class Term(NamedTuple):
    """One term: whether the value at a path is (not) there, or (not) among some words."""

    path: str
    absent: bool
    operator: str
    words: frozenset[str]
    read: Callable[[Subject], str | None]

    @property
    def is_written(self) -> bool:
        """Whether it is about what is written, which takes longer to find than what is resolved."""
        return self.path[0] not in ".^"

    def holds(self, subject: Subject) -> bool:
        """Whether it holds for a device."""
        value = self.read(subject)
        if self.absent or not self.operator:
            return (value is None) == self.absent
        return value is not None and (value in self.words) == (self.operator == "=")


def terms_of(text: str) -> tuple[Term, ...]:
    """The terms of a condition; without terms it always holds. Raises FactsError for text that is not a term."""
    return tuple(_term(word) for word in text.split())


def _term(text: str) -> Term:
    found = _TERM.match(text)
    if found is None or (found[2][0] == "^" and found[2][1:] not in DOMAIN):
        raise FactsError(f"{text!r} is not a term of a condition")
    return Term(found[2], bool(found[1]), found[3] or "", frozenset((found[4] or "").split(",")), reading(found[2]))
