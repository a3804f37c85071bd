"""The tree of buses and devices that QEMU builds, and the place of a device for which none is written.

QEMU looks for a bus of the right type from the root of the tree, deepest first and the newest device first, and takes
the first one that is not full; on a PCI bus it takes the lowest slot whose function 0 is free.
Source: observed, ``info qtree`` of QEMU 7.2.22 and 11.1.2.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from virtkit.readers.qemu_command_line.device_facts import DeviceFacts
from virtkit.readers.qemu_command_line.options import Group

__all__ = ["Bus", "Node", "NotPlaced", "Tree"]

_ADDR = re.compile(r"(?:0[xX])?([0-9a-fA-F]+)(?:\.(?:0[xX])?([0-7]))?")
_SLOTS, _FUNCTIONS = 32, 8
_CLASS_NAMES = {"pci": "pci", "pcie": "pcie", "usb": "usb-bus", "hda": "hda"}
"""QEMU's names of the buses of devices without an id, before the count; the others have the name of their type."""
_UNITS = {"ide": 2}
_IDS = {"lsilogic": 8, "am53c974": 8, "dc390": 8}
_USB_PORTS = {"piix3-usb-uhci": 2, "piix4-usb-uhci": 2, "pci-ohci": 3, "nec-usb-xhci": 4, "qemu-xhci": 4, "usb-hub": 8}
_EHCI_PORTS = 6


class NotPlaced(Exception):
    """QEMU refuses the device, or domain XML cannot name its bus; the text is a sentence without the device."""

    consequence = ", so QEMU refuses the command line; it is left out"


class NotNamed(NotPlaced):
    """QEMU gives the device a place that domain XML cannot name."""

    consequence = ", so it is left out"


@dataclass(slots=True, eq=False)
class Bus:
    """One bus: ``type`` is pci, pcie, usb, scsi, ide, virtio-serial, …; ``devices`` holds the newest one first."""

    name: str
    type: str
    owner: Node | None = None
    devices: list[Node] = field(default_factory=list)
    number: int = -1
    used: dict[tuple[int, int], Node] = field(default_factory=dict)
    free_ports: list[str] = field(default_factory=list)
    root: bool = False
    units: int = 0
    bridges_only: bool = False

    @property
    def full(self) -> bool:
        """Whether QEMU passes over the bus when it looks for one."""
        limit = _UNITS.get(self.type, 0)
        return bool(limit) and len(self.devices) >= limit


@dataclass(slots=True, eq=False)
class Node:
    """One device with its place: slot and function on PCI, ``unit`` on IDE and SCSI, ``port`` on USB."""

    facts: DeviceFacts
    group: Group
    id: str = ""
    bus: Bus | None = None
    slot: int = 0
    function: int = 0
    unit: int = 0
    target: int = 0
    port: str = ""
    buses: list[Bus] = field(default_factory=list)
    built_in: bool = False
    backend: Group | None = None
    expander: Bus | None = None

    @property
    def line(self) -> int:
        """The line of the option."""
        return self.group.line

    @property
    def several_functions(self) -> bool:
        """Whether other functions may share its slot."""
        return self.built_in or self.facts.driver == "igb" or self.group.on("multifunction")


