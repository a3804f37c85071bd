"""Domain XML of which only what is new is parsed: devices whose text is known from other domains are left out.

The rest of the document, the frame, is parsed with line breaks in place of those devices, so it has its lines. This is
safe because each text left out is a whole element without namespaces, all stand between the tags of the one
``<devices>``, and there is no comment, CDATA section, processing instruction or document type: the document is
well-formed if and only if its frame is. A document that is laid out in another way than libvirt's, and whatever is not
well-formed, is parsed as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from virtkit import limits
from virtkit.domain.device_classes import DEVICE_CLASSES
from virtkit.domain.document import MAX_LINES, Document, codec_of, line_of, parse, parser
from virtkit.domain.prototypes import OPEN, Written, open_key, samples
from virtkit.domain.source_map import ElementSpan, Outline, is_element, is_plain

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["Framed", "parse_domain"]

_DEVICES = frozenset(one.element for one in DEVICE_CLASSES)
_NAME = re.compile(r"[^\s/>]+")
_START, _END = "<devices>", "</devices>"
_BLANKS = " \t\r\n"
#: Threads take turns with it. What it says of a fault is not used.
_PARSER = parser()
#: Longer documents are parsed as a whole; shorter ones have fewer lines than lxml can count.
_LONGEST = min(limits.ATTRIBUTE.most, limits.BYTES.most, MAX_LINES)


@dataclass(slots=True)
class _Layout:
    """The content of ``<devices>``, from ``inner`` to ``outer``, where each child begins on a line of its own, equally
    indented, as libvirt writes it.

    ``begin`` is what stands between the ``pieces``: the line break, the blanks and "<". A piece that begins with "/" is
    the end tag of the piece before it.
    """

    inner: int
    outer: int
    begin: str
    pieces: list[str]

    def texts(self) -> list[str]:
        """The text of each child."""
        found: list[str] = []
        for piece in self.pieces:
            if piece.startswith("/"):
                found[-1] += self.begin + piece
            else:
                found.append(f"<{piece}")
        return found

    def lines(self, line: int) -> list[int]:
        """The line of each child where ``<devices>`` begins on a line."""
        breaks = self.begin.count("\n")
        found = []
        for piece in self.pieces:
            line += breaks
            if not piece.startswith("/"):
                found.append(line)
            line += piece.count("\n")
        return found


@dataclass(slots=True)
class _Later:
    """What is found out about a document when it is first asked for."""

    root: Element | None = None
    elements: list[Element] = field(default_factory=list)
    outline: Outline | None = None
    lines: list[int] | None = None


class Framed(Document):
    """A document whose known devices are not parsed until its ``root`` is asked for.

    ``written`` has what is known of each child of ``<devices>``, in order; ``fresh`` are the elements in the frame of
    those whose text is new, by number.
    """

    __slots__ = ("_later", "_layout", "fresh", "written")

    fresh: dict[int, Element]
    written: list[Written]
    _layout: _Layout
    _later: _Later

    def __init__(self, text: str, frame: Element, file: str | None, layout: _Layout, written: list[Written]) -> None:
        super().__init__(text, frame, "utf-8", file)
        for name, value in (("written", written), ("fresh", {}), ("_layout", layout), ("_later", _Later())):
            object.__setattr__(self, name, value)

    def _note(self, new: list[_New], elements: list[Element]) -> bool:
        """Keep the elements of what is new; what was seen before becomes known. False where a line is uncertain."""
        if len(new) == len(self.written):
            # Then the frame is the whole document.
            self._later.root, self._later.elements = self.frame, elements
        memo = samples()
        for (position, key, end), element in zip(new, elements, strict=True):
            # libxml2 gives an element the line on which its start tag ends.
            if line_of(element) != self.lines[position]:
                return False
            name, _, value = self.written[position]
            sample = memo.keep(key, end, value, element) if name in _DEVICES and memo.saw(key) else None
            if sample is None:
                self.fresh[position] = element
            else:
                self.written[position] = (name, sample, value)
        return True

    @property
    def root(self) -> Element:
        """The root element with everything that is written; the text is parsed when it is first asked for."""
        later = self._later
        if later.root is None:
            later.root = etree.fromstring(self.text.encode(), parser())
        return later.root

    def element(self, position: int) -> Element:
        """The child of ``<devices>`` with a number."""
        later = self._later
        if not later.elements:
            later.elements = self.device_elements
        return later.elements[position]

    @property
    def outline(self) -> Outline:
        """The places of the devices in the text."""
        later = self._later
        if later.outline is None:
            layout, text = self._layout, self.text
            holder = ElementSpan("devices", layout.inner - len(_START), layout.inner, text)
            holder.outer, holder.end = layout.outer, layout.outer + len(_END)
            names = [name for name, _, _ in self.written]
            blanks = [layout.begin[:-1]] * len(names)
            end = text.rindex("</")
            later.outline = Outline(text, [holder], blanks, layout.texts(), names, end, plain=True, bare=True)
        return later.outline

    @property
    def bounds(self) -> tuple[int, int]:
        """Where the one ``<devices>`` begins and ends in the text."""
        return self._layout.inner - len(_START), self._layout.outer + len(_END)

    @property
    def lines(self) -> list[int]:
        """The line on which each child of ``<devices>`` begins."""
        later = self._later
        if later.lines is None:
            later.lines = self._layout.lines(self.text.count("\n", 0, self._layout.inner) + 1)
        return later.lines

    def line(self, position: int) -> int:
        """The line on which a child of ``<devices>`` begins."""
        return self.lines[position]


def parse_domain(data: bytes, file: str | None = None) -> Document:
    """Read domain XML from bytes as ``parse`` does; of devices whose text is known only the text is read at first.

    Raises InputError and NotADomain as ``parse`` does.
    """
    plain = data.startswith(b"<domain") or codec_of(data) == "utf-8"
    found = _framed(data, file) if plain and len(data) < _LONGEST else None
    return found or parse(data, file)


def _framed(data: bytes, file: str | None) -> Framed | None:
    """The document; None for one that has to be parsed as a whole. What is new in it becomes known."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if OPEN in text:
        # No XML has it, but the keys of known elements do.
        return None
    layout = _layout(text)
    read = None if layout is None else _read(layout)
    if layout is None or read is None or len(read[0]) > limits.DEVICES.most:
        return None
    written, new = read
    parsed = _parsed(_frame_text(text, layout, new), [written[position][0] for position, _, _ in new])
    if parsed is None:
        return None
    frame, elements = parsed
    document = Framed(text, frame, file, layout, written)
    return document if not new or document._note(new, elements) else None


