"""Disks, controllers and filesystems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address_reader import INT, signed, unsigned
from virtkit.domain.devices import Controller, Disk, Filesystem
from virtkit.domain.elements.reading import CFG, XML, Reader, kids_of, unless_default
from virtkit.domain.targets import bus_of, ide_floppy_name, number
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["controller", "disk", "filesystem"]


def disk(reader: Reader, element: Element, position: int) -> Disk:
    """A disk, with the bus that libvirt would choose."""
    kids = kids_of(element)
    disk = Disk("disk", element, position)
    disk.type = reader.check("disk", "type", element.get("type")) or "file"
    disk.device = reader.check("disk", "device", element.get("device")) or "disk"
    target = kids.get("target")
    name = None if target is None else target.get("dev")
    if not name:
        raise Refused(XML, "missing target device name: expected <target dev='…'> in <disk>", "disk")
    disk.target, disk.number = name, number(name)
    bus: str | None = None
    if target is not None:
        bus = reader.check("disk", "bus", target.get("bus"))
    disk.written_bus = bus
    if bus is None:
        bus = bus_of(disk, reader.at)
        disk.set_attribute("target", "bus", bus)
    disk.bus = bus
    disk.model = unless_default(reader.check("disk", "model", element.get("model")))
    if disk.model is None and element.get("model") is not None:
        disk.unset_attribute("", "model")
    serial = kids.get("serial")
    if serial is not None:
        disk.serial = (serial.text or "").strip()
    reader.common(disk, kids)
    ide_floppy_name(disk)
    if (disk.device == "floppy") != (disk.bus == "fdc"):
        kind = "floppy disk" if disk.device == "floppy" else "disk"
        raise Refused("internal error", f"Invalid bus type '{disk.bus}' for {kind}", disk.label)
    if disk.device == "cdrom" and disk.bus == "virtio":
        raise Refused(CFG, f"disk type of '{name}' does not support ejectable media", disk.label)
    return disk


def controller(reader: Reader, element: Element, position: int) -> Controller:
    """A controller of any type."""
    kids = kids_of(element)
    type_ = element.get("type")
    type_ = "ide" if type_ is None else type_
    reader.check("controller", "type", type_, CFG)
    controller = Controller("controller", element, position)
    if element.get("type") is None:
        controller.set_attribute("", "type", type_)
    controller.type = type_
    index = element.get("index")
    if index is not None:
        controller.index = unsigned(index, "index", "controller", "Expected non-negative value", INT, base=10)
        if index != str(controller.index):
            controller.set_attribute("", "index", str(controller.index))
    model = element.get("model")
    if model is not None:
        if ("controller:" + type_, "model") not in reader.values:
            raise Refused(CFG, f"Unknown model type '{model}': a {type_} controller has no models")
        reader.check("controller:" + type_, "model", model, CFG)
        controller.model = model
    child = kids.get("model")
    if child is not None:
        name = child.get("name")
        controller.model_name = None if name == "none" else name
    target = kids.get("target")
    if target is not None and type_ == "pci":
        _pci_target(controller, target)
    if type_ in ("usb", "virtio-serial"):
        ports = element.get("ports")
        if ports is not None:
            controller.ports = unsigned(ports, "ports", "controller", most=INT, base=10)
            if type_ == "usb" and controller.ports == 0:
                raise Refused(XML, "Invalid value for attribute 'ports' in element 'controller': Zero is not permitted")
    if type_ == "usb" and model == "none":
        for name in ("address", "master"):
            if kids.pop(name, None) is not None:
                controller.remove_child(name)
    master = kids.get("master")
    if master is not None:
        startport = master.get("startport")
        controller.startport = 0 if startport is None else unsigned(startport, "startport", "master", base=10)
        if startport is None:
            controller.set_attribute("master", "startport", "0")
    serial = kids.get("serial")
    if serial is not None:
        controller.serial = (serial.text or "").strip()
    return reader.common(controller, kids)


def _pci_target(controller: Controller, target: Element) -> None:
    options = controller.options
    for name in ("chassisNr", "chassis", "port", "busNr", "index", "memReserve"):
        text = target.get(name)
        if text is not None:
            options[name] = signed(text, name, "target")
    hotplug = target.get("hotplug")
    if hotplug is not None and hotplug not in ("on", "off"):
        what = f"Invalid value for attribute 'hotplug' in element 'target': '{hotplug}'"
        raise Refused(XML, f"{what}; expected on or off")
    controller.hotplug = hotplug
    node = target.find("node")
    if node is not None:
        controller.node = signed((node.text or "").strip(), "node", "target")


def filesystem(reader: Reader, element: Element, position: int) -> Filesystem:
    """A folder of the host that the guest mounts."""
    kids = kids_of(element)
    filesystem = Filesystem("filesystem", element, position)
    filesystem.model = reader.check("filesystem", "model", element.get("model"))
    driver = kids.get("driver")
    if driver is not None:
        written = reader.check("filesystem", "driver", driver.get("type"))
        filesystem.driver = unless_default(written) or "path"
        if written == "default":
            filesystem.unset_attribute("driver", "type")
    return reader.common(filesystem, kids)
