"""How many more devices of each kind a running domain takes: they are attached to a copy of it until one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.hotplug.device import read_device
from virtkit.hotplug.forms import FORMS, Names
from virtkit.hotplug.running import Running
from virtkit.hotplug.spare_ports import asking_for
from virtkit.resolution.addresses.connect_types import EXPRESS
from virtkit.wording import counted, text_lines

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["KINDS", "MOST", "Capacity", "Room", "capacity"]

MOST = 256
"""Counting stops here."""

KINDS: tuple[tuple[str, str, str], ...] = (
    ("virtio disk", "disk", ""),
    ("virtio-transitional disk", "disk", "virtio-transitional"),
    ("conventional NIC (e1000)", "nic", "e1000"),
    ("SCSI disk", "scsi-disk", ""),
    ("USB device", "tablet", ""),
    ("virtio-serial port", "channel", ""),
    ("DIMM", "dimm", ""),
)
"""What is counted: the name, and the short form that is attached."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many more of a kind are taken, each kind counted alone.

    ``limit`` is the refusal of the first one too many, "" where counting stopped at ``MOST``.
    """

    kind: str
    count: int
    limit: str

    @property
    def capped(self) -> bool:
        """Whether more than ``count`` may fit."""
        return not self.limit


@dataclass(frozen=True, slots=True)
class Capacity:
    """The room of a running domain; ``express`` is the number of free PCI Express slots that take hot plug.

    ``express`` is None on a machine without PCI Express.
    """

    domain: str
    rooms: tuple[Room, ...]
    express: int | None

    def spare_ports(self, wanted: int) -> int:
        """How many pcie-root-port controllers to add so that ``wanted`` PCI Express devices can be attached."""
        return 0 if self.express is None else max(wanted - self.express, 0)

    def text(self, wanted: int = 0) -> str:
        """A table for a terminal; with ``wanted``, how many spare ports that many PCI Express devices need."""
        width = max(len(room.kind) for room in self.rooms)
        lines = [f"{self.domain}: devices that can still be attached while it runs, each kind alone", ""]
        for room in self.rooms:
            count = f"{room.count}+" if room.capped else str(room.count)
            lines.append(f"  {room.kind:<{width}}  {count:>4}  {f'then: {room.limit}' if room.limit else ''}".rstrip())
        if self.express is not None and wanted:
            ports = self.spare_ports(wanted)
            more = counted(wanted, "more PCI Express device")
            needs = f"add {counted(ports, 'spare port')} ({asking_for(ports=ports)})"
            lines += ["", f"for {more}: {needs if ports else 'there are enough free ports'}"]
        return text_lines(lines)


def capacity(resolved: Resolved, most: int = MOST) -> Capacity:
    """How many more devices of each kind a running domain takes, ``most`` of a kind at most.

    ``resolved`` is the domain as it runs; it stays as it is. The devices are attached as ``virtkit attach --live``
    attaches them, to a copy for each kind.
    """
    running = Running(resolved)
    rooms = tuple(_room(running.copy(), name, form, value, most) for name, form, value in KINDS)
    express = running.places.slots.free(EXPRESS) if running.root_bus == "pcie-root" else None
    return Capacity(resolved.name or "domain", rooms, express)


def _room(running: Running, name: str, form: str, value: str, most: int) -> Room:
    names = Names(running.devices)
    for count in range(most):
        refusal = running.attach(read_device(FORMS[form].xml(names, value))).refusal
        if refusal is not None:
            return Room(name, count, f"{refusal.category}: {refusal.what}")
    return Room(name, most, "")
