"""The positions of the parts of a topology picture, in points, as values that tests check without drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from virtkit.topology.diff import Change, ChangeKind, Difference, compare
from virtkit.topology.model import Bus, Node, Topology
from virtkit.wording import counted

__all__ = ["Box", "Bridge", "Layout", "Line", "lay_out", "short"]

MARGIN = 16.0
HEAD = 46.0  # title and headroom
COUNTS = 18.0  # the summary of a difference
STEP = 86.0  # from one bus to the next
ROW = 30.0
FREE_ROW = 26.0
BOX = (286.0, 25.0)
FREE_BOX = (286.0, 16.0)
LABEL = 40.0  # width for "1f.2" on a link
GAP = 30.0  # between the device before and after
EARLIER_BOX = (226.0, 25.0)


@dataclass(frozen=True, slots=True)
class Box:
    """A box for a device (``node``), or for free slots and empty ports (``node`` None).

    ``x`` is its left side, ``y`` its middle. ``change`` is how the device changed, in a difference;
    ``text`` holds the former addresses of a removed device.
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
    """The small square of a bridge; ``count`` is above 1 for collapsed ports, ``label`` names the bus.

    ``model`` is "" for a root port, the most frequent model.
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
    """A link from (x0, y0) to (x1, y1) with the slot at its beginning."""

    x0: float
    y0: float
    x1: float
    y1: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """Text at (x, y) that may be ``room`` points wide."""

    x: float
    y: float
    text: str
    room: float


@dataclass(slots=True)
class Layout:
    """All parts of a picture ``width`` by ``height`` points, y growing downwards.

    In a difference (``compared``), ``earlier`` holds the boxes of devices as they were: each beside the present device,
    removed devices at the end.
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
    """The parts of a picture of ``topology``; with ``before``, of how each device changed since."""
    return _LayoutBuilder(topology, before).run()


class _LayoutBuilder:
    """One layout in the making: ``y`` moves down from row to row."""

    def __init__(self, topology: Topology, before: Topology | None) -> None:
        self.topology = topology
        self.compared = None if before is None else compare(before, topology)
        changes = () if self.compared is None else self.compared.changes
        self.changes = {id(change.after): change for change in changes if change.after is not None}
        self.out = Layout(compared=self.compared)
        self.y = MARGIN + HEAD + (0.0 if before is None else COUNTS)
        depth = max((_depth(bus) for bus in topology.roots), default=0)
        # From left to right: the buses, the device before (in a difference), the device.
        self.earlier_x = MARGIN + 10 + STEP * depth + (LABEL + 22 if topology.roots else 3 * LABEL)
        self.device_x = self.earlier_x + (0.0 if before is None else EARLIER_BOX[0] + GAP)

    def run(self) -> Layout:
        out = self.out
        if self.compared is not None:
            after, before = f"after: {self.topology.machine}", f"before: {self.compared.before.machine}"
            out.headings.append(Heading(self.earlier_x, self.y, before, EARLIER_BOX[0]))
            out.headings.append(Heading(self.device_x, self.y, after, BOX[0]))
            self.y += 22.0
        for bus in self.topology.roots:
            words = f"bus {bus.index}: {bus.model}, {bus.accepts}"
            out.headings.append(Heading(MARGIN, self.y, words, self.device_x + BOX[0] - MARGIN))
            top = self.y + 7
            self.y += 24
            self.bus(bus, MARGIN + 10, top)
            self.y += 10
        self.listed("not on a PCI bus", self.topology.others)
        out.width = self.device_x + BOX[0] + MARGIN
        if self.compared is not None:
            self.gone(self.compared)
        out.height = self.y + MARGIN
        return out

    def bus(self, bus: Bus, x: float, top: float | None) -> None:
        """Rows of a bus whose line is at ``x``; the line begins at ``top``, or at the first child if None."""
        first = last = top if top is not None else self.y
        for group in _groups(bus.nodes, self.changes):
            node, y = group[0], self.y
            last = y
            label = _slot(node)
            if node.bus is None:
                self.link(x, node, label)
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

    def earlier(self, node: Node) -> Change | None:
        """The change of a device that is drawn as it was before, too."""
        change = self.changes.get(id(node))
        return None if change is None or change.before is None or change.kind is ChangeKind.SAME else change

    def link(self, x: float, node: Node, label: str) -> None:
        """The line from a bus to a device; one that is drawn as it was before, too, stands in the middle of it."""
        if self.earlier(node) is None:
            self.out.lines.append(Line(x, self.y, self.device_x, self.y, label))
            return
        self.out.lines.append(Line(x, self.y, self.earlier_x, self.y, label))
        self.out.lines.append(Line(self.earlier_x + EARLIER_BOX[0], self.y, self.device_x, self.y))

    def device(self, node: Node, hotplug: bool) -> None:
        self.out.boxes.append(Box(self.device_x, self.y, *BOX, node, "", hotplug, self.changes.get(id(node))))
        if (change := self.earlier(node)) is not None and change.before is not None:
            self.out.earlier.append(Box(self.earlier_x, self.y, *EARLIER_BOX, change.before, "", False, change))

    def gone(self, compared: Difference) -> None:
        """Removed devices: a row for each, and one row for neighbouring bridges of one model."""
        gone = [change for change in compared.changes if change.kind is ChangeKind.GONE]
        if not gone:
            return
        self.out.headings.append(Heading(self.earlier_x, self.y, "removed", EARLIER_BOX[0]))
        self.y += 22
        for _, some in groupby(gone, key=_row_key):
            group = list(some)
            places = [short(change.node.address) for change in group]
            text = places[0] if len(places) < 2 else f"{len(places)}, {places[0]} to {places[-1]}"
            self.out.earlier.append(Box(self.earlier_x, self.y, *EARLIER_BOX, group[0].node, text, False, group[0]))
            self.y += ROW
        self.y += 6

    def hollow(self, bus: Bus, ports: Sequence[Node]) -> None:
        free = bus.free * max(len(ports), 1)
        plug = "hotplug" if bus.hotplug else "no hotplug"
        words = f"{counted(free, 'free slot')}, {bus.accepts}, {plug}"
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
                self.link(MARGIN + 10, node, node.address)
            self.device(node, False)
            self.y += ROW
        self.y += 6


def _groups(nodes: Sequence[Node], changes: Mapping[int, Change]) -> Iterator[list[Node]]:
    """Runs of empty bridges that differ in their slot only; every other node by itself."""

    def sort(node: Node) -> tuple[object, ...]:
        bus, change = node.bus, changes.get(id(node))
        if bus is None or bus.nodes:
            return (id(node),)
        known = (bus.model, bus.hotplug, bus.free, bus.accepts, node.placed, node.added, node.driver)
        return (*known, None if change is None else change.kind)

    for _, group in groupby(nodes, key=sort):
        yield list(group)


def _slot(node: Node) -> str:
    return f"{node.slot:02x}.{node.function:x}"


def _row_key(change: Change) -> object:
    """The key by which removed nodes share a row: the model of a bridge; a device has a row of its own."""
    bus = change.node.bus
    return id(change) if bus is None else bus.model


def short(address: str) -> str:
    """A PCI address without domain 0: "03:00.0" for "0000:03:00.0"."""
    return address.removeprefix("0000:")


def _depth(bus: Bus) -> int:
    """The number of bus columns below ``bus``, its own included; empty bridges need no column."""
    return max((_depth(node.bus) for node in bus.nodes if node.bus is not None and node.bus.nodes), default=0) + 1
