"""Domain XML of single devices: the element, its model, its back end as far as it may be shown, and its address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lxml import etree

from virtkit.domain.placed import CHOSEN
from virtkit.readers.qemu_command_line.names import clean, disk_name, plain_path
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.tree import Bus, Node

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["SWITCHES", "Builder"]

SWITCHES = ("disable-legacy", "disable-modern")
"""The switches of a virtio device that decide its interface."""

_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_HOST = re.compile(r"(?:([0-9a-fA-F]{4}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")
_OPTIONS = {
    "pcie-root-port": (("chassis", "chassis"), ("port", "port")),
    "pcie-switch-downstream-port": (("chassis", "chassis"), ("port", "port")),
    "pci-bridge": (("chassis_nr", "chassisNr"),),
    "pci-expander-bus": (("bus_nr", "busNr"),),
    "pcie-expander-bus": (("bus_nr", "busNr"),),
}
_NETWORKS = {"user": "user", "vhost-vdpa": "vdpa"}
_DISK_NAMES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd", "fdc": "fd", "nvme": "nvme"}


_Maker = Callable[["Builder", Node, str], "Element | None"]


@dataclass(slots=True)
class Builder:
    """The ``<devices>`` of one domain in the making: counts of controllers and disks, and the line of each element."""

    devices: Element
    lines: dict[Element, int] = field(default_factory=dict)
    indexes: dict[int, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    channels: dict[int, set[int]] = field(default_factory=dict)
    nodes: dict[str, Group] = field(default_factory=dict)
    boots: dict[int, int] = field(default_factory=dict)
    usb: dict[str, int] = field(default_factory=dict)

    def add(self, node: Node) -> Element | None:
        """Write a device; None for one that domain XML has no element for."""
        kind, _, rest = node.facts.element.partition(":")
        make = _MAKERS.get(kind)
        if make is None:
            return None
        element = make(self, node, rest)
        if element is None:
            return None
        self.lines[element] = node.line
        if element.find("address") is None:
            self._address(element, node)
        if not node.id and node.facts.virtio and any(node.group.get(key) for key in SWITCHES):
            # QEMU has no name for it; the override of its switches needs one.
            self.counts["unnamed"] += 1
            node.id = f"unnamed-{self.counts['unnamed']}"
        if node.id:
            etree.SubElement(element, "alias", name=clean(node.id))
        if id(node) in self.boots:
            etree.SubElement(element, "boot", order=str(self.boots[id(node)]))
        self._driver(element, node)
        return element

    def element(self, tag: str, **attributes: str) -> Element:
        """A new element of ``<devices>``."""
        return etree.SubElement(self.devices, tag, {key: clean(value) for key, value in attributes.items()})

    def controller(self, node: Node, type_: str, **attributes: str) -> Element:
        """A controller with the next index of its type, which the buses of the device keep."""
        index = self.counts[type_]
        self.counts[type_] += 1
        for bus in node.buses:
            self.indexes[id(bus)] = index
        return self.element("controller", type=type_, index=str(index), **attributes)

    def disk(self, bus: str, device: str, backend: Group | None) -> Element:
        """A disk with the next target name of its bus."""
        type_, source = self._source(backend)
        disk = self.element("disk", type=type_, device=device)
        if source:
            etree.SubElement(disk, "source", {"dev" if type_ == "block" else "file": source})
        prefix = _DISK_NAMES[bus]
        number = self.counts[f"disk {prefix}"]
        self.counts[f"disk {prefix}"] += 1
        etree.SubElement(disk, "target", dev=disk_name(prefix, number), bus=bus)
        return disk

    def _source(self, backend: Group | None) -> tuple[str, str]:
        """The type and the file of a drive; an empty file where there is none, or it may hold a password."""
        seen = 0
        while backend is not None and seen < 8:
            nested = (value for key, value in backend.values.items() if key.endswith(".filename"))
            path = backend.get("file") or backend.get("filename") or next(nested, "")
            following = self.nodes.get(path)
            if following is None or following is backend:
                shown = plain_path(path)
                return ("block" if shown.startswith("/dev/") else "file"), shown
            backend = following
            seen += 1
        return "file", ""

    def _address(self, element: Element, node: Node) -> None:
        bus = node.bus
        if node.facts.needs == "ccw":
            etree.SubElement(element, "address", type="ccw", cssid="0xfe", ssid="0x0", devno=f"0x{node.unit:04x}")
        elif node.facts.needs == "virtio-mmio":
            etree.SubElement(element, "address", type="virtio-mmio")
        elif bus is None:
            return
        elif bus.type in ("pci", "pcie"):
            pci_address(element, node)
        elif bus.type == "usb":
            etree.SubElement(element, "address", type="usb", bus=str(self.indexes.get(id(bus), 0)), port=node.port)
        elif bus.type in ("ide", "scsi", "floppy", "nvme"):
            self._drive(element, node, bus)

    def _drive(self, element: Element, node: Node, bus: Bus) -> None:
        number = bus.owner.buses[::-1].index(bus) if bus.owner is not None else 0
        sata = element.find("target[@bus='sata']") is not None
        unit = number if sata else node.unit
        etree.SubElement(
            element, "address", type="drive", controller=str(self.indexes.get(id(bus), 0)),
            bus="0" if sata or bus.type != "ide" else str(number), target=str(node.target), unit=str(unit),
        )  # fmt: skip

    def _driver(self, element: Element, node: Node) -> None:
        """The options of a virtio device that decide whether a guest can drive it."""
        if not node.facts.virtio:
            return
        names = (("iommu_platform", "iommu"), ("ats", "ats"), ("packed", "packed"), ("page-per-vq", "page_per_vq"))
        found = {name: "on" if node.group.on(key) else "off" for key, name in names if node.group.get(key)}
        if not found:
            return
        driver = element.find("driver")
        if driver is None:
            driver = etree.SubElement(element, "driver")
        for name, value in found.items():
            driver.set(name, value)


def pci_address(element: Element, node: Node) -> None:
    """The PCI address of a device."""
    number = 0 if node.bus is None else node.bus.number
    address = etree.SubElement(
        element, "address", type="pci", domain="0x0000", bus=f"0x{number:02x}", slot=f"0x{node.slot:02x}",
        function=f"0x{node.function}",
    )  # fmt: skip
    chosen = "chipset" if node.built_in else "table" if node.group.table else "" if node.group.get("addr") else "slot"
    if chosen:
        address.set(CHOSEN, chosen)
    if node.group.on("multifunction") or (node.built_in and node.slot == 0x1D and node.function == 0):
        address.set("multifunction", "on")


def _disk(builder: Builder, node: Node, rest: str) -> Element | None:
    if rest == "vhostuser":
        disk = builder.disk("virtio", "disk", None)
        disk.set("type", "vhostuser")
        etree.SubElement(disk, "source", type="unix", path="")
        return disk
    if rest == "virtio":
        disk = builder.disk("virtio", "disk", node.backend)
        if node.facts.model != "virtio":
            disk.set("model", node.facts.model)
        return disk
    bus = "sata" if rest == "ide" and node.bus is not None and node.bus.units == 1 else rest
    if rest == "usb":
        return builder.disk("usb", "disk", node.backend)
    return builder.disk(bus, node.facts.model or "disk", node.backend)


def _interface(builder: Builder, node: Node, rest: str) -> Element:
    network = (node.backend.get("type") if node.backend is not None else "") or "ethernet"
    nic = builder.element("interface", type=_NETWORKS.get(network, "ethernet"))
    if nic.get("type") == "vdpa":
        etree.SubElement(nic, "source", dev=plain_path(node.backend.get("vhostdev") if node.backend else ""))
    mac = node.group.get("mac")
    if _MAC.fullmatch(mac):
        etree.SubElement(nic, "mac", address=mac.lower())
    etree.SubElement(nic, "model", type=clean(node.facts.model))
    return nic


def _controller(builder: Builder, node: Node, rest: str) -> Element | None:
    if rest == "pci":
        return _pci_controller(builder, node)
    if rest == "usb":
        return _usb_controller(builder, node)
    if rest == "nvme":
        controller = builder.controller(node, "nvme")
        serial = etree.SubElement(controller, "serial")
        serial.text = clean(node.group.get("serial")) or "nvme"
        return controller
    if rest in ("scsi", "virtio-serial"):
        model = node.facts.model
        if rest == "scsi" and model == "virtio":
            model = "virtio-scsi"
        controller = builder.controller(node, rest, model=model)
        ports = node.group.get("max_ports")
        if rest == "virtio-serial" and ports.isdigit():
            controller.set("ports", ports)
        return controller
    return builder.controller(node, rest)


def _usb_controller(builder: Builder, node: Node) -> Element:
    master = node.group.get("masterbus")
    companion = not node.buses
    if companion:
        # The other parts of a set share the number of the one that has the bus.
        index = max(builder.counts["usb"] - 1, 0)
        if master in builder.usb:
            index = builder.usb[master]
        controller = builder.element("controller", type="usb", index=str(index), model=node.facts.model)
        first = node.group.get("firstport")
        start = first if first.isdigit() else {"ich9-uhci2": "2", "ich9-uhci3": "4"}.get(node.facts.model, "0")
        etree.SubElement(controller, "master", startport=start)
        return controller
    controller = builder.controller(node, "usb", model=node.facts.model)
    builder.usb[node.buses[0].name] = builder.indexes[id(node.buses[0])]
    return controller


def _pci_controller(builder: Builder, node: Node) -> Element:
    model = node.facts.model
    controller = builder.element("controller", type="pci", index=str(_bus_number(node)), model=model)
    name = etree.SubElement(controller, "model", name=node.facts.driver)
    if node.facts.stands_for:
        controller.remove(name)
    options = {}
    for key, attribute in _OPTIONS.get(model, ()):
        value = node.group.get(key)
        if re.fullmatch(r"0x[0-9a-fA-F]{1,4}|[0-9]{1,5}", value):
            options[attribute] = value
    if options:
        etree.SubElement(controller, "target", options)
    return controller


def _bus_number(node: Node) -> int:
    buses = node.buses or ([node.expander] if node.expander is not None else [])
    return buses[0].number if buses else 0


def _video(builder: Builder, node: Node, rest: str) -> Element:
    video = builder.element("video")
    model = etree.SubElement(video, "model", type="virtio" if node.facts.virtio else node.facts.model)
    if node.facts.virtio:
        model.set("device", rest)
        if rest.startswith("vhost-user"):
            etree.SubElement(video, "driver", name="vhostuser")
    return video


def _input(builder: Builder, node: Node, rest: str) -> Element:
    if node.facts.virtio:
        return builder.element("input", type=rest, bus="virtio")
    return builder.element("input", type=node.facts.model, bus="usb")


def _hostdev(builder: Builder, node: Node, rest: str) -> Element:
    if rest == "scsi_host":
        hostdev = builder.element("hostdev", mode="subsystem", type="scsi_host", model=node.facts.model)
        etree.SubElement(hostdev, "source", protocol="vhost", wwpn=node.group.get("wwpn")[:40])
        return hostdev
    hostdev = builder.element("hostdev", mode="subsystem", type=rest or "pci")
    source = etree.SubElement(hostdev, "source")
    match = _HOST.fullmatch(node.group.get("host"))
    if match and not rest:
        etree.SubElement(
            source, "address", domain=f"0x{match[1] or '0000'}", bus=f"0x{match[2]}", slot=f"0x{match[3]}",
            function=f"0x{match[4]}",
        )  # fmt: skip
    return hostdev


def _filesystem(builder: Builder, node: Node, rest: str) -> Element:
    filesystem = builder.element("filesystem", type="mount")
    if rest == "virtiofs":
        etree.SubElement(filesystem, "driver", type="virtiofs")
    elif node.facts.model != "virtio":
        filesystem.set("model", node.facts.model)
    tag = node.group.get("tag") or node.group.get("mount_tag")
    etree.SubElement(filesystem, "target", dir=clean(tag))
    return filesystem


def _rng(builder: Builder, node: Node, rest: str) -> Element:
    rng = builder.element("rng", model=node.facts.model)
    etree.SubElement(rng, "backend", model="random").text = "/dev/urandom"
    return rng


def _memory(builder: Builder, node: Node, rest: str) -> Element:
    memory = builder.element("memory", model=rest)
    target = etree.SubElement(memory, "target")
    etree.SubElement(target, "size", unit="KiB").text = "0"
    return memory


def _modelled(tag: str, attribute: str = "model") -> Callable[[Builder, Node, str], Element]:
    def make(builder: Builder, node: Node, rest: str) -> Element:
        return _plain(builder, tag, attribute, node)

    return make


def _fixed(tag: str, **attributes: str) -> Callable[[Builder, Node, str], Element]:
    return lambda builder, node, rest: builder.element(tag, **attributes)


def _plain(builder: Builder, tag: str, attribute: str, node: Node) -> Element:
    return builder.element(tag, **{attribute: node.facts.model})


def _vsock(builder: Builder, node: Node, rest: str) -> Element:
    vsock = _plain(builder, "vsock", "model", node)
    number = node.group.get("guest-cid")
    etree.SubElement(vsock, "cid", auto="no", address=number if number.isdigit() else "3")
    return vsock


def _shmem(builder: Builder, node: Node, rest: str) -> Element:
    shmem = builder.element("shmem", name=node.id or f"shmem{builder.counts['shmem']}")
    builder.counts["shmem"] += 1
    etree.SubElement(shmem, "model", type=node.facts.model)
    return shmem


def _serial(builder: Builder, node: Node, rest: str) -> Element:
    serial = builder.element("serial", type="pty")
    target = etree.SubElement(serial, "target", type=node.facts.model)
    target.set("port", str(builder.counts["serial"]))
    builder.counts["serial"] += 1
    etree.SubElement(target, "model", name=node.facts.driver)
    return serial


def _port(builder: Builder, node: Node, rest: str) -> Element:
    """A port of a virtio-serial controller: the written number, or the lowest free one; 0 is for a console."""
    tag = node.facts.element
    element = builder.element(tag, type="pty")
    target = etree.SubElement(element, "target", type="virtio")
    if tag == "channel" and node.group.get("name"):
        target.set("name", clean(node.group.get("name")))
    bus = node.bus
    taken = builder.channels.setdefault(id(bus), set())
    written = node.group.get("nr")
    first = 0 if tag == "console" else 1
    number = int(written) if written.isdigit() else next(one for one in range(first, 1024) if one not in taken)
    taken.add(number)
    controller = builder.indexes.get(id(bus), 0)
    etree.SubElement(
        element, "address", type="virtio-serial", controller=str(controller), bus="0", port=str(number)
    )
    return element


def _crypto(builder: Builder, node: Node, rest: str) -> Element:
    crypto = builder.element("crypto", model="virtio", type="qemu")
    etree.SubElement(crypto, "backend", model="builtin")
    return crypto


def _smartcard(builder: Builder, node: Node, rest: str) -> Element:
    return builder.element("smartcard", mode=node.facts.model, type="spicevmc")


def _watchdog(builder: Builder, node: Node, rest: str) -> Element:
    return builder.element("watchdog", model=node.facts.model, action="reset")


_MAKERS: dict[str, _Maker] = {
    "channel": _port, "console": _port, "controller": _controller, "crypto": _crypto, "disk": _disk,
    "filesystem": _filesystem, "hostdev": _hostdev, "hub": _fixed("hub", type="usb"), "input": _input,
    "interface": _interface, "iommu": _modelled("iommu"), "memballoon": _modelled("memballoon"), "memory": _memory,
    "panic": _modelled("panic"), "parallel": _fixed("parallel", type="pty"), "pstore": _modelled("pstore", "backend"),
    "redirdev": _fixed("redirdev", bus="usb", type="spicevmc"), "rng": _rng, "serial": _serial, "shmem": _shmem,
    "smartcard": _smartcard, "sound": _modelled("sound"), "tpm": _modelled("tpm"), "video": _video, "vsock": _vsock,
    "watchdog": _watchdog,
}  # fmt: skip
