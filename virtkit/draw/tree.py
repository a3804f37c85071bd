"""The bus tree as text, in the manner of ``lspci -tv``: the same data as the picture, made for diffs."""

from __future__ import annotations

from collections.abc import Iterator

from virtkit.draw.palette import clean
from virtkit.topology import Bus, Node, Topology

__all__ = ["difference", "text"]

_MARK = {"user": "=", "fixed": "#", "allocated": " "}


def text(topology: Topology) -> str:
    """The tree of ``topology``, one line for each device function, with a legend and the headroom below.

    A line holds the address, a mark (``=`` written by the user, ``#`` given by the chipset, blank allocated),
    the device, its driver and the virtio interface it shows; ``+`` before the mark says resolution added it.
    """
    lines = [f"{clean(topology.name)}  ({clean(topology.arch)}, {clean(topology.machine)})"]
    for bus in topology.roots:
        lines += _bus(bus)
    if topology.others:
        lines += ["", "on no PCI bus:"]
        width = max(len(clean(node.address)) for node in topology.others)
        lines += [f"  {clean(node.address):<{width}} {_describe(node)}" for node in topology.others]
    if topology.headroom:
        lines += ["", "free for hotplug:"]
        width = max(len(room.kind) for room in topology.headroom)
        lines += [
            f"  {room.kind:<{width}}  {room.free:>3} free, {room.used} used; {clean(room.reason)}"
            for room in topology.headroom
        ]
    lines += ["", "= address written by the user   # given by the chipset   + added by libvirt"]
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
    """What changed from one topology to another, as unified text: empty when the trees are equal."""
    from difflib import unified_diff

    old, new = text(before).splitlines(), text(after).splitlines()
    lines = unified_diff(old, new, clean(before.name) + " before", clean(after.name) + " after", lineterm="", n=200)
    found = "\n".join(lines)
    return f"{found}\n" if found else ""
