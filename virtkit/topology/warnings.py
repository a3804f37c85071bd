"""Warnings about addresses that QEMU accepts although the guest cannot use the device there, or loses hotplug.

Observed: QEMU 7.2.22 and 11.1.2 start with each of these; 11.1 prints a warning for the first only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from virtkit.host.chipset import built_in_slots
from virtkit.host.machine_types import machine_version
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["PlacementWarning", "placement_warnings"]

_PORTS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})
#: Conventional buses whose slot 0 belongs to the hotplug controller of the bridge. This is a note and no error, because
#: firmware finds a device there (observed: SeaBIOS) and libvirt begins at slot 0 of an expander bus.
_NO_SLOT_0 = frozenset({"pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge", "pci-expander-bus"})
_SWITCH = frozenset({"pcie-switch-upstream-port", "pcie-switch-downstream-port"})
_EXPRESS_ONLY = frozenset({"pcie-root-port", "pcie-to-pci-bridge", "dmi-to-pci-bridge"})
#: The chipset in ``data/libvirt/chipset-slots.csv`` by the family in the name of the machine type.
_CHIPSET: Mapping[str, str] = MappingProxyType({"pc-i440fx": "i440fx", "pc-q35": "q35", "virt": "gpex"})
_SOURCE = "observed: QEMU 7.2.22 and 11.1.2"


@dataclass(frozen=True, slots=True)
class PlacementWarning:
    """A warning about one device: its id and address, a code for programs, a sentence, the source.

    ``severity`` is "error" if the guest does not find the device, "note" if it does but hotplug on the bus suffers.
    """

    device: str
    address: str
    code: str
    text: str
    severity: str = "error"
    source: str = _SOURCE


def placement_warnings(topology: Topology) -> tuple[PlacementWarning, ...]:
    """The warnings about the addresses in a topology, in the order of the tree."""
    chipset = _CHIPSET.get(machine_version(topology.machine)[0], "")
    slots = built_in_slots(chipset)
    found = [
        warning
        for number, root in enumerate(topology.roots)
        for warning in _bus_warnings(root, None, frozenset() if number else slots)
    ]
    seen: dict[int, str] = {}
    for node, number in _with_chassis(node for root in topology.roots for node in root.nodes):
        if number in seen:
            text = f"chassis number {number} is also used by {seen[number]}: hotplug confuses the slots of the two"
            found.append(PlacementWarning(node.id, node.address, "chassis", text, "note"))
        seen.setdefault(number, node.id)
    return tuple(found)


def _with_chassis(nodes: Iterable[Node]) -> Iterator[tuple[Node, int]]:
    """The bridges with a chassis number, in tree order."""
    for node in nodes:
        if node.bus is not None:
            if node.bus.chassis is not None:
                yield node, node.bus.chassis
            yield from _with_chassis(node.bus.nodes)


def _bus_warnings(bus: Bus, above: Node | None, chipset: frozenset[int] = frozenset()) -> Iterator[PlacementWarning]:
    functions: dict[int, set[int]] = {slot: {0} for slot in chipset}
    for node in bus.nodes:
        functions.setdefault(node.slot, set()).add(node.function)
    for node in bus.nodes:
        for code, text in _node_warnings(node, bus, above, functions):
            yield PlacementWarning(node.id, node.address, code, text, "note" if code == "bridge-slot-0" else "error")
        if node.bus is not None:
            yield from _bus_warnings(node.bus, node)


def _node_warnings(
    node: Node, bus: Bus, above: Node | None, functions: Mapping[int, set[int]]
) -> Iterator[tuple[str, str]]:
    """Code and sentence of each warning about one node; ``functions`` has the used functions by slot."""
    port = bus.model in _PORTS
    if port and node.slot:
        yield "port-slot", f"slot {node.slot:#x} behind a {bus.model}: a guest scans slot 0 only"
    if node.function and 0 not in functions[node.slot]:
        yield (
            "no-function-0",
            f"function {node.function} of slot {node.slot:#x} without a function 0: a guest does not scan the others",
        )
    if bus.model in _NO_SLOT_0 and node.slot == 0:
        yield "bridge-slot-0", f"slot 0 of a {bus.model} takes no hotplug and is reserved for the bridge"
    model = None if node.bus is None else node.bus.model
    if model in _SWITCH and bus.model == "pcie-root":
        yield "switch-on-root", f"a {model} directly on pcie.0: a switch belongs below a root port"
    if model == "pcie-root-port" and port:
        yield "nested-root-port", f"a root port behind {above.id if above else 'a port'}: root ports belong on pcie.0"
    if model in _EXPRESS_ONLY and bus.model == "pci-root":
        yield "express-on-pci", f"a {model} on a conventional root bus"
