"""A running domain as a side of hot plug: each device takes a place that is there, or is refused.

Only a device on a SCSI bus brings a controller with it. Source: observed, libvirt 9.0, 11.3 and 12.8 (domains started
paused, devices attached and read back).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from virtkit.domain.address import DriveAddress, SerialAddress
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Hostdev, Input, Memory
from virtkit.errors import Refused
from virtkit.hotplug.by_qemu import (
    check_bus,
    check_driver,
    check_memory,
    check_port_name,
    check_property,
    check_transport,
    check_unit,
    scsi_units,
)
from virtkit.hotplug.changes import Change, rows_added
from virtkit.hotplug.device import list_of
from virtkit.hotplug.duplicates import check_running
from virtkit.hotplug.matching import console_of, same_device
from virtkit.hotplug.places import Places
from virtkit.hotplug.rules import LIVE, check_plug, check_unplug, check_valid
from virtkit.hotplug.running_xml import Snapshot, running_xml
from virtkit.resolution.context import Draft
from virtkit.resolution.defaults import chardevs, controllers, disks, models
from virtkit.resolution.ids import give_ids
from virtkit.resolved import Resolved

if TYPE_CHECKING:
    from virtkit.domain.document import Document
    from virtkit.hotplug.device import NewDevice
    from virtkit.resolution.context import Context

__all__ = ["Effect", "Running"]

CFG = "unsupported configuration"
FAILED = "operation failed"
INT = "internal error"
INVALID = "Requested operation is not valid"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step did to the running domain: its new devices, controllers first, those that are gone, the refusal.

    A refusal by QEMU leaves the controllers behind that libvirt added for the device, and a refused serial may take the
    only console along; any other refusal changes nothing.
    """

    new: tuple[Device, ...] = ()
    gone: tuple[Device, ...] = ()
    refusal: Refused | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """The same as rows."""
        return rows_added(self.new, self.gone)


