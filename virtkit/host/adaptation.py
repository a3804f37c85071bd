"""The machine types of a QEMU whose own list is not shipped: those of near releases and those of vendors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from virtkit.host import shipped
from virtkit.host.emulator import Emulator, Machine, by_name, default_name
from virtkit.host.machine_types import machine_version
from virtkit.host.other_types import VendorType, vendor_types
from virtkit.releases import Release, parse

__all__ = ["upstream", "vendor_machine", "with_aliases", "with_default", "with_machines"]


def upstream(emulator: Emulator, qemu: Release) -> Emulator:
    """The emulator with the upstream machine types of QEMU ``qemu`` in place of its own release's.

    Types that came later are left out, and those that came between the two releases are taken from newer facts. The
    newest type of each family gets its alias.
    """
    return with_machines(emulator, with_aliases(_up_to(qemu, emulator), emulator))


def with_machines(emulator: Emulator, machines: Iterable[Machine]) -> Emulator:
    """The emulator with these machine types in place of its own."""
    found = list(machines)
    return replace(emulator, machines=by_name(found), default_machine=default_name(found))


def _up_to(qemu: Release, emulator: Emulator) -> Iterator[Machine]:
    """The upstream machine types of a QEMU release: those of the emulator up to it, and newer ones from other facts."""
    newest: dict[str, Machine] = {}
    for machine in map(emulator.machines.__getitem__, emulator.names):
        family, version = machine_version(machine.name)
        if version is None or version <= qemu:
            yield machine
        if machine.alias and version:
            newest[family] = machine
    later = (shipped.load(release, emulator.arch) for release in shipped.releases() if release > emulator.release)
    names = dict.fromkeys(name for other in later if other for name in other.names if name not in emulator.machines)
    for name in names:
        family, version = machine_version(name)
        if version and emulator.release < version <= qemu and family in newest:
            yield replace(newest[family], name=name)


def vendor_machine(one: VendorType, emulator: Emulator) -> Machine:
    """The vendor's machine type, which is as its upstream type, or as another of the family where that is missing."""
    base = emulator.machines.get(one.upstream)
    if base is None:
        family = machine_version(one.upstream)[0]
        kin = (emulator.machines[name] for name in emulator.names if machine_version(name)[0] == family)
        base = next(kin, Machine(one.upstream))
    return replace(base, name=one.name)


def with_aliases(machines: Iterable[Machine], emulator: Emulator) -> list[Machine]:
    """The machine types; the newest of each family has the alias of the family, and the default is one of them."""
    former = {machine_version(one.name)[0]: one for one in emulator.machines.values() if one.alias}
    found = list(machines)
    newest: dict[str, Machine] = {}
    for one in found:
        family, version = machine_version(one.name)
        if version and (family not in newest or _age(one) > _age(newest[family])):
            newest[family] = one
    return [_as_newest(one, former, newest) for one in found]


def _as_newest(one: Machine, former: Mapping[str, Machine], newest: Mapping[str, Machine]) -> Machine:
    family, version = machine_version(one.name)
    if version is None:
        return one
    before = former.get(family)
    if before is None or newest[family] is not one:
        return replace(one, alias=None, default=False)
    return replace(one, alias=before.alias, default=before.default)


def _age(machine: Machine) -> tuple[Release, Release]:
    """The order of machine types of one family: by version, and for a vendor's by its release."""
    vendor = vendor_types().get(machine.name)
    return (parse(vendor.release) if vendor else (0, 0)), machine_version(machine.name)[1] or (0, 0)


def with_default(machines: list[Machine], own: list[Machine]) -> list[Machine]:
    """Ubuntu's machine types: the upstream ones with its own, the newest of which takes the place of the default."""
    own = [replace(one, alias=None, default=False) for one in own]
    default = next((one for one in machines if one.default), None)
    family = machine_version(default.name)[0] if default else ""
    # Variants of a type have a suffix: -hpb, -maxcpus, -v2.
    plain = [one for one in own if one.name.removeprefix(f"{family}-").isalpha()]
    kin = [one for one in plain if machine_version(one.name)[0] == family]
    if not kin or default is None:
        return machines + own
    newest = max(kin, key=_age)
    machines = [replace(one, default=False) for one in machines]
    return machines + [replace(one, default=one is newest) for one in own]
