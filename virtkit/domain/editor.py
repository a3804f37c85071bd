"""Changes a few attributes and elements in XML text, and leaves every other character as it was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.domain.source_map import Span, spans
from virtkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element as Element

__all__ = ["Editor", "escape"]

_ATTRIBUTE = re.compile(r"\s+([^\s=\"']+)\s*=\s*(\"[^\"]*\"|'[^']*')")


def escape(value: str) -> str:
    """Text for an attribute value in single or double quotes."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), ("'", "&apos;"), ('"', "&quot;")):
        value = value.replace(sign, entity)
    return value


class Editor:
    """Collects edits to the text of a document whose elements are ``root``'s, and makes them in one go.

    ``text`` and ``root`` must be the same document: elements are found by their place in document order.
    """

    __slots__ = ("_edits", "_index", "_spans", "_text")

    def __init__(self, text: str, root: Element) -> None:
        self._text = text
        self._spans = list(_flat(spans(text)))
        elements = list(root.iter("*"))
        if len(elements) != len(self._spans):
            raise InputError("the text and its elements do not fit together")
        self._index = {element: number for number, element in enumerate(elements)}
        self._edits: list[tuple[int, int, str]] = []

    def _span(self, element: Element) -> Span:
        return self._spans[self._index[element]]

    def set(self, element: Element, attribute: str, value: str) -> None:
        """Gives ``element`` the attribute with this value, in the place and quotes of the old value if any."""
        span = self._span(element)
        tag = self._text[span.start : span.inner]
        written = escape(value)
        found = _attribute(tag, attribute)
        if found:
            begin, end = found.span(2)
            self._edits.append((span.start + begin + 1, span.start + end - 1, written))
            return
        close = len(tag) - (2 if tag.endswith("/>") else 1)
        place = span.start + len(tag[:close].rstrip())
        self._edits.append((place, place, " " + attribute + "='" + written + "'"))

    def unset(self, element: Element, attribute: str) -> None:
        """Takes the attribute away, with the blank before it."""
        span = self._span(element)
        tag = self._text[span.start : span.inner]
        found = _attribute(tag, attribute)
        if found:
            self._edits.append((span.start + found.start(), span.start + found.end(), ""))

    def remove(self, element: Element) -> None:
        """Takes the element away, with the blanks before it on its line and the line break before those."""
        span = self._span(element)
        start = span.start
        before = self._text[:start]
        bare = before.rstrip(" \t")
        if bare.endswith("\n") and self._text[span.end : span.end + 2].lstrip(" \t\r")[:1] in ("\n", "<", ""):
            start = len(bare) - (2 if bare.endswith("\r\n") else 1)
        self._edits.append((start, span.end, ""))

    def append(self, parent: Element, xml: str) -> None:
        """Puts an element's text at the end of ``parent``, indented as its other children are."""
        span = self._span(parent)
        children = list(parent.iterchildren("*"))
        if span.inner == span.outer == span.end:
            close = self._text[span.start : span.inner]
            place = span.start + len(close[:-2].rstrip())
            self._edits.append((place, span.inner, f">{xml}</{span.name}>"))
            return
        if not children:
            self._edits.append((span.inner, span.inner, xml))
            return
        last = self._span(children[-1])
        before = self._text[: last.start]
        indent = before[len(before.rstrip(" \t\r\n")) :]
        newline = indent if "\n" in indent else ""
        lines = xml.replace("\n", newline or "")
        self._edits.append((last.end, last.end, newline + lines))

    def text(self) -> str:
        """The text with all edits made."""
        removed = [(start, end) for start, end, new in self._edits if not new and end > start]
        data = self._text
        for start, end, _, new in sorted(
            ((start, end, number, new) for number, (start, end, new) in enumerate(self._edits)), reverse=True
        ):
            inside = any(a <= start and end <= b and (a, b) != (start, end) for a, b in removed)
            if not inside:
                data = data[:start] + new + data[end:]
        return data


def _attribute(tag: str, name: str) -> re.Match[str] | None:
    """The attribute of a start tag: group 1 its name, group 2 its value with the quotes."""
    return next((found for found in _ATTRIBUTE.finditer(tag) if found.group(1) == name), None)


def _flat(span: Span) -> Iterator[Span]:
    yield span
    for child in span.children:
        yield from _flat(child)