def _layout(text: str) -> _Layout | None:
    """The layout of the first ``<devices>``; None where it does not begin with a line break and a child."""
    inner, outer = text.find(_START) + len(_START), text.rfind(_END)
    body = text[inner:outer]
    begin = body[: body.find("<") + 1]
    if inner < len(_START) or "\n" not in begin or begin[:-1].strip(_BLANKS):
        return None
    return _Layout(inner, outer, begin, body.rstrip(_BLANKS).split(begin)[1:])


_New = tuple[int, str, str]
"""A child whose text is not known, or has to be parsed: its number, its key, and its end tag ("" for none)."""


def _read(layout: _Layout) -> tuple[list[Written], list[_New]] | None:
    """What is known of each child, and those that have to be parsed; None where a piece is no element."""
    memo, pieces = samples(), layout.pieces
    recent, find = memo.recent, memo.find
    written: list[Written] = []
    new: list[_New] = []
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        sample, value = recent(piece) or find(piece), ""
        if sample is None:
            name = _NAME.match(piece)
            if name is None:
                return None
            key, value = open_key(name[0], piece)
            sample = find(key) if value else None
            if sample is None:
                end = pieces[at] if at < len(pieces) and pieces[at].startswith("/") else ""
                if not is_element(f"<{piece}{layout.begin}{end}" if end else f"<{piece}", name[0]):
                    return None
                at += bool(end)
                new.append((len(written), key, end))
                written.append((name[0], None, value))
                continue
        if sample.end:
            if at == len(pieces) or pieces[at] != sample.end:
                return None
            at += 1
        written.append((sample.name, sample, value) if value else sample.written)
    return written, new


def _frame_text(text: str, layout: _Layout, new: list[_New]) -> str:
    """The text with line breaks in place of the children that are known."""
    inner, outer = layout.inner, layout.outer
    if not new:
        end = text[outer:]
        # Nothing behind the devices needs a line.
        breaks = "" if end.count("<") == len((_END, "</domain>")) else "\n" * text.count("\n", inner, outer)
        return f"{text[:inner]}{breaks}{end}"
    texts = layout.texts()
    parts = ["\n" * own.count("\n") for own in texts]
    for position, _, _ in new:
        parts[position] = texts[position]
    begin = layout.begin[:-1]
    behind = inner + len("".join(texts)) + len(begin) * len(texts)
    return f"{text[:inner]}{begin}{begin.join(parts)}{text[behind:]}"


def _parsed(text: str, names: list[str]) -> tuple[Element, list[Element]] | None:
    """The root element of a frame and the children of its ``<devices>``, which have these names; None for another."""
    if not is_plain(text) or text.count("<devices") != 1:
        return None
    try:
        root = etree.fromstring(text.encode(), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None
    holders = list(root.iterchildren("devices"))
    if root.tag != "domain" or len(holders) != 1:
        return None
    elements = list(holders[0].iterchildren("*"))
    return (root, elements) if [element.tag for element in elements] == names else None
