"""Named hosts: the libvirt and QEMU releases that a distribution ships together, with its own machine types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.host import shipped
from virtkit.host.adaptation import upstream, vendor_machine, with_aliases, with_default, with_machines
from virtkit.host.emulator import Emulator
from virtkit.host.host import Host
from virtkit.host.machine_types import machine_version
from virtkit.host.other_types import VendorType, vendor_types
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
        loaded = shipped.load_all(near.qemu)
        if self.vendor != "RHEL":
            loaded = tuple(upstream(emulator, self.qemu) for emulator in loaded)
        found = [self._adapted(emulator) for emulator in loaded]
        notices = [near.notice] if near.notice else []
        if self.vendor == "RHEL":
            notices.append("RHEL's QEMU lacks some devices of upstream; only a part of them is recorded")
        return Host(near.libvirt, near.qemu, [one for one in found if one.machines], notice="; ".join(notices))

    def _adapted(self, emulator: Emulator) -> Emulator:
        """The emulator with the machine types that the distribution's QEMU has, and without the devices it lacks.

        ``emulator`` has the upstream types already.
        """
        own = [vendor_machine(one, emulator) for one in self._own_types(emulator.arch)]
        if self.vendor == "RHEL":
            emulator = with_machines(emulator, with_aliases(own, emulator))
        elif self.vendor:
            emulator = with_machines(emulator, with_default([*map(emulator.machines.__getitem__, emulator.names)], own))
        lacks = self._absent(emulator.arch)
        return replace(emulator, devices=emulator.devices - lacks, absent=emulator.absent | lacks)

    def _own_types(self, arch: str) -> Iterator[VendorType]:
        """The vendor's types that its QEMU has: those of its releases so far whose base is not newer than that QEMU."""
        for one in vendor_types().values():
            if one.vendor != self.vendor or arch not in one.arches or parse(one.release) > parse(self.release):
                continue
            version = machine_version(one.upstream)[1]
            if version and version <= self.qemu and (not one.majors or self.major in one.majors):
                yield one

    def _absent(self, arch: str) -> frozenset[str]:
        names: set[str] = set()
        for row in facts.table("qemu/vendor-devices.csv") if self.vendor else ():
            arches, majors = row["arch"].split(), row["majors"].split()
            gained = bool(row["before"]) and parse(self.release) >= parse(row["before"])
            if row["vendor"] == self.vendor and self.major in majors and arch in arches and not gained:
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
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    kin = [one for one in known if one.partition("-")[0] == name.partition("-")[0]] or list(known)
    raise UsageError(f"--host {name}: {hint}expected one of {', '.join(kin)}; virtkit data hosts lists all")


def chosen(name: str = "", qemu: str = "", libvirt: str = "", *, strict: bool = False) -> Host:
    """The host that a command line names: a distribution by ``name``, or as ``Host.named`` for the others.

    Raises UsageError when a distribution and a release are named, and the errors of ``Host.named``.
    """
    if not name:
        return Host.named(qemu, libvirt, strict=strict)
    if qemu or libvirt:
        raise UsageError("--host names both releases; leave --libvirt and --qemu out")
    return distribution(name).host()
