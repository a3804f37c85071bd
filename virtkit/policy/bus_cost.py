"""Where the devices that a policy chooses are placed, and how many buses they cost, found by resolving domains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.prober import Placement, Prober, probes
from virtkit.domain.vocabulary import accepted
from virtkit.errors import Refused
from virtkit.policy import slots
from virtkit.releases import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.host import Host
    from virtkit.resolved import Resolved
    from virtkit.virtio.interface import Shown

__all__ = ["AUTO", "ROOT", "SLOTS", "BusCost", "Buses", "ChosenDevice", "emulated_devices"]

#: The slot that libvirt chooses, and one on bus 0 that is written as an address.
AUTO, ROOT = "auto", "root"
SLOTS = (AUTO, ROOT)

#: The first slot of bus 0 that written addresses take: above the root ports, below the chipset's own functions.
_FIRST_SLOT = 0x10
#: Where domain XML has the names of emulated devices of a kind: element and attribute.
_NAMES = MappingProxyType({"block": ("disk", "bus"), "gpu": ("video", "type")})


@cache
def emulated_devices(kind: str) -> tuple[str, ...]:
    """The devices that a policy may choose in place of a virtio device, sorted; () for a kind that has none.

    Disk buses, NIC and video models, and input devices such as "usb-tablet". Source:
    data/policies/emulated-devices.csv, data/policies/nic-models.csv and data/libvirt/accepted-values.csv.
    """
    rows = [row for row in facts.table("policies/emulated-devices.csv") if row["kind"] == kind]
    found = {row["device"] for row in rows} - {"*"}
    if any(row["device"] == "*" for row in rows):
        if kind == "net":
            found |= {row["model"] for row in facts.table("policies/nic-models.csv") if row["hypervisor"] == "qemu"}
        else:
            found |= set(accepted(DEFAULT).get(_NAMES[kind], ()))
    return tuple(sorted(name for name in found if not name.startswith("virtio")))


@dataclass(frozen=True, slots=True)
class ChosenDevice:
    """What a policy chose for a kind: a virtio ``model`` in a ``slot`` (one of SLOTS), or an emulated ``device``."""

    kind: str
    model: str = ""
    slot: str = AUTO
    device: str = ""


@dataclass(frozen=True, slots=True)
class Buses:
    """The PCI controllers that libvirt adds for a domain; ``ports`` counts the root ports among those that it has."""

    added: int
    ports: int


class BusCost:
    """Resolves the devices that policies choose, on one host under one slot policy, each once for each machine."""

    __slots__ = ("_domains", "_prober", "_shown")

    def __init__(self, host: Host, slot_policy: str, arch: str = "x86_64") -> None:
        self._prober = Prober(host, arch, policy=slots.policy(slot_policy))
        self._shown: dict[tuple[str, ChosenDevice], tuple[Placement, Shown | None]] = {}
        self._domains: dict[tuple[str, tuple[ChosenDevice, ...]], Buses] = {}

    def shown(self, machine: str, chosen: ChosenDevice) -> tuple[Placement, Shown | None]:
        """Where the device alone is on ``machine`` ("pc", "q35"), and what QEMU shows there.

        The latter is None when libvirt refuses the device, and for a device that is not virtio.
        """
        key = (machine, chosen)
        found = self._shown.get(key)
        if found is None:
            found = self._shown[key] = self._probe(self._prober.machine(machine), chosen)
        return found

    def buses(self, machine: str, chosen: Iterable[ChosenDevice]) -> Buses:
        """The PCI controllers that libvirt adds for a domain with all these devices, beyond a domain without them.

        Devices that libvirt or QEMU refuses are left out, because such a domain does not start.
        """
        wanted = tuple(one for one in chosen if self._accepted(machine, one))
        key = (machine, wanted)
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = self._count(self._prober.machine(machine), wanted)
        return found

    def _accepted(self, machine: str, chosen: ChosenDevice) -> bool:
        placement, shown = self.shown(machine, chosen)
        return not placement.refusal and (bool(chosen.device) or (shown is not None and shown.interface is not None))

    def _probe(self, machine: str, chosen: ChosenDevice) -> tuple[Placement, Shown | None]:
        prober, kind, model = self._prober, chosen.kind, chosen.model
        if not chosen.device and chosen.slot == AUTO:
            return prober.shown(machine, kind, model)
        if not chosen.device and probes()[kind].device(model) is None:
            return prober.no_placement(kind, f"libvirt has no model {model} for {kind}"), None
        try:
            resolved = self._resolve(machine, (chosen,))
            if chosen.device:
                return Placement(probes()[kind].kind, "", "", "", prober.added_buses(machine, resolved)), None
            placement = prober.placement_in(resolved, machine, kind)
        except Refused as refusal:
            return prober.no_placement(kind, f"libvirt refuses it: {refusal.what}"), None
        return placement, None if placement.refusal else prober.shown_at(placement, machine, model)

    def _count(self, machine: str, chosen: tuple[ChosenDevice, ...]) -> Buses:
        try:
            resolved = self._resolve(machine, chosen)
        except Refused:
            # libvirt accepts each device but not all of them together: count their buses one by one.
            added = sum(self._probe(machine, one)[0].buses for one in chosen)
            return Buses(added, added)
        ports = sum(one.model == "pcie-root-port" for one in resolved.inventory.controllers)
        return Buses(self._prober.added_buses(machine, resolved), ports)

    def _resolve(self, machine: str, chosen: tuple[ChosenDevice, ...]) -> Resolved:
        parts = []
        for number, one in enumerate(chosen):
            xml = _emulated_xml(one) if one.device else probes()[one.kind].device(one.model) or ""
            # On pc libvirt puts every device on bus 0 anyway.
            at_root = one.slot == ROOT and not one.device and ("q35" in machine or machine.startswith("virt"))
            parts.append(_with_address(xml, _FIRST_SLOT + number) if at_root else xml)
        return self._prober.resolve(machine, "".join(parts))


def _emulated_xml(chosen: ChosenDevice) -> str:
    for row in facts.table("policies/emulated-devices.csv"):
        if row["kind"] == chosen.kind and row["device"] in (chosen.device, "*"):
            return row["xml"].replace("{device}", escape(chosen.device))
    return ""


def _with_address(xml: str, slot: int) -> str:
    """The device's XML with an address on bus 0."""
    address = f"<address type='pci' domain='0x0000' bus='0x00' slot='0x{slot:02x}' function='0x0'/>"
    if xml.endswith("/>") and "</" not in xml:
        tag = xml[1:].split(" ", 1)[0]
        return f"{xml[:-2]}>{address}</{tag}>"
    end = xml.rindex("</")
    return xml[:end] + address + xml[end:]
