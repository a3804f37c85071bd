"""The closest known host for a machine type that a host lacks, and the closest known releases and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from virtkit.host import shipped
from virtkit.host.assumption import Assumption
from virtkit.host.emulator import Emulator, Machine, emulator_arch
from virtkit.host.host import Host
from virtkit.host.machine_types import machine_version
from virtkit.host.other_types import removed_types, vendor_types
from virtkit.releases import DEFAULT, PAIRS, Release, distance, dotted

__all__ = ["assumed_hosts", "similar"]


def assumed_hosts(
    host: Host, arch: str, machine: str | None, file: str | None = None, *, placed: bool = False
) -> tuple[Host, ...]:
    """The supported hosts that have ``machine`` or the type that it is based on, the closest first.

    Closest is the QEMU release nearest to that of the machine type; of two, the newer. Nothing when ``host`` is fixed
    or has the type, or when no source says what the type is. ``file`` is the domain's, and ``placed`` says whether
    QEMU placed it without libvirt; both are for the note.
    """
    name = emulator_arch(arch)
    if not machine or not host.may_be_replaced(arch, machine):
        return ()
    family, version = machine_version(machine)
    origin = _origin(machine, name, version)
    if version is None or not origin:
        return ()
    wanted = vendor.upstream if (vendor := vendor_types().get(machine)) else machine
    found = [
        (libvirt, emulator, substitute)
        for libvirt, qemu in PAIRS.items()
        if (emulator := shipped.load(qemu, name)) and (substitute := _substitute(emulator, wanted, family))
    ]
    exact = [one for one in found if one[2].name == wanted] or found
    exact.sort(key=lambda one: (distance(version, one[1].release), one[0] != DEFAULT, _newest(one[0])))
    hosts = []
    for libvirt, emulator, base in exact:
        other = "" if base.name == machine else base.name
        source = _source(machine, emulator)
        releases = host.qemu, libvirt, emulator.release
        assumption = Assumption(machine, origin, *releases, other, source, file or "", placed)
        hosts.append(Host(libvirt, emulator.release, [_with(emulator, machine, base)], assumption=assumption))
    return tuple(hosts)


def _origin(machine: str, arch: str, version: Release | None) -> str:
    """The product that brought a machine type on QEMU's ``arch``; "" when no source names it."""
    if vendor := vendor_types().get(machine):
        return vendor.origin if arch in vendor.arches else ""
    if removed := removed_types().get(machine):
        what = f"QEMU {dotted(removed.added)}, removed in {dotted(removed.removed)}"
        return what if arch in removed.arches else ""
    known = (shipped.load(qemu, arch) for qemu in PAIRS.values())
    if version and any(emulator and machine in emulator.machines for emulator in known):
        return f"QEMU {dotted(version)}"
    return ""


def _source(machine: str, emulator: Emulator) -> str:
    """What shows where the machine type comes from."""
    known = vendor_types().get(machine) or removed_types().get(machine)
    return emulator.source if known is None else known.source


def _substitute(emulator: Emulator, wanted: str, family: str) -> Machine | None:
    """The machine type of an emulator that stands for ``wanted``: the same one, or the oldest of its family where the
    type is older than every release with facts."""
    if (same := emulator.machines.get(wanted)) is not None:
        return same
    if wanted not in removed_types():
        return None
    named = [(machine_version(name), name) for name in emulator.names]
    versions = [(version, name) for (kin, version), name in named if kin == family and version]
    return emulator.machines[min(versions)[1]] if versions else None


def _newest(release: Release) -> tuple[int, int]:
    return -release[0], -release[1]


def _with(emulator: Emulator, name: str, base: Machine) -> Emulator:
    """The emulator with one more machine type, which is as ``base``."""
    if name in emulator.machines:
        return emulator
    machines: Mapping[str, Machine] = MappingProxyType(
        {**emulator.machines, name: replace(base, name=name, alias=None, default=False)}
    )
    return replace(emulator, machines=machines)


def other_architectures(machine: str, arch: str, host: Host) -> tuple[str, ...]:
    """The architectures of a host that have a machine type which ``arch`` does not have: by its own name, or by that of
    the upstream type that a vendor's type is based on. At most three."""
    vendor = vendor_types().get(machine)
    names = {machine, vendor.upstream} if vendor else {machine}
    family, version = machine_version(vendor.upstream if vendor else machine)
    found = []
    for other in host.architectures:
        emulator = host.emulator(other)
        if other == arch or emulator is None or (vendor and emulator_arch(other) not in vendor.arches):
            continue
        kin = version is not None and any(machine_version(name)[0] == family for name in emulator.names)
        if kin or any(emulator.machine(name) for name in names):
            found.append(other)
    return tuple(found[:3])


def similar(machine: str, emulator: Emulator) -> tuple[str, ...]:
    """At most three machine types of an emulator that a user who wrote ``machine`` may mean.

    They are those of the same family whose release is nearest; where the family is not known, names of similar
    spelling.
    """
    family, version = machine_version(machine)
    versions = [(machine_version(name), name) for name in emulator.names]
    families = {kin for (kin, release), _ in versions if release}
    if family not in families:
        family = next((kin for kin in sorted(families, key=len, reverse=True) if machine.startswith(f"{kin}-")), "")
    kin = [(release, name) for (one, release), name in versions if one == family and release]
    if not kin:
        from difflib import get_close_matches

        return tuple(get_close_matches(machine, emulator.machines, 3))
    if version is None:
        return tuple(name for _, name in sorted(kin, reverse=True)[:3])
    return tuple(name for _, name in sorted(kin, key=lambda one: (distance(version, one[0]), _newest(one[0])))[:3])
