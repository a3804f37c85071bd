"""The port I/O space that PCIe ports and bridges need: firmware that runs out of it does not boot the guest.

Observed with SeaBIOS of QEMU 7.2.22 and 11.1.2 (``PCI: out of I/O address space``): a root port, the downstream
port of a switch or a bridge takes a window of 4 KiB for the devices with port I/O directly behind it, besides the
windows of further bridges behind it. Conventional bridges that take hotplug keep a window even when they are empty.
Devices on the root bus need no window (more than 20 of them ran beside the full number of windows). e1000 and e1000e
count like transitional virtio devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.host.machine_types import machine_version
from virtkit.topology.model import Bus, Node, Topology

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.domain.devices import Controller
    from virtkit.topology.headroom import Taken

__all__ = ["NEAR", "Budget", "budget", "has_port_io", "limit_of", "most_windows"]

#: A budget is near its limit when at most this many windows are free.
NEAR = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """The 4 KiB windows of port I/O that a topology needs.

    ``windows`` are needed and ``limit`` fit. ``bridges`` are those that need one: the id of the bridge, and the ids of
    the devices that cause it (none for an empty bridge that keeps its window). ``limit`` is None where it was not
    measured: machine types other than q35 and pc, firmware other than SeaBIOS. ``source`` is the source of the limit.
    """

    windows: int
    limit: int | None
    bridges: tuple[tuple[str, tuple[str, ...]], ...]
    source: str

    @property
    def exceeded(self) -> bool:
        """Whether the firmware would stop."""
        return self.limit is not None and self.windows > self.limit

    @property
    def near(self) -> bool:
        """Whether the guest still boots with at most two free windows."""
        return self.limit is not None and self.limit - NEAR <= self.windows <= self.limit

    def text(self) -> str:
        """One sentence when the limit is near or exceeded, otherwise ""."""
        if self.exceeded:
            return (
                f"{self.windows} bridges and ports need a 4 KiB window of port I/O space, but only {self.limit} fit: "
                "SeaBIOS stops with 'PCI: out of I/O address space'. Devices behind one conventional bridge share one "
                "window; plain virtio and virtio-non-transitional behind a PCIe port need none"
            )
        if self.near:
            return f"{self.windows} of {self.limit} windows of port I/O space are in use"
        return ""


def budget(topology: Topology) -> Budget:
    """The port I/O windows that a topology needs, and the limit.

    Source: ``data/qemu/port-io.csv`` and ``port-io-windows.csv``.
    """
    bridges: list[tuple[str, tuple[str, ...]]] = []
    for root in topology.roots:
        for node in root.nodes:
            if node.bus is not None:
                _count(node, node.bus, bridges)
    limit, source = limit_of(topology.machine, topology.firmware)
    return Budget(len(bridges), limit, tuple(bridges), source)


def most_windows(taken: Taken, controllers: Iterable[Controller]) -> int:
    """At least as many windows as a resolved domain needs: a quick answer for the many that need few.

    ``taken`` is what ``taken_slots`` gives. A bridge needs a window only for a device directly behind it, or if its
    model keeps one.
    """
    kept = _keeping()
    # The root bus, 0, needs none.
    return len(taken) - (0 in taken) + sum([one.model in kept for one in controllers])


@lru_cache(maxsize=4096)
def limit_of(machine: str, firmware: str) -> tuple[int | None, str]:
    """The number of windows of a machine type (canonical name) with a firmware ("bios"), and its source.

    The number is None where it was not measured.

    Source: ``data/qemu/port-io-windows.csv``.
    """
    found: tuple[int | None, str] = None, ""
    for row in _windows("machine"):
        if machine != row["name"] == machine_version(machine)[0] and firmware == "bios":
            found = int(row["windows"]), row["source"]
    return found


def has_port_io(node: Node) -> bool:
    """Whether a device has a BAR in port I/O space, so that every bridge above it needs a window."""
    if node.interface is not None:
        return node.interface in ("legacy", "transitional")
    return node.driver in _drivers()


def _count(bridge: Node, bus: Bus, bridges: list[tuple[str, tuple[str, ...]]]) -> None:
    before = len(bridges)
    direct = tuple(node.id for node in bus.nodes if has_port_io(node))
    if direct:
        bridges.append((bridge.id, direct))
    for node in bus.nodes:
        if node.bus is not None:
            _count(node, node.bus, bridges)
    if len(bridges) == before and bus.model in _keeping():
        bridges.append((bridge.id, ()))


@cache
def _windows(subject: str) -> tuple[dict[str, str], ...]:
    return tuple(row for row in facts.table("qemu/port-io-windows.csv") if row["subject"] == subject)


@cache
def _keeping() -> frozenset[str]:
    """The models of bridges that keep a window when they are empty."""
    return frozenset(row["name"] for row in _windows("bridge"))


@cache
def _drivers() -> frozenset[str]:
    return frozenset(row["driver"] for row in facts.table("qemu/port-io.csv"))
