"""Which virtio interface QEMU gives a device, by kind, model, version of the machine type and slot.

The rules are rows of ``data/qemu/interface-rules.csv`` and ``interface-refusals.csv``; the first match applies.
The emulator says which drivers it has; they are not guessed from its release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

from virtkit import facts
from virtkit.errors import FactsError, UsageError
from virtkit.host import Emulator
from virtkit.host import shipped as shipped_emulators
from virtkit.host.emulator import emulator_arch
from virtkit.host.machine_types import interface_version
from virtkit.virtio.kinds import driver_name, kind_of

__all__ = ["LOCATIONS", "Interface", "Shown", "off_pci", "possible", "shown", "switched"]

Version = tuple[int, int]


class Interface(StrEnum):
    """The interface that a guest sees: virtio 0.9 only, both, or virtio 1.0 only."""

    LEGACY = "legacy"
    TRANSITIONAL = "transitional"
    MODERN = "modern"


#: The classes of slots. ``conventional`` means either conventional one; they differ for virtio-iommu only.
LOCATIONS = ("conventional-root", "conventional-bridge", "pcie-root", "pcie-port", "conventional")


@dataclass(frozen=True, slots=True)
class Shown:
    """The interface that QEMU shows a guest, or why QEMU refuses the device.

    ``interface`` is None when refused; ``reason`` is then one of ``no-driver``, ``root-bus-only``,
    ``no-hotplug-handler``, ``blk-scsi-on``, ``msix-required``, ``no-memory-devices``, ``no-pci-bus``,
    ``no-virtio-bus`` (an address of another type), ``no-interface`` (both switched off in the domain), else "".
    ``device_id`` is the PCI device id in hexadecimal, "" when refused or not on PCI; ``message`` QEMU's text.
    """

    interface: Interface | None
    device_id: str
    reason: str
    source: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A row of either table: ``since`` and ``until`` are the first and last machine version for which it holds.

    ``qemu_since`` and ``qemu_before`` bound the QEMU release. Empty ``families`` means any; with ``all_but`` they are
    the families for which it does not hold.
    """

    kinds: frozenset[str]
    models: frozenset[str]
    locations: frozenset[str]
    families: frozenset[str]
    all_but: bool
    arch: str
    since: Version | None
    until: Version | None
    qemu_since: Version | None
    qemu_before: Version | None
    answer: str
    message: str
    source: str

    def fits(self, names: tuple[str, str, str], family: str, arch: str) -> bool:
        """Whether the rule covers a kind (or class), model and location on some machine of a family."""
        kind, model, location = names
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.models or model in self.models)
            and (not self.locations or location in self.locations)
            and (not self.families or (family in self.families) != self.all_but)
            and self.arch in ("", arch)
        )

    def covers(self, version: Version | None) -> bool:
        """Whether the rule covers a machine version."""
        return (self.since is None or version is None or version >= self.since) and (
            self.until is None or (version is not None and version <= self.until)
        )

    def holds_for(self, qemu: Version) -> bool:
        """Whether the rule holds for a QEMU release."""
        return (self.qemu_since is None or qemu >= self.qemu_since) and (
            self.qemu_before is None or qemu < self.qemu_before
        )


def shown(
    host_qemu: Version,
    arch: str,
    machine: str,
    kind: str,
    model: str,
    location: str,
    emulator: Emulator | None = None,
) -> Shown:
    """What QEMU ``host_qemu`` shows of a virtio PCI device that is alone in its slot and present at start.

    ``machine`` is a canonical name or an alias, ``model`` as in domain XML, ``location`` one of LOCATIONS.
    Without ``emulator`` the shipped facts of that release say which drivers exist; a driver of which they say
    nothing counts as present. Raises UsageError for an unknown kind, model or location.
    Source: the rows' own, measured on running QEMU.
    """
    about = kind_of(kind)
    driver = driver_name(kind, model)
    if location not in LOCATIONS:
        raise UsageError(f"unknown location {location!r}; known: {', '.join(LOCATIONS)}")
    if emulator is None:
        emulator = shipped_emulators.load(host_qemu, emulator_arch(arch))
    if model not in about.models:
        return Shown(None, "", "no-driver", about.source, f"{driver!r} is not a valid device model name")
    if emulator is not None and emulator.has(driver) is False:
        return Shown(None, "", "no-driver", emulator.source, f"{driver!r} is not a valid device model name")
    if emulator is not None and machine in emulator.machines:
        machine = emulator.machines[machine].name
    return _shown(host_qemu, emulator_arch(arch), machine, kind, model, location)


@lru_cache(maxsize=4096)
def _shown(qemu: Version, arch: str, machine: str, kind: str, model: str, location: str) -> Shown:
    """The answer of the two tables for a driver that QEMU has. Domains share few of these, so they are kept."""
    family, version = interface_version(machine)
    refusals, interfaces = _rules(qemu, arch, family, kind, model, location)
    for rule in refusals:
        if rule.covers(version):
            said = rule.message.replace("{driver}", driver_name(kind, model)).replace("{machine}", machine)
            return Shown(None, "", rule.answer, rule.source, said)
    for rule, seen in interfaces:
        if rule.covers(version):
            return seen
    raise FactsError(f"interface-rules.csv: no rule for {kind}, model {model} at {location} of {machine}")


