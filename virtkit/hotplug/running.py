"""A running domain as a side of hot plug: each device takes a place that is there, or is refused.

Nothing is added to the PCI topology of a running domain; only a disk on a SCSI bus brings a controller with it.
Source: observed, libvirt 9.0, 11.3 and 12.8 (domains started paused).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from virtkit.domain.address import (
    CcwAddress,
    DimmAddress,
    DriveAddress,
    PciAddress,
    SerialAddress,
)
from virtkit.domain.devices import VIRTIO, Chardev, Controller, Device, Disk, Inventory, Memory, Nic
from virtkit.errors import Refused
from virtkit.hotplug.changes import rows
from virtkit.hotplug.device import inventory_of, list_of, same_device, target_name
from virtkit.hotplug.memory_map import memory_base
from virtkit.hotplug.pci_slots import PciSlots
from virtkit.hotplug.rules import check_plug, scsi_units
from virtkit.resolution.addresses import memory_slots, transports, usb, virtio_serial
from virtkit.resolution.addresses.chipset import chipset_slots
from virtkit.resolution.addresses.connect_types import ConnectTypes
from virtkit.resolution.context import Draft, drivers
from virtkit.resolution.defaults import chardevs, controllers, disks, models

if TYPE_CHECKING:
    from virtkit.hotplug.changes import Row
    from virtkit.hotplug.device import NewDevice
    from virtkit.resolved import Resolved

__all__ = ["Running"]

CFG = "unsupported configuration"
FAILED = "operation failed"
INVALID = "Requested operation is not valid"

XML = "XML error"
INT = "internal error"


class Running:
    """A running domain. ``attach`` and ``detach`` change it; a refusal leaves it as it was."""

    def __init__(self, resolved: Resolved) -> None:
        self.context = resolved.context
        self.devices = resolved.inventory
        self.draft = Draft(self.devices)
        self.types = ConnectTypes(self.context, self.draft)
        self.slots = PciSlots(self.devices, chipset_slots(self.context))

    @property
    def rows(self) -> Counter[Row]:
        """Its devices as rows."""
        return rows(self.devices)

    def attach(self, new: NewDevice) -> list[Device]:
        """Attach a device. Returns what is new, controllers that it brought first. Raises Refused."""
        device = self._read(new)
        self._check_usb(device)
        if not isinstance(device, Controller) or device.type != "scsi":
            check_plug(self.context, "live", device)
        if isinstance(device, Disk):
            return self._disk(device)
        if isinstance(device, Controller):
            return self._controller(device)
        if device.kind == "watchdog" and self.devices.watchdogs and "several-watchdogs" not in self.context.behaves:
            raise Refused(INVALID, "domain already has a watchdog", device.label)
        self._check_name(device)
        self._place(device)
        self._check_driver(device)
        found = [device]
        if device.kind == "serial" and not self.devices.serials and not self.devices.consoles:
            assert isinstance(device, Chardev)
            found.append(self._mirror(device))
        list_of(self.devices, device).append(device)
        return found

    def detach(self, new: NewDevice) -> list[Device]:
        """Detach the device that matches, once the guest lets go of it. Returns what is gone. Raises Refused."""
        found = same_device(self.devices, new)
        if found is None:
            raise Refused("device not found", f"no device of the running domain matches {new.label}", new.label)
        list_of(self.devices, found).remove(found)
        if isinstance(found.address, PciAddress):
            self.slots.release(found.address)
        return [found]

    # Reading

    def _read(self, new: NewDevice) -> Device:
        """The device as libvirt reads it for this domain: models, bus and drive address filled in."""
        device, alone = new.read(self.context.at)
        draft = Draft(alone)
        disks.order_disks(draft)
        disks.place_disks(draft)
        for serial in alone.serials:
            if serial.port < 0:
                serial.port = max((one.port for one in self.devices.serials), default=-1) + 1
        models.fill_devices(self.context, draft)
        chardevs.fill_chardevs(self.context, draft)
        return device

    def _check_usb(self, device: Device) -> None:
        needs = (
            (device.kind in ("disk", "input") and getattr(device, "bus", "") == "usb")
            or device.kind in ("hub", "redirdev")
            or (isinstance(device, Chardev) and device.target == "usb-serial")
        )
        if needs and not any(one.type == "usb" and one.model != "none" for one in self.devices.controllers):
            what = "Device configuration is not compatible: Domain has no USB bus support"
            raise Refused(CFG, what, device.label)

    def _check_driver(self, device: Device) -> None:
        """QEMU refuses a NIC model that it lacks, after libvirt has chosen its place. Raises Refused."""
        if isinstance(device, Nic) and device.model and device.type != "hostdev":
            driver = drivers().get(("interface", device.model), (device.model, ""))[0]
            known = device.model in VIRTIO or self.context.emulator.has(driver) is not False
            if not known:
                what = f"unable to execute QEMU command 'device_add': '{driver}' is not a valid device model name"
                if isinstance(device.address, PciAddress):
                    self.slots.release(device.address)
                raise Refused(INT, what, device.label)

    def _check_name(self, device: Device) -> None:
        """QEMU refuses a second virtio-serial port of the same name. Raises Refused."""
        name = target_name(device)
        if name and any(target_name(one) == name for one in self.devices.channels):
            what = f"unable to execute QEMU command 'device_add': virtio-serial-bus: A port already exists by name {name}"
            raise Refused(INT, what, device.label)

    def _mirror(self, serial: Chardev) -> Chardev:
        """The console that shows the first serial of a domain that had neither."""
        mirror = Chardev("console", None, -1, type=serial.type, target="serial", mirror=True, port=0)
        mirror.address = serial.address
        self.devices.consoles.append(mirror)
        return mirror

    # Disks and controllers

    def _disk(self, disk: Disk) -> list[Device]:
        if any(one.target == disk.target for one in self.devices.disks):
            raise Refused(FAILED, f"target {disk.target} already exists", disk.label)
        added: list[Device] = []
        if disk.bus == "scsi":
            added += self._scsi(disk)
            self._check_unit(disk)
        else:
            self._place(disk)
        self.devices.disks.append(disk)
        return [*added, disk]

    def _scsi(self, disk: Disk) -> list[Device]:
        at = disk.address
        if not isinstance(at, DriveAddress):
            raise Refused(INVALID, "a disk on bus scsi needs a drive address", disk.label)
        if any(one.bus == "scsi" and one.address == at for one in self.devices.disks):
            raise Refused(INVALID, "Domain already contains a disk with that address", disk.label)
        added: list[Device] = []
        taken: list[PciAddress] = []
        try:
            model = None if "plug-default-scsi-model" in self.context.behaves else self._last_scsi_model()
            for index in range(at.controller + 1):
                if controllers.find(self.draft, "scsi", index) is None:
                    controller = controllers.new("scsi", index, model)
                    self._fill_scsi(controller)
                    check_plug(self.context, "live", controller)
                    self._place(controller)
                    if isinstance(controller.address, PciAddress):
                        taken.append(controller.address)
                    self._enter(controller)
                    added.append(controller)
        except Refused:
            for one in added:
                self.devices.controllers.remove(one)  # type: ignore[arg-type]
            for place in taken:
                self.slots.release(place)
            raise
        return added

    def _last_scsi_model(self) -> str | None:
        """The model of the last SCSI controller, which older releases copy."""
        models = [one.model for one in self.devices.controllers if one.type == "scsi"]
        return models[-1] if models else None

    def _check_unit(self, disk: Disk) -> None:
        """QEMU refuses a unit that the controller lacks, after libvirt has added the controllers. Raises Refused."""
        at = disk.address
        if isinstance(at, DriveAddress):
            controller = controllers.find(self.draft, "scsi", at.controller)
            most = None if controller is None else scsi_units().get(controller.model or "")
            if most is not None and at.unit >= most:
                what = f"unable to execute QEMU command 'device_add': bad scsi device id: {at.unit}"
                raise Refused(INT, what, disk.label)

    def _fill_scsi(self, controller: Controller) -> None:
        """The model of a SCSI controller: that of the machine, or a copy of another one's."""
        draft = Draft(Inventory(controllers=[*self.devices.controllers, controller]))
        models.fill_scsi_models(self.context, draft)

    def _controller(self, controller: Controller) -> list[Device]:
        if controller.index < 0:
            used = {one.index for one in self.devices.controllers if one.type == controller.type}
            controller.index = next(index for index in range(len(used) + 1) if index not in used)
        if controllers.find(self.draft, controller.type, controller.index) is not None:
            raise Refused(FAILED, f"target {controller.type}:{controller.index} already exists", controller.label)
        if controller.type == "scsi":
            self._fill_scsi(controller)
        self._place(controller)
        check_plug(self.context, "live", controller)
        self._enter(controller)
        return [controller]

    def _enter(self, controller: Controller) -> None:
        controllers.add(self.context, self.draft, controller)

    # Places

    def _place(self, device: Device) -> None:
        """Give a device its place on this domain. Raises Refused."""
        alone = Draft(inventory_of(device))
        if device.kind == "memory" and device.model in ("dimm", "nvdimm"):
            self._dimm(device)
        elif isinstance(device, Chardev) and device.target == "virtio":
            self._port(device)
        elif device in usb.on_usb(self.context, alone.devices):
            device.place(usb.free_place(self.context, self.devices, device))
        elif self.context.family.ccw and device in transports.ccw_devices(self.context, alone):
            self._ccw(device)
        else:
            written = isinstance(device.address, PciAddress) and not device.address.empty
            want = self.types.written(device) if written else self.types.of(device)
            if want:
                device.place(self.slots.place(device, want))

    def _ccw(self, device: Device) -> None:
        taken = {
            (at.cssid, at.ssid, at.devno)
            for at in (one.address for one in self.devices.in_order())
            if isinstance(at, CcwAddress)
        }
        at = device.address
        if isinstance(at, CcwAddress) and at.devno is not None:
            if (at.cssid, at.ssid, at.devno) in taken:
                raise Refused(XML, f"The CCW devno '{at}' is in use already ", device.label)
            return
        address = CcwAddress()
        number = 0
        while (address.cssid, address.ssid, number) in taken:
            number += 1
        address.devno = number
        device.place(address)

    def _port(self, device: Chardev) -> None:
        """A port of a virtio-serial controller that is there."""
        ports = virtio_serial.Ports(self.draft)
        for one in self.devices.in_order():
            if isinstance(one.address, SerialAddress) and one.address.controller in ports.taken:
                ports.taken[one.address.controller].add(one.address.port or 0)
        at = device.address
        if isinstance(at, SerialAddress):
            if at.port:
                virtio_serial.reserve(ports, device, at)
                return
            port = ports.free(at.controller, 1) if at.controller in ports.sizes else None
            if port is None:
                raise Refused(XML, f"virtio serial controller {at.controller} is missing", device.label)
            device.place(SerialAddress(at.controller, at.bus, port))
            return
        found = ports.anywhere(0 if device.kind == "console" else 1)
        if found is None:
            raise Refused(INT, "no virtio-serial controllers are available", device.label)
        if device.kind != "console":
            device.place(SerialAddress(found[0], 0, found[1]))

    def _dimm(self, device: Device) -> None:
        """A memory slot, and the address at which QEMU maps the memory."""
        assert isinstance(device, Memory)
        memory_slots.assign(self.context, Draft(Inventory(memories=[*self.devices.memories, device])))
        if isinstance(device.address, DimmAddress) and device.address.base is None:
            device.address.base = memory_base(self.context, self.devices.memories, device)
