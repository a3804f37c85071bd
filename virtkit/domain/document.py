"""Safe parsing of domain XML: limits on size and depth, no document type, and a root element called ``domain``."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lxml import etree

from virtkit import limits
from virtkit.errors import InputError, NotADomain
from virtkit.wording import xml_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lxml.etree import _Element as Element

__all__ = [
    "BOMS",
    "FOREIGN_HINTS",
    "HINTS",
    "MAX_BYTES",
    "MAX_LINES",
    "NO_DOCTYPE",
    "Document",
    "codec_of",
    "give_lines",
    "label_of",
    "line_of",
    "lines_of_all",
    "parse",
    "parser",
]

MAX_BYTES = limits.BYTES.most
"""Largest input read, in bytes. The largest real domain seen is under 1 MiB."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: The byte order marks that are recognised, that of UTF-8 first.
BOMS = tuple(mark for mark, _ in _BOMS)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# What may come before a root element; "<!DOCTYPE" is a document type only there.
_DOCTYPE = re.compile(r"\ufeff?(?:\s|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE", re.S)


NO_DOCTYPE = "domain XML must not have a document type (<!DOCTYPE …>); remove it"


@dataclass(frozen=True, slots=True)
class Document:
    """The text as written and its element tree; both stay unchanged.

    ``codec`` is the encoding to write the text back in, ``mark`` the byte order mark that it began with. ``frame`` is
    the root element, with all that is not a device; it may lack devices that ``root`` has, see
    ``virtkit.domain.frame``.
    """

    text: str
    frame: Element
    codec: str
    file: str | None
    mark: bytes = b""

    @property
    def root(self) -> Element:
        """The root element with everything that is written."""
        return self.frame

    @property
    def device_elements(self) -> list[Element]:
        """The children of ``<devices>``, in order; those that are no devices are among them."""
        return [element for holder in self.root.iterchildren("devices") for element in holder.iterchildren("*")]

    def encoded(self, text: str) -> bytes:
        """Another text in the encoding of this document, with its byte order mark."""
        if self.mark == codecs.BOM_UTF8:
            return self.mark + text.encode()
        if self.mark in (codecs.BOM_UTF32_BE, codecs.BOM_UTF16_BE):
            return self.mark + text.encode("utf-32-be" if self.mark == codecs.BOM_UTF32_BE else "utf-16-be")
        return text.encode(self.codec)


def parse(data: bytes, file: str | None = None) -> Document:
    """Read domain XML from bytes.

    External entities are not fetched, and a document type is refused. The size is limited here; libxml2 limits the
    depth to 256 levels.
    Raises InputError (with file and line) for text that is not XML, and NotADomain for XML of something else.
    """
    if len(data) > MAX_BYTES:
        raise InputError(limits.BYTES.too_large, file)
    if not data.strip():
        raise InputError("empty; expected a <domain> element", file)
    codec = codec_of(data)
    try:
        text = data.decode(codec)
    except LookupError:
        what = f"not readable as {codec}: expected a known encoding in the XML declaration"
        raise InputError(what, file, 1) from None
    except UnicodeDecodeError as error:
        wrong = f"not readable as {codec}: got the byte 0x{data[error.start]:02x}"
        remedy = "name the encoding in the XML declaration, or convert the file to UTF-8"
        raise InputError(f"{wrong}; {remedy}", file, data.count(b"\n", 0, error.start) + 1) from None
    doctype = _DOCTYPE.match(text)
    if doctype is not None:
        line = text.count("\n", 0, doctype.end()) + 1
        raise InputError(NO_DOCTYPE, file, line)
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        raise InputError(_malformed(error), file, error.lineno or None) from None
    except ValueError as error:
        raise InputError(f"not readable as XML: {error}", file) from None
    if root.tag != "domain":
        tag = root.tag if isinstance(root.tag, str) else "?"
        hint = HINTS.get(tag, "a libvirt domain begins with <domain>")
        raise NotADomain(f"the root element is <{tag}>, not <domain>; {hint}", file, line_of(root))
    _check_limits(root, len(data), file)
    mark = next((mark for mark in BOMS if data.startswith(mark)), b"")
    return Document(text, root, "utf-8" if codec == "utf-8-sig" else codec, file, mark)


