"""A topology whose nodes say what the firmware finds there and which names a Linux guest gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.boot.power_on import PowerOn
    from virtkit.topology.model import Bus, Node, Topology

__all__ = ["annotated"]


def annotated(topology: Topology, power: PowerOn) -> Topology:
    """The topology with one more line in the reason of each disk and NIC that there is something to say of.

    Pictures show the reasons of a node while the pointer is on it.
    """
    lines: dict[str, list[str]] = {}
    for disk in power.disks:
        starts = "the firmware starts this disk" if disk.first and disk.result == "boots" else disk.reason
        lines.setdefault(disk.device, []).append(f"firmware: {starts}")
    for named in power.names:
        text = f"name in the guest: {named.name.name or 'unknown'} ({named.name.reason})"
        lines.setdefault(named.device, []).append(text)
    for device, path in power.paths:
        lines.setdefault(device, []).append(f"name in the guest: /dev/disk/by-path/{path}")
    return replace(
        topology,
        roots=tuple(_bus(bus, lines) for bus in topology.roots),
        others=tuple(_node(node, lines) for node in topology.others),
    )


def _bus(bus: Bus, lines: Mapping[str, list[str]]) -> Bus:
    return replace(bus, nodes=tuple(_node(node, lines) for node in bus.nodes))


def _node(node: Node, lines: Mapping[str, list[str]]) -> Node:
    below = None if node.bus is None else _bus(node.bus, lines)
    more = lines.get(node.id, [])
    reason = "\n".join(one for one in (node.reason, *more) if one)
    return replace(node, bus=below, reason=reason) if more or below is not None else node
