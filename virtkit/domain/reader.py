"""Elements in, typed devices out; what libvirt refuses while parsing is refused here.

Source of forms: libvirt, "Domain XML format". Source of refusals: observed, libvirt 9.0 and 12.8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from virtkit.domain.address import NUMBERS, Address, PciAddress
from virtkit.domain.addresses import INT, read_address, signed, unsigned
from virtkit.domain.devices import (
    Chardev,
    Controller,
    Device,
    Disk,
    Filesystem,
    Hostdev,
    Input,
    Interface,
    Inventory,
    Memory,
    Video,
)
from virtkit.domain.document import label_of, line_of
from virtkit.domain.targets import bus_of, ide_floppy_name
from virtkit.domain.vocabulary import Release, accepted, known_nic
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["read_devices"]

XML = "XML error"
CFG = "unsupported configuration"

Kids = dict[object, "Element"]
AnyDevice = TypeVar("AnyDevice", bound=Device)


def read_devices(root: Element, at: Release) -> Inventory:
    """All devices of a ``<domain>`` element, in document order within each class.

    Raises Refused for what libvirt refuses while parsing: unknown kinds, bad numbers, missing parts.
    """
    reader = _Reader(at)
    position = 0
    for holder in root.iterchildren("devices"):
        for element in holder.iterchildren():
            tag = element.tag
            if isinstance(tag, str):
                read = _READ.get(tag)
                if read is not None:
                    try:
                        read(reader, element, position)
                    except Refused as refusal:
                        if refusal.line is not None:
                            raise
                        raise _here(refusal, element) from None
                position += 1
    return reader.inventory


def _here(refusal: Refused, element: Element) -> Refused:
    return Refused(refusal.category, refusal.what, refusal.device or label_of(element), line_of(element))


def _incomplete(found: Address, element: Element) -> bool:
    """Whether libvirt would write an address otherwise than it stands: numbers missing, or numbers of another form."""
    if isinstance(found, PciAddress):
        return found.empty or element.get("slot") is None
    names = {name for name, _ in found.pairs()}
    written = {str(name) for name in element.keys()}  # noqa: SIM118 - an element iterates over its children
    return bool(names - written or (written - names) & NUMBERS)


def _kids(element: Element) -> Kids:
    # Reversed, so that the first of several wins, as an XPath look-up does.
    return {child.tag: child for child in element.iterchildren(reversed=True)}


class _Reader:
    __slots__ = ("at", "inventory", "values")

    def __init__(self, at: Release) -> None:
        self.at = at
        self.inventory = Inventory()
        self.values = accepted(at)

    def check(self, element: str, attribute: str, value: str | None, category: str = XML) -> str | None:
        """``value`` if libvirt takes it, None for None; ``element`` may carry a type ("controller:usb")."""
        if value is None or value in self.values[element, attribute]:
            return value
        name = element.partition(":")[0]
        if category is CFG:
            raise Refused(CFG, f"Unknown {attribute} type '{value}'", name)
        allowed = ", ".join(sorted(self.values[element, attribute]))
        raise Refused(
            XML, f"Invalid value for attribute '{attribute}' in element '{name}': '{value}'. (known: {allowed})"
        )

    def required(self, element: Element, attribute: str) -> str:
        """An attribute that must be there and known."""
        name = str(element.tag)
        value = element.get(attribute)
        if value is None:
            raise Refused(XML, f"Missing required attribute '{attribute}' in element '{name}'")
        self.check(name, attribute, value)
        return value

    def common(self, device: AnyDevice, kids: Kids) -> AnyDevice:
        """Address and alias, which every device may have."""
        address = kids.get("address")
        if address is not None:
            found, device.given = read_address(address, self.values["address", "type"])
            device.address = found
            device.readdressed = _incomplete(found, address)
        alias = kids.get("alias")
        if alias is not None:
            given = alias.get("name")
            if given is not None and given.startswith("ua-"):
                device.alias = given
        return device

    # One method for each kind of element.

    def disk(self, element: Element, position: int) -> None:
        kids = _kids(element)
        disk = Disk("disk", element, position)
        disk.type = self.check("disk", "type", element.get("type")) or "file"
        disk.device = self.check("disk", "device", element.get("device")) or "disk"
        target = kids.get("target")
        name = None if target is None else target.get("dev")
        if not name:
            raise Refused(XML, "missing target device name: <target dev='…'> is needed in <disk>", "disk")
        disk.target = name
        bus: str | None = None
        if target is not None:
            bus = self.check("disk", "bus", target.get("bus"))
        disk.written_bus = bus
        if bus is None:
            bus = bus_of(disk, self.at)
            disk.change("target", "bus", bus)
        disk.bus = bus
        disk.model = _unless_default(self.check("disk", "model", element.get("model")))
        if disk.model is None and element.get("model") is not None:
            disk.change("#unset", "model", "")
        serial = kids.get("serial")
        if serial is not None:
            disk.serial = (serial.text or "").strip()
        self.common(disk, kids)
        ide_floppy_name(disk)
        if (disk.device == "floppy") != (disk.bus == "fdc"):
            kind = "floppy disk" if disk.device == "floppy" else "disk"
            raise Refused("internal error", f"Invalid bus type '{disk.bus}' for {kind}", disk.label)
        if disk.device == "cdrom" and disk.bus == "virtio":
            raise Refused(CFG, f"disk type of '{name}' does not support ejectable media", disk.label)
        self.inventory.disks.append(disk)

    def controller(self, element: Element, position: int) -> None:
        kids = _kids(element)
        type_ = element.get("type")
        type_ = "ide" if type_ is None else type_
        self.check("controller", "type", type_, CFG)
        controller = Controller("controller", element, position)
        if element.get("type") is None:
            controller.change("", "type", type_)
        controller.type = type_
        index = element.get("index")
        if index is not None:
            controller.index = unsigned(index, "index", "controller", "Expected non-negative value", INT)
        model = element.get("model")
        if model is not None:
            if ("controller:" + type_, "model") not in self.values:
                raise Refused(CFG, f"Unknown model type '{model}': a {type_} controller has no models")
            self.check("controller:" + type_, "model", model, CFG)
            controller.model = model
        child = kids.get("model")
        if child is not None:
            name = child.get("name")
            controller.model_name = None if name == "none" else name
        target = kids.get("target")
        if target is not None and type_ == "pci":
            self._pci_target(controller, target)
        if type_ in ("usb", "virtio-serial"):
            ports = element.get("ports")
            if ports is not None:
                controller.ports = unsigned(ports, "ports", "controller", most=INT)
                if type_ == "usb" and controller.ports == 0:
                    raise Refused(
                        XML, "Invalid value for attribute 'ports' in element 'controller': Zero is not permitted"
                    )
        if type_ == "usb" and model == "none":
            for name in ("address", "master"):
                if kids.pop(name, None) is not None:
                    controller.change("#drop", name, "")
        master = kids.get("master")
        if master is not None:
            startport = master.get("startport")
            controller.startport = 0 if startport is None else unsigned(startport, "startport", "master")
            if startport is None:
                controller.change("master", "startport", "0")
        serial = kids.get("serial")
        if serial is not None:
            controller.serial = (serial.text or "").strip()
        self.common(controller, kids)
        self.inventory.controllers.append(controller)

    def _pci_target(self, controller: Controller, target: Element) -> None:
        options = controller.options
        for name in ("chassisNr", "chassis", "port", "busNr", "index", "memReserve"):
            text = target.get(name)
            if text is not None:
                options[name] = signed(text, name, "target")
        hotplug = target.get("hotplug")
        if hotplug is not None and hotplug not in ("on", "off"):
            raise Refused(XML, f"Invalid value for attribute 'hotplug' in element 'target': '{hotplug}' (on, off)")
        controller.hotplug = hotplug
        node = target.find("node")
        if node is not None:
            controller.node = signed((node.text or "").strip(), "node", "target")

    def interface(self, element: Element, position: int) -> None:
        kids = _kids(element)
        type_ = self.check("interface", "type", element.get("type")) or "user"
        interface = Interface("interface", element, position, type=type_)
        if element.get("type") is None:
            interface.change("", "type", type_)
        interface.number = len(self.inventory.interfaces)
        model = kids.get("model")
        if model is not None:
            written = model.get("type") or None
            if written is not None:
                interface.model = known_nic(written)
                if interface.model != written:
                    interface.change("model", "type", interface.model)
        mac = kids.get("mac")
        if mac is not None:
            interface.mac = mac.get("address")
        if type_ == "hostdev":
            source = kids.get("source")
            address = None if source is None else source.find("address")
            interface.source = "pci" if address is None else address.get("type")
        self.common(interface, kids)
        self.inventory.interfaces.append(interface)

    def sound(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        self.inventory.sounds.append(self.common(Device("sound", element, position, model), _kids(element)))

    def hostdev(self, element: Element, position: int) -> None:
        kids = _kids(element)
        hostdev = Hostdev("hostdev", element, position)
        hostdev.mode = self.check("hostdev", "mode", element.get("mode")) or "subsystem"
        if element.get("mode") is None:
            hostdev.change("", "mode", hostdev.mode)
        type_ = element.get("type")
        if type_ is None:
            raise Refused(XML, "Missing required attribute 'type' in element 'hostdev'")
        if hostdev.mode == "subsystem":
            self.check("hostdev", "type", type_)
        hostdev.type = type_
        model = element.get("model")
        if type_ == "mdev" and model is None:
            raise Refused(XML, "Missing required attribute 'model' in element 'hostdev': mdev needs one")
        if model is not None:
            if ("hostdev:" + type_, "model") not in self.values:
                raise Refused(XML, f"'model' attribute in <hostdev> is only supported when type='{type_}'")
            self.check("hostdev:" + type_, "model", model)
            hostdev.model = model
        if type_ == "mdev":
            source = kids.get("source")
            address = None if source is None else source.find("address")
            if address is None or address.get("uuid") is None:
                raise Refused(XML, "Missing required attribute 'uuid' in element 'address'")
        if model == "vfio-ap" and kids.pop("address", None) is not None:
            hostdev.change("#drop", "address", "")
        self.common(hostdev, kids)
        self.inventory.hostdevs.append(hostdev)

    def video(self, element: Element, position: int) -> None:
        kids = _kids(element)
        video = Video("video", element, position)
        model = kids.get("model")
        if model is not None:
            video.model = _unless_default(self.check("video", "type", model.get("type")))
            video.primary = model.get("primary") == "yes"
            # Read only beside the type that has such forms.
            video.frontend = model.get("device") if video.model == "virtio" else None
            acceleration = model.find("acceleration")
            video.accelerated = acceleration is not None and acceleration.get("accel3d") == "yes"
        driver = kids.get("driver")
        if driver is not None:
            video.driver = driver.get("name")
        if video.model == "none" and kids.pop("address", None) is not None:
            video.change("#drop", "address", "")
        self.common(video, kids)
        videos = self.inventory.videos
        if video.primary:
            if any(other.primary for other in videos):
                raise Refused(CFG, "Only one primary video device is supported", "video")
            videos.insert(0, video)
        else:
            videos.append(video)

    def smartcard(self, element: Element, position: int) -> None:
        mode = self.required(element, "mode")
        card = Chardev("smartcard", element, position, mode, type=element.get("type") or "")
        self.inventory.smartcards.append(self.common(card, _kids(element)))

    def serial(self, element: Element, position: int) -> None:
        self.inventory.serials.append(self._chardev("serial", element, position))

    def parallel(self, element: Element, position: int) -> None:
        self.inventory.parallels.append(self._chardev("parallel", element, position))

    def console(self, element: Element, position: int) -> None:
        self.inventory.consoles.append(self._chardev("console", element, position))

    def channel(self, element: Element, position: int) -> None:
        channel = self._chardev("channel", element, position)
        if channel.written_target is None:
            raise Refused(XML, "target type must be specified for channel device")
        self.inventory.channels.append(channel)

    def _chardev(self, kind: str, element: Element, position: int) -> Chardev:
        kids = _kids(element)
        device = Chardev(kind, element, position, type=element.get("type") or "")
        target = kids.get("target")
        if target is not None:
            written = target.get("type")
            if written is not None and kind == "parallel":
                device.change("target/#unset", "type", "")
            elif written is not None:
                self.check(kind, "target", written)
                device.written_target = written
                if written != "none" or kind == "channel":
                    device.target = written
            port = target.get("port")
            if port is not None and kind in ("serial", "parallel", "console"):
                device.port = unsigned(port, "port", "target")
            model = target.find("model")
            if model is not None:
                device.target_model = model.get("name")
        return self.common(device, kids)

    def input(self, element: Element, position: int) -> None:
        device = Input("input", element, position)
        device.type = self.required(element, "type")
        bus = self.check("input", "bus", element.get("bus")) or ""
        if bus == "none":
            # Taken, and never written back.
            device.change("#unset", "bus", "")
        device.bus = bus
        _check_input(device)
        device.model = self.check("input", "model", element.get("model"), CFG)
        self.inventory.inputs.append(self.common(device, _kids(element)))

    def filesystem(self, element: Element, position: int) -> None:
        kids = _kids(element)
        filesystem = Filesystem("filesystem", element, position)
        filesystem.model = self.check("filesystem", "model", element.get("model"))
        driver = kids.get("driver")
        if driver is not None:
            filesystem.driver = self.check("filesystem", "driver", driver.get("type")) or "path"
        self.inventory.filesystems.append(self.common(filesystem, kids))

    def watchdog(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        self.inventory.watchdogs.append(self.common(Device("watchdog", element, position, model), _kids(element)))

    def memballoon(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        kids = _kids(element)
        if model == "none" and kids.pop("address", None) is not None:
            balloon = Device("memballoon", element, position, model)
            balloon.change("#drop", "address", "")
        else:
            balloon = self.common(Device("memballoon", element, position, model), kids)
        if self.inventory.memballoons:
            raise Refused("internal error", "only a single memory balloon device is supported", "memballoon")
        self.inventory.memballoons.append(balloon)

    def rng(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        self.inventory.rngs.append(self.common(Device("rng", element, position, model), _kids(element)))

    def nvram(self, element: Element, position: int) -> None:
        self.inventory.nvrams.append(self.common(Device("nvram", element, position), _kids(element)))

    def hub(self, element: Element, position: int) -> None:
        self.required(element, "type")
        self.inventory.hubs.append(self.common(Device("hub", element, position), _kids(element)))

    def shmem(self, element: Element, position: int) -> None:
        kids = _kids(element)
        model = kids.get("model")
        type_ = None if model is None else self.check("shmem", "model", model.get("type"))
        self.inventory.shmems.append(self.common(Device("shmem", element, position, type_), kids))

    def tpm(self, element: Element, position: int) -> None:
        model = self.check("tpm", "model", element.get("model"))
        self.inventory.tpms.append(self.common(Device("tpm", element, position, model), _kids(element)))

    def panic(self, element: Element, position: int) -> None:
        model = self.check("panic", "model", element.get("model"))
        self.inventory.panics.append(self.common(Device("panic", element, position, model), _kids(element)))

    def memory(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        self.inventory.memories.append(self.common(Memory("memory", element, position, model), _kids(element)))

    def redirdev(self, element: Element, position: int) -> None:
        bus = self.check("redirdev", "bus", element.get("bus"))
        device = Device("redirdev", element, position)
        if bus is None:
            device.change("", "bus", "usb")
        self.inventory.redirdevs.append(self.common(device, _kids(element)))

    def iommu(self, element: Element, position: int) -> None:
        model = self.required(element, "model")
        self.inventory.iommus.append(self.common(Device("iommu", element, position, model), _kids(element)))

    def vsock(self, element: Element, position: int) -> None:
        model = _unless_default(self.check("vsock", "model", element.get("model")))
        self.inventory.vsocks.append(self.common(Device("vsock", element, position, model), _kids(element)))

    def crypto(self, element: Element, position: int) -> None:
        if ("crypto", "model") in self.values:
            model = self.required(element, "model")
            self.inventory.cryptos.append(self.common(Device("crypto", element, position, model), _kids(element)))

    def pstore(self, element: Element, position: int) -> None:
        if ("pstore", "backend") in self.values:
            backend = self.required(element, "backend")
            self.inventory.pstores.append(self.common(Device("pstore", element, position, backend), _kids(element)))

    def graphics(self, element: Element, position: int) -> None:
        self.check("graphics", "type", element.get("type"))
        self.inventory.graphics.append(Device("graphics", element, position, element.get("type")))


def _unless_default(model: str | None) -> str | None:
    """A model, None where the word says that none is chosen."""
    return None if model == "default" else model


INPUTS_ON = {
    "ps2": frozenset({"mouse", "keyboard"}),
    "usb": frozenset({"mouse", "keyboard", "tablet"}),
    "virtio": frozenset({"mouse", "keyboard", "tablet", "passthrough"}),
    "parallels": frozenset({"mouse", "keyboard", "tablet"}),
    "none": frozenset({"mouse", "keyboard", "tablet", "evdev"}),
}
"""Which types of input each bus takes. Source: observed, libvirt 9.0 and 12.8."""


def _check_input(device: Input) -> None:
    if not device.bus or device.type in INPUTS_ON.get(device.bus, ()):
        return
    if device.bus not in INPUTS_ON:
        raise Refused("internal error", f"unsupported input bus {device.bus}", device.label)
    if device.bus == "ps2":
        raise Refused("internal error", f"ps2 bus does not support {device.type} input device", device.label)
    if device.type == "evdev":
        raise Refused(CFG, "input evdev doesn't support bus element", device.label)
    raise Refused(CFG, "only bus 'virtio' is supported for 'passthrough' input devices", device.label)


_READ: dict[str, Callable[[_Reader, Element, int], None]] = {
    "disk": _Reader.disk,
    "controller": _Reader.controller,
    "interface": _Reader.interface,
    "sound": _Reader.sound,
    "hostdev": _Reader.hostdev,
    "video": _Reader.video,
    "smartcard": _Reader.smartcard,
    "serial": _Reader.serial,
    "parallel": _Reader.parallel,
    "channel": _Reader.channel,
    "console": _Reader.console,
    "input": _Reader.input,
    "filesystem": _Reader.filesystem,
    "watchdog": _Reader.watchdog,
    "memballoon": _Reader.memballoon,
    "rng": _Reader.rng,
    "nvram": _Reader.nvram,
    "hub": _Reader.hub,
    "shmem": _Reader.shmem,
    "tpm": _Reader.tpm,
    "panic": _Reader.panic,
    "memory": _Reader.memory,
    "redirdev": _Reader.redirdev,
    "iommu": _Reader.iommu,
    "vsock": _Reader.vsock,
    "crypto": _Reader.crypto,
    "pstore": _Reader.pstore,
    "graphics": _Reader.graphics,
}
