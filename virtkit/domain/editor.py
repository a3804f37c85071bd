"""The one editor of domain XML: makes edits in the text of a document, and leaves every other character as it was.

``rewritten`` and ``new_element`` serve a resolution, which edits devices; an ``Editor`` serves changes of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from virtkit.domain.address import NUMBERS, Address, PciAddress
from virtkit.domain.edits import AppendChild, Edit, RemoveChild, SetAddress, SetAttribute, SetText, UnsetAttribute
from virtkit.domain.source_map import ElementSpan, source_map
from virtkit.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = [
    "STEP",
    "Editor",
    "address_element",
    "escape",
    "indent_of",
    "line_break_of",
    "new_element",
    "rewritten",
    "with_attributes",
]

STEP = "  "
"""How much deeper a new child is indented."""

_UNSAFE = re.compile(r"[&<>'\"]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&apos;", '"': "&quot;"}


def escape(value: str) -> str:
    """Text that is safe between tags, and in an attribute with either kind of quotes."""
    if value.isalnum() or _UNSAFE.search(value) is None:
        return value
    return _UNSAFE.sub(lambda sign: _ENTITIES[sign[0]], value)


def line_break_of(text: str) -> str:
    """How the lines of a text end."""
    return "\r\n" if "\r\n" in text else "\n"


def indent_of(text: str, start: int) -> str:
    """The line break and the blanks before an element; two steps for an element that does not begin its line."""
    line = text.rfind("\n", 0, start) + 1
    lead = text[line:start]
    line_break = "\r\n" if text.startswith("\r\n", max(line - 2, 0)) else "\n"
    return line_break + (STEP * 2 if lead.strip() else lead)


# Attributes


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Matches a start tag up to an attribute, past the attributes before it: a value may look like an attribute."""
    value = "\"[^\"]*\"|'[^']*'"
    return re.compile(rf"<[^\s/>]+(?:\s+[^\s=\"']+\s*=\s*(?:{value}))*?(\s+{re.escape(name)}\s*=\s*)({value})")


def _attribute(tag: str, name: str) -> re.Match[str] | None:
    """The attribute of a start tag: group 1 its name with the blanks before it, group 2 its value with the quotes."""
    return _pattern(name).match(tag) if name in tag else None


def with_attributes(tag: str, attributes: Iterable[tuple[str, str]]) -> str:
    """A start tag with attributes set: in place where they stand, else at the end."""
    for name, value in attributes:
        found = _attribute(tag, name)
        if found is not None:
            begin, end = found.span(2)
            tag = f"{tag[: begin + 1]}{escape(value)}{tag[end - 1 :]}"
        else:
            end = len(tag[: -2 if tag.endswith("/>") else -1].rstrip())
            tag = f"{tag[:end]} {name}='{escape(value)}'{tag[end:]}"
    return tag


def _without_attribute(tag: str, name: str) -> str:
    found = _attribute(tag, name)
    return tag if found is None else tag[: found.start(1)] + tag[found.end() :]


# Elements


class _Grouped:
    """The edits of one element by what they are about; ``below`` holds those of each child, None those of new ones."""

    __slots__ = ("address", "below", "own", "removed", "text", "unset")

    def __init__(self, edits: Iterable[Edit]) -> None:
        self.own: list[tuple[str, str]] = []
        self.unset: list[str] = []
        self.removed: list[str] = []
        self.text = ""
        self.below: dict[str | None, list[Edit]] = {}
        self.address: Address | None = None
        for edit in edits:
            if isinstance(edit, SetAttribute):
                if edit.path:
                    head, _, rest = edit.path.partition("/")
                    self.below.setdefault(head, []).append(SetAttribute(rest, edit.name, edit.value))
                else:
                    self.own.append((edit.name, edit.value))
                    if edit.name in self.unset:  # the later edit counts
                        self.unset.remove(edit.name)
            else:
                self._add(edit)

    def _add(self, edit: Edit) -> None:
        if isinstance(edit, SetAddress):
            self.address = edit.address
        elif isinstance(edit, RemoveChild):
            self.removed.append(edit.name)
        elif isinstance(edit, AppendChild):
            self.below.setdefault(None, []).append(edit)
        elif edit.path:
            head, _, rest = edit.path.partition("/")
            self.below.setdefault(head, []).append(edit._replace(path=rest))
        elif isinstance(edit, UnsetAttribute):
            self.unset.append(edit.name)
        elif isinstance(edit, SetText):
            self.text += edit.value


