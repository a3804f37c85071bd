"""One pass over each device's element that checks two tables: the values of options, and the refused combinations.

Both tables are kept as a tree of attributes and children, so the cost depends on the element, not on the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from virtkit.domain.document import line_of
from virtkit.domain.elements.reading import kids_of
from virtkit.errors import Refused
from virtkit.memo import keep
from virtkit.releases import Release
from virtkit.resolution.constraints.conditions import Subject
from virtkit.resolution.constraints.options import Form, options
from virtkit.resolution.constraints.rules import Rule
from virtkit.resolution.constraints.rules import rules as rules_of
from virtkit.resolution.context import Context, Draft

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.devices import Device

__all__ = ["check_elements", "reads_domain"]

OTHERS = ("lease", "audio", "redirfilter")
"""Elements below ``<devices>`` that are not devices with an address."""

_MOST = 256
"""How many plain values are kept of an attribute, and how many elements that are no devices."""


@dataclass(slots=True)
class _Rules:
    """Rules that begin with one path: those for some of its values, and those for all but some (or for any)."""

    by_value: dict[object, list[Rule]] = field(default_factory=dict)
    unless: list[tuple[frozenset[str], Rule]] = field(default_factory=list)

    def add(self, rule: Rule) -> None:
        """Enter a rule by its first term."""
        first = rule.first
        if first.operator == "=":
            for word in first.words:
                self.by_value.setdefault(word, []).append(rule)
        else:
            self.unless.append((first.words if first.operator else frozenset(), rule))

    def of(self, value: object) -> Sequence[Rule]:
        """The rules whose first term holds for a value."""
        found: Sequence[Rule] = self.by_value.get(value, ())
        return [*found, *[rule for words, rule in self.unless if value not in words]] if self.unless else found

    @property
    def reads_domain(self) -> bool:
        """Whether one of the rules reads the domain."""
        every = [rule for rules in self.by_value.values() for rule in rules] + [rule for _, rule in self.unless]
        return any(rule.reads_domain for rule in every)

    def check(self, value: object, subject: Subject) -> None:
        """Raises Refused when a rule holds."""
        found = self.of(value)
        if found and not subject.shadowed:
            for rule in found:
                rule.check(subject)

    def left(self, subject: Subject) -> _Rules | None:
        """Those of the rules that what is written does not exclude, None for none."""
        by_value = {value: _possible(rules, subject) for value, rules in self.by_value.items()}
        kept = _Rules({value: rules for value, rules in by_value.items() if rules})
        kept.unless = [(words, left) for words, rule in self.unless for left in _possible([rule], subject)]
        return kept if kept.by_value or kept.unless else None


@dataclass(slots=True)
class _Attribute:
    """The checks of an attribute: the form of its value, and the rules that begin with it.

    ``plain`` are values that have the form and with which no rule begins: most values recur.
    """

    form: Form | None = None
    rules: _Rules | None = None
    plain: set[object] = field(default_factory=set)

    def note_plain(self, value: object) -> None:
        """Note a value that has the form, unless a rule begins with it."""
        if self.rules is None or not self.rules.of(value):
            if len(self.plain) >= _MOST:
                self.plain.clear()
            self.plain.add(value)

    def add(self, rule: Rule) -> None:
        """Enter a rule."""
        if self.rules is None:
            self.rules = _Rules()
        self.rules.add(rule)


@dataclass(slots=True)
class _Node:
    """The checks of one element: the values of its attributes, and the rules that begin with it or with one of them.

    ``fields`` are rules of a device that begin with one of its fields.
    """

    attributes: dict[object, _Attribute] = field(default_factory=dict)
    children: dict[object, _Node] = field(default_factory=dict)
    fields: dict[str, _Rules] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)

    def attribute(self, name: str) -> _Attribute:
        """The checks of an attribute; they are added when there are none."""
        return self.attributes.setdefault(name, _Attribute())

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
        root.at(element).at(path).attribute(attribute).form = form
    for element, rule in rules_of(at):
        node = root.at(element)
        first = rule.first
        path, _, attribute = first.path.partition("@")
        if first.absent or path.startswith("^"):
            node.rules.append(rule)
        elif path.startswith("."):
            node.fields.setdefault(path[1:], _Rules()).add(rule)
        elif attribute:
            node.at(path).attribute(attribute).add(rule)
        else:
            node.at(path).rules.append(rule)
    return {str(element): node for element, node in root.children.items()}


class _Left(NamedTuple):
    """What is left to check of the elements with one text, in the order of ``_walk``: the rules whose outcome also
    depends on the device as resolved, or on the domain. ``reads_domain`` says whether some depend on the domain."""

    first: tuple[Rule, ...]
    fields: tuple[tuple[str, _Rules], ...]
    last: tuple[Rule, ...]
    reads_domain: bool = False

    def check(self, subject: Subject) -> None:
        """Raises Refused when a rule holds."""
        if subject.shadowed:
            return
        for rule in self.first:
            rule.check(subject)
        for field_, rules in self.fields:
            rules.check(getattr(subject.what, field_, None), subject)
        for rule in self.last:
            rule.check(subject)


_EMPTY = _Node()
_NOTHING = _Left((), (), ())
_ALL = "all"
"""In place of what is left to check: an element with a value that may be refused has to be checked in full."""


def _possible(rules: Iterable[Rule], subject: Subject) -> list[Rule]:
    """The rules of which all terms about what is written hold, with their other terms."""
    return [
        rule._replace(terms=tuple([term for term in rule.terms if not term.is_written]))
        for rule in rules
        if all(term.holds(subject) for term in rule.terms if term.is_written)
    ]


def _left(element: Element, node: _Node, subject: Subject) -> _Left | None:
    """What is left to check of an element, once for all with the same text; None when a value may be refused."""
    first: list[Rule] = []
    for name, value in element.items():
        checks = node.attributes.get(name)
        if checks is None or value in checks.plain:
            continue
        if checks.form is not None and checks.form.refuses(str(value)):
            return None
        checks.note_plain(value)
        if checks.rules is not None:
            first += _possible(checks.rules.of(value), subject)
    for child in element:
        below = node.children.get(child.tag)
        if below is not None:
            inner = _left(child, below, subject)
            if inner is None:
                return None
            first += inner.first + inner.last
    fields = [(name, kept) for name, rules in node.fields.items() if (kept := rules.left(subject)) is not None]
    last = _possible(node.rules, subject)
    if not (first or fields or last):
        return _NOTHING
    domain = any(rule.reads_domain for rule in (*first, *last)) or any(rules.reads_domain for _, rules in fields)
    return _Left(tuple(first), tuple(fields), tuple(last), domain)


def reads_domain(device: Device) -> bool:
    """Whether the tables ask for more than the device and its machine. ``check_elements`` must have seen the text."""
    left = None if device.alike is None else device.alike.checks
    return not isinstance(left, _Left) or left.reads_domain


def check_elements(context: Context, draft: Draft, devices: Iterable[Device]) -> None:
    """Refuse an option value that libvirt does not accept, and a device for which a rule holds. Raises Refused.

    Elements below ``<devices>`` that are no devices are checked, too.
    """
    known = _known(context.at)
    for device in devices:
        alike = device.alike
        left = None if alike is None else alike.checks
        if left is _NOTHING or device.added:  # What is added has no text.
            continue
        node = known.get(device.kind, _EMPTY)
        subject = Subject(device, device.children, context, draft)
        if left is None and alike is not None and alike.recurs:
            left = alike.checks = _left(subject.element, node, subject) or _ALL
        if isinstance(left, _Left):
            left.check(subject)
        elif alike is not None and not alike.recurs:
            _walk(alike.element, node, subject)
        elif (element := device.element) is not None:
            _walk(element, node, subject)
    if not context.names.isdisjoint(OTHERS):
        for holder in context.root.iterchildren("devices"):
            for element in holder.iterchildren(*OTHERS):
                _check_other(element, known.get(str(element.tag), _EMPTY), context, draft)


_others: dict[tuple[object, ...], _Left] = {}
"""What is left to check of elements without children that are no devices, by release, name and attributes."""


def _check_other(element: Element, node: _Node, context: Context, draft: Draft) -> None:
    """Check an element that is no device; most of them recur."""
    key = (context.at, element.tag, *element.items())
    left = None if len(element) else _others.get(key)
    if left is _NOTHING:
        return
    subject = Subject(element, kids_of(element), context, draft)
    if left is None and not len(element):
        left = _left(element, node, subject)
        if left is not None:
            keep(_others, key, left, _MOST)
    if left is None:
        _walk(element, node, subject)
    else:
        left.check(subject)


def _walk(element: Element, node: _Node, subject: Subject) -> None:
    if node.attributes:
        for name, value in element.items():
            checks = node.attributes.get(name)
            if checks is None or value in checks.plain:
                continue
            if checks.form is not None and (expected := checks.form.refuses(str(value))):
                _refuse(element, str(name), expected, checks.form, subject)
            else:
                checks.note_plain(value)
            if checks.rules is not None:
                checks.rules.check(value, subject)
    if node.children:
        for child in element:
            below = node.children.get(child.tag)
            if below is not None:
                _walk(child, below, subject)
    for field_, rules in node.fields.items():
        rules.check(getattr(subject.what, field_, None), subject)
    for rule in node.rules:
        if not subject.shadowed:
            rule.check(subject)


def _refuse(element: Element, name: str, expected: str, form: Form, subject: Subject) -> None:
    """Raises Refused for a value that does not have its form, where the form applies."""
    if all(term.holds(subject) for term in form.when):
        where = f"attribute '{name}' in element '{element.tag!s}'"
        what = f"Invalid value for {where}: '{element.get(name)}'; expected {expected}"
        raise Refused("XML error", what, subject.label, line_of(element))
