"""One pass over each device's element that checks two tables: the values of options, and the refused combinations.

Both tables are kept as a tree of attributes and children, so the cost depends on the element, not on the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from virtkit.domain.document import line_of
from virtkit.errors import Refused
from virtkit.releases import Release
from virtkit.resolution.constraints.conditions import Subject
from virtkit.resolution.constraints.options import Form, options
from virtkit.resolution.constraints.rules import Rule
from virtkit.resolution.constraints.rules import rules as rules_of
from virtkit.resolution.context import Context, Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["check_elements"]

OTHERS = ("lease", "audio", "redirfilter")
"""Elements below ``<devices>`` that are not devices with an address."""


@dataclass(slots=True)
class _Rules:
    """Rules that begin with one path: those for some of its values, and those to check for any value."""

    by_value: dict[object, list[Rule]] = field(default_factory=dict)
    others: list[Rule] = field(default_factory=list)

    def add(self, rule: Rule) -> None:
        """Enter a rule by its first term."""
        first = rule.terms[0]
        if first.operator == "=":
            for word in first.words:
                self.by_value.setdefault(word, []).append(rule)
        else:
            self.others.append(rule)

    def ask(self, value: object, subject: Subject) -> None:
        """Raises Refused when a rule holds."""
        found = self.by_value.get(value)
        if (found or self.others) and not subject.shadowed:
            for rule in (*(found or ()), *self.others):
                rule.check(subject)


@dataclass(slots=True)
class _Node:
    """The checks of one element: the values of its attributes, and the rules that begin with it or with one of them.

    ``fields`` are rules of a device that begin with one of its fields.
    """

    forms: dict[object, Form] = field(default_factory=dict)
    attributes: dict[object, _Rules] = field(default_factory=dict)
    children: dict[object, _Node] = field(default_factory=dict)
    fields: dict[str, _Rules] = field(default_factory=dict)
    rules: _Rules = field(default_factory=_Rules)

    def at(self, path: str) -> _Node:
        """The node of a child; it is added when it does not exist."""
        node = self
        for step in path.split("/") if path else ():
            node = node.children.setdefault(step, _Node())
        return node


@cache
def _known(at: Release) -> dict[str, _Node]:
    root = _Node()
    for element, path, attribute, form in options(at):
        root.at(element).at(path).forms[attribute] = form
    for element, rule in rules_of(at):
        node = root.at(element)
        first = rule.terms[0]
        path, _, attribute = first.path.partition("@")
        if first.absent or path.startswith("^"):
            node.rules.others.append(rule)
        elif path.startswith("."):
            node.fields.setdefault(path[1:], _Rules()).add(rule)
        elif attribute:
            node.at(path).attributes.setdefault(attribute, _Rules()).add(rule)
        else:
            node.at(path).rules.add(rule)
    return {str(element): node for element, node in root.children.items()}


def check_elements(context: Context, draft: Draft) -> None:
    """Refuse an option value that libvirt does not accept, and a device for which a rule holds. Raises Refused."""
    known = _known(context.at)
    devices = draft.devices
    for device in (*devices.in_order(), *devices.graphics):
        node = known.get(device.kind)
        if node is not None and device.element is not None:
            _walk(device.element, node, Subject(device.element, device, context, draft))
    for holder in context.root.iterchildren("devices"):
        for element in holder.iterchildren(*OTHERS):
            node = known.get(str(element.tag))
            if node is not None:
                _walk(element, node, Subject(element, None, context, draft))


def _walk(element: Element, node: _Node, subject: Subject) -> None:
    if node.forms or node.attributes:
        for name, value in element.items():
            form = node.forms.get(name)
            if form is not None:
                expected = form.refuses(str(value))
                if expected and all(term.holds(subject) for term in form.when):
                    where = f"attribute '{name!s}' in element '{element.tag!s}'"
                    what = f"Invalid value for {where}: '{value!s}'; expected {expected}"
                    raise Refused("XML error", what, subject.label, line_of(element))
            rules = node.attributes.get(name)
            if rules is not None:
                rules.ask(value, subject)
    if node.children:
        for child in element.iterchildren():
            below = node.children.get(child.tag)
            if below is not None:
                _walk(child, below, subject)
    for name, rules in node.fields.items():
        rules.ask(getattr(subject.device, name, None), subject)
    node.rules.ask(None, subject)