def _check_limits(root: Element, size: int, file: str | None) -> None:
    """Raises InputError for more devices than are accepted, and for a longer attribute."""
    devices = sum(len(part) for part in root.iterchildren("devices"))
    if devices > limits.DEVICES.most:
        what = f"{devices:,} devices; expected at most {limits.DEVICES.size}; {limits.DEVICES.remedy}"
        raise InputError(what, file, line_of(root))
    most = limits.ATTRIBUTE.most
    if size <= most:
        return
    for element in root.iter(etree.Element):
        for name, value in element.attrib.items():
            if len(value) > most:
                what = f"the attribute {name!r} has {len(value):,} characters; expected at most {limits.ATTRIBUTE.size}"
                raise InputError(f"{what}; {limits.ATTRIBUTE.remedy}", file, line_of(element))


def _malformed(error: etree.XMLSyntaxError) -> str:
    if (error.msg or "").startswith("Excessive depth"):
        # libxml2 also advises one of its own options, which does not exist here.
        return f"elements are nested too deeply; expected at most {limits.DEPTH.size} levels; {limits.DEPTH.remedy}"
    return f"not well-formed XML: {xml_problem(error.msg)}"


#: What other documents of libvirt are, by root element.
FOREIGN_HINTS = {
    "Envelope": "this is an OVF descriptor; convert it with virt-v2v and pass the domain XML that virt-v2v writes",
    "VirtualBox": "this is a VirtualBox machine; export it, convert it with virt-v2v, and pass the domain XML",
}
"""What XML of other software is, by its root element."""
HINTS = {
    "network": "this is a virtual network",
    "pool": "this is a storage pool",
    "volume": "this is a storage volume",
    "interface": "this is a host interface",
    "networkport": "this is a port of a virtual network",
    "networkstatus": "this is the status of a virtual network",
    "filter": "this is a network filter",
    "filterbinding": "this is the binding of a network filter",
    "secret": "this is a secret",
    "device": "this is a host device",
    "sysinfo": "this is system information of a host",
    "poolstatus": "this is the status of a storage pool",
    "poolstate": "this is the status of a storage pool",
    "domainCapabilities": "these are capabilities; use them with --qemu",
    "capabilities": "these are capabilities; use them with --qemu",
    "qemuCaps": "this is a capability cache file; use it with --qemu",
}


#: libxml2 holds no line above 65,535. In a tree with a base, lines from here on are distances from that base.
_FAR = 0x8000
MAX_LINES = _FAR
"""The lines of a document below which every element has its line."""
_LARGEST = 0xFFFF
_BASE = "virtkit:lines-after-"


def line_of(element: Element) -> int | None:
    """The line on which an element begins, None when not known."""
    line = cast("int | None", element.sourceline)
    if line is None or line < _FAR:
        return line or None
    base = element.getroottree().docinfo.URL or ""
    return line - _FAR + int(base.removeprefix(_BASE)) if base.startswith(_BASE) else line


def lines_of_all(elements: Sequence[Element]) -> list[int | None]:
    """``line_of`` each of some elements of one tree."""
    lines = cast("list[int | None]", [element.sourceline for element in elements])
    if all(lines) and max(cast("list[int]", lines), default=0) < _FAR:
        return lines
    return [line_of(element) for element in elements]


def give_lines(root: Element, lines: Iterable[int]) -> None:
    """Give the elements of a tree the lines of another text, in document order; 0 stands for an unknown one.

    A line that is further than 32,767 below the first one is not kept when one of them is above 32,767.
    """
    known = list(lines)
    first = min((line for line in known if line), default=0)
    far = max(known, default=0) >= _FAR
    if far:
        root.getroottree().docinfo.URL = f"{_BASE}{first}"
    for element, line in zip(root.iter(), known, strict=True):
        held = line - first + _FAR if far and line else line
        cast("Any", element).sourceline = held if held <= _LARGEST else 0


def label_of(element: Element) -> str:
    """The name of an element's device in messages: "disk vda", "rng"."""
    target = element.find("target")
    name = None if target is None else target.get("dev")
    return f"{element.tag} {name}" if name else str(element.tag)


def codec_of(data: bytes) -> str:
    """The encoding of a document, by its byte order mark or its XML declaration."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec
    declared = _DECLARED.match(data)
    return declared.group(1).decode("ascii").lower() if declared else "utf-8"


def parser() -> etree.XMLParser:
    """A parser for one document: it fetches nothing, and keeps libxml2's limits."""
    # A parser keeps its error log, so each document has its own parser.
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=False)
