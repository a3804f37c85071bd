"""Named hosts: the libvirt and QEMU releases that a distribution ships together, with its own machine types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.host import shipped
from virtkit.host.emulator import Emulator, Machine, by_name, default_name
from virtkit.host.host import Host
from virtkit.host.machine_types import VendorType, machine_version, vendor_types
from virtkit.releases import Release, dotted, parse

__all__ = ["Distribution", "chosen", "distribution", "distributions"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A row of ``data/hosts.csv``, which explains each field; ``vendor`` and ``release`` are "" for upstream types."""

    name: str
    libvirt: Release
    qemu: Release
    vendor: str
    release: str
    source: str

    @property
    def major(self) -> str:
        """The major release: "9" of "9.6"."""
        return self.release.partition(".")[0]

    def host(self) -> Host:
        """The host: its libvirt release, and the nearest QEMU with facts, with the distribution's machine types.

        ``notice`` of the host says in what the facts are not those of the distribution.
        """
        near = Host.named(dotted(self.qemu), self.libvirt)
        loaded = (near.emulator(arch) for arch in near.architectures)
        found = (self._adapted(emulator) for emulator in loaded if emulator)
        notices = [near.notice] if near.notice else []
        if self.vendor == "RHEL":
            notices.append("RHEL's QEMU lacks some devices of upstream; only a part of them is recorded")
        return Host(near.libvirt, near.qemu, [one for one in found if one.machines], notice="; ".join(notices))

    def _adapted(self, emulator: Emulator) -> Emulator:
        """The emulator with the machine types that the distribution's QEMU has, and without the devices it lacks."""
        upstream = [] if self.vendor == "RHEL" else list(_up_to(self.qemu, emulator))
        own = [_machine(one, emulator) for one in self._own_types(emulator.arch)]
        machines = _with_aliases(own if self.vendor == "RHEL" else upstream, emulator)
        if self.vendor == "Ubuntu":
            machines = _with_default(machines, own)
        lacks = self._absent(emulator.arch)
        return replace(
            emulator,
            machines=by_name(machines),
            default_machine=default_name(machines),
            devices=emulator.devices - lacks,
            absent=emulator.absent | lacks,
        )

    def _own_types(self, arch: str) -> Iterator[VendorType]:
        for one in vendor_types().values():
            known = not one.majors or self.major in one.majors
            if one.vendor == self.vendor and arch in one.arches and known and parse(one.release) <= parse(self.release):
                yield one

    def _absent(self, arch: str) -> frozenset[str]:
        names: set[str] = set()
        for row in facts.table("qemu/vendor-devices.csv") if self.vendor else ():
            applies = row["vendor"] == self.vendor and self.major in row["majors"].split() and arch in row["arch"].split()
            if applies and not (row["before"] and parse(self.release) >= parse(row["before"])):
                names.update(row["absent"].split())
        return frozenset(names)


@cache
def distributions() -> Mapping[str, Distribution]:
    """The named hosts by name, in the order of the table."""
    return MappingProxyType(
        {
            row["name"]: Distribution(
                row["name"], parse(row["libvirt"]), parse(row["qemu"]), row["vendor"], row["release"], row["source"]
            )
            for row in facts.table("hosts.csv")
        }
    )


def distribution(name: str) -> Distribution:
    """The named host. Raises UsageError with the hosts of the same distribution, or all of them."""
    known = distributions()
    if name in known:
        return known[name]
    kin = [one for one in known if one.partition("-")[0] == name.partition("-")[0]] or list(known)
    raise UsageError(f"--host {name}: expected one of {', '.join(kin)}; virtkit data hosts lists all")


def chosen(name: str = "", qemu: str = "", libvirt: str = "", *, strict: bool = False) -> Host:
    """The host that a command line names: a distribution by ``name``, or as ``Host.named`` for the others.

    Raises UsageError when a distribution and a release are named, and the errors of ``Host.named``.
    """
    if not name:
        return Host.named(qemu, libvirt, strict=strict)
    if qemu or libvirt:
        raise UsageError("--host names both releases; leave --libvirt and --qemu out")
    return distribution(name).host()


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


def _machine(one: VendorType, emulator: Emulator) -> Machine:
    """The vendor's machine type, which is as its upstream type, or as another of the family where that is missing."""
    base = emulator.machines.get(one.upstream)
    if base is None:
        family = machine_version(one.upstream)[0]
        kin = (emulator.machines[name] for name in emulator.names if machine_version(name)[0] == family)
        base = next(kin, Machine(one.upstream))
    return replace(base, name=one.name)


def _with_aliases(machines: Iterable[Machine], emulator: Emulator) -> list[Machine]:
    """The machine types, where the newest of each family has the alias of the family, and the default is one of them."""
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


def _with_default(machines: list[Machine], own: list[Machine]) -> list[Machine]:
    """Ubuntu's machine types: the upstream ones with its own, the newest of which takes the place of the default."""
    own = [replace(one, alias=None, default=False) for one in own]
    default = next((one for one in machines if one.default), None)
    family = machine_version(default.name)[0] if default else ""
    kin = [one for one in own if machine_version(one.name)[0] == family and one.name.removeprefix(f"{family}-").isalpha()]
    if not kin or default is None:
        return machines + own
    newest = max(kin, key=_age)
    machines = [replace(one, default=False) for one in machines]
    return machines + [replace(one, default=one is newest) for one in own]
