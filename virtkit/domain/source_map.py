"""The position of each element in the text of a well-formed document, so that edits keep all other bytes."""

from __future__ import annotations

import re

__all__ = ["ElementSpan", "root_spans", "source_map"]

_TAG = re.compile(
    r"<(?:!--.*?--|!\[CDATA\[.*?\]\]|\?.*?\?|(/?)([^\s/>!?]+)[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*)>", re.S
)


class ElementSpan:
    """One element: ``text[start:end]`` is all of it; the start tag ends at ``inner`` and the content at ``outer``.

    An element written as ``<a/>`` has ``inner == outer == end``.
    """

    __slots__ = ("children", "end", "inner", "name", "outer", "start")

    def __init__(self, name: str, start: int, inner: int) -> None:
        self.name = name
        self.start = start
        self.inner = inner
        self.outer = inner
        self.end = inner
        self.children: list[ElementSpan] = []

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
    # A parent for the roots, so that every element has one.
    holder = ElementSpan("", 0, 0)
    stack = [holder]
    for match in _TAG.finditer(text):
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
        stack[-1].children.append(span)
        if text[end - 2] != "/":
            stack.append(span)
    if len(stack) > 1:
        raise ValueError(f"<{stack[-1].name}> is not closed")
    return holder.children