class Tree:
    """The tree in the making; devices are added in the order in which QEMU creates them."""

    def __init__(self, refuses_slot_0: Callable[[Bus], bool] = lambda bus: False) -> None:
        self.refuses_slot_0 = refuses_slot_0
        self.shows_virtual_functions = False
        self.root = Bus("main-system-bus", "system")
        self.nodes: list[Node] = []
        self.pci_buses: list[Bus] = []
        self._counts: Counter[str] = Counter()

    def add_root(self, type_: str, name: str) -> Bus:
        """Add the host bridge of the machine and its bus."""
        host = Node(DeviceFacts("", "system"), Group("", {}, 0), built_in=True)
        bus = Bus(name, type_, host, root=True)
        host.buses.insert(0, bus)
        self.root.devices.insert(0, host)
        bus.number = len(self.pci_buses)
        self.pci_buses.append(bus)
        if type_ == "pci":
            self._counts["pci"] += 1
        return bus

    def add(self, node: Node) -> None:
        """Put a device in its place. Raises NotPlaced when QEMU refuses it or its bus is not known."""
        needs = node.facts.needs
        if node.id and any(other.id == node.id for other in self.nodes):
            raise NotPlaced(f"another device has the id {node.id!r}, too")
        if needs in ("", "system", "isa", "ccw", "virtio-mmio"):
            if needs == "ccw":
                node.unit = self._channel_number(node.group)
            self.root.devices.insert(0, node)
        else:
            bus = self._bus_for(node, needs)
            node.bus = bus
            self._place(node, bus, needs)
            bus.devices.insert(0, node)
        self.nodes.append(node)
        self._bring(node)

    def walk(self) -> Iterator[Bus]:
        """Every bus, in the order in which QEMU looks for one."""
        stack = [self.root]
        while stack:
            bus = stack.pop()
            yield bus
            for device in reversed(bus.devices):
                stack += reversed(device.buses)

    def depth(self) -> int:
        """How many bridges stand one behind the other, at most."""
        levels: dict[int, int] = {}
        for bus in self.pci_buses:
            above = None if bus.owner is None else bus.owner.bus
            levels[id(bus)] = 0 if above is None else levels.get(id(above), 0) + 1
        return max(levels.values(), default=0)

    def find(self, name: str) -> Bus | None:
        """The bus with a name, or with a path whose last part is its name."""
        name = name.rstrip("/").rpartition("/")[2]
        return next((bus for bus in self.walk() if bus.name == name), None)

    def _bus_for(self, node: Node, needs: str) -> Bus:
        fits = ("pci", "pcie") if needs == "pci" else (needs,)
        name = node.group.get("bus")
        if name:
            bus = self.find(name)
            if bus is None:
                raise NotPlaced(f"the bus {name!r} does not exist")
            if bus.type not in fits:
                raise NotPlaced(f"the bus {name!r} is not one for it: expected {needs}, got {bus.type}")
            return bus
        known = [bus for bus in self.walk() if bus.type in fits]
        for bus in known:
            if not bus.full:
                return bus
        raise NotPlaced(f"no {needs} bus is free for it" if known else f"the machine has no {needs} bus")

    def _channel_number(self, group: Group) -> int:
        """The device number of a ccw device: of ``devno``, or the first free one from its subchannel on."""
        written = group.get("devno").rpartition(".")[2]
        if re.fullmatch(r"[0-9a-fA-F]{1,4}", written):
            return int(written, 16)
        taken = [node.unit for node in self.nodes if node.facts.needs == "ccw"]
        return next(number for number in range(len(taken), 0x20000) if number not in taken)

    def _place(self, node: Node, bus: Bus, needs: str) -> None:
        if needs == "pci":
            slot, function = _on_pci(node, bus)
            if not slot and self.refuses_slot_0(bus):
                raise NotPlaced(f"the hotplug controller of {bus.name} allows slots 1 to 31 only, and its slot is 0")
            node.slot, node.function = slot, function
            if self.shows_virtual_functions and node.facts.driver == "igb":
                _reserve_virtual_functions(node, bus)
            bus.used[slot, function] = node
        elif needs == "usb":
            self._on_usb(node, bus)
        elif needs == "ide":
            _on_ide(node, bus)
        elif needs == "scsi":
            _on_scsi(node, bus)

    def _on_usb(self, node: Node, bus: Bus) -> None:
        """Take a port; the last free one goes to a hub that QEMU adds."""
        port = node.group.get("port")
        if port:
            if port not in bus.free_ports:
                raise NotPlaced(f"the USB port {port} is in use or does not exist")
        else:
            if len(bus.free_ports) == 1 and node.facts.driver != "usb-hub":
                hub = Node(DeviceFacts("usb-hub", "usb", element="hub", model="usb"), Group("device", {}, node.line))
                hub.bus, hub.port = bus, bus.free_ports.pop(0)
                bus.devices.insert(0, hub)
                self.nodes.append(hub)
                bus.free_ports += [f"{hub.port}.{number + 1}" for number in range(_USB_PORTS["usb-hub"])]
            if not bus.free_ports:
                raise NotPlaced("no USB port is free for it")
            port = bus.free_ports[0]
        node.port = port
        bus.free_ports.remove(port)
        if node.facts.driver == "usb-hub":
            bus.free_ports += [f"{port}.{number + 1}" for number in range(_USB_PORTS["usb-hub"])]

    def _bring(self, node: Node) -> None:
        """Add the buses that a device brings, with QEMU's names."""
        facts = node.facts
        for number in range(facts.count):
            kind = facts.brings
            if kind in ("pci", "pcie") and node.id:
                name = node.id
            elif node.id:
                name = f"{node.id}.{number}"
            else:
                class_name = _CLASS_NAMES.get(kind, kind if kind != "virtio-serial" else "virtio-serial-bus")
                name = f"{class_name}.{self._counts[class_name]}"
                self._counts[class_name] += 1
            bus = Bus(name, kind, node)
            bus.units = 1 if kind == "ide" and facts.driver in ("ich9-ahci",) else 0
            if kind == "usb":
                ports = node.group.get("p2") or node.group.get("ports")
                count = int(ports) if ports.isdigit() else _USB_PORTS.get(facts.driver, _EHCI_PORTS)
                bus.free_ports = [str(port + 1) for port in range(min(count, 15))]
            if kind in ("pci", "pcie"):
                bus.number = len(self.pci_buses)
                self.pci_buses.append(bus)
            node.buses.insert(0, bus)
        if facts.driver in ("pxb", "pxb-pcie", "pxb-cxl"):
            self._expand(node)

    def _expand(self, node: Node) -> None:
        """A PCI expander: its host bridge hangs on the system bus, where QEMU finds it before the machine's own."""
        host = Node(DeviceFacts("", "system"), Group("", {}, node.line), built_in=True)
        host.buses = node.buses
        node.expander = node.buses[0]
        node.buses = []
        if node.facts.driver == "pxb":
            internal = Bus("pxb-internal", "pci", host, bridges_only=True)
            bridge = Node(DeviceFacts("", "pci"), Group("", {}, node.line), built_in=True, buses=host.buses)
            bridge.bus = internal
            node.expander.owner = bridge
            internal.devices.append(bridge)
            host.buses = [internal]
        else:
            node.expander.owner = host
            node.expander.bridges_only = True
        self.root.devices.insert(0, host)