def new_element(name: str, edits: Sequence[Edit], indent: str) -> str:
    """A new element, with what the edits set; ``indent`` is the line break and the blanks before it."""
    grouped = _Grouped(edits)
    own = "".join(f" {attribute}='{escape(value)}'" for attribute, value in grouped.own)
    if grouped.below or grouped.address is not None:
        children = _new_children(grouped, indent)
        body = "".join(f"{indent}{STEP}{child}" for child in children)
        return f"<{name}{own}>{body}{indent}</{name}>"
    return f"<{name}{own}>{escape(grouped.text)}</{name}>" if grouped.text else f"<{name}{own}/>"


def _new_children(grouped: _Grouped, indent: str) -> list[str]:
    """The children that edits of an element at ``indent`` add, the address last."""
    found = [
        new_element(name, edits, indent + STEP)
        if name is not None
        else "".join(edit.xml for edit in edits if isinstance(edit, AppendChild))
        for name, edits in grouped.below.items()
    ]
    if grouped.address is not None:
        found.append(address_element(grouped.address, indent + STEP))
    return found


def rewritten(text: str, span: ElementSpan, edits: Sequence[Edit], indent: str) -> str:
    """The text of a written element with the edits made; ``indent`` is the line break and the blanks before it."""
    grouped = _Grouped(edits)
    tag = text[span.start : span.inner]
    if grouped.own:
        tag = with_attributes(tag, grouped.own)
    for name in grouped.unset:
        tag = _without_attribute(tag, name)
    if not (grouped.below or grouped.removed or grouped.text or grouped.address is not None):
        return tag + text[span.inner : span.end]
    # Most devices only get an address; then nothing inside changes, and there is no need to look for the children.
    apart = grouped.below or grouped.removed or text.find("<address", span.inner, span.outer) >= 0
    body = _kept_children(text, span, grouped, indent) if apart else text[span.inner : span.outer]
    if grouped.below or grouped.address is not None:
        new = _new_children(grouped, indent)
        body = body.rstrip() + "".join(f"{indent}{STEP}{child}" for child in new) + indent
    body += escape(grouped.text)
    if span.inner == span.end:
        return f"{tag[:-2].rstrip()}>{body}</{span.name}>" if body else tag
    return f"{tag}{body}{text[span.outer : span.end]}"


def _kept_children(text: str, span: ElementSpan, grouped: _Grouped, indent: str) -> str:
    """The content of an element with its children edited; the edits that were made are removed from ``grouped``."""
    pieces = []
    at = span.inner
    for child in span.children:
        if child.name in grouped.removed:
            inner = ""
        elif child.name in grouped.below:
            inner = rewritten(text, child, grouped.below.pop(child.name), indent + STEP)
        elif child.name == "address" and grouped.address is not None:
            inner = _readdressed(text, child, grouped.address, indent + STEP)
            grouped.address = None
        else:
            continue
        pieces.append(text[at : child.start])
        pieces.append(inner)
        at = child.end
    pieces.append(text[at : span.outer])
    return "".join(pieces)


# Addresses


def _readdressed(text: str, span: ElementSpan, address: Address, indent: str) -> str:
    """An ``<address>`` element with its numbers set; its other attributes and children are kept."""
    kind = _attribute(text[span.start : span.inner], "type")
    if kind is None or kind.group(2)[1:-1] != address.type:
        return address_element(address, indent)
    pairs = list(address.pairs())
    edits: list[Edit] = [SetAttribute("", name, value) for name, value in pairs]
    # Numbers of another form go, and so do those of an address that names no place, with its multifunction mark.
    edits += [UnsetAttribute("", name) for name in sorted(NUMBERS.difference(name for name, _ in pairs))]
    if isinstance(address, PciAddress) and address.uid is not None:
        edits.append(SetAttribute("zpci", "uid", f"0x{address.uid:04x}"))
        if address.fid is not None:
            edits.append(SetAttribute("zpci", "fid", f"0x{address.fid:08x}"))
    return rewritten(text, span, edits, indent)


