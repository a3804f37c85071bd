"""Places that QEMU accepts without a word although a guest cannot use the device there.

Observed: QEMU 7.2.22 and 11.1.2 start with every one of these; only the first draws a warning, in 11.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from virtkit.host.chipset import built_in_slots
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["Problem", "problems"]

_PORTS = frozenset({"pcie-root-port", "pcie-switch-downstream-port"})
#: Conventional buses whose slot 0 belongs to the bridge's own hot-plug controller. Firmware does find a device
#: there (observed: SeaBIOS), and libvirt itself begins at slot 0 of an expander bus: a note, not an error.
_NO_SLOT_0 = frozenset({"pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge", "pci-expander-bus"})
_SWITCH = frozenset({"pcie-switch-upstream-port", "pcie-switch-downstream-port"})
_EXPRESS_ONLY = frozenset({"pcie-root-port", "pcie-to-pci-bridge", "dmi-to-pci-bridge"})
#: The chipset of ``data/libvirt/chipset-slots.csv`` by the beginning of the machine type.
_CHIPSET: Mapping[str, str] = MappingProxyType({"pc-i440fx-": "i440fx", "pc-q35-": "q35", "virt": "gpex"})
_SOURCE = "observed: QEMU 7.2.22 and 11.1.2"


@dataclass(frozen=True, slots=True)
class Problem:
    """One device in an odd place: its id and address, a code for programs, a sentence, the source.

    ``severity`` is "error" where a guest does not find the device, "note" where it does but something of the
    bus is lost.
    """

    device: str
    address: str
    code: str
    text: str
    severity: str = "error"
    source: str = _SOURCE


def problems(topology: Topology) -> tuple[Problem, ...]:
    """The silently accepted problems of a topology, in tree order."""
    chipset = next((found for name, found in _CHIPSET.items() if topology.machine.startswith(name)), "")
    own = built_in_slots(chipset)
    found = [
        problem
        for number, root in enumerate(topology.roots)
        for problem in _bus(root, None, frozenset() if number else own)
    ]
    seen: dict[int, str] = {}
    for node, number in _chassis(node for root in topology.roots for node in root.nodes):
        if number in seen:
            text = f"chassis number {number} is also that of {seen[number]}: hot plug mixes their slots up"
            found.append(Problem(node.id, node.address, "chassis", text, "note"))
        seen.setdefault(number, node.id)
    return tuple(found)


def _chassis(nodes: Iterable[Node]) -> Iterator[tuple[Node, int]]:
    """The bridges with a chassis number, in tree order."""
    for node in nodes:
        if node.bus is not None:
            if node.bus.chassis is not None:
                yield node, node.bus.chassis
            yield from _chassis(node.bus.nodes)


def _bus(bus: Bus, above: Node | None, own: frozenset[int] = frozenset()) -> Iterator[Problem]:
    functions: dict[int, set[int]] = {slot: {0} for slot in own}
    for node in bus.nodes:
        functions.setdefault(node.slot, set()).add(node.function)
    for node in bus.nodes:
        for code, text in _wrong(node, bus, above, functions):
            yield Problem(node.id, node.address, code, text, "note" if code == "bridge-slot-0" else "error")
        if node.bus is not None:
            yield from _bus(node.bus, node)


def _wrong(node: Node, bus: Bus, above: Node | None, functions: Mapping[int, set[int]]) -> Iterator[tuple[str, str]]:
    port = bus.model in _PORTS
    if port and node.slot:
        yield "port-slot", f"slot {node.slot:#x} behind a {bus.model}: a guest looks at slot 0 only"
    if node.function and 0 not in functions[node.slot]:
        yield (
            "no-function-0",
            f"function {node.function} of slot {node.slot:#x} without a function 0: a guest does not look further",
        )
    if bus.model in _NO_SLOT_0 and node.slot == 0:
        yield "bridge-slot-0", f"slot 0 of a {bus.model} takes no hot plug and is not meant for devices"
    model = None if node.bus is None else node.bus.model
    if model in _SWITCH and bus.model == "pcie-root":
        yield "switch-on-root", f"a {model} straight on pcie.0: a switch belongs below a root port"
    if model == "pcie-root-port" and port:
        yield "nested-root-port", f"a root port behind {above.id if above else 'a port'}: root ports belong on pcie.0"
    if model in _EXPRESS_ONLY and bus.model == "pci-root":
        yield "express-on-pci", f"a {model} on a conventional root bus"
