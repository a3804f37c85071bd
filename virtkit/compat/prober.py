"""Where libvirt puts one virtio device on a machine, found by resolving a small domain that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.domain import read
from virtkit.errors import Refused, UsageError
from virtkit.host.machine_types import machine_version
from virtkit.releases import dotted
from virtkit.resolved import resolve
from virtkit.virtio.interface import LOCATIONS, Shown, off_pci, shown
from virtkit.virtio.kinds import MODELS, kinds, listed_devices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.compat.manual_slots import ManualSlot
    from virtkit.host import Host
    from virtkit.resolution.context import SlotPolicy
    from virtkit.resolved import Resolved

__all__ = ["Placement", "Probe", "Prober", "pci_controllers", "probe_domain", "probes", "shown_off_pci"]

#: QEMU's names of architectures that libvirt calls otherwise.
_LIBVIRT_ARCH = MappingProxyType({"arm": "armv7l", "i386": "i686"})
#: Machine types that a message suggests, the first that a QEMU has.
_USUAL = ("q35", "virt", "pseries", "s390-ccw-virtio")


@dataclass(frozen=True, slots=True)
class Probe:
    """How a device of one kind is written; ``kind`` is its name in the interface facts."""

    kind: str
    xml: str
    plain: str
    named: str

    def device(self, model: str) -> str | None:
        """The device's XML with this virtio model, None when domain XML has no such model for the kind."""
        if model == "virtio":
            return self.xml.replace("{model}", self.plain)
        if "{model}" not in self.xml:
            return None
        return self.xml.replace("{model}", self.named.replace("{name}", model))


@cache
def probes() -> Mapping[str, Probe]:
    """The probe of each kind of the guest database: a row of data/guests/probes.csv, else the element with a model."""
    written = {
        row["kind"]: Probe(row["device"], row["xml"], row["plain"], row["named"])
        for row in facts.table("guests/probes.csv")
    }
    elements = {listed.kind: element for (element, _), listed in listed_devices().items()}
    found = {}
    for kind in kinds().values():
        if kind.title and kind.name in elements:
            derived = Probe(kind.name, f"<{elements[kind.name]} model='{{model}}'/>", "virtio", "{name}")
            found[kind.guest] = written.get(kind.guest, derived)
    return MappingProxyType(found)


def probe_domain(device: str, arch: str, machine: str) -> str:
    """The XML of a domain with ``device`` and as little else as libvirt accepts."""
    balloon = "" if "<memballoon" in device else "<memballoon model='none'/>"
    return (
        f"<domain type='kvm'><name>probe</name><memory unit='MiB'>1024</memory>"
        "<maxMemory slots='4' unit='MiB'>8192</maxMemory>"
        "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu>1</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>"
        "<cpu><numa><cell id='0' cpus='0' memory='1024' unit='MiB'/></numa></cpu>"
        f"<devices>{device}{balloon}</devices></domain>"
    )