@lru_cache(maxsize=1024)
def _rules(
    qemu: Version, arch: str, family: str, kind: str, model: str, location: str
) -> tuple[tuple[_Rule, ...], tuple[tuple[_Rule, Shown], ...]]:
    """The refusals that hold for some machine version of a family, and the rules of interfaces with what they say."""
    place = "conventional-root" if location == "conventional" else location
    refused, offered = (kind, model, place), (kind_of(kind).kind_class, model, location)
    return (
        tuple(one for one in _refusal_rules() if one.holds_for(qemu) and one.fits(refused, family, arch)),
        tuple((one, _said(one, kind)) for one in _interface_rules() if one.fits(offered, family, arch)),
    )


@cache
def _said(rule: _Rule, kind: str) -> Shown:
    """What a rule of an interface says of a kind."""
    about, interface = kind_of(kind), Interface(rule.answer)
    device_id = about.modern_id if interface is Interface.MODERN else about.legacy_id
    return Shown(interface, device_id, "", rule.source)


def switched(kind: str, disable_legacy: bool, disable_modern: bool) -> Interface | None:
    """What ``X-pci,disable-legacy=…,disable-modern=…`` shows in any slot; None when both are on, which QEMU refuses.

    Observed: QEMU 7.2.22, 10.0, 11.1.2 (vsock: machine types from 5.1 on).
    """
    about = kind_of(kind)
    if disable_legacy and disable_modern:
        return None
    if about.kind_class != "legacy-capable" or disable_legacy:
        return Interface.MODERN
    return Interface.LEGACY if disable_modern else Interface.TRANSITIONAL


def off_pci(transport: str, machine: str, kind: str) -> Shown:
    """What a device on the channel subsystem (``ccw``) or a ``virtio-mmio`` transport shows.

    ccw: revision 2 serves old and new guests, except for kinds without a legacy form; machine type 2.4 has
    revision 0. virtio-mmio: QEMU uses the legacy layout for every kind unless ``force-legacy`` is off, and
    libvirt does not turn it off. Any other address type has no bus for a virtio device.
    Raises UsageError for an unknown kind.
    """
    about = kind_of(kind)
    if transport == "ccw":
        family, version = interface_version(machine)
        old = family == "s390-ccw-virtio" and version is not None and version <= (2, 4)
        if about.kind_class != "legacy-capable":
            return Shown(Interface.MODERN, "", "", "observed: QEMU 7.2.22, ccw max_revision 2")
        if old:
            return Shown(Interface.LEGACY, "", "", "observed: QEMU 7.2.22, ccw max_revision 0 on machine 2.4")
        return Shown(Interface.TRANSITIONAL, "", "", "observed: QEMU 7.2.22 and 11.1.2, ccw max_revision 2")
    if transport == "virtio-mmio":
        return Shown(Interface.LEGACY, "", "", "observed: QEMU 7.2.22 and 11.1.2, virtio-mmio force-legacy is on")
    # libvirt accepts some other address types in a definition.
    said = f"a virtio device needs an address of type pci, ccw or virtio-mmio, got {transport!r}"
    if transport == "pci":
        said = "the machine has no PCI bus for the address of this device"
    return Shown(None, "", "no-virtio-bus", "QEMU: virtio devices plug into a PCI, CCW or virtio-mmio bus", said)


@cache
def possible(kind: str, model: str) -> frozenset[Interface]:
    """The interfaces that QEMU shows of a kind and model of virtio PCI device, whatever the machine and the slot.

    Raises UsageError for an unknown kind. Source: data/qemu/interface-rules.csv.
    """
    of_kind = kind_of(kind).kind_class
    return frozenset(
        Interface(rule.answer)
        for rule in _interface_rules()
        if (not rule.kinds or of_kind in rule.kinds) and (not rule.models or model in rule.models)
    )


@cache
def _interface_rules() -> tuple[_Rule, ...]:
    return tuple(
        _rule(row, row["class"], row["model"], row["interface"]) for row in facts.table("qemu/interface-rules.csv")
    )


@cache
def _refusal_rules() -> tuple[_Rule, ...]:
    return tuple(
        _rule(row, row["kinds"], row["models"], row["reason"]) for row in facts.table("qemu/interface-refusals.csv")
    )


def _rule(row: Mapping[str, str], subjects: str, models: str, answer: str) -> _Rule:
    return _Rule(
        kinds=_set(subjects),
        models=_set(models),
        locations=_set(row["location"]),
        families=_set(row["family"].removeprefix("!")),
        all_but=row["family"].startswith("!"),
        arch=row.get("arch", "").replace("*", ""),
        since=_version(row["machine_first"]),
        until=_version(row["machine_last"]),
        qemu_since=_version(row.get("qemu_since", "")),
        qemu_before=_version(row.get("qemu_before", "")),
        answer=answer,
        message=row.get("message", ""),
        source=row["source"],
    )


def _set(cell: str) -> frozenset[str]:
    return frozenset(() if cell == "*" else cell.split())


def _version(cell: str) -> Version | None:
    if not cell:
        return None
    major, _, minor = cell.partition(".")
    return int(major), int(minor)
