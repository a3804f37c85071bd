"""Two topologies of a domain compared: which device of one is which of the other, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from virtkit.display import Drawable
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["Change", "Difference", "Part", "Sort", "compare", "nodes"]


class Sort(StrEnum):
    """What became of a device: the most that can be said of it in a word."""

    SAME = "same"
    MOVED = "moved"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that differs: ``what`` is device, driver, interface or address; "" where there was or is none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A device before and after (None where it is not there), with what differs."""

    sort: Sort
    before: Node | None
    after: Node | None
    parts: tuple[Part, ...] = ()

    @property
    def node(self) -> Node:
        """The device as it is, or as it was when it is gone."""
        if self.after is not None:
            return self.after
        if self.before is not None:
            return self.before
        raise ValueError("a change of no device")

    @property
    def bridge(self) -> bool:
        """Whether it is a PCI controller that provides a bus."""
        return self.node.bus is not None

    def differs(self, what: str) -> bool:
        """Whether the part called ``what`` differs."""
        return any(part.what == what for part in self.parts)


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Drawable):
    """What changes from one topology to the other: a Change for each device, in the later tree's order, gone last."""

    before: Topology
    after: Topology
    changes: tuple[Change, ...]

    @property
    def machines(self) -> str:
        """The machine type, or both with an arrow."""
        one, other = self.before.machine, self.after.machine
        return other if one == other else f"{one} → {other}"

    @property
    def names(self) -> str:
        """The domain's name, or both with an arrow."""
        one, other = self.before.name, self.after.name
        return other if one == other else f"{one} → {other}"

    def rooms(self) -> Iterator[tuple[str, int, int]]:
        """Kind of slot, how many were free for hotplug before, and how many are after."""
        old = {room.kind: room.free for room in self.before.headroom}
        new = {room.kind: room.free for room in self.after.headroom}
        for kind in dict.fromkeys([*old, *new]):
            yield kind, old.get(kind, 0), new.get(kind, 0)

    def summary(self) -> str:
        """The counts in a line: "1 interface changed, 3 moved, 2 pcie-root-ports gone, 4 unchanged"."""
        devices = [change for change in self.changes if not change.bridge]
        shows = [change for change in devices if change.differs("interface")]
        models = [change for change in devices if change.sort is Sort.CHANGED and not change.differs("interface")]
        said = [
            _count(len(shows), "interface", "changed"),
            _count(len(models), "model", "changed"),
            _some(sum(change.differs("address") for change in self.changes), "moved"),
        ]
        for sort in (Sort.NEW, Sort.GONE):
            said.append(_count(sum(change.sort is sort for change in devices), "device", sort))
            buses = Counter(_model(change.node) for change in self.changes if change.bridge and change.sort is sort)
            said += [_count(count, model, sort) for model, count in sorted(buses.items())]
        said.append(_some(sum(change.sort is Sort.SAME for change in devices), "unchanged"))
        return ", ".join(words for words in said if words) or "no device in either"

    def __repr__(self) -> str:
        return f"<Difference {self.names!r} {self.machines}: {self.summary()}>"


def compare(before: Topology, after: Topology) -> Difference:
    """The difference of two topologies.

    Devices are matched by what stays theirs on another machine and never by address: a user's alias, a disk's target
    and a NIC's MAC address first, then libvirt's alias and title, then what is left of a kind in the order of the
    XML, when there are as many before as after. Bridges are matched by model, at the same place first.

    >>> import virtkit as vk
    >>> domain = vk.read(vk.samples() / "rhel6-q35-virtio.xml")
    >>> print(vk.compare(vk.resolve(domain).topology, vk.resolve(domain, machine="pc").topology).summary())
    3 interfaces changed, 1 model changed, 5 moved, 2 devices gone, 5 pcie-root-ports gone, 3 unchanged
    """
    matched = _Matching(list(nodes(before)), list(nodes(after))).run()
    found = []
    for node in nodes(after):
        old = matched.get(id(node))
        found.append(Change(Sort.NEW, None, node) if old is None else _change(old, node))
    kept = {id(node) for node in matched.values()}
    found += [Change(Sort.GONE, node, None) for node in nodes(before) if id(node) not in kept]
    return Difference(before, after, tuple(found))


def nodes(topology: Topology) -> Iterator[Node]:
    """Every node of a topology, in the order of the tree."""

    def walk(bus: Bus) -> Iterator[Node]:
        for node in bus.nodes:
            yield node
            if node.bus is not None:
                yield from walk(node.bus)

    for root in topology.roots:
        yield from walk(root)
    yield from topology.others


def _change(before: Node, after: Node) -> Change:
    pairs = (
        ("device", before.title or before.id, after.title or after.id),
        ("driver", before.driver, after.driver),
        ("interface", before.interface or "", after.interface or ""),
        ("address", before.address, after.address),
    )
    parts = tuple(Part(what, one, other) for what, one, other in pairs if one != other)
    if after.bus is not None and before.added and after.added:
        parts = ()  # libvirt's own bridges are as good as one another
    if any(part.what != "address" for part in parts):
        return Change(Sort.CHANGED, before, after, parts)
    return Change(Sort.MOVED if parts else Sort.SAME, before, after, parts)


class _Matching:
    """Which earlier node is which later one: rounds of keys, from the surest to the weakest."""

    def __init__(self, before: list[Node], after: list[Node]) -> None:
        self.before, self.after = before, after
        self.found: dict[int, Node] = {}
        self.taken: set[int] = set()

    def run(self) -> dict[int, Node]:
        """The earlier node by the ``id()`` of the later one."""
        self.round(lambda node: (node.kind, node.identity) if node.identity else None)
        self.round(lambda node: (_model(node), node.address) if node.bus else None)
        self.round(lambda node: (_model(node), node.id) if node.bus else None)
        self.round(lambda node: _model(node) if node.bus else None)
        self.round(lambda node: None if node.bus or _own(node) else (node.kind, node.id, node.title))
        self.round(lambda node: None if node.bus or _own(node) else (node.kind, node.title))
        self.round(lambda node: None if node.bus or _own(node) else (node.kind, node.id))
        self.round(_likeness, even=True)
        return self.found

    def round(self, key: Callable[[Node], Hashable | None], even: bool = False) -> None:
        """Match those of one key in their order; with ``even`` only where there are as many before as after."""
        old = _by(key, (node for node in self.before if id(node) not in self.taken))
        new = _by(key, (node for node in self.after if id(node) not in self.found))
        for name, some in new.items():
            others = old.get(name, [])
            if even and len(some) != len(others):
                continue
            for after, before in zip(some, others, strict=False):
                self.found[id(after)] = before
                self.taken.add(id(before))


def _by(key: Callable[[Node], Hashable | None], some: Iterable[Node]) -> dict[Hashable, list[Node]]:
    found: dict[Hashable, list[Node]] = {}
    for node in some:
        name = key(node)
        if name is not None:
            found.setdefault(name, []).append(node)
    return found


def _own(node: Node) -> bool:
    """Whether it has a name of its own, so that another name means another device."""
    return bool(node.identity)


def _likeness(node: Node) -> Hashable | None:
    """What a device must share with another to be taken for it: its kind, and of a controller its type."""
    if node.bus is not None:
        return None
    return (node.kind, node.title.partition(" ")[0] if node.kind == "controller" else "", node.added)


def _model(node: Node) -> str:
    return node.bus.model if node.bus is not None else node.title


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count else ""


def _count(count: int, noun: str, word: str) -> str:
    return _some(count, f"{noun}{'' if count == 1 else 's'} {word}")
