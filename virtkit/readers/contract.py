"""What every reader of an input format takes and gives. Readers of other packages use the same classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from virtkit.domain.document import Document, give_lines, parse
from virtkit.errors import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = [
    "SAVE_IMAGE",
    "FoundDomain",
    "Item",
    "NotRead",
    "Reader",
    "ReaderOptions",
    "Reading",
    "Skipped",
    "document_of",
]


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What the command line chooses for readers, by option name: ``{"kubevirt": "1.9", "topology": "v3"}``."""

    values: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class FoundDomain:
    """One domain of an input.

    ``name`` is the name of its result without an ending, empty for that of the file; ``document`` its domain XML, whose
    elements carry the lines of the original; ``notes`` are sentences on what the reader assumed.
    """

    name: str
    document: Document
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotRead:
    """A domain of an input that cannot be read: its name and the error, with file and line."""

    name: str
    error: InputError


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part of an input that is no domain: its name, one sentence that says what it is, and its line."""

    name: str
    reason: str
    line: int | None = None


SAVE_IMAGE = b"LibvirtQemudSave"
"""How a file begins that ``virsh save`` or ``virsh managedsave`` wrote: its domain XML and the memory of the guest."""

@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list. ``data`` reads as a list of this item alone, whose first line is then ``line``.

    ``key`` is the same for items that differ only in names and the like, b"" for one that cannot be compared; ``name``
    is that of its result, ``domain`` and ``uuid`` are those of its domain (``uuid``: "" where it is part of the key).
    """

    data: bytes
    key: bytes
    name: str
    domain: str
    uuid: str
    line: int


Reading = FoundDomain | NotRead | Skipped
"""One part of an input."""


class Reader(Protocol):
    """A reader of one input format."""

    name: str
    """Its name in options and in the entry point group ``virtkit.readers``, such as ``kubevirt``."""
    title: str
    """Its name in messages, such as "KubeVirt YAML"."""

    def detects(self, data: bytes, file: str) -> bool:
        """Whether the bytes look like this format. ``file`` is their label, and may be empty. Must be fast."""

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        """The parts of an input, in order. Raises InputError for an input that cannot be read as a whole."""


def document_of(root: Element, lines: Mapping[Element, int], file: str) -> Document:
    """Domain XML built by a reader as a document whose elements carry the lines of the original.

    ``lines`` gives the line of an element of ``root``; an element without one has that of its parent. Raises InputError
    when the XML is larger or deeper than is accepted.
    """
    from lxml import etree

    etree.indent(root)
    try:
        document = parse(etree.tostring(root, encoding="utf-8"), file)
    except InputError as error:
        # Its line is that of the text that was built.
        raise InputError(error.what, file or None, lines.get(root)) from None
    found: dict[Element, int] = {}
    for built in root.iter():
        parent = built.getparent()
        found[built] = lines.get(built) or (1 if parent is None else found[parent])
    give_lines(document.root, found.values())
    return document