def _on_pci(node: Node, bus: Bus) -> tuple[int, int]:
    """The slot and function that a device gets."""
    if bus.bridges_only and node.facts.brings not in ("pci", "pcie"):
        raise NotPlaced(f"only bridges and ports can be plugged into {bus.name} (write bus= for it)")
    if bus.number < 0:
        raise NotNamed(f"its place is on {bus.name}, a bus that domain XML cannot name (write bus= for it)")
    slot, function = _written_place(node.group)
    if slot is None:
        free = [number for number in range(_SLOTS) if (number, 0) not in bus.used]
        if not free:
            raise NotPlaced(f"the bus {bus.name} has no free slot")
        slot, function = free[0], 0
    taken = bus.used.get((slot, function))
    if taken is not None:
        who = taken.id or taken.facts.driver
        raise NotPlaced(f"slot {slot:#x} function {function} of {bus.name} is in use by {who}")
    _check_functions(node, bus, slot, function)
    return slot, function


def _check_functions(node: Node, bus: Bus, slot: int, function: int) -> None:
    """Refuse what QEMU refuses: a further function beside a function 0 that is not marked multifunction."""
    first = bus.used.get((slot, 0))
    if function and first is not None and not first.several_functions:
        raise NotPlaced(f"function 0 of slot {slot:#x} of {bus.name} is not marked multifunction=on")
    others = [number for number in range(1, _FUNCTIONS) if (slot, number) in bus.used]
    if not function and others and not node.several_functions:
        what = f"slot {slot:#x} of {bus.name} has function {others[0]} already"
        raise NotPlaced(f"{what}, and function 0 is not marked multifunction=on")


def _reserve_virtual_functions(node: Node, bus: Bus) -> None:
    """Take the places of the 8 virtual functions of an igb: every second function, 128 functions further.

    Source: observed, info qtree of QEMU 11.1.2; 10.0 has none of them before the guest turns them on.
    """
    places = [divmod(8 * node.slot + node.function + 128 + 2 * number, _FUNCTIONS) for number in range(8)]
    if places[-1][0] >= _SLOTS:
        raise NotPlaced("the addresses of its virtual functions lie beyond the bus")
    taken = next((place for place in places if place in bus.used), None)
    if taken is not None:
        raise NotPlaced(f"slot {taken[0]:#x} function {taken[1]} of {bus.name}, for a virtual function, is in use")
    for place in places:
        bus.used[place] = node


def _written_place(group: Group) -> tuple[int | None, int]:
    """Slot and function of ``addr``: text is SLOT or SLOT.FUNCTION in hexadecimal, a number 8 * slot + function."""
    if "addr" in group.numbers:
        number = group.numbers["addr"]
        if number < 0:
            return None, 0
        if number >= _SLOTS * _FUNCTIONS:
            raise NotPlaced(f"addr={number} is out of range; expected at most {_SLOTS * _FUNCTIONS - 1}")
        return number >> 3, number & 7
    text = group.get("addr")
    if not text or text == "-1":
        return None, 0
    match = _ADDR.fullmatch(text)
    if match is None or int(match[1], 16) >= _SLOTS:
        raise NotPlaced(f"addr={text} is not valid; expected SLOT or SLOT.FUNCTION in hexadecimal, at most 1f.7")
    return int(match[1], 16), int(match[2] or "0", 16)


def _on_ide(node: Node, bus: Bus) -> None:
    unit = _number(node.group, "unit")
    limit = bus.units or 2
    taken = {device.unit for device in bus.devices}
    if unit is None:
        # QEMU gives the first device unit 0 and any other one unit 1.
        unit = 1 if 0 in taken else 0
    if unit >= limit:
        raise NotPlaced(f"the bus {bus.name} supports only {limit} unit" + ("s" if limit > 1 else ""))
    if unit in taken:
        raise NotPlaced(f"unit {unit} of {bus.name} is in use")
    node.unit = unit


def _on_scsi(node: Node, bus: Bus) -> None:
    target, unit = _number(node.group, "scsi-id"), _number(node.group, "lun")
    taken = {(device.target, device.unit) for device in bus.devices}
    if target is None:
        target = next((number for number in range(256) if (number, unit or 0) not in taken), 0)
    if unit is None:
        unit = next((number for number in range(256) if (target, number) not in taken), 0)
    if (target, unit) in taken:
        raise NotPlaced(f"SCSI id {target}, LUN {unit} of {bus.name} is in use")
    node.target, node.unit = target, unit


def _number(group: Group, key: str) -> int | None:
    text = group.get(key)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
