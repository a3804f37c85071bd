"""What QEMU refuses of a device for which libvirt has chosen a place.

Source: observed, libvirt 9.0, 11.3 and 12.8 with QEMU 7.2, 10.0 and 11.1.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from virtkit import facts
from virtkit.domain.address import DriveAddress, PciAddress
from virtkit.domain.devices import Chardev, Controller, Memory, Nic
from virtkit.errors import Refused
from virtkit.hotplug.device import target_name
from virtkit.resolution.context import Draft, drivers
from virtkit.resolution.defaults import controllers
from virtkit.virtio.devices import driver_of

if TYPE_CHECKING:
    from virtkit.domain.device_classes import Inventory
    from virtkit.domain.devices import Device
    from virtkit.resolution.context import Context

__all__ = [
    "ScsiUnits",
    "check_bus",
    "check_driver",
    "check_memory",
    "check_port_name",
    "check_property",
    "check_transport",
    "check_unit",
    "scsi_units",
]

CFG = "unsupported configuration"
INT = "internal error"

_WITH_DRIVER = {"watchdog": "watchdog", "interface": "interface", "controller": "scsi"}
"""The kinds of device whose driver is looked up by model, with what the facts call them."""


def _refused(what: str, device: Device) -> Refused:
    """A refusal that QEMU gives, as libvirt passes it on."""
    return Refused(INT, f"unable to execute QEMU command 'device_add': {what}", device.label)


def check_driver(context: Context, devices: Inventory, device: Device) -> None:
    """Refuse a model that QEMU lacks; on ccw there are no transitional models. Raises Refused."""
    if isinstance(device, Chardev) and device.target in ("pci-serial", "usb-serial"):
        if context.emulator.has(device.target) is False:
            raise Refused(CFG, f"'{device.target}' is not supported in this QEMU binary", device.label)
        return
    virtio = driver_of(context, devices, device)
    name, type_ = _driver(device) if virtio is None else (virtio.name, virtio.name)
    if name and context.emulator.has(type_) is False:
        raise _refused(f"'{name}' is not a valid device model name", device)


def _driver(device: Device) -> tuple[str, str]:
    """QEMU's driver for a NIC, watchdog or SCSI controller, and the type to look for; both "" for others."""
    if not device.model or (isinstance(device, Nic) and device.type == "hostdev"):
        return "", ""
    if device.kind not in _WITH_DRIVER or (isinstance(device, Controller) and device.type != "scsi"):
        return "", ""
    return drivers().get((_WITH_DRIVER[device.kind], device.model), (device.model, device.model))


def check_bus(context: Context, devices: Inventory, device: Device) -> None:
    """Refuse a device on a bus of pc that libvirt chooses, but that takes no hot plug in QEMU. Raises Refused.

    These are a pci-expander-bus, and the root bus without ACPI or with hotplug='off'.
    """
    at = device.address
    if context.family.chipset != "i440fx" or not isinstance(at, PciAddress) or at.empty:
        return
    bus = controllers.find(Draft(devices), "pci", at.bus)
    if bus is None:
        return
    without_acpi = bus.model == "pci-root" and context.root.find("features/acpi") is None
    if without_acpi or bus.model == "pci-expander-bus" or bus.hotplug == "off":
        raise _refused(f"Bus 'pci.{at.bus}' does not support hotplugging", device)


def check_memory(context: Context, device: Memory) -> None:
    """Refuse a DIMM on an ARM machine without ACPI, where nothing reports it to the guest. Raises Refused."""
    arm = context.family.name in ("aarch64-virt", "armv7l-virt")
    if arm and device.model in ("dimm", "nvdimm") and context.root.find("features/acpi") is None:
        raise _refused("memory hotplug is not enabled: missing acpi-ged device", device)


def check_property(context: Context, device: Device) -> None:
    """Refuse a NIC of PCI for which libvirt, on a ccw machine, chose no address of PCI. Raises Refused.

    libvirt hands QEMU a ccw address for a NIC of any model; a written PCI address is taken.
    """
    if not context.family.ccw or not isinstance(device, Nic) or device.type == "hostdev":
        return
    if isinstance(device.address, PciAddress):
        driver = drivers().get((device.kind, device.model or ""), (device.model, ""))[0]
        raise _refused(f"Property '{driver}.devno' not found", device)


def check_transport(context: Context, device: Device) -> None:
    """Refuse a written address of a transport that takes no hot plug, or that the machine lacks. Raises Refused."""
    form = device.form
    if form == "ccw" and not context.family.ccw:
        what = f"cannot use CCW address type for device '<null>' using machine type '{context.machine}'"
        raise Refused(CFG, what, device.label)
    if form == "virtio-mmio" and not isinstance(device, Nic):
        if context.family.mmio:
            raise _refused("Bus 'virtio-mmio-bus.31' does not support hotplugging", device)
        raise _refused("No 'virtio-bus' bus found for device", device)


def check_port_name(devices: Inventory, device: Device) -> None:
    """Refuse a second virtio-serial port of the same name. Raises Refused."""
    name = target_name(device)
    if name and any(target_name(one) == name for one in devices.channels):
        raise _refused(f"virtio-serial-bus: A port already exists by name {name}", device)


def check_unit(devices: Inventory, device: Device) -> None:
    """Refuse a unit that the SCSI controller lacks, after libvirt has added the controllers. Raises Refused."""
    at = device.address
    if isinstance(at, DriveAddress):
        controller = controllers.find(Draft(devices), "scsi", at.controller)
        room = None if controller is None else scsi_units().get(controller.model or "")
        if room is not None and room.units is not None and at.unit >= room.units:
            raise _refused(f"bad scsi device {room.number}: {at.unit}", device)


class ScsiUnits(NamedTuple):
    """What a SCSI controller model takes: libvirt's last and reserved unit, and how many units QEMU has.

    ``number`` is what QEMU takes the unit for: "id" or "lun". None where there is no such limit.
    """

    last: int | None
    reserved: int | None
    units: int | None
    number: str


@cache
def scsi_units() -> dict[str, ScsiUnits]:
    """The limits of each SCSI controller model that has some, from ``data/qemu/scsi-units.csv``."""
    return {
        row["model"]: ScsiUnits(_int(row["last"]), _int(row["reserved"]), _int(row["units"]), row["number"])
        for row in facts.table("qemu/scsi-units.csv")
    }


def _int(text: str) -> int | None:
    return int(text) if text else None
