"""Refusals that are one condition on one device each, from ``data/libvirt/forbidden.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from virtkit import facts
from virtkit.checks.terms import Subject, Term, terms_of
from virtkit.domain.document import line_of
from virtkit.domain.reader import label_of
from virtkit.domain.vocabulary import Release, in_release
from virtkit.errors import Refused
from virtkit.setting import Setting

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_forbidden"]

_PLACE = re.compile(r"\{([^}]+)\}")


class _Row(NamedTuple):
    terms: tuple[Term, ...]
    category: str
    refusal: str


@dataclass(slots=True)
class _Rows:
    """The rows for one element, by what their first term looks at, so that most need not be asked."""

    attributes: dict[str, list[_Row]] = field(default_factory=dict)
    children: dict[object, list[_Row]] = field(default_factory=dict)
    always: list[_Row] = field(default_factory=list)

    def add(self, row: _Row) -> None:
        first = row.terms[0]
        steps, _, attribute = first.path.partition("@")
        if first.absent or first.path[0] in ".^":
            self.always.append(row)
        elif steps:
            self.children.setdefault(steps.split("/")[0], []).append(row)
        else:
            self.attributes.setdefault(attribute, []).append(row)

    def candidates(self, element: Element) -> Iterable[_Row]:
        for name in element.keys() if self.attributes else ():
            yield from self.attributes.get(str(name), ())
        for child in element.iterchildren() if self.children else ():
            yield from self.children.get(child.tag, ())
        yield from self.always


@cache
def _forbidden(at: Release) -> dict[str, _Rows]:
    rows: dict[str, _Rows] = {}
    for row in facts.table("libvirt/forbidden.csv"):
        if in_release(row, at):
            terms = terms_of(row["when"])
            for element in row["elements"].split():
                rows.setdefault(element, _Rows()).add(_Row(terms, row["category"], row["refusal"]))
    return rows


def check_forbidden(setting: Setting) -> None:
    """Refuse a device for which a condition of the table holds. Raises Refused."""
    known = _forbidden(setting.at)
    devices = setting.devices
    for device in (*devices.in_order(), *devices.graphics):
        rows = known.get(device.kind)
        if rows is not None and device.element is not None and not getattr(device, "shadowed", False):
            _check(rows, Subject(device.element, device, setting))
    for holder in setting.root.iterchildren("devices"):
        for element in holder.iterchildren("lease", "audio", "redirfilter"):
            rows = known.get(str(element.tag))
            if rows is not None:
                _check(rows, Subject(element, None, setting))


def _check(rows: _Rows, subject: Subject) -> None:
    for row in rows.candidates(subject.element):
        if all(term.holds(subject) for term in row.terms):
            what = _PLACE.sub(lambda place: subject.value(place[1]) or "", row.refusal)
            label = label_of(subject.element) if subject.device is None else subject.device.label
            raise Refused(row.category, what, label, line_of(subject.element))
