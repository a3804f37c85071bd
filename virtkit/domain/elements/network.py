"""Network interfaces (NICs) and host devices assigned to the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.devices import Hostdev, Nic
from virtkit.domain.elements.reading import XML, Reader, kids_of
from virtkit.domain.vocabulary import known_nic
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["hostdev", "nic"]


def nic(reader: Reader, element: Element, position: int) -> Nic:
    """A network interface (NIC)."""
    kids = kids_of(element)
    type_ = reader.check("interface", "type", element.get("type")) or "user"
    found = Nic("interface", element, position, type=type_)
    if element.get("type") is None:
        found.set_attribute("", "type", type_)
    model = kids.get("model")
    if model is not None:
        written = model.get("type") or None
        if written is not None:
            found.model = known_nic(written)
            if found.model != written:
                found.set_attribute("model", "type", found.model)
    mac = kids.get("mac")
    if mac is not None:
        found.mac = mac.get("address")
    if type_ == "hostdev":
        source = kids.get("source")
        address = None if source is None else source.find("address")
        found.source = "pci" if address is None else address.get("type")
    return reader.common(found, kids)


def hostdev(reader: Reader, element: Element, position: int) -> Hostdev:
    """A host device that is assigned to the guest."""
    kids = kids_of(element)
    hostdev = Hostdev("hostdev", element, position)
    hostdev.mode = reader.check("hostdev", "mode", element.get("mode")) or "subsystem"
    if element.get("mode") is None:
        hostdev.set_attribute("", "mode", hostdev.mode)
    type_ = element.get("type")
    if type_ is None:
        raise Refused(XML, "Missing required attribute 'type' in element 'hostdev'")
    if hostdev.mode == "subsystem":
        reader.check("hostdev", "type", type_)
    hostdev.type = type_
    model = element.get("model")
    if type_ == "mdev" and model is None:
        raise Refused(XML, "Missing required attribute 'model' in element 'hostdev': mdev needs one")
    if model is not None:
        if ("hostdev:" + type_, "model") not in reader.values:
            raise Refused(XML, f"'model' attribute in <hostdev> is only supported when type='{type_}'")
        reader.check("hostdev:" + type_, "model", model)
        hostdev.model = model
    if type_ == "mdev":
        source = kids.get("source")
        address = None if source is None else source.find("address")
        if address is None or address.get("uuid") is None:
            raise Refused(XML, "Missing required attribute 'uuid' in element 'address'")
    if model == "vfio-ap" and kids.pop("address", None) is not None:
        hostdev.remove_child("address")
    return reader.common(hostdev, kids)
