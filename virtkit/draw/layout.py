"""Where each part of a topology picture goes, in points: values, so that overlaps are tested without drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from virtkit.topology.diff import Change, Difference, Sort, compare
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["Box", "Bridge", "Layout", "Line", "lay_out", "short"]

MARGIN = 16.0
HEAD = 46.0  # title and headroom
COUNTS = 18.0  # the summary of a difference
STEP = 86.0  # from one bus to the next
ROW = 30.0
FREE_ROW = 26.0
BOX = (286.0, 25.0)
FREE_BOX = (286.0, 16.0)
LABEL = 40.0  # room for "1f.2" on a link
GAP = 30.0  # between what is and what was
WAS = (226.0, 25.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A device (``node``), or something hollow (``node`` None): free slots, empty ports. ``x``, ``y``: left, middle.

    ``change`` is what became of it, in a difference; ``text`` of a device that is gone are the places it had.
    """

    x: float
    y: float
    width: float
    height: float
    node: Node | None
    text: str
    hotplug: bool
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Bridge:
    """The small square of a bridge; ``count`` is above 1 for collapsed ports, ``label`` its bus.

    ``model`` is empty for a root port, of which there are many.
    """

    x: float
    y: float
    node: Node
    count: int
    label: str
    model: str
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A link from (x0, y0) to (x1, y1) with the slot it leaves from."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """Words at (x, y) that may be ``room`` points wide."""

    x: float
    y: float
    text: str
    room: float


@dataclass(slots=True)
class Layout:
    """All parts of a picture ``width`` by ``height`` points, y growing downwards.

    In a difference, ``compared``, ``earlier`` are the boxes of what was: each beside its device, gone ones at the end.
    """

    compared: Difference | None = None
    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    earlier: list[Box] = field(default_factory=list)
    bridges: list[Bridge] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)


def lay_out(topology: Topology, before: Topology | None = None) -> Layout:
    """The parts of a picture of ``topology``; with ``before``, each device says how it changed since."""
    return _Work(topology, before).run()


class _Work:
    """One layout in the making: a cursor that walks down the rows."""

    def __init__(self, topology: Topology, before: Topology | None) -> None:
        self.topology = topology
        self.compared = None if before is None else compare(before, topology)
        changes = () if self.compared is None else self.compared.changes
        self.changes = {id(change.after): change for change in changes if change.after is not None}
        self.out = Layout(compared=self.compared)
        self.y = MARGIN + HEAD + (0.0 if before is None else COUNTS)
        depth = max((_depth(bus) for bus in topology.roots), default=0)
        self.device_x = MARGIN + 10 + STEP * depth + (LABEL + 22 if topology.roots else 3 * LABEL)
        self.earlier_x = self.device_x + BOX[0] + GAP

    def run(self) -> Layout:
        out = self.out
        if self.compared is not None:
            after, before = f"after: {self.topology.machine}", f"before: {self.compared.before.machine}"
            out.headings.append(Heading(self.device_x, self.y, after, BOX[0]))
            out.headings.append(Heading(self.earlier_x, self.y, before, WAS[0]))
            self.y += 22.0
        for bus in self.topology.roots:
            words = f"bus {bus.index}: {bus.model}, {bus.accepts}"
            out.headings.append(Heading(MARGIN, self.y, words, self.device_x + BOX[0] - MARGIN))
            top = self.y + 7
            self.y += 24
            self.bus(bus, MARGIN + 10, top)
            self.y += 10
        self.listed("on no PCI bus", self.topology.others)
        out.width = self.device_x + BOX[0] + MARGIN
        if self.compared is not None:
            self.gone(self.compared)
            out.width = self.earlier_x + WAS[0] + MARGIN
        out.height = self.y + MARGIN
        return out

    def bus(self, bus: Bus, x: float, top: float | None) -> None:
        """Rows of a bus whose line stands at ``x``; ``top`` is where the line begins (its first child where None)."""
        first = last = top if top is not None else self.y
        for group in _groups(bus.nodes, self.changes):
            node, y = group[0], self.y
            last = y
            label = _slot(node)
            if node.bus is None:
                self.out.lines.append(Line(x, y, self.device_x, y, label))
                self.device(node, bus.hotplug)
                self.y += ROW
                continue
            square = x + LABEL
            inner = node.bus
            name = f"{len(group)} ports" if len(group) > 1 else f"bus {inner.index}"
            model = "" if inner.model == "pcie-root-port" else inner.model
            self.out.lines.append(Line(x, y, square, y, label))
            self.out.bridges.append(Bridge(square, y, node, len(group), name, model, self.changes.get(id(node))))
            if inner.nodes:
                self.out.lines.append(Line(square, y, x + STEP, y))
                self.bus(inner, x + STEP, None)
            else:
                self.out.lines.append(Line(square, y, self.device_x, y))
                self.hollow(inner, group)
        if bus.free and bus.nodes and (bus.hotplug or top is not None):
            last = self.y
            self.out.lines.append(Line(x, self.y, self.device_x, self.y))
            self.hollow(bus, ())
        if last > first:
            self.out.lines.append(Line(x, first, x, last))

    def device(self, node: Node, hotplug: bool) -> None:
        change = self.changes.get(id(node))
        self.out.boxes.append(Box(self.device_x, self.y, *BOX, node, "", hotplug, change))
        if change is not None and change.before is not None and change.sort is not Sort.SAME:
            self.out.lines.append(Line(self.device_x + BOX[0], self.y, self.earlier_x, self.y))
            self.out.earlier.append(Box(self.earlier_x, self.y, *WAS, change.before, "", False, change))

    def gone(self, compared: Difference) -> None:
        """What is no longer there: a row for each device, and one for neighbouring bridges of one model."""
        gone = [change for change in compared.changes if change.sort is Sort.GONE]
        if not gone:
            return
        self.out.headings.append(Heading(self.earlier_x, self.y, "no longer there", WAS[0]))
        self.y += 22
        for _, some in groupby(gone, key=_kept_together):
            group = list(some)
            places = [short(change.node.address) for change in group]
            text = places[0] if len(places) < 2 else f"{len(places)} of them, {places[0]} to {places[-1]}"
            self.out.earlier.append(Box(self.earlier_x, self.y, *WAS, group[0].node, text, False, group[0]))
            self.y += ROW
        self.y += 6

    def hollow(self, bus: Bus, ports: Sequence[Node]) -> None:
        free = bus.free * max(len(ports), 1)
        plug = "hotplug" if bus.hotplug else "cold plug only"
        words = f"{free} free {'slot' if free == 1 else 'slots'}, {bus.accepts}, {plug}"
        if len(ports) > 1:
            words = f"{words}; ports {_slot(ports[0])} to {_slot(ports[-1])}"
        self.out.boxes.append(Box(self.device_x, self.y, *FREE_BOX, None, words, bus.hotplug))
        self.y += FREE_ROW

    def listed(self, heading: str, nodes: Sequence[Node]) -> None:
        """Devices without a tree: one row each under a heading."""
        if not nodes:
            return
        self.out.headings.append(Heading(MARGIN, self.y, heading, self.device_x + BOX[0] - MARGIN))
        self.y += 22
        for node in nodes:
            if node.address:
                self.out.lines.append(Line(MARGIN + 10, self.y, self.device_x, self.y, node.address))
            self.device(node, False)
            self.y += ROW
        self.y += 6


def _groups(nodes: Sequence[Node], changes: Mapping[int, Change]) -> Iterator[list[Node]]:
    """Neighbours that differ in nothing but their slot, when they are empty bridges; everything else alone."""

    def sort(node: Node) -> tuple[object, ...]:
        bus, change = node.bus, changes.get(id(node))
        if bus is None or bus.nodes:
            return (id(node),)
        known = (bus.model, bus.hotplug, bus.free, bus.accepts, node.placed, node.added, node.driver)
        return (*known, None if change is None else change.sort)

    for _, group in groupby(nodes, key=sort):
        yield list(group)


def _slot(node: Node) -> str:
    return f"{node.slot:02x}.{node.function:x}"


def _kept_together(change: Change) -> object:
    """Bridges of one model that are gone share a row; a device has its own."""
    bus = change.node.bus
    return id(change) if bus is None else bus.model


def short(address: str) -> str:
    """An address without PCI domain 0: "03:00.0" for "0000:03:00.0"."""
    return address.removeprefix("0000:")


def _depth(bus: Bus) -> int:
    """How many buses stand beside each other, this one included; empty bridges need no column of their own."""
    return max((_depth(node.bus) for node in bus.nodes if node.bus is not None and node.bus.nodes), default=0) + 1
