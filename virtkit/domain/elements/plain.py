"""Devices whose model is at most one attribute, a row for each, and a few that are similar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.device_classes import DeviceClass
from virtkit.domain.devices import Device, Memory
from virtkit.domain.elements.reading import Read, Reader, kids_of, unless_default
from virtkit.domain.vocabulary import is_listed
from virtkit.errors import FactsError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["hub", "iommu", "memballoon", "memory", "redirdev", "shmem", "simple"]

def simple(one: DeviceClass) -> Read:
    """The reader of a class whose model, if any, is one attribute, as the class declares it.

    A release that knows no value of the attribute does not know the element, and passes it through.
    Raises FactsError when no release knows a value.
    """
    attribute = "" if one.reads is None else one.reads.name
    required = one.reads is not None and one.reads.required
    if attribute and not is_listed(one.element, attribute):
        raise FactsError(f"libvirt/accepted-values.csv: no values for attribute '{attribute}' of <{one.element}>")

    def read(reader: Reader, element: Element, position: int) -> Device | None:
        model: str | None = None
        if required:
            if (one.element, attribute) not in reader.values:
                return None
            model = reader.required(element, attribute)
        elif attribute:
            model = unless_default(reader.check(one.element, attribute, element.get(attribute)))
        return _device(reader, element, position, model)

    return read


def _device(reader: Reader, element: Element, position: int, model: str | None = None) -> Device:
    return reader.common(Device(str(element.tag), element, position, model), kids_of(element))


def hub(reader: Reader, element: Element, position: int) -> Device:
    """A usb hub."""
    reader.required(element, "type")
    return _device(reader, element, position)


def memory(reader: Reader, element: Element, position: int) -> Memory:
    """A memory device."""
    memory = Memory("memory", element, position, reader.required(element, "model"))
    return reader.common(memory, kids_of(element))


def iommu(reader: Reader, element: Element, position: int) -> Device:
    """An IOMMU. A release without the model virtio, the only one with an address, ignores the address of any."""
    kids = kids_of(element)
    device = Device("iommu", element, position, reader.required(element, "model"))
    if "virtio" not in reader.values["iommu", "model"] and kids.pop("address", None) is not None:
        device.remove_child("address")
    return reader.common(device, kids)


def shmem(reader: Reader, element: Element, position: int) -> Device:
    """Shared memory; its model is a child."""
    kids = kids_of(element)
    model = kids.get("model")
    type_ = None if model is None else reader.check("shmem", "model", model.get("type"))
    return reader.common(Device("shmem", element, position, type_), kids)


def memballoon(reader: Reader, element: Element, position: int) -> Device:
    """The memory balloon."""
    model = reader.required(element, "model")
    kids = kids_of(element)
    if model == "none" and kids.pop("address", None) is not None:
        balloon = Device("memballoon", element, position, model, children=kids)
        balloon.remove_child("address")
        return balloon
    return reader.common(Device("memballoon", element, position, model), kids)


def redirdev(reader: Reader, element: Element, position: int) -> Device:
    """A usb device that a client redirects."""
    bus = reader.check("redirdev", "bus", element.get("bus"))
    device = Device("redirdev", element, position)
    if bus is None:
        device.set_attribute("", "bus", "usb")
    return reader.common(device, kids_of(element))
