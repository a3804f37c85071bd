"""Refusals about values that an option of a device cannot have, from ``data/libvirt/option-values.csv``."""

from __future__ import annotations

import re
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

__all__ = ["check_options"]

UINT = 0xFFFF_FFFF

NUMBERS = {
    "number": (0, UINT, "a number from 0"),
    "decimal": (0, UINT, "a decimal number from 0"),
    "positive": (1, UINT, "a number from 1"),
    "integer": (-0x8000_0000, 0x7FFF_FFFF, "a whole number"),
    "function": (0, 7, "a number from 0 to 7"),
}
"""Lowest and highest number of each form that is no word, and what it is called."""


PATTERNS = {
    "mac": (re.compile(r"[0-9a-f]?[02468ace](:[0-9a-f]{1,2}){5}\s*$", re.I), "xx:xx:xx:xx:xx:xx"),
    "naa": (re.compile(r"naa\.[0-9a-f]{16}$", re.I), "naa. and 16 hexadecimal digits"),
    "uuid": (re.compile(r"\s*([0-9a-f]-?){32}\s*$", re.I), "a UUID"),
    "name": (re.compile(r"[\w-]*$", re.ASCII), "letters, digits, - and _"),
}
"""What a text of each other form looks like, and what it is called; a mac address is not a multicast one."""


class _Form(NamedTuple):
    """What one option takes: words, or numbers when there are none."""

    kind: str
    words: frozenset[str]
    empty: bool
    when: tuple[Term, ...]

    def refuses(self, value: str) -> str:
        """What would be right, "" when the value is."""
        if self.empty and not value:
            return ""
        if self.kind == "word":
            return "" if value in self.words else ", ".join(sorted(self.words))
        if self.kind in PATTERNS:
            pattern, what = PATTERNS[self.kind]
            return "" if pattern.match(value) else what
        lowest, highest, what = NUMBERS[self.kind]
        try:
            number = int(value, 10) if self.kind == "decimal" or "x" not in value.lower() else int(value, 16)
        except ValueError:
            return what
        return "" if lowest <= number <= highest and value == value.rstrip() else what


@dataclass(slots=True)
class _Node:
    """The listed attributes and children of an element."""

    attributes: dict[str, _Form] = field(default_factory=dict)
    children: dict[object, _Node] = field(default_factory=dict)


@cache
def _options(at: Release) -> _Node:
    root = _Node()
    for row in facts.table("libvirt/option-values.csv"):
        if not in_release(row, at):
            continue
        kind, _, empty = row["form"].partition("-")
        form = _Form(kind, frozenset(row["values"].split()), bool(empty), terms_of(row["when"]))
        for element in row["elements"].split():
            for option in row["options"].split():
                path, _, attribute = option.partition("@")
                node = root.children.setdefault(element, _Node())
                for step in path.split("/") if path else ():
                    node = node.children.setdefault(step, _Node())
                node.attributes[attribute] = form
    return root


def check_options(setting: Setting) -> None:
    """Refuse an option with a value that libvirt does not take. Raises Refused."""
    known = _options(setting.at)
    for devices in setting.root.iterchildren("devices"):
        for element in devices.iterchildren():
            node = known.children.get(element.tag)
            if node is not None:
                _check(element, node, Subject(element, None, setting))


def _check(element: Element, node: _Node, subject: Subject) -> None:
    forms = node.attributes
    if forms:
        for name, value in element.items():
            form = forms.get(str(name))
            if form is not None:
                right = form.refuses(str(value))
                if right and all(term.holds(subject) for term in form.when):
                    raise Refused(
                        "XML error",
                        f"Invalid value for attribute '{name!s}' in element '{element.tag!s}': '{value!s}' ({right})",
                        label_of(subject.element),
                        line_of(element),
                    )
    if node.children:
        for child in element.iterchildren():
            below = node.children.get(child.tag)
            if below is not None:
                _check(child, below, subject)
