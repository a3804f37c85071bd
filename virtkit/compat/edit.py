"""Changes a few attributes and elements in XML text, and leaves every other character as it was."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.parsers import expat

from virtkit.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["Editor", "escape"]


@dataclass(slots=True)
class _Span:
    """Byte offsets of one element: its start tag [start, inside), its content up to ``outside``, its end."""

    tag: str
    start: int
    inside: int
    outside: int
    end: int
    empty: bool


def escape(value: str) -> str:
    """Text for an attribute value in single or double quotes."""
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), ("'", "&apos;"), ('"', "&quot;")):
        value = value.replace(sign, entity)
    return value


class Editor:
    """Collects edits to the text of a document whose elements are ``root``'s, and makes them in one go.

    ``text`` and ``root`` must be the same document: elements are found by their place in document order.
    """

    __slots__ = ("_data", "_edits", "_index", "_spans")

    def __init__(self, text: str, root: Element) -> None:
        self._data = text.encode("utf-8")
        self._spans = _spans(self._data)
        elements = [element for element in root.iter() if isinstance(element.tag, str)]
        if len(elements) != len(self._spans):
            raise InputError("the text and its elements do not fit together")
        self._index = {element: number for number, element in enumerate(elements)}
        self._edits: list[tuple[int, int, bytes]] = []

    def _span(self, element: Element) -> _Span:
        return self._spans[self._index[element]]

    def set(self, element: Element, attribute: str, value: str) -> None:
        """Gives ``element`` the attribute with this value, in the place and quotes of the old value if any."""
        span = self._span(element)
        tag = self._data[span.start : span.inside]
        written = escape(value).encode()
        found = re.search(rb"\s" + attribute.encode() + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", tag)
        if found:
            begin, end = found.span(1)
            self._edits.append((span.start + begin + 1, span.start + end - 1, written))
            return
        close = len(tag) - (2 if tag.endswith(b"/>") else 1)
        place = span.start + len(tag[:close].rstrip())
        self._edits.append((place, place, b" " + attribute.encode() + b"='" + written + b"'"))

    def unset(self, element: Element, attribute: str) -> None:
        """Takes the attribute away, with the blank before it."""
        span = self._span(element)
        tag = self._data[span.start : span.inside]
        found = re.search(rb"\s+" + attribute.encode() + rb"\s*=\s*(\"[^\"]*\"|'[^']*')", tag)
        if found:
            self._edits.append((span.start + found.start(), span.start + found.end(), b""))

    def remove(self, element: Element) -> None:
        """Takes the element away, with the blanks before it on its line and the line break before those."""
        span = self._span(element)
        start = span.start
        before = self._data[:start]
        bare = before.rstrip(b" \t")
        if bare.endswith(b"\n") and self._data[span.end : span.end + 2].lstrip(b" \t\r")[:1] in (b"\n", b"<", b""):
            start = len(bare) - (2 if bare.endswith(b"\r\n") else 1)
        self._edits.append((start, span.end, b""))

    def append(self, parent: Element, xml: str) -> None:
        """Puts an element's text at the end of ``parent``, indented as its other children are."""
        span = self._span(parent)
        children = [child for child in parent if isinstance(child.tag, str)]
        if span.empty:
            close = self._data[span.start : span.inside]
            place = span.start + len(close[:-2].rstrip())
            self._edits.append((place, span.inside, b">" + xml.encode() + f"</{span.tag}>".encode()))
            return
        if not children:
            self._edits.append((span.inside, span.inside, xml.encode()))
            return
        last = self._span(children[-1])
        before = self._data[: last.start]
        indent = before[len(before.rstrip(b" \t\r\n")) :]
        newline = indent if b"\n" in indent else b""
        lines = xml.encode().replace(b"\n", newline or b"")
        self._edits.append((last.end, last.end, newline + lines))

    def text(self) -> str:
        """The text with all edits made."""
        removed = [(start, end) for start, end, new in self._edits if not new and end > start]
        data = self._data
        for start, end, _, new in sorted(
            ((start, end, number, new) for number, (start, end, new) in enumerate(self._edits)), reverse=True
        ):
            inside = any(a <= start and end <= b and (a, b) != (start, end) for a, b in removed)
            if not inside:
                data = data[:start] + new + data[end:]
        return data.decode("utf-8")


def _spans(data: bytes) -> list[_Span]:
    spans: list[_Span] = []
    open_spans: list[_Span] = []
    parser = expat.ParserCreate("utf-8")

    def start(name: str, _attributes: object) -> None:
        begin = parser.CurrentByteIndex
        inside = _tag_end(data, begin)
        span = _Span(name, begin, inside, inside, inside, data[inside - 2 : inside] == b"/>")
        spans.append(span)
        open_spans.append(span)

    def end(_name: str) -> None:
        span = open_spans.pop()
        if not span.empty:
            span.outside = parser.CurrentByteIndex
            span.end = data.index(b">", span.outside) + 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        raise InputError(f"not well-formed: {problem}") from None
    return spans


def _tag_end(data: bytes, begin: int) -> int:
    """The offset after the ``>`` of the start tag at ``begin``; quotes may hide a ``>``."""
    quote = 0
    for offset in range(begin, len(data)):
        byte = data[offset]
        if quote:
            if byte == quote:
                quote = 0
        elif byte in (0x22, 0x27):
            quote = byte
        elif byte == 0x3E:
            return offset + 1
    return len(data)
