"""The bus tree as text, in the manner of ``lspci -tv``, with the same data as the picture; suited to diffs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from virtkit.draw.layout import short
from virtkit.draw.palette import CHANGES, clean
from virtkit.topology.diff import Change, ChangeKind, Difference, compare
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["difference", "text"]

_MARK = {"user": "=", "fixed": "#", "allocated": " "}


def text(topology: Topology) -> str:
    """The tree of ``topology``: one line for each device function, then the headroom and a legend.

    A line holds the address, a mark (``=`` address from the XML, ``#`` fixed by the chipset, blank allocated), ``+``
    for a device that libvirt adds, the device, its driver and its virtio interface.
    """
    lines = [f"{clean(topology.name)}  ({clean(topology.arch)}, {clean(topology.machine)})"]
    for bus in topology.roots:
        lines += _bus(bus)
    if topology.others:
        lines += ["", "not on a PCI bus:"]
        width = max(len(clean(node.address)) for node in topology.others)
        lines += [f"  {clean(node.address):<{width}} {_describe(node)}" for node in topology.others]
    if topology.headroom:
        lines += ["", "free for hotplug:"]
        width = max(len(room.kind) for room in topology.headroom)
        lines += [
            f"  {room.kind:<{width}}  {room.free:>3} free, {room.used} used; {clean(room.reason)}"
            for room in topology.headroom
        ]
    lines += ["", "= address from the XML   # address fixed by the chipset   + added by libvirt"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _bus(bus: Bus) -> list[str]:
    label = f"-[{bus.index:02x} {bus.model}]-"
    return list(_branches(bus, label, " " * len(label)))


def _branches(bus: Bus, first: str, rest: str) -> Iterator[str]:
    """Lines of a bus: ``first`` opens the first line, ``rest`` the others."""
    if not bus.nodes:
        yield f"{first}{_free(bus)}"
        return
    room = bool(bus.free and bus.hotplug)
    last = len(bus.nodes) - 1 + room
    for count, node in enumerate(bus.nodes):
        fork = "---" if last == 0 else "+-" if count < last else "\\-"
        down = "   " if last == 0 else "| " if count < last else "  "
        opening = f"{rest if count else first}{fork}{node.slot:02x}.{node.function:x}"
        if node.bus is None:
            yield f"{opening} {_describe(node)}"
            continue
        label = f" {_marks(node)}-[{node.bus.index:02x} {node.bus.model}]-"
        beneath = " " * (4 + len(label))
        yield from _branches(node.bus, f"{opening}{label}", f"{rest}{down}{beneath}")
    if room:
        yield f"{rest}\\-{_free(bus)}"


def _free(bus: Bus) -> str:
    slots = "slot" if bus.free == 1 else "slots"
    return f"({bus.free} free {slots}, {'hotplug' if bus.hotplug else 'no hotplug'})"


def _describe(node: Node) -> str:
    words = [clean(node.title or node.id)]
    if node.driver:
        words.append(clean(node.driver))
    if node.interface:
        words.append(f"[{node.interface}]")
    return f"{_marks(node)} {'  '.join(words)}"


def _marks(node: Node) -> str:
    return _MARK.get(node.placed, " ") + ("+" if node.added else " ")


def difference(before: Topology, after: Topology) -> str:
    """What changed from one topology to another: a summary, a line for each changed device, and a unified diff.

    "" if the trees are equal. New bridges of one model share a line, and so do removed ones.
    """
    from difflib import unified_diff

    old, new = text(before).splitlines(), text(after).splitlines()
    lines = list(
        unified_diff(old, new, clean(before.name) + " before", clean(after.name) + " after", lineterm="", n=200)
    )
    if not lines:
        return ""
    found = compare(before, after)
    lead = [f"{clean(found.names)}: {clean(found.machines)}", found.summary()]
    rooms = [f"{kind} {one} → {other}" for kind, one, other in found.headroom() if one != other]
    lead += [f"free for hotplug: {', '.join(rooms)}"] if rooms else []
    rows = list(_rows(found))
    width = max((len(name) for _, name, _ in rows), default=0)
    lead += ["", *(f"{kind:<8} {name:<{width}}  {change}".rstrip() for kind, name, change in rows), ""]
    return "\n".join([*lead, *lines]) + "\n"


def _rows(found: Difference) -> Iterator[tuple[str, str, str]]:
    """For each changed device its kind of change, its name, and what changed."""
    changes = [change for change in found.changes if change.kind is not ChangeKind.SAME]
    order = list(CHANGES)
    changes.sort(key=lambda change: (order.index(change.kind), change.bridge))
    for _, group in groupby(changes, key=_row_key):
        some = list(group)
        first = some[0]
        name = clean(first.node.title or first.node.id)
        if _is_whole_bridge(first):
            places = [short(one.node.address) for one in some]
            at = "" if not places[0] else f"at {places[0]}"
            if len(some) > 1:
                name, at = f"{name} × {len(some)}", f"at {places[0]} to {places[-1]}"
            yield str(first.kind), name, clean(at)
            continue
        parts = [
            f"{'' if one.name == 'device' else one.name + ' '}{short(one.before) or 'none'} → "
            f"{short(one.after) or 'none'}"
            for one in sorted(first.attributes, key=lambda one: one.name == "driver")
        ]
        if not parts and first.node.address:
            parts.append(f"at {short(first.node.address)}")
        yield str(first.kind), name, clean("; ".join(parts))


def _row_key(change: Change) -> object:
    return (change.kind, change.node.title) if _is_whole_bridge(change) else change


def _is_whole_bridge(change: Change) -> bool:
    """Whether a bridge is new or gone; those of one model share a line."""
    return change.bridge and change.kind in (ChangeKind.NEW, ChangeKind.GONE)
