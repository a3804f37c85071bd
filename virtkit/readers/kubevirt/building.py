"""The domain that is being built: its element, and the line of the original for each of its devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.readers.kubevirt.instance import Instance

__all__ = ["Building", "add_iommu", "alias", "pci_address"]


class Building:
    """A domain under construction: its root, its devices, and the line that each element came from."""

    def __init__(self) -> None:
        self.root = etree.Element("domain", {"type": "kvm"})
        self.devices = etree.Element("devices")
        self.lines: dict[Element, int] = {}

    def device(self, tag: str, line: int, attributes: dict[str, str] | None = None) -> Element:
        """A new device at the end."""
        element = etree.SubElement(self.devices, tag, attributes)
        self.lines[element] = line
        return element

    def child(self, tag: str, text: str = "", attributes: dict[str, str] | None = None) -> Element:
        """A new child of the domain."""
        element = etree.SubElement(self.root, tag, attributes)
        element.text = text or None
        return element


def alias(element: Element, name: str) -> None:
    """Give a device KubeVirt's alias."""
    etree.SubElement(element, "alias", {"name": f"ua-{name}"})


def pci_address(element: Element, text: str) -> None:
    """Give a device the PCI address DOMAIN:BUS:SLOT.FUNCTION, in hexadecimal digits."""
    domain, bus, slot, function = (int(part, 16) for part in text.replace(".", ":").split(":"))
    place = {"domain": f"0x{domain:04x}", "bus": f"0x{bus:02x}", "slot": f"0x{slot:02x}", "function": f"0x{function:x}"}
    etree.SubElement(element, "address", {"type": "pci"} | place)


def add_iommu(element: Element, instance: Instance, options: dict[str, str] | None = None) -> None:
    """Write the driver options of a virtio device; with encrypted memory, it goes through an IOMMU."""
    found = {**(options or {}), **({"iommu": "on"} if instance.encrypted else {})}
    if found:
        etree.SubElement(element, "driver", found)
