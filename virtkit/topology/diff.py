"""The difference of two topologies of a domain: devices are matched, and each change is classified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from virtkit.display import Drawable
from virtkit.topology.model import Bus, Node, Topology
from virtkit.wording import counted

__all__ = ["AttributeChange", "Change", "ChangeKind", "Difference", "compare", "nodes"]


class ChangeKind(StrEnum):
    """How a device changed: MOVED if only its address differs, CHANGED if anything else does."""

    SAME = "same"
    MOVED = "moved"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute that differs: ``name`` is device, driver, interface or address; "" stands for none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """A device before and after (None where it is absent), with the attributes that differ."""

    kind: ChangeKind
    before: Node | None
    after: Node | None
    attributes: tuple[AttributeChange, ...] = ()

    @property
    def node(self) -> Node:
        """The device after the change, or before it if it is gone."""
        if self.after is not None:
            return self.after
        if self.before is not None:
            return self.before
        raise ValueError("a change of no device")

    @property
    def bridge(self) -> bool:
        """Whether the device is a PCI controller that provides a bus."""
        return self.node.bus is not None

    def differs(self, name: str) -> bool:
        """Whether the attribute ``name`` differs."""
        return any(attribute.name == name for attribute in self.attributes)


@dataclass(frozen=True, slots=True, repr=False)
class Difference(Drawable):
    """The changes from one topology to another: one for each device, in the order of the later tree, gone ones last."""

    before: Topology
    after: Topology
    changes: tuple[Change, ...]

    @property
    def machines(self) -> str:
        """The machine type, or both with an arrow between."""
        one, other = self.before.machine, self.after.machine
        return other if one == other else f"{one} → {other}"

    @property
    def names(self) -> str:
        """The name of the domain, or both with an arrow between."""
        one, other = self.before.name, self.after.name
        return other if one == other else f"{one} → {other}"

    def headroom(self) -> Iterator[tuple[str, int, int]]:
        """For each kind of slot, the number of slots free for hotplug before and after."""
        old = {room.kind: room.free for room in self.before.headroom}
        new = {room.kind: room.free for room in self.after.headroom}
        for kind in dict.fromkeys([*old, *new]):
            yield kind, old.get(kind, 0), new.get(kind, 0)

    def summary(self) -> str:
        """The counts in one line: "1 interface changed, 3 moved, 2 pcie-root-ports gone, 4 unchanged"."""
        devices = [change for change in self.changes if not change.bridge]
        shows = [change for change in devices if change.differs("interface")]
        models = [change for change in devices if change.kind is ChangeKind.CHANGED and not change.differs("interface")]
        parts = [
            _count(len(shows), "interface", "changed"),
            _count(len(models), "model", "changed"),
            _count_with(sum(change.differs("address") for change in self.changes), "moved"),
        ]
        for kind in (ChangeKind.NEW, ChangeKind.GONE):
            parts.append(_count(sum(change.kind is kind for change in devices), "device", kind))
            buses = Counter(_model(change.node) for change in self.changes if change.bridge and change.kind is kind)
            parts += [_count(count, model, kind) for model, count in sorted(buses.items())]
        parts.append(_count_with(sum(change.kind is ChangeKind.SAME for change in devices), "unchanged"))
        return ", ".join(words for words in parts if words) or "neither has a device"

    def __repr__(self) -> str:
        return f"<Difference {self.names!r} {self.machines}: {self.summary()}>"


def compare(before: Topology, after: Topology) -> Difference:
    """The difference of two topologies.

    Devices are matched by what another machine type does not change, never by address: first by the user's alias, the
    target of a disk and the MAC address of a NIC, then by libvirt's alias and title, then, if there are as many before
    as after, by kind in the order of the XML. Bridges are matched by model, those at the same address first.

    >>> import virtkit as vk
    >>> domain = vk.read(vk.samples() / "rhel6-q35-virtio.xml")
    >>> print(vk.compare(vk.resolve(domain).topology, vk.resolve(domain, machine="pc").topology).summary())
    3 interfaces changed, 1 model changed, 5 moved, 2 devices gone, 5 pcie-root-ports gone, 3 unchanged
    """
    matched = _NodeMatcher(list(nodes(before)), list(nodes(after))).run()
    found = []
    for node in nodes(after):
        old = matched.get(id(node))
        found.append(Change(ChangeKind.NEW, None, node) if old is None else _compared(old, node))
    kept = {id(node) for node in matched.values()}
    found += [Change(ChangeKind.GONE, node, None) for node in nodes(before) if id(node) not in kept]
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


def _compared(before: Node, after: Node) -> Change:
    pairs = (
        ("device", before.title or before.id, after.title or after.id),
        ("driver", before.driver, after.driver),
        ("interface", before.interface or "", after.interface or ""),
        ("address", before.address, after.address),
    )
    attributes = tuple(AttributeChange(name, one, other) for name, one, other in pairs if one != other)
    if after.bus is not None and before.added and after.added:
        attributes = ()  # bridges that libvirt adds are interchangeable
    if any(attribute.name != "address" for attribute in attributes):
        return Change(ChangeKind.CHANGED, before, after, attributes)
    return Change(ChangeKind.MOVED if attributes else ChangeKind.SAME, before, after, attributes)


class _NodeMatcher:
    """Matches earlier to later nodes: one round for each key, from the surest to the weakest."""

    def __init__(self, before: list[Node], after: list[Node]) -> None:
        self.before, self.after = before, after
        self.found: dict[int, Node] = {}
        self.taken: set[int] = set()

    def run(self) -> dict[int, Node]:
        """The earlier node by ``id()`` of the later one."""
        self.round(lambda node: (node.kind, node.identity) if node.identity else None)
        self.round(lambda node: (_model(node), node.address) if node.bus else None)
        self.round(lambda node: (_model(node), node.id) if node.bus else None)
        self.round(lambda node: _model(node) if node.bus else None)
        self.round(lambda node: None if node.bus or _has_identity(node) else (node.kind, node.id, node.title))
        self.round(lambda node: None if node.bus or _has_identity(node) else (node.kind, node.title))
        self.round(lambda node: None if node.bus or _has_identity(node) else (node.kind, node.id))
        self.round(_kind_key, even=True)
        return self.found

    def round(self, key: Callable[[Node], Hashable | None], even: bool = False) -> None:
        """Match the nodes of each key in order; with ``even`` only where there are as many before as after."""
        old = _grouped(key, (node for node in self.before if id(node) not in self.taken))
        new = _grouped(key, (node for node in self.after if id(node) not in self.found))
        for name, some in new.items():
            others = old.get(name, [])
            if even and len(some) != len(others):
                continue
            for after, before in zip(some, others, strict=False):
                self.found[id(after)] = before
                self.taken.add(id(before))


def _grouped(key: Callable[[Node], Hashable | None], some: Iterable[Node]) -> dict[Hashable, list[Node]]:
    found: dict[Hashable, list[Node]] = {}
    for node in some:
        name = key(node)
        if name is not None:
            found.setdefault(name, []).append(node)
    return found


def _has_identity(node: Node) -> bool:
    """Whether an identity distinguishes this device from others of its kind."""
    return bool(node.identity)


def _kind_key(node: Node) -> Hashable | None:
    """The key of the last round: the kind of a device, and the type of a controller."""
    if node.bus is not None:
        return None
    return (node.kind, node.title.partition(" ")[0] if node.kind == "controller" else "", node.added)


def _model(node: Node) -> str:
    return node.bus.model if node.bus is not None else node.title


def _count_with(count: int, word: str) -> str:
    return f"{count} {word}" if count else ""


def _count(count: int, noun: str, word: str) -> str:
    return f"{counted(count, noun)} {word}" if count else ""
