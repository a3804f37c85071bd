"""Safe reading of capability documents: bounded size, no XML entities, no network."""

from __future__ import annotations

import codecs
from pathlib import Path

from lxml import etree

from virtkit import limits
from virtkit.errors import CapabilityError
from virtkit.wording import xml_problem

__all__ = ["load", "parse"]


def load(file: Path) -> bytes:
    """The bytes of ``file`` without a byte order mark; raises CapabilityError when it is unreadable or too large."""
    try:
        with file.open("rb") as stream:
            data = stream.read(limits.BYTES.most + 1)
    except (OSError, ValueError) as error:
        raise CapabilityError(f"{file}: cannot be read: {getattr(error, 'strerror', error)}") from None
    if len(data) > limits.BYTES.most:
        raise CapabilityError(f"{file}: {limits.BYTES.too_large}")
    return data.removeprefix(codecs.BOM_UTF8)


def parse(data: bytes, name: str) -> etree._Element:
    """The root element of ``data``; raises CapabilityError with the line of the error."""
    if not data.strip():
        raise CapabilityError(f"{name}: the capability document is empty")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise CapabilityError(f"{name}: {_problem(error)}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise CapabilityError(f"{name}: expected a capability document without a document type definition")
    return root


def _problem(error: etree.XMLSyntaxError) -> str:
    what = xml_problem(error.msg)
    if what.startswith("Excessive depth"):
        return f"elements are nested too deeply; expected at most {limits.DEPTH.size} levels; {limits.DEPTH.remedy}"
    return f"the capability document is corrupt or truncated: {what}"
