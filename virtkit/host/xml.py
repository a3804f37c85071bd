"""Safe reading of capability documents: bounded, and of XML no entities and no network."""

from __future__ import annotations

import codecs
from pathlib import Path

from lxml import etree

from virtkit.errors import CapabilityError

__all__ = ["load", "parse"]

#: No capability document is larger; 12.8's largest cache is 0.4 MB. Unit: bytes.
_LIMIT = 16 * 1024 * 1024


def load(file: Path) -> bytes:
    """What ``file`` holds, without a byte order mark; raises CapabilityError when that is unreadable or too much."""
    try:
        with file.open("rb") as stream:
            data = stream.read(_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise CapabilityError(f"{file}: cannot be read: {getattr(error, 'strerror', error)}") from None
    if len(data) > _LIMIT:
        raise CapabilityError(f"{file}: larger than {_LIMIT >> 20} MiB: no capability document")
    return data.removeprefix(codecs.BOM_UTF8)


def parse(data: bytes, name: str) -> etree._Element:
    """The root element of ``data``; raises CapabilityError with the line where it breaks off."""
    if not data.strip():
        raise CapabilityError(f"{name}: the capability document is empty")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise CapabilityError(f"{name}: the capability document is corrupt or truncated: {error.msg}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise CapabilityError(f"{name}: a capability document has no document type definition")
    return root