class Running:
    """A running domain. ``attach`` and ``detach`` change it; the resolved domain that it began as stays as it is."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved
        self.context: Context = resolved.context
        self.devices = _copy(resolved.inventory)
        self.draft = Draft(self.devices)
        self.places = Places(self.context, self.devices)
        self.targets = {disk.target for disk in self.devices.disks}
        self.documents: dict[int, Document] = {}
        self.hollow: set[int] = set()
        """The virtio-serial controllers that libvirt has added and QEMU does not have, by index."""

    def copy(self) -> Running:
        """The same running domain, to be changed independently."""
        other = Running.__new__(Running)
        other.resolved, other.context = self.resolved, self.context
        other.devices = _copy(self.devices)
        other.draft = Draft(other.devices)
        other.places = self.places.copy(other.devices)
        other.targets, other.hollow = set(self.targets), set(self.hollow)
        other.documents = dict(self.documents)
        return other

    def attach(self, new: NewDevice) -> Effect:
        """Attach a device, or say why it is refused."""
        brought: list[Device] = []
        valid: Device | None = None
        try:
            device = self._read(new)
            unplaced = device.address is None
            if not isinstance(device, Memory):
                check_valid(self.context, self.devices, device)
            valid = device
            self._check(device)
            if isinstance(device, Disk | Hostdev) and isinstance(device.address, DriveAddress):
                brought += self._bring_controllers(device)
                check_unit(self.devices, device)
            else:
                check_transport(self.context, device)
                brought += self._bring_serial(device)
                self.places.find(device)
                self._check_hollow(device)
            if isinstance(device, Memory):
                # What memory may be depends on the address that it was given.
                check_valid(self.context, self.devices, device)
                check_memory(self.context, device)
            check_driver(self.context, self.devices, device)
            check_bus(self.context, self.devices, device)
            if unplaced:
                check_property(self.context, device)
        except Refused as refusal:
            return Effect(tuple(brought), self._lose_console(valid), refusal)
        self.documents[id(device)] = new.document
        return Effect((*brought, *self._enter(device)))

    def detach(self, new: NewDevice) -> Effect:
        """Detach the device that matches, as far as libvirt and QEMU are concerned; the guest has to let go of it."""
        try:
            wanted = self._read(new, fill=False)
            if isinstance(wanted, Disk | Input):
                device = same_device(self.context, self.devices, wanted, live=True)
                check_unplug(self.context, LIVE, device)
            else:
                check_unplug(self.context, LIVE, wanted)
                device = same_device(self.context, self.devices, wanted, live=True)
            self._check_idle(device)
        except Refused as refusal:
            return Effect(refusal=refusal)
        gone = tuple(one for one in (console_of(self.devices, device), device) if one is not None)
        for one in gone:
            self._leave(one)
        return Effect(gone=gone)

    # Views

    @property
    def root_bus(self) -> str:
        """The model of PCI bus 0: pcie-root, pci-root, or "" where there is no PCI."""
        root = controllers.find(self.draft, "pci", 0)
        return "" if root is None else root.model or ""

    def wanted(self, new: NewDevice) -> int:
        """The kind of PCI slot that a device, or the SCSI controller it brings, asks for; 0 for none. Raises Refused.

        The kind is a connect type of ``virtkit.resolution.addresses.connect_types``.
        """
        device = self._read(new)
        if isinstance(device.address, DriveAddress):
            device = controllers.new("scsi", device.address.controller)
            self._fill_scsi(device)
        return self.places.types.of(device)

    def snapshot(self) -> Resolved:
        """The domain as it runs now, as a resolved domain: for topologies, verdicts and comparisons."""
        devices = Inventory(**{name: [copy(one) for one in some] for name, some in _lists(self.devices)})
        draft = Draft(devices)
        give_ids(self.context, draft)
        began = self.resolved
        return Snapshot(began.domain, began.host, self.context, devices, draft.trace, self.xml)

    def xml(self) -> str:
        """The domain as it runs: the XML that it began with, and what was attached and detached since."""
        return running_xml(self.resolved, self.devices, self.documents)

    # Reading

    def _read(self, new: NewDevice, fill: bool = True) -> Device:
        """The device as libvirt reads it for this domain; with ``fill``, models and drive address are filled in."""
        alone = new.read(self.context.at)
        device = [*alone.in_order(), *alone.graphics][0]
        if fill:
            draft = Draft(alone)
            disks.order_disks(self.context, draft)
            disks.place_disks(draft)
            for serial in alone.serials:
                if serial.port < 0:
                    serial.port = max((one.port for one in self.devices.serials), default=-1) + 1
            for controller in alone.controllers:
                if controller.type == "scsi":
                    # Before the others: its model may be that of a controller of the running domain.
                    self._fill_scsi(controller)
            models.fill_devices(self.context, draft)
            chardevs.fill_chardevs(self.context, draft)
            if alone.hostdevs:
                self._place_scsi_hostdev(alone.hostdevs[0])
        return device

    def _place_scsi_hostdev(self, hostdev: Hostdev) -> None:
        beside = Inventory(
            disks=self.devices.disks,
            controllers=self.devices.controllers,
            hostdevs=[*self.devices.hostdevs, hostdev],
        )
        disks.place_scsi_hostdevs(Draft(beside))

    # Refusals

    def _check(self, device: Device) -> None:
        """Refuse a valid device that no place would help. Raises Refused."""
        self._check_usb(device)
        if isinstance(device, Controller) and device.type == "scsi":
            # Its model, which decides, has to be filled in first.
            self._prepare_controller(device)
            check_plug(self.context, LIVE, device)
        else:
            check_plug(self.context, LIVE, device)
            if isinstance(device, Controller):
                self._prepare_controller(device)
        if isinstance(device, Disk) and device.target in self.targets:
            raise Refused(FAILED, f"target {device.target} already exists", device.label)
        check_running(self.context, self.devices, device)
        check_port_name(self.devices, device)

    def _check_usb(self, device: Device) -> None:
        needs = (
            (isinstance(device, Disk | Input) and device.bus == "usb")
            or device.kind in ("hub", "redirdev")
            or (isinstance(device, Hostdev) and device.type == "usb")
            or (isinstance(device, Chardev) and device.target == "usb-serial")
        )
        if needs and not any(one.type == "usb" and one.model != "none" for one in self.devices.controllers):
            what = "Device configuration is not compatible: Domain has no USB bus support"
            raise Refused(CFG, what, device.label)

    def _check_idle(self, device: Device) -> None:
        """A controller is not given up while a device hangs on it. Raises Refused."""
        if not isinstance(device, Controller):
            return
        on_it: list[Device] = [one for one in self.devices.disks if one.bus == device.type]
        on_it += [one for one in self.devices.hostdevs if one.type == device.type]
        if any(isinstance(one.address, DriveAddress) and one.address.controller == device.index for one in on_it):
            raise Refused(FAILED, "device cannot be detached: device is busy", device.label)

    # Controllers

    def _prepare_controller(self, controller: Controller) -> None:
        """Give a controller its index and model. Raises Refused when the index is taken."""
        if controller.index < 0:
            used = {one.index for one in self.devices.controllers if one.type == controller.type}
            controller.index = next(index for index in range(len(used) + 1) if index not in used)
        if controllers.find(self.draft, controller.type, controller.index) is not None:
            raise Refused(FAILED, f"target {controller.type}:{controller.index} already exists", controller.label)
        if controller.type == "scsi":
            self._fill_scsi(controller)

    def _fill_scsi(self, controller: Controller) -> None:
        """The model of a SCSI controller: that of the machine, or a copy of another one's."""
        draft = Draft(Inventory(controllers=[*self.devices.controllers, controller]))
        models.fill_scsi_models(self.context, draft)

    def _bring_controllers(self, device: Disk | Hostdev) -> list[Device]:
        """The SCSI controllers that a device still needs, from 0 up to its own; none are kept when one is refused.

        Raises Refused.
        """
        at = device.address
        if not isinstance(at, DriveAddress):
            return []
        if self.places.is_taken(device) or self._is_beyond(at):
            raise Refused(INVALID, "Domain already contains a disk with that address", device.label)
        brought: list[Device] = []
        model = None if "plug-default-scsi-model" in self.context.behaves else self._last_scsi_model()
        try:
            for index in range(at.controller + 1):
                if controllers.find(self.draft, "scsi", index) is None:
                    controller = controllers.new("scsi", index, model)
                    self._fill_scsi(controller)
                    check_plug(self.context, LIVE, controller)
                    self.places.find(controller)
                    check_bus(self.context, self.devices, controller)
                    brought += self._enter(controller)
        except Refused:
            for one in brought:
                self._leave(one)
            raise
        return brought

    def _bring_serial(self, device: Device) -> list[Device]:
        """The virtio-serial controller that libvirt adds for a channel where all others are full, for QEMU in vain.

        Source: observed, libvirt 9.0.
        """
        if device.kind != "channel" or device.address is not None or not self.places.is_full_of_ports():
            return []
        used = {one.index for one in self.devices.controllers if one.type == "virtio-serial"}
        index = next(number for number in range(len(used) + 1) if number not in used)
        self.hollow.add(index)
        return self._enter(controllers.new("virtio-serial", index))

    def _check_hollow(self, device: Device) -> None:
        """Refuse a port of a controller that QEMU does not have. Raises Refused."""
        at = device.address
        if isinstance(at, SerialAddress) and at.controller in self.hollow:
            what = f"Device alias was not set for virtio-serial controller with index {at.controller}"
            raise Refused(INT, what, device.label)

    def _is_beyond(self, at: DriveAddress) -> bool:
        """Whether libvirt gives no disk this unit of a SCSI controller that is there."""
        controller = controllers.find(self.draft, "scsi", at.controller)
        room = None if controller is None else scsi_units().get(controller.model or "")
        return room is not None and (at.unit == room.reserved or (room.last is not None and at.unit > room.last))

    def _last_scsi_model(self) -> str | None:
        """The model of the last SCSI controller, which older releases copy."""
        found = [one.model for one in self.devices.controllers if one.type == "scsi"]
        return found[-1] if found else None

    # The list of devices

    def _enter(self, device: Device) -> list[Device]:
        """Put a device that has its place among the others. Returns it, with the console that shows a first serial."""
        self.places.take(device)
        if isinstance(device, Controller):
            controllers.add(self.context, self.draft, device)
            return [device]
        entered = [device]
        first_serial = device.kind == "serial" and not self.devices.serials and not self.devices.consoles
        if isinstance(device, Chardev) and first_serial:
            mirror = Chardev("console", None, -1, type=device.type, target="serial", mirror=True, port=0)
            mirror.address = device.address
            self.devices.consoles.append(mirror)
            entered.append(mirror)
        list_of(self.devices, device).append(device)
        if isinstance(device, Disk):
            self.targets.add(device.target)
        return entered

    def _lose_console(self, device: Device | None) -> tuple[Device, ...]:
        """The console that libvirt drops with a valid serial that is refused: the only one, where there is no serial.

        It takes the console for the one that it made for the serial. Source: observed, libvirt 9.0.
        """
        consoles = self.devices.consoles
        if device is None or device.kind != "serial" or self.devices.serials or len(consoles) != 1:
            return ()
        lost = consoles[0]
        self._leave(lost)
        return (lost,)

    def _leave(self, device: Device) -> None:
        """Take a device out, and give its place back."""
        list_of(self.devices, device).remove(device)
        self.places.release(device)
        if isinstance(device, Disk):
            self.targets.discard(device.target)


def _copy(devices: Inventory) -> Inventory:
    """An inventory whose lists can be changed without changing the other's; the devices are the same."""
    return Inventory(**{name: list(some) for name, some in _lists(devices)})


def _lists(devices: Inventory) -> Iterator[tuple[str, list[Any]]]:
    """The lists of an inventory by name."""
    for one in fields(Inventory):
        yield one.name, getattr(devices, one.name)