def pci_controllers(resolved: Resolved) -> int:
    """How many PCI controllers a resolved domain has."""
    return sum(
        device.kind == "controller" and getattr(device, "type", "") == "pci" for device in resolved.devices
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one device is.

    ``location`` is a class of slots of the interface facts, "ccw" or "virtio-mmio"; it is "" when libvirt refuses the
    domain, as ``refusal`` then says. ``kind`` and ``driver`` are QEMU's; ``buses`` counts the PCI controllers that
    libvirt adds for the device.
    """

    kind: str
    driver: str
    location: str
    address: str
    buses: int
    refusal: str = ""


class Prober:
    """Resolves probe domains for one host, architecture and slot policy; each family, kind and model once."""

    __slots__ = ("_bare", "_placements", "_refusals", "arch", "emulator", "host", "policy")

    def __init__(self, host: Host, arch: str = "x86_64", policy: SlotPolicy | None = None) -> None:
        self.host = host
        self.arch = _LIBVIRT_ARCH.get(arch, arch)
        self.emulator = host.emulator(self.arch)
        self.policy = policy
        self._bare: dict[str, int] = {}
        self._placements: dict[tuple[str, str, str, str], Placement] = {}
        self._refusals: dict[tuple[str, str], str] = {}

    def machine(self, name: str) -> str:
        """The canonical name of a machine type. Raises UsageError when the host's QEMU does not have it."""
        if self.emulator is None:
            raise UsageError(f"the QEMU of this host has no emulator for {self.arch}")
        machine = self.emulator.machines.get(name)
        if machine is None:
            from virtkit.host.nearest import similar

            near = similar(name, self.emulator)
            usual = next((one for one in (*_USUAL, *self.emulator.names) if one in self.emulator.machines), "none")
            hint = f"; nearest: {', '.join(near)}" if near else f"; expected a name such as {usual}"
            raise UsageError(f"QEMU {dotted(self.host.qemu)} has no machine type {name!r} for {self.arch}{hint}")
        return machine.name

    def resolve(self, machine: str, devices: str) -> Resolved:
        """The probe domain with ``devices`` (XML), resolved. Raises Refused."""
        xml = probe_domain(devices, self.arch, machine)
        return resolve(read(xml.encode()), host=self.host, slot_policy=self.policy)

    def refusal(self, machine: str, devices: str) -> str:
        """What libvirt refuses of the probe domain with ``devices``, "" where it accepts the domain."""
        key = machine_version(machine)[0], devices
        found = self._refusals.get(key)
        if found is None:
            try:
                self.resolve(machine, devices)
                found = ""
            except Refused as refusal:
                found = refusal.what
            self._refusals[key] = found
        return found

    def added_buses(self, machine: str, resolved: Resolved) -> int:
        """How many more PCI controllers a probe domain has than one without devices."""
        bare = self._bare.get(machine)
        if bare is None:
            bare = self._bare[machine] = pci_controllers(self.resolve(machine, ""))
        return max(0, pci_controllers(resolved) - bare)

    def placement(self, machine: str, kind: str, model: str, slot: ManualSlot | None = None) -> Placement:
        """Where a device of ``kind`` (of the guest database) and ``model`` is on ``machine``.

        ``slot`` puts it there with a written address; None leaves the choice to libvirt.
        """
        key = (machine_version(machine)[0], kind, model, slot.location if slot else "")
        found = self._placements.get(key)
        if found is None:
            found = self._placements[key] = self._place(machine, kind, model, slot)
        return found

    def _place(self, machine: str, kind: str, model: str, slot: ManualSlot | None) -> Placement:
        if kind not in probes():
            raise UsageError(f"no device kind {kind!r}; expected one of {', '.join(probes())}")
        if model not in MODELS:
            raise UsageError(f"no virtio model {model!r}; expected one of {', '.join(MODELS)}")
        device = probes()[kind].device(model)
        if device is None:
            return self.no_placement(kind, f"libvirt has no model {model} for {kind}")
        try:
            resolved = self.resolve(machine, slot.insert(device) if slot else device)
            return self.placement_in(resolved, machine, kind)
        except Refused as refusal:
            return self.no_placement(kind, f"libvirt refuses it: {refusal.what}")

    def placement_in(self, resolved: Resolved, machine: str, kind: str) -> Placement:
        """Where the device of ``kind`` is in a resolved probe domain."""
        wanted = probes()[kind].kind
        for found in resolved.virtio_devices:
            if found.kind == wanted or (kind == "gpu" and found.kind == "vga"):
                location = found.location or found.transport
                buses = self.added_buses(machine, resolved)
                return Placement(found.kind, found.driver, location, found.address, buses)
        return self.no_placement(kind, "on this machine libvirt makes no virtio device of it")

    @staticmethod
    def no_placement(kind: str, refusal: str) -> Placement:
        """The placement of a device that libvirt refuses."""
        return Placement(probes()[kind].kind, "", "", "", 0, refusal)

    def shown(
        self, machine: str, kind: str, model: str, slot: ManualSlot | None = None
    ) -> tuple[Placement, Shown | None]:
        """Where the device is, and what QEMU shows of it there; None when libvirt refuses the domain."""
        placement = self.placement(machine, kind, model, slot)
        if placement.refusal:
            return placement, None
        return placement, self.shown_at(placement, machine, model)

    def shown_at(self, placement: Placement, machine: str, model: str) -> Shown:
        """What QEMU shows of a device of ``model`` that is at ``placement``."""
        if placement.location not in LOCATIONS:
            return shown_off_pci(placement.location, machine, placement.kind, placement.driver)
        return shown(self.host.qemu, self.arch, machine, placement.kind, model, placement.location, self.emulator)


def shown_off_pci(transport: str, machine: str, kind: str, driver: str) -> Shown:
    """What a device on the channel subsystem or a virtio-mmio transport shows; refused where QEMU has no such driver.

    Off PCI there are no transitional and non-transitional drivers, although libvirt names one.
    Source: QEMU 7.2 and 11.1 qom-list-types; observed on libvirt 9.0 and 12.8.
    """
    if driver.endswith("-transitional"):
        source = "QEMU 7.2 and 11.1 qom-list-types: no such driver beside PCI"
        return Shown(None, "", "no-driver", source, f"'{driver}' is not a valid device model name")
    return off_pci(transport, machine, kind)
