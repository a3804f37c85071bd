"""The shape of a parsed domain: what it has in common with domains that differ only in names, paths and the like.

Its key holds everything that resolution, verdicts and notes read, in the order of the XML: every element, attribute
and text but the open values of ``data/fleet/variable-values.csv``, comments, line breaks, and metadata of other
software. Equal open values have equal marks in the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from virtkit.domain.document import line_of, lines_of_all
from virtkit.domain.frame import Framed
from virtkit.domain.uuids import check_uuid
from virtkit.errors import Refused
from virtkit.fleet.canonical import whole_text
from virtkit.fleet.element_texts import joined_text

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.domain import Domain

__all__ = ["lines_of", "moved_lines", "tree_key"]

_LIBOSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}os"
_OWN = "{urn:virtkit:"
#: Attributes of virtkit's own metadata that identify a domain.
_IDENTITY = frozenset({"name", "namespace"})


def tree_key(domain: Domain) -> bytes:
    """The key of a domain's shape, 16 bytes: domains with the same key get the same verdicts for one question, up to
    lines."""
    document = domain.document
    text = joined_text(domain) or whole_text(document.root)
    parts = [text, *_metadata(document.frame), *(note.encode() for note in domain.notes)]
    if "sysinfo" in domain.children and _uuid_is_refused(domain):
        parts.append(b"refused uuid")
    return blake2b(b"\0".join(parts), digest_size=16).digest()


def lines_of(domain: Domain) -> list[int | None]:
    """The lines of a domain and of its devices, in document order."""
    document = domain.document
    if isinstance(document, Framed):
        return [line_of(document.frame), *document.lines]
    return lines_of_all([document.root, *document.device_elements])


def moved_lines(
    old: Sequence[int | None], new: Sequence[int | None], used: Sequence[object]
) -> dict[object, int] | None:
    """The line in one domain of each line that is ``used`` of another domain of the same shape.

    None where that is not certain: a line on which no device begins, or devices of one line that are on several lines.
    """
    found: dict[object, set[int | None]] = {line: set() for line in used if line is not None}
    for before, after in zip(old, new, strict=True):
        if before in found:
            found[before].add(after)
    moved: dict[object, int] = {}
    for line, places in found.items():
        place = places.pop() if len(places) == 1 else None
        if place is None:
            return None
        moved[line] = place
    return moved


def _uuid_is_refused(domain: Domain) -> bool:
    try:
        check_uuid(domain.children)
    except Refused:
        return True
    return False


def _metadata(root: Element) -> Iterator[bytes]:
    """What is read of the metadata: the guest OS, and the notes of virtkit's own readers."""
    for holder in root.iterchildren("metadata"):
        for element in holder.iter("*"):
            tag = str(element.tag)
            if tag == _LIBOSINFO:
                yield f"{tag} {element.get('id')}".encode()
            elif tag.startswith(_OWN):
                cells = sorted((name, value) for name, value in element.items() if name not in _IDENTITY)
                yield f"{tag} {cells}".encode()
