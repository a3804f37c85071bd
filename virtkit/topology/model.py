"""The bus tree of a resolved domain as plain values: what the pictures, the text tree and JSON show."""

from __future__ import annotations

from dataclasses import dataclass

from virtkit.display import Drawable
from virtkit.wording import counted

__all__ = ["Bus", "Headroom", "Node", "Topology"]


@dataclass(frozen=True, slots=True)
class Node:
    """One device or controller function at an address.

    ``placed`` is "user" (address written in the XML), "fixed" (chipset rule) or "allocated".
    ``reason`` has a line for each decision about the device, in the order of the decisions.
    ``interface`` is legacy, transitional or modern for a virtio PCI device, else None.
    ``bus`` is the bus that a PCI controller provides. ``identity`` is what stays the same at any address: the user's
    alias, the target of a disk, the MAC address of a NIC; "" for other devices.
    """

    id: str
    kind: str
    title: str
    driver: str
    address: str
    slot: int
    function: int
    placed: str
    added: bool
    interface: str | None
    line: int | None
    reason: str
    bus: Bus | None
    identity: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Bus:
    """A PCI bus: ``index`` is the controller's index, ``accepts`` "PCI Express" or "conventional PCI".

    ``first`` and ``last`` are the lowest and highest slot that a device may take, ``free`` is the number of empty
    slots, ``hotplug`` whether a device can be plugged into a free slot while the guest runs. ``chassis`` is the chassis
    number of a pci-bridge, None for other buses.
    """

    index: int
    model: str
    accepts: str
    first: int
    last: int
    hotplug: bool
    free: int
    nodes: tuple[Node, ...]
    chassis: int | None = None

    def __repr__(self) -> str:
        return f"<Bus {self.index} {self.model}: {len(self.nodes)} nodes, {self.free} free>"


@dataclass(frozen=True, slots=True)
class Headroom:
    """Free slots that can take a hot-plugged device of one kind ("PCI Express", "conventional PCI", "usb", "ccw")."""

    kind: str
    free: int
    used: int
    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Topology(Drawable):
    """The bus tree of a domain; ``others`` are the devices that are not on a PCI bus.

    ``roots`` holds the root bus, or on pseries one for each host bridge; it is empty for a machine without PCI.
    ``firmware`` is "bios" for an x86 domain that names none, "efi" if the domain asks for it, and "" if the domain
    names another or the machine type has its own. ``notes`` are sentences on which the whole answer depends: the host
    that was assumed, if one was. A resolved domain has one as its ``topology``; ``print()`` shows the tree.

    >>> import virtkit as vk
    >>> topology = vk.resolve(vk.samples() / "rhel6-q35-virtio.xml").topology
    >>> topology.roots[0]
    <Bus 0 pcie-root: 7 nodes, 28 free>
    >>> topology.firmware
    'bios'
    """

    name: str
    machine: str
    arch: str
    roots: tuple[Bus, ...]
    others: tuple[Node, ...]
    headroom: tuple[Headroom, ...]
    firmware: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        nodes = sum(len(bus.nodes) for bus in self.roots) + len(self.others)
        size = f"{counted(nodes, 'node')} on {counted(len(self.roots), 'root bus', 'root buses')}"
        return f"<Topology {self.name!r} {self.arch} {self.machine}: {size}>"

