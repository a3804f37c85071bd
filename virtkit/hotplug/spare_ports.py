"""More root ports for a domain, so that a running guest can take more devices: what ``check --fix`` writes."""

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

__all__ = ["MOST", "SparePorts", "with_spare_ports"]

MOST = 128
"""The most spare ports that are added to a domain."""

_ROOT = "<controller type='pci' index='0' model='pcie-root'/>"
_PORT = "<controller type='pci' model='pcie-root-port'/>"
_BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"


class SparePorts(NamedTuple):
    """The text of a domain with more ports: how many root ports and bridges were added, and what is free then."""

    text: str
    ports: int
    bridges: int
    free: int

    @property
    def steps(self) -> list[str]:
        """What was added, for a person."""
        free = counted(self.free, "port is", "ports are")
        found = [f"added {counted(self.ports, 'pcie-root-port controller')}; {free} free for hotplug"]
        if self.bridges:
            found.append("added 1 pcie-to-pci-bridge controller for conventional PCI devices")
        return found


def with_spare_ports(
    resolved: Resolved, wanted: int, guest: str | None = None, known: Catalogue | None = None, *, overrides: bool = True
) -> SparePorts:
    """The domain with ``wanted`` more root ports that are free for hotplug than it has now; the rest stays as written.

    A pcie-to-pci-bridge is added where the guest's drivers or the domain's devices need conventional slots, and none is
    free for hotplug. ``guest`` names the guest OS of a domain without metadata. Raises UsageError for a machine without
    PCI Express and for a number that is out of range, Refused when the ports do not fit. Source: libvirt, PCI topology
    and hotplug: ports are added while the guest is off.
    """
    before = Running(resolved)
    if before.root_bus != "pcie-root":
        why = f"machine {resolved.machine} has no PCI Express, so it takes no root ports"
        raise UsageError(f"{resolved.name}: --spare-ports: {why}")
    if not 1 <= wanted <= MOST:
        raise UsageError(f"--spare-ports: expected a number from 1 to {MOST}, got {wanted}")
    target = _free(before, EXPRESS) + wanted
    bridges = int(_needs_conventional(before, guest, known, overrides) and not _free(before, CONVENTIONAL))
    ports = wanted
    while True:
        # Devices without a written address take new ports first, and libvirt adds no spare one beside written ports.
        text = _text(resolved, ports, bridges)
        free = _free(Running(_resolved(resolved, text)), EXPRESS)
        if free >= target:
            return SparePorts(text, ports, bridges, free)
        ports += target - free


def _free(running: Running, kind: int) -> int:
    return running.places.slots.free(kind)


def _resolved(resolved: Resolved, text: str) -> Resolved:
    return resolve(read(text.encode(resolved.domain.document.codec)), resolved.host)


def _text(resolved: Resolved, ports: int, bridges: int) -> str:
    document = resolved.domain.document
    editor = Editor(document.text, document.root)
    holder = document.root.find("devices")
    written = [one for one in document.root.iterfind("devices/controller") if one.get("type") == "pci"]
    # The first PCI controller without an index becomes number 0, which is the root bus.
    root = [] if any(one.get("model") == "pcie-root" for one in written) else [_ROOT]
    new = "\n".join([*root, *[_PORT] * ports, *[_BRIDGE] * bridges])
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
