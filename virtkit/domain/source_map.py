"""The position of each element in the text of a well-formed document, so that edits keep all other bytes."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ElementSpan", "Outline", "outline", "root_spans", "source_map"]

_TAG = re.compile(
    r"<(?:!--.*?--|!\[CDATA\[.*?\]\]|\?.*?\?|(/?)([^\s/>!?]+)[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*)>", re.S
)


class ElementSpan:
    """One element: ``text[start:end]`` is all of it; the start tag ends at ``inner`` and the content at ``outer``.

    An element written as ``<a/>`` has ``inner == outer == end``. Those of an outline find their children in ``text``
    when they are first asked for them.
    """

    __slots__ = ("_children", "_text", "end", "inner", "name", "outer", "start")

    def __init__(self, name: str, start: int, inner: int, text: str | None = None) -> None:
        self.name = name
        self.start = start
        self.inner = inner
        self.outer = inner
        self.end = inner
        self._text = text
        self._children: list[ElementSpan] = []

    @property
    def children(self) -> list[ElementSpan]:
        """The child elements, in order."""
        if self._text is not None:
            self._children = _spans_in(self._text, self.inner, self.outer)
            self._text = None
        return self._children

    def child(self, name: str) -> ElementSpan | None:
        """The first child element of a name."""
        for child in self.children:
            if child.name == name:
                return child
        return None


def source_map(text: str) -> ElementSpan:
    """The root element with all its children. ``text`` must be well-formed XML without a document type."""
    return root_spans(text)[0]


def root_spans(text: str) -> list[ElementSpan]:
    """The root elements of a stream of documents, with all their children. Raises ValueError for unpaired tags."""
    return _spans_in(text, 0, len(text))


def _spans_in(text: str, start: int, end: int) -> list[ElementSpan]:
    # A parent for the outermost elements, so that every element has one.
    holder = ElementSpan("", 0, 0)
    stack = [holder]
    for match in _TAG.finditer(text, start, end):
        closing, name = match.group(1, 2)
        if name is None:
            continue
        end = match.end()
        if closing:
            done = stack.pop()
            if done is holder or done.name != name:
                raise ValueError(f"</{name}> closes no element")
            done.outer = match.start()
            done.end = end
            continue
        span = ElementSpan(name, match.start(), end)
        stack[-1]._children.append(span)
        if text[end - 2] != "/":
            stack.append(span)
    if len(stack) > 1:
        raise ValueError(f"<{stack[-1].name}> is not closed")
    return holder._children


class Outline(NamedTuple):
    """The elements of a domain that a resolution edits: ``<os><type>``, each ``<devices>``, and the devices.

    ``end`` is where the content of the root element ends.
    """

    os_type: ElementSpan | None
    holders: list[ElementSpan]
    devices: list[ElementSpan]
    end: int


def outline(text: str) -> Outline:
    """The outline of a domain. ``text`` must be well-formed XML without a document type."""
    return _quick_outline(text) or _full_outline(text)


def _full_outline(text: str) -> Outline:
    root = source_map(text)
    system = root.child("os")
    holders = [child for child in root.children if child.name == "devices"]
    devices = [child for holder in holders for child in holder.children]
    return Outline(None if system is None else system.child("type"), holders, devices, root.outer)


_HOLDER = re.compile(r"<devices[\s/>]")
_SYSTEM = re.compile(r"<os[\s/>]")
_TYPE = re.compile(r"<type[\s/>]")


def _quick_outline(text: str) -> Outline | None:
    """The outline of a domain with one ``<os>`` and one ``<devices>``; None for any other.

    It steps from device to device and looks into none of them. Where a text has no comment, CDATA section or processing
    instruction, each ``<`` begins a tag.
    """
    if "<!" in text or text.find("<?", 2) >= 0:
        return None
    holders, systems = _HOLDER.findall(text), _SYSTEM.findall(text)
    if len(holders) != 1 or len(systems) != 1:
        return None
    system = _element_at(text, text.index(systems[0]))
    holder = _element_at(text, text.index(holders[0]))
    if system is None or holder is None:
        return None
    types = _TYPE.findall(text, system.inner, system.outer)
    kind = _element_at(text, text.index(types[0], system.inner)) if len(types) == 1 else None
    devices = []
    place = text.find("<", holder.inner, holder.outer)
    while place >= 0:
        device = _element_at(text, place)
        if device is None:
            return None
        devices.append(device)
        place = text.find("<", device.end, holder.outer)
    return None if types and kind is None else Outline(kind, [holder], devices, text.rindex("</"))


def _element_at(text: str, start: int) -> ElementSpan | None:
    """The element that begins at a place; None for one that may have another of its name inside."""
    tag = _TAG.match(text, start)
    if tag is None:
        return None
    name = tag[2]
    span = ElementSpan(name, start, tag.end(), text)
    if text[tag.end() - 2] != "/":
        span.outer = text.index(f"</{name}", span.inner)
        span.end = text.index(">", span.outer) + 1
        if text.find(f"<{name}", span.inner, span.outer) >= 0 or text[span.outer + 2 : span.end - 1].rstrip() != name:
            return None
    return span