def address_element(address: Address, indent: str = "") -> str:
    """The text of an ``<address>`` element; ``indent`` is a line break with the blanks before it."""
    if isinstance(address, PciAddress) and not address.empty:
        # The most common case has its own code, for speed.
        multi = f" multifunction='{address.multifunction}'" if address.multifunction else ""
        head = (
            f"<address type='pci' domain='0x{address.domain:04x}' bus='0x{address.bus:02x}' "
            f"slot='0x{address.slot:02x}' function='0x{address.function:x}'{multi}"
        )
        if address.uid is None:
            return head + "/>"
        fid = "" if address.fid is None else f" fid='0x{address.fid:08x}'"
        return f"{head}>{indent}{STEP}<zpci uid='0x{address.uid:04x}'{fid}/>{indent}</address>"
    return f"<address type='{address.type}'" + "".join(f" {k}='{v}'" for k, v in address.pairs()) + "/>"


# Documents


class Editor:
    """Collects edits to the text of a document whose elements are ``root``'s, and makes them all at once.

    ``text`` and ``root`` must be the same document: elements are found by their place in document order.
    Raises InputError when they are not.
    """

    __slots__ = ("_appended", "_index", "_removed", "_spans", "_tags", "_text")

    def __init__(self, text: str, root: Element) -> None:
        self._text = text
        self._spans = list(_flat(source_map(text)))
        elements = list(root.iter("*"))
        if len(elements) != len(self._spans):
            raise InputError(f"the text has {len(self._spans)} elements, the tree {len(elements)}; expected the same")
        self._index = {element: number for number, element in enumerate(elements)}
        self._tags: dict[Element, list[Edit]] = {}
        self._appended: dict[Element, list[str]] = {}
        self._removed: list[tuple[int, int]] = []

    def _span(self, element: Element) -> ElementSpan:
        return self._spans[self._index[element]]

    def set(self, element: Element, attribute: str, value: str) -> None:
        """Give ``element`` the attribute with this value, in the place and quotes of the old value if any."""
        self._tags.setdefault(element, []).append(SetAttribute("", attribute, value))

    def unset(self, element: Element, attribute: str) -> None:
        """Remove the attribute, with the blanks before it."""
        self._tags.setdefault(element, []).append(UnsetAttribute("", attribute))

    def remove(self, element: Element) -> None:
        """Remove the element, with the blanks before it on its line and the line break before those."""
        span = self._span(element)
        start = span.start
        before = self._text[:start]
        bare = before.rstrip(" \t")
        if bare.endswith("\n") and self._text[span.end : span.end + 2].lstrip(" \t\r")[:1] in ("\n", "<", ""):
            start = len(bare) - (2 if bare.endswith("\r\n") else 1)
        self._removed.append((start, span.end))

    def append(self, parent: Element, xml: str) -> None:
        """Put an element's text at the end of ``parent``, indented as its other children are."""
        self._appended.setdefault(parent, []).append(xml)

    def text(self) -> str:
        """The text with all edits made; an edit inside a removed element has no effect."""
        found: list[tuple[int, int, str]] = [(start, end, "") for start, end in self._removed]
        for element in {**self._tags, **self._appended}:
            found += self._edited(element)
        data = self._text
        for start, end, new in sorted(found, reverse=True):
            if not any(a <= start < b and end <= b and (a, b) != (start, end) for a, b in self._removed):
                data = data[:start] + new + data[end:]
        return data

    def _edited(self, element: Element) -> Iterator[tuple[int, int, str]]:
        """The replacements that the edits of one element take: its start tag, and what is appended."""
        span, text = self._span(element), self._text
        tag, new = text[span.start : span.inner], self._appended.get(element, ())
        for edit in self._tags.get(element, ()):
            if isinstance(edit, SetAttribute):
                tag = with_attributes(tag, [(edit.name, edit.value)])
            elif isinstance(edit, UnsetAttribute):
                tag = _without_attribute(tag, edit.name)
        if new and span.inner == span.end:
            tag = f"{tag[:-2].rstrip()}>{''.join(new)}</{span.name}>"
        if tag != text[span.start : span.inner]:
            yield span.start, span.inner, tag
        if new and span.inner != span.end:
            place, before = (span.children[-1].end, _blanks(text, span.children[-1].start)) if span.children else (
                span.inner, "",
            )  # fmt: skip
            yield place, place, "".join(before + xml.replace("\n", before) for xml in new)


def _blanks(text: str, start: int) -> str:
    """The line break and the blanks before an element; "" for an element that does not begin its line."""
    before = text[:start]
    blanks = before[len(before.rstrip(" \t\r\n")) :]
    return blanks if "\n" in blanks else ""


def _flat(span: ElementSpan) -> Iterator[ElementSpan]:
    yield span
    for child in span.children:
        yield from _flat(child)
