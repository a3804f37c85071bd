"""libvirt's own XML: definitions, status files, snapshots, checkpoints, and several documents in one stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from virtkit.domain.document import BOMS, FOREIGN_HINTS, HINTS, NO_DOCTYPE, Document, codec_of, parse
from virtkit.domain.frame import parse_domain
from virtkit.domain.source_map import ElementSpan, root_spans
from virtkit.errors import InputError, NotADomain
from virtkit.readers.contract import SAVE_IMAGE, FoundDomain, Skipped

if TYPE_CHECKING:
    from virtkit.readers.contract import ReaderOptions, Reading

__all__ = ["READER", "LibvirtXml", "held", "uuid_in"]

# The name of the first root element, after a byte order mark, declarations, comments and a document type.
_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?.*?\?>|<!--.*?-->|<![^-\[>]*>)*+<([A-Za-z_][\w.:-]*)", re.S)
# An XML declaration, which may stand only at the beginning of a document.
_DECLARATION = re.compile(r"<\?xml\s")
_COMMENT = re.compile(r"<!--.*?-->", re.S)

_UUID = re.compile(rb"<uuid>\s*([0-9a-fA-F-]{32,36})\s*</uuid>")
_IMAGE_HEADER = 92  # bytes

#: The documents that contain a domain, with the name of each in messages.
HOLDERS = {
    "domstatus": "a domain status file",
    "domainsnapshot": "a snapshot",
    "domaincheckpoint": "a checkpoint",
}


class LibvirtXml:
    """Reads domain XML, and the domain inside the documents that libvirt keeps about one."""

    name = "libvirt"
    title = "libvirt domain XML"

    def detects(self, data: bytes, file: str) -> bool:
        """Whether the first root element is one of libvirt's."""
        if data.startswith((*BOMS[1:], SAVE_IMAGE)):
            return True
        found = _ROOT.match(data)
        if found is None:
            return False
        name = found[1].decode("ascii", "replace")
        return name == "domain" or name in HOLDERS or name in HINTS

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        """The domains of an input. Raises InputError for text that is not well-formed XML."""
        if data.startswith(SAVE_IMAGE):
            data = _xml_of_image(data, file)
        try:
            document = parse_domain(data, file or None)
        except InputError as problem:
            yield from _parts(data, file, problem)
        else:
            yield FoundDomain("", document)


READER = LibvirtXml()


def held(data: bytes) -> str:
    """What a document is that holds an earlier or present state of a domain ("a snapshot"); "" for a definition."""
    if data.startswith(SAVE_IMAGE):
        return "a save image"
    found = _ROOT.match(data)
    return HOLDERS.get(found[1].decode("ascii", "replace"), "") if found else ""


def uuid_in(data: bytes) -> str:
    """The UUID of the first domain in a document of libvirt, in lower case; "" for none."""
    found = _UUID.search(data, max(data.find(b"<domain "), 0))
    return found[1].decode().lower() if found else ""


def _xml_of_image(data: bytes, file: str) -> bytes:
    """The domain XML of a save image: after a header of fixed size, ended by a zero byte.

    Source: observed: libvirt 9.0. Raises InputError.
    """
    start, end = data.find(b"<", len(SAVE_IMAGE)), data.find(b"\0", _IMAGE_HEADER)
    if start != _IMAGE_HEADER or end < 0:
        raise InputError("a save image without domain XML after its header; it may be cut off", file or None)
    return data[start:end]


def _parts(data: bytes, file: str, problem: InputError) -> Iterator[Reading]:
    """The domains of what is not one plain domain document; ``problem`` says why it is not."""
    codec = codec_of(data)
    try:
        text = data.decode(codec)
        roots = root_spans(text)
    except (UnicodeError, LookupError, ValueError):
        raise problem from None
    if any("<!DOCTYPE" in gap for gap in _gaps(text, roots)):
        raise problem if "document type" in problem.what else InputError(NO_DOCTYPE, file or None)
    late = any(found.start() > 0 for found in _DECLARATION.finditer(text, 0, roots[0].start)) if roots else False
    if not isinstance(problem, NotADomain) and len(roots) < 2 and not late:
        raise problem
    written = "utf-8" if codec == "utf-8-sig" else codec
    names: set[str] = set()
    for root in roots:
        for reading in _of_root(text, root, file):
            if isinstance(reading, FoundDomain):
                name = "" if len(roots) == 1 else _new_name(reading.document, names)
                text_of = reading.document.text.lstrip("\n")
                document = replace(reading.document, text=text_of, codec=written)
                yield replace(reading, name=name, document=document)
            else:
                yield reading


def _gaps(text: str, roots: list[ElementSpan]) -> Iterator[str]:
    """What is written before and between the documents of a stream, without comments."""
    start = 0
    for root in roots:
        yield _COMMENT.sub("", text[start : root.start])
        start = root.end


def _of_root(text: str, root: ElementSpan, file: str) -> Iterator[FoundDomain | Skipped]:
    """The domain of one document of a stream."""
    if root.name == "domain":
        try:
            yield FoundDomain("", parse(_padded(text, root), file or None))
        except NotADomain as problem:
            # An element of that name in a namespace: it may be meant as a domain, and is not passed over.
            raise InputError(problem.what, problem.file, problem.line) from None
        return
    _check(text, root, file)
    line = text.count("\n", 0, root.start) + 1
    holder = HOLDERS.get(root.name)
    if holder is None:
        hint = (HINTS | FOREIGN_HINTS).get(root.name, "a libvirt domain begins with <domain>")
        yield Skipped("", f"the root element is <{root.name}>, not <domain>; {hint}", line)
        return
    inner = root.child("domain")
    if inner is None or (inner.child("devices") is None and inner.child("os") is None):
        yield Skipped("", f"this is {holder} without the definition of its domain", line)
        return
    yield FoundDomain("", parse(_padded(text, inner), file or None))


def _padded(text: str, span: ElementSpan) -> bytes:
    """One element of a text as a text of its own, on the same lines."""
    return ("\n" * text.count("\n", 0, span.start) + text[span.start : span.end]).encode()


def _check(text: str, span: ElementSpan, file: str) -> None:
    """Raises InputError when a document that is no domain is not well-formed."""
    with suppress(NotADomain):
        parse(_padded(text, span), file or None)


def _new_name(document: Document, names: set[str]) -> str:
    """The name of a domain of a stream: its own, with a number where an earlier one has the same."""
    own = (document.frame.findtext("name") or "").strip() or "domain"
    name, number = own, 1
    while name in names:
        number += 1
        name = f"{own}.{number}"
    names.add(name)
    return name
