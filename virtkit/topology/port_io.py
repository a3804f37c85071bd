"""The port I/O space that PCIe ports and bridges take: when a machine's firmware runs out of it, nothing boots.

Observed with SeaBIOS of QEMU 7.2.22 and 11.1.2 (``PCI: out of I/O address space``): a root port, a switch's downstream
port or a bridge takes a window of 4 KiB for the devices with port I/O right behind it, beside the windows of further
bridges behind it. Conventional bridges that take hot plug keep a window even when they are empty. Devices straight on
the root bus cost nothing (20 and more were beside the full number of windows). e1000 and e1000e count like
transitional virtio devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from virtkit import facts
from virtkit.topology.model import Bus, Node, Topology

__all__ = ["Budget", "budget", "has_port_io", "limit_of"]

#: So many windows before the limit a warning is due: one more drive or NIC of the wrong model is easily added.
_NEAR = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """The 4 KiB windows of port I/O a topology needs.

    ``windows`` of ``limit``; ``holders`` are the buses that need one, by the id of their bridge, with the ids of
    the devices that cause it, none where an empty bridge keeps one. ``limit`` is None where it was not measured:
    other machines than q35 and pc, other firmware than SeaBIOS. ``source`` says where the limit is from.
    """

    windows: int
    limit: int | None
    holders: tuple[tuple[str, tuple[str, ...]], ...]
    source: str

    @property
    def exceeded(self) -> bool:
        """Whether firmware would stop."""
        return self.limit is not None and self.windows > self.limit

    @property
    def near(self) -> bool:
        """Whether it still boots, but only just."""
        return self.limit is not None and self.limit - _NEAR <= self.windows <= self.limit

    def text(self) -> str:
        """One sentence for a report; "" when there is nothing to say."""
        if self.exceeded:
            return (
                f"{self.windows} bridges and ports need a 4 KiB window of port I/O space, {self.limit} fit: SeaBIOS "
                "stops with 'PCI: out of I/O address space'. Devices behind one conventional bridge share one "
                "window; plain virtio and virtio-non-transitional behind a PCIe port need none"
            )
        if self.near:
            return f"{self.windows} of {self.limit} windows of port I/O space are in use"
        return ""


def budget(topology: Topology) -> Budget:
    """The port I/O windows that a topology needs, and how many there are.

    Source: ``data/qemu/port-io.csv`` and ``port-io-windows.csv``.
    """
    holders: list[tuple[str, tuple[str, ...]]] = []
    for root in topology.roots:
        for node in root.nodes:
            if node.bus is not None:
                _count(node, node.bus, holders)
    limit, source = limit_of(topology.machine, topology.firmware)
    return Budget(len(holders), limit, tuple(holders), source)


def limit_of(machine: str, firmware: str) -> tuple[int | None, str]:
    """How many windows a machine type (canonical name) has with a firmware ("bios"), and who says so; None unmeasured.

    Source: ``data/qemu/port-io-windows.csv``.
    """
    found: tuple[int | None, str] = None, ""
    for row in _windows("machine"):
        if machine.startswith(f"{row['name']}-") and firmware == "bios":
            found = int(row["windows"]), row["source"]
    return found


def has_port_io(node: Node) -> bool:
    """Whether a device has a BAR in port I/O space, so that every bridge above it needs a window."""
    if node.interface is not None:
        return node.interface in ("legacy", "transitional")
    return node.driver in _drivers()


def _count(bridge: Node, bus: Bus, holders: list[tuple[str, tuple[str, ...]]]) -> None:
    before = len(holders)
    direct = tuple(node.id for node in bus.nodes if has_port_io(node))
    if direct:
        holders.append((bridge.id, direct))
    for node in bus.nodes:
        if node.bus is not None:
            _count(node, node.bus, holders)
    if len(holders) == before and bus.model in {row["name"] for row in _windows("bridge")}:
        holders.append((bridge.id, ()))


@cache
def _windows(subject: str) -> tuple[dict[str, str], ...]:
    return tuple(row for row in facts.table("qemu/port-io-windows.csv") if row["subject"] == subject)


@cache
def _drivers() -> frozenset[str]:
    return frozenset(row["driver"] for row in facts.table("qemu/port-io.csv"))
