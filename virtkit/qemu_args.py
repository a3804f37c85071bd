"""QEMU ``-device`` arguments of PCI controllers and virtio devices, as libvirt writes them.

Options that only name a backend of the host (drive, netdev, chardev, …) are left out: they do not change what the
guest sees. Source: observed, libvirt 9.0 and 12.8 (``virsh domxml-to-native qemu-argv``).
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from virtkit.domain.address import CcwAddress, PciAddress
from virtkit.domain.boot_order import order_of
from virtkit.domain.device_classes import DEVICE_CLASSES, Inventory, turns
from virtkit.domain.devices import Controller, Device, Disk, Filesystem, Hostdev, Input, Nic, Video
from virtkit.resolution.context import Context
from virtkit.virtio.devices import driver_of

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.resolved import Resolved

__all__ = ["arguments", "text"]

Options = dict[str, Any]

V_OPTIONS = (("iommu", "iommu_platform"), ("ats", "ats"), ("packed", "packed"), ("page_per_vq", "page-per-vq"))
CONTROLLER_TYPES = ("pci", "usb", "scsi", "ide", "sata", "virtio-serial", "nvme")
KIB = 1024

_ORDER = turns(((one.qemu, one.name) for one in DEVICE_CLASSES if one.qemu is not None), "-device arguments")
"""The lists of an Inventory in the order of their arguments; releases without several iommus put the iommu first."""


def text(resolved: Resolved, legacy_syntax: bool = False) -> str:
    """One ``-device`` argument a line, quoted for a shell; JSON, or ``driver,key=value`` with ``legacy_syntax``."""
    lines = []
    for options in arguments(resolved):
        word = _legacy(options) if legacy_syntax else json.dumps(options, separators=(",", ":"))
        lines.append(f"-device {shlex.quote(word)}\n")
    return "".join(lines)


def arguments(resolved: Resolved) -> list[Options]:
    """The options of each ``-device`` argument, in libvirt's order; keys in libvirt's order too."""
    return _Builder(resolved).build()


def _legacy(options: Options) -> str:
    words = [str(options["driver"])]
    for key, value in options.items():
        if key != "driver":
            shown = ("on" if value else "off") if isinstance(value, bool) else str(value).replace(",", ",,")
            words.append(f"{key}={shown}")
    return ",".join(words)


class _Builder:
    def __init__(self, resolved: Resolved) -> None:
        self.context = resolved.context
        self.devices = resolved.inventory
        self.found: list[Options] = []
        self.buses = self._bus_names()
        self.names_virtiofs = "virtiofs-id" in self.context.behaves
        self.boot = _boot_order(self.context, self.devices)

    def _bus_names(self) -> dict[int, str]:
        names = {}
        pseries = self.context.family.name == "pseries"
        for controller in self.devices.controllers:
            if controller.type == "pci":
                name = controller.id
                if controller.index == 0:
                    name = "pcie.0" if controller.model == "pcie-root" else "pci.0"
                elif pseries and controller.model == "pci-root":
                    name += ".0"
                names[controller.index] = name
        return names

    def build(self) -> list[Options]:
        late_iommu = "several-iommus" in self.context.behaves
        if not late_iommu:
            self.all(self.devices.iommus)
        for name in _ORDER:
            if name == "controllers":
                for type_ in CONTROLLER_TYPES:
                    for controller in self.devices.controllers:
                        if controller.type == type_:
                            self.controller(controller)
            elif late_iommu or name != "iommus":
                self.all(getattr(self.devices, name))
        return self.found

    def all(self, devices: list[Any]) -> None:
        for device in devices:
            self.virtio(device)

    def place(self, options: Options, device: Device) -> None:
        """Add the keys of the address."""
        address = device.address
        if isinstance(address, PciAddress):
            options["bus"] = self.buses.get(address.bus, f"pci.{address.bus}")
            if address.multifunction is not None:
                options["multifunction"] = address.multifunction == "on"
            options["addr"] = f"0x{address.slot:x}" + (f".0x{address.function:x}" if address.function else "")
        elif isinstance(address, CcwAddress):
            options["devno"] = str(address)

    def add(self, options: Options, device: Device) -> None:
        address = device.address
        if isinstance(address, PciAddress) and address.uid is not None:
            zpci = {"driver": "zpci", "uid": address.uid, "fid": address.fid or 0, "target": device.id}
            self.found.append({**zpci, "id": f"zpci{address.uid}"})
        self.found.append(options)

    def controller(self, controller: Controller) -> None:
        if controller.type != "pci":
            self.virtio(controller)
            return
        model, options = controller.model or "", controller.options
        if model == "pcie-root" or (model == "pci-root" and controller.index == 0):
            return
        line: Options = {"driver": controller.model_name}
        if model == "pcie-root-port" or model == "pcie-switch-downstream-port":
            line |= {"port": options.get("port", 0), "chassis": options.get("chassis", 0)}
        elif model == "pci-bridge":
            line["chassis_nr"] = options.get("chassisNr", 0)
        elif model in ("pci-expander-bus", "pcie-expander-bus"):
            line["bus_nr"] = options.get("busNr", 0)
        elif model == "pci-root":
            line["index"] = options.get("index", 0)
        line["id"] = controller.id
        if controller.hotplug == "off" and model != "pci-root":
            line["hotplug"] = False
        if "memReserve" in options:
            line["mem-reserve"] = options["memReserve"] * KIB
        if controller.node is not None:
            line["numa_node"] = controller.node
        self.place(line, controller)
        self.add(line, controller)

    def virtio(self, device: Device) -> None:
        """Add the argument of a virtio device; other devices have none here."""
        driver = driver_of(self.context, self.devices, device)
        if driver is None:
            return
        line: Options = {"driver": driver.name}
        line |= driver.extra
        element = device.element
        options = None if element is None else element.find("driver")
        if options is not None:
            for attribute, key in V_OPTIONS:
                value = options.get(attribute)
                if value is not None:
                    line[key] = value == "on"
        if isinstance(device, Disk):
            self._disk(line, device, options)
        else:
            if isinstance(device, Nic):
                line["id"] = device.id
                if device.mac:
                    line["mac"] = device.mac
                self._bootindex(line, device)
            else:
                if isinstance(device, Hostdev):
                    self._source(line, element, "wwpn", "wwpn")
                if device.kind == "memory":
                    self._memory(line, element)
                if not isinstance(device, Filesystem) or device.driver != "virtiofs" or self.names_virtiofs:
                    line["id"] = device.id
                self._middle(line, device, element, options)
            self.place(line, device)
        self.add(line, device)

    def _disk(self, line: Options, disk: Disk, options: Element | None) -> None:
        if options is not None:
            for attribute, key in (("iothread", "iothread"), ("ioeventfd", "ioeventfd"), ("event_idx", "event_idx")):
                value = options.get(attribute)
                if value is not None:
                    line[key] = f"iothread{value}" if key == "iothread" else value == "on"
            queues = options.get("queues")
            if queues is not None and queues.isdigit():
                line["num-queues"] = int(queues)
        self.place(line, disk)
        line["id"] = disk.id
        self._bootindex(line, disk)

    def _bootindex(self, line: Options, device: Device) -> None:
        index = self.boot.get(id(device))
        if index is not None:
            line["bootindex"] = index

    def _middle(self, line: Options, device: Device, element: Element | None, options: Element | None) -> None:
        """Add the options between the id and the address."""
        if isinstance(device, Controller):
            queues = None if options is None else options.get("queues")
            if device.type == "scsi" and queues and queues.isdigit():
                line["num_queues"] = int(queues)
            if device.ports is not None and device.type == "virtio-serial":
                line["max_ports"] = device.ports
            vectors = None if element is None else element.get("vectors")
            if vectors and vectors.isdigit() and device.type == "virtio-serial":
                line["vectors"] = int(vectors)
        elif isinstance(device, Filesystem):
            key = "tag" if device.driver == "virtiofs" else "mount_tag"
            self._source(line, element, key, "dir", "target")
        elif isinstance(device, Input):
            if device.type == "passthrough":
                self._source(line, element, "evdev", "evdev")
        elif isinstance(device, Video):
            model = None if element is None else element.find("model")
            heads = None if model is None else model.get("heads")
            line["max_outputs"] = int(heads) if heads and heads.isdigit() else 1
        elif device.kind == "vsock" and element is not None:
            cid = element.find("cid")
            number = None if cid is None else cid.get("address")
            if number and number.isdigit():
                line["guest-cid"] = int(number)
        elif device.kind == "memballoon" and element is not None and element.get("autodeflate") is not None:
            line["deflate-on-oom"] = element.get("autodeflate") == "on"
        elif device.kind == "sound" and element is not None:
            line["streams"] = int(element.get("streams") or 2)

    @staticmethod
    def _memory(line: Options, element: Element | None) -> None:
        node = None if element is None else element.findtext("target/node")
        if node and node.strip().isdigit():
            line["node"] = int(node)

    @staticmethod
    def _source(line: Options, element: Element | None, key: str, attribute: str, child: str = "source") -> None:
        found = None if element is None else element.find(child)
        value = None if found is None else found.get(attribute)
        if value is not None:
            line[key] = value


def _boot_order(context: Context, devices: Inventory) -> dict[int, int]:
    """The boot index of each device: the written orders, or else the first device of each class named in ``<os>``."""
    written = {}
    for device in [*devices.disks, *devices.nics, *devices.hostdevs]:
        if (order := order_of(device)) is not None:
            written[id(device)] = order
    if written:
        return written
    names = [found.get("dev") for found in context.root.findall("os/boot")] or ["hd"]
    found: dict[int, int] = {}
    for index, name in enumerate(names, 1):
        if name == "network":
            candidates: list[Device] = [*devices.nics]
        else:
            kinds = {"hd": ("disk", "lun"), "cdrom": ("cdrom",), "fd": ("floppy",)}.get(name or "", ())
            candidates = [disk for disk in devices.disks if disk.device in kinds]
        if candidates:
            found.setdefault(id(candidates[0]), index)
    return found
