"""Safe reading of XML documents of capabilities: bounded, no entities, no network."""

from __future__ import annotations

from lxml import etree

from virtkit.errors import CapabilityError

__all__ = ["parse"]


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
