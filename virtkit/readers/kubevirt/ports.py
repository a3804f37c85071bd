"""How many ports KubeVirt keeps free for hotplug, and its placement of devices on the root bus.

Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap/manager.go and converter/pci-placement.go; observed: 197 domains
under topology v1, v2 and v3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml.etree import SubElement

from virtkit import facts
from virtkit.errors import InputError
from virtkit.readers.kubevirt.releases import Topology

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.instance import Instance

__all__ = [
    "ROOT_COMPLEX",
    "SLOT_COUNT",
    "VERSION",
    "Plan",
    "free_ports",
    "on_root_complex",
    "place_on_root_bus",
    "plan",
    "takes_ports",
]

ROOT_COMPLEX = "kubevirt.io/placePCIDevicesOnRootComplex"
"""The annotation that places the devices on the root bus."""
SLOT_COUNT = "kubevirt.io/pci-interface-slot-count"
"""The annotation that keeps the number of NICs and placeholders of a virtual machine that began under v2."""
VERSION = "kubevirt.io/pci-topology-version"
"""The annotation that names the topology; alone it changes nothing."""
_ROOT_SLOTS = tuple(slot for slot in range(2, 32) if slot not in (0x1B, 0x1F))


@dataclass(frozen=True, slots=True)
class Plan:
    """What KubeVirt does between the converted domain and the one that starts.

    ``placeholders`` is the number of NICs that it adds while addresses are assigned, ``extra`` the number of root ports
    added after that up to ``last_index``, ``again`` whether the domain is defined a second time in any case.
    """

    placeholders: int = 0
    extra: int = 0
    last_index: int = 0
    again: bool = False


def takes_ports(instance: Instance) -> bool:
    """Whether KubeVirt reserves ports on this machine."""
    return instance.arch.root_complex and ("q35" in instance.machine or instance.machine.startswith("virt"))


def on_root_complex(instance: Instance) -> bool:
    """Whether the devices are placed on the root bus."""
    return instance.annotations.text(ROOT_COMPLEX) == "true" or instance.annotations.get(ROOT_COMPLEX) is True


def plan(instance: Instance, building: Building, topology: Topology, file: str) -> Plan:
    """How many placeholders and ports a topology asks for. Raises InputError for a slot count that is no number."""
    if topology is Topology.NONE or not takes_ports(instance):
        return Plan()
    count = len(instance.devices.items_of("interfaces"))
    free = free_ports(instance, building)
    if topology is Topology.V2:
        return Plan(free)
    row = _row(instance.memory)
    if topology is Topology.V3 and SLOT_COUNT in instance.annotations:
        placeholders = max(0, _slot_count(instance, file) - count)
    else:
        placeholders = max(0, int(row["nics"]) - count) if count and not on_root_complex(instance) else 0
    if topology is Topology.V1:
        return Plan(placeholders)
    return Plan(placeholders, max(0, free - placeholders), int(row["last_index"]), again=True)


def free_ports(instance: Instance, building: Building) -> int:
    """How many free ports topology v2 asks for, by the memory and the number of devices."""
    if on_root_complex(instance):
        return 0
    row = _row(instance.memory)
    return max(int(row["total"]) - sum(1 for _ in _counted(building.devices)), int(row["free"]))


def _row(memory: int) -> dict[str, str]:
    return [row for row in facts.table("kubevirt/ports.csv") if memory > int(row["above"]) or row["above"] == "0"][-1]


def _slot_count(instance: Instance, file: str) -> int:
    text = instance.annotations.text(SLOT_COUNT)
    if not text.removeprefix("-").isdigit() or len(text) > 9:
        line = instance.annotations.line_of(SLOT_COUNT)
        raise InputError(f"annotation {SLOT_COUNT}: expected a whole number, got {text[:40]!r}", file, line)
    return int(text)


def _counted(devices: Element) -> Iterator[Element]:
    """The devices that KubeVirt counts as PCI devices, in the order in which it places them on the root bus."""
    groups: dict[str, list[Element]] = {tag: [] for tag in _COUNTED}
    for element in devices:
        if element.tag in groups and _is_counted(element):
            groups[element.tag].append(element)
    for group in groups.values():
        yield from group


_COUNTED = ("interface", "hostdev", "controller", "disk", "input", "watchdog", "rng", "memballoon")


def _is_counted(element: Element) -> bool:
    """Whether KubeVirt takes a device of a counted class for a PCI device; "usb none" and "memballoon none" count."""
    address = element.find("address")
    if address is not None and address.get("type") != "pci":
        return False
    if element.tag == "hostdev":
        return element.get("type") == "pci"
    if element.tag == "controller":
        return element.get("model") not in ("pci-root", "pcie-root", "pcie-expander-bus")
    if element.tag == "disk":
        target = element.find("target")
        return target is not None and target.get("bus") == "virtio"
    return element.tag != "input" or element.get("bus") == "virtio"


def place_on_root_bus(instance: Instance, building: Building, file: str) -> None:
    """Give each counted device without an address a slot of its own on the root bus.

    Raises InputError when no slot is left.
    """
    slots = iter(_ROOT_SLOTS)
    for element in _counted(building.devices):
        if element.find("address") is not None:
            continue
        slot = next(slots, None)
        if slot is None:
            line = instance.annotations.line_of(ROOT_COMPLEX)
            most = len(_ROOT_SLOTS)
            raise InputError(f"annotation {ROOT_COMPLEX}: more than {most} devices for the root bus", file, line)
        place = {"type": "pci", "domain": "0x0000", "bus": "0x00", "slot": f"0x{slot:02x}", "function": "0x0"}
        SubElement(element, "address", place)
