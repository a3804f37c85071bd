"""The compatibility matrix for devices that are plugged into a running guest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from virtkit.compat.cells import Column, Drivers, Hardware, Judged, hardware_of, judge_cells, judge_hardware
from virtkit.compat.manual_slots import AUTO
from virtkit.compat.matrix import (
    framed,
    select_guests,
    select_kinds,
    select_machines,
    select_models,
)
from virtkit.compat.matrix import matrix as cold_matrix
from virtkit.compat.prober import Placement, Prober, probe_domain, probes, shown_off_pci
from virtkit.domain.domain import read
from virtkit.errors import Refused, UsageError
from virtkit.guests import catalogue
from virtkit.guests.overrides import supports
from virtkit.host import Host
from virtkit.hotplug.changes import row
from virtkit.hotplug.device import read_device
from virtkit.hotplug.running import Running
from virtkit.hotplug.verdict import booted_guests, joined, notices
from virtkit.resolved import resolve

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from virtkit.compat.frame import Matrix
    from virtkit.domain.devices import Device
    from virtkit.guests import Catalogue, Guest, Support
    from virtkit.resolved import Resolved

__all__ = ["PLUGS", "matrix"]

PLUGS = ("cold", "hot")
"""Whether the device is there when the guest starts, or is plugged in while it runs."""

_ROOM = "<controller type='pci' index='0' model='pcie-root'/>" + "<controller type='pci' model='pcie-root-port'/>" * 4
_BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"


def matrix(
    guests: str | Sequence[Guest | str] | None = None,
    machines: str | Iterable[str] | None = None,
    models: str | Iterable[str] | None = None,
    kinds: str | Iterable[str] | None = None,
    *,
    plug: str = "cold",
    placements: str | Iterable[str] | None = None,
    overrides: bool = True,
    host: Host | None = None,
    arch: str = "x86_64",
    guest_database: Catalogue | None = None,
    prober: Prober | None = None,
) -> Matrix:
    """Whether each guest drives each kind of device, on each machine, with each model: a DataFrame, a row for each.

    ``plug`` "cold" judges a device that is there when the guest starts: see ``virtkit.compat.matrix.matrix`` for the
    columns and the other arguments. "hot" judges one that is plugged into the running guest, on a domain with free
    root ports and a pcie-to-pci-bridge where the machine has PCI Express: the verdict is the worse one of whether the
    guest has the driver and whether it notices the device there (``evidence`` is "boot" where a booted guest showed
    it); ``interface`` is "refused" where libvirt or QEMU does not take the device while the guest runs. Raises
    GuestError and UsageError.

    >>> import virtkit as vk
    >>> frame = vk.matrix("debian12,rhel6.10,win10", "q35", "virtio", "block", plug="hot")
    >>> frame[["guest", "placement", "verdict", "evidence"]]
          guest  placement  verdict evidence
    0  debian12  pcie-port    works     boot
    1  rhel6.10  pcie-port    fails       db
    2     win10  pcie-port  unknown     rule
    """
    if plug not in PLUGS:
        raise UsageError(f"plug: expected {' or '.join(PLUGS)}, got {plug!r}")
    if plug == "cold":
        return cold_matrix(
            guests, machines, models, kinds,
            placements=placements, overrides=overrides, host=host, arch=arch, guest_database=guest_database,
            prober=prober,
        )  # fmt: skip
    if placements not in (None, AUTO):
        raise UsageError("plug hot: libvirt chooses the slot of the running domain; leave the placements out")
    host = host or Host.default()
    known = guest_database or catalogue()
    prober = prober or Prober(host, arch)
    asked = [(name, AUTO, model) for name in select_machines(machines, host, arch) for model in select_models(models)]
    running = {name: _running(prober, prober.machine(name)) for name, _, _ in asked}
    cells = judge_cells(_Hot(running, overrides), select_guests(guests, known), select_kinds(kinds), asked)
    result = framed(cells, known, host, overrides)
    result.attrs["plug"] = plug
    return result


class _Plugged(NamedTuple):
    """A device that was plugged in, and the running domain with it; None where it is refused."""

    hardware: Hardware
    now: Resolved | None
    device: Device | None


def _running(prober: Prober, machine: str) -> Running:
    """A running domain of a machine that has room for every kind of PCI device."""

    def started(devices: str) -> Running:
        xml = probe_domain(devices, prober.arch, machine)
        if prober.arch in ("x86_64", "i686"):
            xml = xml.replace("</os>", "</os><features><acpi/></features>")
        return Running(resolve(read(xml.encode()), host=prober.host, slot_policy=prober.policy))

    bare = started("")
    if bare.root_bus != "pcie-root":
        return bare
    try:
        return started(_ROOM + _BRIDGE)
    except Refused:
        return started(_ROOM)


def _plugged(running: Running, kind: str, model: str) -> _Plugged:
    """What comes of plugging a device of a kind (of the guest database) and model into a copy of a running domain."""
    xml = probes()[kind].device(model)
    if xml is None:
        return _refused(kind, f"libvirt has no model {model} for {kind}")
    running = running.copy()
    effect = running.attach(read_device(xml))
    if effect.refusal is not None:
        return _refused(kind, f"a running domain does not take it: {effect.refusal.what}")
    now = running.snapshot()
    new = row(effect.new[-1])
    for found in now.virtio_devices:
        if row(found.device) == new:
            place = Placement(found.kind, found.driver, found.location or found.transport, found.address, 0)
            shown = found.shown or shown_off_pci(found.transport, now.machine, found.kind, found.driver)
            return _Plugged(hardware_of(place, shown), now, found.device)
    return _refused(kind, "on this machine libvirt makes no virtio device of it")


def _refused(kind: str, refusal: str) -> _Plugged:
    return _Plugged(hardware_of(Prober.no_placement(kind, refusal), None), None, None)


_Group = tuple["Support", str, str]
"""What drivers a guest has, its family, and its short id if it was booted."""


@dataclass(frozen=True, slots=True)
class _Hot:
    """The rules for a device that is plugged into a running guest; ``running`` has the domain of each machine type."""

    running: Mapping[str, Running]
    overrides: bool

    def offer(self, kind: str, column: Column) -> _Plugged:
        """The device of a kind after it was plugged in."""
        name, _, model = column
        return _plugged(self.running[name], kind, model)

    def drivers(self, guest: Guest) -> Mapping[str, Drivers[_Group]]:
        """Guests of one family with equal drivers get equal judgements, except those that were booted."""
        own = guest.id if guest.id in booted_guests() else ""
        known = supports(guest, overrides=self.overrides)
        return {kind: Drivers((one, guest.family, own)) for kind, one in known.items()}

    def booted(self, group: _Group) -> bool:
        """Whether the guest of a group was booted."""
        return bool(group[2])

    def state(self, offer: _Plugged, booted: bool) -> Hashable:
        """Each running domain with its device is a state of its own."""
        return id(offer)

    def judged(self, guest: Guest, group: _Group, kind: str, offer: _Plugged) -> Judged:
        """The judgement of one cell, with the whole source."""
        driven = judge_hardware(group[0], kind, offer.hardware, self.overrides)
        if offer.now is None or offer.device is None or offer.hardware.refusal:
            return Judged(driven)
        return Judged(joined(notices(offer.now, offer.device, guest), driven))
