"""The port I/O space that PCIe ports and bridges take: when a machine's firmware runs out of it, nothing boots.

Observed: q35 with SeaBIOS, QEMU 7.2.22 and 11.1.2 (``PCI: out of I/O address space``): 14 windows boot, 15 do not,
whether they are root ports, the downstream ports of one switch or of several, pcie-pci-bridges on ports of their own,
or pci-bridges below one of them. A bridge that holds such devices and further bridges takes one window for its own
devices. Devices straight on the root bus cost nothing. e1000 and e1000e count like transitional virtio devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from virtkit import facts
from virtkit.topology import Bus, Node, Topology

__all__ = ["LIMIT", "WARN_FROM", "Budget", "budget", "has_port_io"]

#: Windows of 4 KiB that fit into the 64 KiB beside what the chipset keeps.
LIMIT = 14
#: From here on a warning is due: one more drive or NIC of the wrong model is easily added.
WARN_FROM = 12

_SOURCE = "observed: SeaBIOS on q35, QEMU 7.2.22 and 11.1.2"


@dataclass(frozen=True, slots=True)
class Budget:
    """The 4 KiB windows of port I/O a topology needs.

    ``windows`` of ``limit``; ``holders`` are the buses that need one, by the id of their bridge, with the ids of
    the devices that cause it. ``measured`` is whether the limit was measured for this machine (q35).
    """

    windows: int
    limit: int
    holders: tuple[tuple[str, tuple[str, ...]], ...]
    measured: bool

    @property
    def exceeded(self) -> bool:
        """Whether firmware would stop."""
        return self.measured and self.windows > self.limit

    @property
    def near(self) -> bool:
        """Whether it still boots, but only just."""
        return self.measured and WARN_FROM <= self.windows <= self.limit

    def text(self) -> str:
        """One sentence for a report; "" when there is nothing to say."""
        if self.exceeded:
            return (
                f"{self.windows} bridges and ports need a 4 KiB window of port I/O space, {self.limit} fit: SeaBIOS "
                "stops with 'PCI: out of I/O address space'. Devices behind one pcie-to-pci-bridge share one "
                "window; plain virtio and virtio-non-transitional behind a port need none"
            )
        if self.near:
            return f"{self.windows} of {self.limit} windows of port I/O space are in use"
        return ""

    @property
    def source(self) -> str:
        """Where the limit is from."""
        return _SOURCE


def budget(topology: Topology) -> Budget:
    """The port I/O windows that a topology needs; the limit holds for q35 with SeaBIOS, other firmware is not known."""
    holders: list[tuple[str, tuple[str, ...]]] = []
    for root in topology.roots:
        for node in root.nodes:
            if node.bus is not None:
                _count(node, node.bus, holders)
    measured = topology.machine.startswith(("pc-q35-", "q35"))
    return Budget(len(holders), LIMIT, tuple(holders), measured)


def has_port_io(node: Node) -> bool:
    """Whether a device has a BAR in port I/O space, so that every bridge above it needs a window."""
    if node.interface is not None:
        return node.interface in ("legacy", "transitional")
    return node.driver in _drivers()


def _count(bridge: Node, bus: Bus, holders: list[tuple[str, tuple[str, ...]]]) -> None:
    direct = tuple(node.id for node in bus.nodes if has_port_io(node))
    if direct:
        holders.append((bridge.id, direct))
    for node in bus.nodes:
        if node.bus is not None:
            _count(node, node.bus, holders)


@cache
def _drivers() -> frozenset[str]:
    return frozenset(row["driver"] for row in facts.table("qemu/port-io.csv"))
