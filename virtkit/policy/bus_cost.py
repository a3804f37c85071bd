"""Where a policy's choices come to sit and which buses they cost together, by resolving domains that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.prober import PROBES, Placed, Prober, probe_xml
from virtkit.domain.vocabulary import accepted
from virtkit.errors import Refused
from virtkit.policy import slots
from virtkit.releases import DEFAULT
from virtkit.virtio.interface import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.host import Host
    from virtkit.virtio.interface import Shown

__all__ = ["AUTO", "ROOT", "SLOTS", "Choice", "Placer", "others"]

#: The slot that libvirt chooses, and one on bus 0 that is written as an address.
AUTO, ROOT = "auto", "root"
SLOTS = (AUTO, ROOT)

#: The first slot of bus 0 that written addresses take: above the root ports, below the chipset's own functions.
_FIRST = 0x10
#: The XML of a device that is no virtio device, by kind; {0} is the policy's word, {1} the name of a target.
_OTHERS = MappingProxyType(
    {
        "block": "<disk type='file' device='disk'><source file='/d'/><target dev='{1}' bus='{0}'/></disk>",
        "net": "<interface type='user'><model type='{0}'/></interface>",
        "gpu": "<video><model type='{0}'/></video>",
    }
)
_TARGETS = MappingProxyType({"ide": "hda", "fdc": "fda"})
_INPUT = re.compile(r"(usb|ps2)-(tablet|mouse|keyboard)")


@cache
def others(kind: str) -> tuple[str, ...]:
    """The devices that a policy may choose in place of a virtio one, sorted; () for a kind that has none.

    Buses of disks, models of NICs and video, and such as "usb-tablet". Source: data/libvirt/accepted-values.csv
    and data/policies/nic-models.csv.
    """
    values = accepted(DEFAULT)
    if kind == "input":
        found = {f"{bus}-{what}" for bus in ("usb", "ps2") for what in ("tablet", "mouse", "keyboard")}
    elif kind == "net":
        found = {row["model"] for row in facts.table("policies/nic-models.csv") if row["hypervisor"] == "qemu"}
    else:
        found = set(values.get({"block": ("disk", "bus"), "gpu": ("video", "type")}.get(kind, ("", "")), ()))
    return tuple(sorted(name for name in found if not name.startswith("virtio")))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a policy chose for a kind: a virtio ``model`` in a ``slot`` (one of SLOTS), or another ``device``."""

    kind: str
    model: str = ""
    slot: str = AUTO
    device: str = ""


class Placer:
    """Resolves the choices of policies for one host and one slot policy, once for each choice and machine."""

    __slots__ = ("_bare", "_cells", "_domains", "_prober")

    def __init__(self, host: Host, slot_policy: str) -> None:
        self._prober = Prober(host, policy=slots.policy(slot_policy))
        self._bare: dict[str, int] = {}
        self._cells: dict[tuple[str, Choice], tuple[Placed, Shown | None]] = {}
        self._domains: dict[tuple[str, tuple[Choice, ...]], int] = {}

    def cell(self, machine: str, choice: Choice) -> tuple[Placed, Shown | None]:
        """Where the one device goes on ``machine`` ("pc", "q35"), and what QEMU shows there; None when libvirt
        refuses it, or when it is no virtio device."""
        key = (machine, choice)
        found = self._cells.get(key)
        if found is None:
            found = self._cells[key] = self._cell(self._prober.machine(machine), choice)
        return found

    def buses(self, machine: str, choices: Iterable[Choice]) -> int:
        """The PCI controllers that libvirt adds for a domain with all these devices, beyond a domain without them.

        Devices that libvirt or QEMU refuses by themselves are left out: such a domain does not start.
        """
        wanted = tuple(choice for choice in choices if self._accepted(machine, choice))
        key = (machine, wanted)
        found = self._domains.get(key)
        if found is None:
            found = self._domains[key] = self._count(self._prober.machine(machine), wanted)
        return found

    def _accepted(self, machine: str, choice: Choice) -> bool:
        placed, seen = self.cell(machine, choice)
        return not placed.refusal and (bool(choice.device) or (seen is not None and seen.interface is not None))

    def _cell(self, machine: str, choice: Choice) -> tuple[Placed, Shown | None]:
        if not choice.device and choice.slot == AUTO:
            return self._prober.shown(machine, choice.kind, choice.model)
        kind = PROBES[choice.kind].kind
        if not choice.device and PROBES[choice.kind].device(choice.model) is None:
            return Placed(kind, "", "", "", 0, f"libvirt has no model {choice.model} for {choice.kind}"), None
        try:
            resolved = self._resolve(machine, (choice,))
            buses = max(0, _controllers(resolved) - self._without(machine))
        except Refused as refusal:
            return Placed(kind, "", "", "", 0, f"libvirt refuses it: {refusal.what}"), None
        if choice.device:
            return Placed(kind, "", "", "", buses), None
        for found in resolved.virtio_devices:  # type: ignore[attr-defined]
            if found.kind == kind or (choice.kind == "gpu" and found.kind == "vga"):
                host, arch = self._prober.host, self._prober.arch
                seen = shown(host.qemu, arch, machine, found.kind, choice.model, found.location, host.emulator(arch))
                return Placed(found.kind, found.driver, found.location, found.address, buses), seen
        return Placed(kind, "", "", "", 0, "libvirt makes no virtio device of it on this machine"), None

    def _count(self, machine: str, choices: tuple[Choice, ...]) -> int:
        try:
            return max(0, _controllers(self._resolve(machine, choices)) - self._without(machine))
        except Refused:
            # Each device is accepted, all together are not: what they cost one by one is what can be said.
            return sum(self._cell(machine, choice)[0].buses for choice in choices)

    def _without(self, machine: str) -> int:
        found = self._bare.get(machine)
        if found is None:
            found = self._bare[machine] = _controllers(self._resolve(machine, ()))
        return found

    def _resolve(self, machine: str, choices: tuple[Choice, ...]) -> object:
        parts = []
        for number, choice in enumerate(choices):
            xml = _other(choice) if choice.device else PROBES[choice.kind].device(choice.model) or ""
            # On pc every device is on bus 0 by itself.
            at_root = choice.slot == ROOT and not choice.device and "q35" in machine
            parts.append(_at(xml, _FIRST + number) if at_root else xml)
        text = probe_xml("".join(parts), self._prober.arch, machine)
        return self._prober.resolve(text, self._prober.host, self._prober.policy)


def _other(choice: Choice) -> str:
    if choice.kind == "input":
        found = _INPUT.fullmatch(choice.device)
        return f"<input type='{found[2]}' bus='{found[1]}'/>" if found else ""
    name = choice.device.replace("&", "").replace("<", "").replace("'", "")
    return _OTHERS.get(choice.kind, "").format(name, _TARGETS.get(name, "sda"))


def _at(xml: str, slot: int) -> str:
    """The device's XML with an address on bus 0."""
    address = f"<address type='pci' domain='0x0000' bus='0x00' slot='0x{slot:02x}' function='0x0'/>"
    if xml.endswith("/>") and "</" not in xml:
        tag = xml[1:].split(" ", 1)[0]
        return f"{xml[:-2]}>{address}</{tag}>"
    place = xml.rindex("</")
    return xml[:place] + address + xml[place:]


def _controllers(resolved: object) -> int:
    return sum(
        device.kind == "controller" and getattr(device, "type", "") == "pci"
        for device in resolved.devices  # type: ignore[attr-defined]
    )
