"""The mark of a domain that QEMU placed: its devices are complete, and libvirt adds, moves and refuses nothing.

Readers of inputs that reach QEMU without libvirt write it into ``<metadata>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["CHOSEN", "PLACED_NAMESPACE", "PLACED_TAG", "QEMU", "placed_by_qemu"]

PLACED_NAMESPACE = "urn:virtkit:placed:1"
PLACED_TAG = f"{{{PLACED_NAMESPACE}}}placed"
"""The element of the mark; its attribute ``by`` names who placed the devices."""
QEMU = "qemu"
CHOSEN = f"{{{PLACED_NAMESPACE}}}chosen"
"""The attribute of an address that the input does not name: slot (QEMU's choice), chipset, or table (Proxmox VE's)."""


def placed_by_qemu(root: Element) -> bool:
    """Whether the domain with this root element is marked as placed by QEMU."""
    for metadata in root.iterchildren("metadata"):
        for found in metadata.iterchildren(PLACED_TAG):
            return found.get("by") == QEMU
    return False
