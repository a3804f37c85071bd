"""The controllers that KubeVirt writes. Source: KubeVirt 1.9.0-rc.2, converter/compute/controllers.go and arch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.etree import SubElement

from virtkit.readers.kubevirt.building import add_iommu
from virtkit.readers.kubevirt.disks import bus_of, kind_of, scsi_thread
from virtkit.readers.kubevirt.documents import Mapping

if TYPE_CHECKING:
    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.instance import Instance

__all__ = ["HOLE64", "add_controllers"]

HOLE64 = "kubevirt.io/disablePCIHole64"
"""The annotation that takes away the 64-bit PCI hole."""


def add_controllers(building: Building, instance: Instance) -> None:
    """Add the USB, SCSI and virtio-serial controllers, and a root bus without the 64-bit hole where it is asked for."""
    devices = instance.devices
    model = "qemu-xhci" if _needs_usb(instance) else "none"
    building.device("controller", devices.line, {"type": "usb", "index": "0", "model": model})
    if devices.get("disableHotplug") is not True or any(bus_of(one) == "scsi" for one in devices.items_of("disks")):
        line = devices.line_of("disableHotplug")
        scsi = {"type": "scsi", "index": "0", "model": instance.arch.scsi or instance.virtio}
        element = building.device("controller", line, scsi)
        thread = scsi_thread(instance)
        options = {"iothread": str(thread), "queues": str(instance.cpus)} if thread else {}
        add_iommu(element, instance, options)
    if instance.arch.hole64 and instance.annotations.text(HOLE64).lower() == "true":
        line = instance.annotations.line_of(HOLE64)
        root = building.device("controller", line, {"type": "pci", "index": "0", "model": "pcie-root"})
        SubElement(root, "pcihole64", {"unit": "KiB"}).text = "0"
    if devices.get("autoattachSerialConsole") is not False:
        line = devices.line_of("autoattachSerialConsole")
        serial = {"type": "virtio-serial", "index": "0", "model": instance.virtio}
        add_iommu(building.device("controller", line, serial), instance)


def _needs_usb(instance: Instance) -> bool:
    if instance.arch.usb != "needed":
        return instance.arch.usb == "yes"
    devices = instance.devices
    return (
        any(one.text("bus") == "usb" for one in devices.items_of("inputs"))
        or any(kind_of(one) == "disk" and bus_of(one) == "usb" for one in devices.items_of("disks"))
        or isinstance(devices.get("clientPassthrough"), Mapping)
    )
