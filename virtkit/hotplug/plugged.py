"""The cells of a compatibility matrix for devices that are plugged into a running guest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from virtkit.compat.cells import Column, Drivers, Hardware, Judged, hardware_of, judge_cells, judge_hardware
from virtkit.compat.prober import Placement, Prober, probe_domain, probes, shown_off_pci
from virtkit.domain.domain import read
from virtkit.errors import Refused
from virtkit.guests.overrides import supports
from virtkit.hotplug.changes import row
from virtkit.hotplug.device import read_device
from virtkit.hotplug.running import Running
from virtkit.hotplug.verdict import booted_guests, joined, notices
from virtkit.resolved import resolve

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from virtkit.compat.cells import Cells
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest, Support
    from virtkit.resolved import Resolved

__all__ = ["judge_plugged"]

_ROOM = "<controller type='pci' index='0' model='pcie-root'/>" + "<controller type='pci' model='pcie-root-port'/>" * 4
_BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"


def judge_plugged(
    prober: Prober, guests: Sequence[Guest], kinds: Sequence[str], asked: Sequence[Column], overrides: bool
) -> Cells:
    """Every guest and kind judged on every machine type and model of ``asked``, plugged into a running domain."""
    running = {name: _running(prober, prober.machine(name)) for name, _, _ in asked}
    return judge_cells(_Hot(running, overrides), guests, kinds, asked)


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
