"""The position of each element in the text of a well-formed document, so that edits keep all other bytes."""

from __future__ import annotations

import re

__all__ = [
    "ElementSpan",
    "Outline",
    "is_element",
    "is_plain",
    "outline",
    "root_spans",
    "siblings",
    "source_map",
]

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


class Outline:
    """The elements of a domain that a resolution edits: ``<os><type>``, each ``<devices>``, and the devices.

    ``end`` is where the content of the root element ends. ``names`` and ``texts`` are the names and the texts of the
    devices, ``blanks`` what stands before each; ``plain`` says that no text has a comment, CDATA section or processing
    instruction, ``bare`` that the text is plain, and that nothing but blanks stands between the devices of the one
    ``<devices>``. The places are found when they are first asked for.
    """

    __slots__ = ("_os_type", "_places", "_text", "bare", "blanks", "end", "holders", "names", "plain", "texts")

    def __init__(
        self,
        text: str,
        holders: list[ElementSpan],
        blanks: list[str],
        texts: list[str],
        names: list[str],
        end: int,
        *,
        plain: bool,
        bare: bool = False,
    ) -> None:
        """``blanks`` are, for each device, the text since the device before it or the start tag."""
        self._text = text
        self.plain = plain
        self.bare = bare
        self.holders = holders
        self.blanks = blanks
        self.texts = texts
        self.names = names
        self.end = end
        self._places: list[tuple[int, int]] | None = None
        self._os_type: list[ElementSpan | None] = []

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where each device begins and ends."""
        if self._places is None:
            at = self.holders[0].inner if self.holders else 0
            self._places = []
            for blanks, text in zip(self.blanks, self.texts, strict=True):
                start = at + len(blanks)
                at = start + len(text)
                self._places.append((start, at))
        return self._places

    @property
    def os_type(self) -> ElementSpan | None:
        """The element ``<os><type>``, None where there is none."""
        if not self._os_type:
            found = _quick_os_type(self._text) if self.plain else None
            self._os_type.append(found or _os_type(source_map(self._text)))
        return self._os_type[0]


def outline(text: str) -> Outline:
    """The outline of a domain. ``text`` must be well-formed XML without a document type."""
    return _quick_outline(text) or _full_outline(text)


def _full_outline(text: str) -> Outline:
    root = source_map(text)
    holders = [child for child in root.children if child.name == "devices"]
    devices = [child for holder in holders for child in holder.children]
    ends = [holders[0].inner, *[child.end for child in devices]] if holders else []
    blanks = [text[at : child.start] for at, child in zip(ends, devices, strict=False)]
    texts = [text[child.start : child.end] for child in devices]
    return Outline(text, holders, blanks, texts, [child.name for child in devices], root.outer, plain=is_plain(text))


def _os_type(root: ElementSpan) -> ElementSpan | None:
    system = root.child("os")
    return None if system is None else system.child("type")


_SYSTEM = re.compile(r"<os[\s/>]")
_TYPE = re.compile(r"<type[\s/>]")
# An element with the blanks before it, its text and its name; none that has another element of its name inside.
_ELEMENT = re.compile(
    r"""(\s*+)(<([^\s/>]++)(?:[^>"']++|"[^"]*+"|'[^']*+')*+(?:(?<=/)>|>(?:[^<]++|<(?!/?\3[\s/>]))*+</\3\s*+>))"""
)


def is_plain(text: str) -> bool:
    """Whether a text has no comment, CDATA section or processing instruction: then each ``<`` begins a tag."""
    return "<!" not in text and text.find("<?", 2) < 0


def _quick_outline(text: str) -> Outline | None:
    """The outline of a domain with one ``<devices>``; None for any other. It looks into none of the devices."""
    if not is_plain(text) or text.count("<devices") != 1:
        return None
    start = text.index("<devices")
    if text[start + 8 : start + 9] == ">":
        holder = ElementSpan("devices", start, start + 9, text)
        holder.outer = text.index("</devices", holder.inner)
        holder.end = text.index(">", holder.outer) + 1
    else:
        found = _element_at(text, start)
        if found is None or found.name != "devices":
            return None
        holder = found
    devices = siblings(text, holder.inner, holder.outer)
    if devices is None:
        return None
    blanks = [before for before, _, _ in devices]
    texts = [own for _, own, _ in devices]
    names = [name for _, _, name in devices]
    return Outline(text, [holder], blanks, texts, names, text.rindex("</"), plain=True, bare=True)


def siblings(text: str, start: int, end: int) -> list[tuple[str, str, str]] | None:
    """The elements of a part of a plain text: for each the blanks before it, its text and its name.

    None where something else stands between them, or where one may have another of its name inside.
    """
    found: list[tuple[str, str, str]] = _ELEMENT.findall(text, start, end)
    rest = start + sum([len(blanks) + len(element) for blanks, element, _ in found])
    return None if text[rest:end].strip() else found


def is_element(text: str, name: str) -> bool:
    """Whether a part of a plain document that begins with the start tag of an element is this element and no more.

    False, too, where it may have another of its name inside.
    """
    if text.count(f"<{name}") == 1 and (
        text.endswith(f"</{name}>") or (text.endswith("/>") and text.count(">") == 1)
    ):
        return True
    return _ELEMENT.fullmatch(text) is not None


def _quick_os_type(text: str) -> ElementSpan | None:
    """``<os><type>`` of a plain domain with one ``<os>`` that has one ``<type>``; None for any other."""
    systems = _SYSTEM.findall(text)
    system = _element_at(text, text.index(systems[0])) if len(systems) == 1 else None
    types = [] if system is None else _TYPE.findall(text, system.inner, system.outer)
    if system is None or len(types) != 1:
        return None
    return _element_at(text, text.index(types[0], system.inner))


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
