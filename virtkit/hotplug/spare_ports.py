"""More room for hot plug in a definition: what ``check --fix --spare-ports`` and ``--spare-slots`` write."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from virtkit.compat.devices import find_guest
from virtkit.domain.address import PciAddress
from virtkit.domain.domain import read
from virtkit.domain.editor import Editor
from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.guests.overrides import support
from virtkit.hotplug.running import Running
from virtkit.resolution.addresses.connect_types import CONVENTIONAL, EXPRESS
from virtkit.resolved import resolve
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.guests import Catalogue
    from virtkit.resolved import Resolved

__all__ = ["MOST", "SparePorts", "asking_for", "with_spare_ports"]

MOST = 128
"""The most spare ports, and the most spare slots, that are added to a domain."""

_ROOT = "<controller type='pci' index='0' model='{}'/>"
_PORT = "<controller type='pci' model='pcie-root-port'/>"
_BRIDGE = "<controller type='pci' model='{}'/>"
_BRIDGES = {"pcie-root": "pcie-to-pci-bridge", "pci-root": "pci-bridge"}
"""The controller with conventional slots, by root bus."""


def asking_for(ports: int = 0, slots: int = 0) -> str:
    """The command that adds so many root ports and conventional slots."""
    wanted = [f"--spare-ports {ports}"] if ports else []
    wanted += [f"--spare-slots {slots}"] if slots else []
    return " ".join(("virtkit check --fix", *wanted))


class SparePorts(NamedTuple):
    """The text of a domain with more room: how many root ports and bridges were added, and what is free then.

    ``free`` counts PCI Express slots, ``slots`` conventional ones.
    """

    text: str
    ports: int
    bridges: int
    free: int
    slots: int
    bridge: str

    @property
    def steps(self) -> list[str]:
        """What was added, for a person."""
        found = []
        if self.ports:
            free = counted(self.free, "port is", "ports are")
            found.append(f"added {counted(self.ports, 'pcie-root-port controller')}; {free} free for hotplug")
        if self.bridges:
            free = counted(self.slots, "slot is", "slots are")
            what = counted(self.bridges, f"{self.bridge} controller")
            found.append(f"added {what} for conventional PCI devices; {free} free for hotplug")
        return found


def with_spare_ports(
    resolved: Resolved,
    wanted: int = 0,
    guest: str | None = None,
    known: Catalogue | None = None,
    *,
    slots: int = 0,
    overrides: bool = True,
) -> SparePorts:
    """The domain with room for more hot plug than now: ``wanted`` root ports and ``slots`` conventional slots more.

    With root ports, a bridge is added where the guest's drivers or the domain's devices need conventional slots and
    none is free for hotplug. ``guest`` names the guest OS of a domain without metadata. Raises UsageError for a machine
    without PCI, for root ports on one without PCI Express, and for a number that is out of range; Refused when they do
    not fit. Source: libvirt, PCI topology and hotplug: ports and bridges are added while the guest is off.
    """
    before = Running(resolved)
    _check_wanted(before, wanted, slots)
    express = _free(before, EXPRESS) + wanted if wanted else 0
    conventional = _free(before, CONVENTIONAL) + slots if slots else 0
    if wanted and not slots and _needs_conventional(before, guest, known, overrides):
        conventional = 1
    bridge = _BRIDGES[before.root_bus]
    ports, bridges = wanted, int(conventional > _free(before, CONVENTIONAL))
    while True:
        # Devices without a written address take new ports first, and libvirt adds no spare one beside written ports.
        text = _text(resolved, before.root_bus, ports, bridges)
        after = Running(_resolved(resolved, text))
        free, more = _free(after, EXPRESS), _free(after, CONVENTIONAL)
        if free >= express and more >= conventional:
            return SparePorts(text, ports, bridges, free, more, bridge)
        ports += max(express - free, 0)
        bridges += more < conventional


def _check_wanted(before: Running, wanted: int, slots: int) -> None:
    """Raises UsageError for numbers out of range, and for a machine that has no such slots."""
    for option, number in (("--spare-ports", wanted), ("--spare-slots", slots)):
        if not 0 <= number <= MOST or not (wanted or slots):
            raise UsageError(f"{option}: expected a number from 1 to {MOST}, got {number}")
    resolved, root = before.resolved, before.root_bus
    if wanted and root != "pcie-root":
        why = f"machine {resolved.machine} has no PCI Express, so it takes no root ports"
        raise UsageError(f"{resolved.name}: --spare-ports: {why}")
    if root not in _BRIDGES:
        why = f"machine {resolved.machine} has no PCI bus, so it takes no bridges"
        raise UsageError(f"{resolved.name}: --spare-slots: {why}")


def _free(running: Running, kind: int) -> int:
    return running.places.slots.free(kind)


def _resolved(resolved: Resolved, text: str) -> Resolved:
    return resolve(read(text.encode(resolved.domain.document.codec)), resolved.host)


def _text(resolved: Resolved, bus: str, ports: int, bridges: int) -> str:
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    holder = document.root.find("devices")
    written = [one for one in document.root.iterfind("devices/controller") if one.get("type") == "pci"]
    # The first PCI controller without an index becomes number 0, which is the root bus.
    root = [] if any(one.get("model") == bus for one in written) else [_ROOT.format(bus)]
    new = "\n".join([*root, *[_PORT] * ports, *[_BRIDGE.format(_BRIDGES[bus])] * bridges])
    if holder is None:
        editor.append(document.root, f"<devices>\n{new}\n</devices>")
    else:
        editor.append(holder, new)
    return editor.text()


def _needs_conventional(running: Running, guest: str | None, known: Catalogue | None, overrides: bool) -> bool:
    """Whether a device of the domain is a conventional one, or the guest's disk or NIC driver is a legacy one."""
    types = running.places.types
    # On the root bus are the devices of the machine, such as sound and the first video device.
    away = [one for one in running.devices.in_order() if isinstance(one.address, PciAddress) and one.address.bus]
    if any(types.of(one) & CONVENTIONAL for one in away if one.kind != "controller"):
        return True
    found, _ = find_guest(running.resolved.domain, guest, known or catalogue())
    if found is None:
        return False
    answers = [support(found, kind, overrides=overrides) for kind in ("block", "net")]
    return any(answer.legacy and not answer.modern for answer in answers)
