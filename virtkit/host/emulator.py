"""One QEMU binary: its machine types, its device types and properties, and which of them are unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from virtkit.display import Displayable
from virtkit.releases import dotted

__all__ = ["ARCHITECTURES", "Emulator", "Machine", "emulator_arch"]

#: libvirt's architecture name -> the suffix of QEMU's binary that runs it, where the two differ.
#: Source: the names of QEMU 7.2's and 11.1's binaries against ``virsh capabilities`` of libvirt 9.0 and 12.8.
ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {
        "i686": "i386",
        "armv6l": "arm",
        "armv7l": "arm",
        "ppc64le": "ppc64",
        "s390": "s390x",
        "itanium": "ia64",
    }
)

#: Names in Emulator.devices that are no device types, by how they begin.
_GROUPS = ("chardev-", "display-")


def emulator_arch(arch: str) -> str:
    """QEMU's name of an architecture given in libvirt's or QEMU's own spelling."""
    return ARCHITECTURES.get(arch, arch)


#: Families whose machine names end in a version. Source: query-machines of QEMU 7.2.22 and 11.1.2.
VERSIONED = re.compile(r"(?:pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type of one QEMU binary.

    ``name`` is the canonical name; ``alias`` the short name QEMU also takes for it (``pc``), or None.
    ``max_cpus`` is None when the source does not state it. ``root`` is the kind of its first PCI bus: ``pci``,
    ``pcie``, ``none`` (no PCI), or None when unknown.
    """

    name: str
    alias: str | None = None
    default: bool = False
    deprecated: bool = False
    max_cpus: int | None = None
    root: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Emulator(Displayable):
    """What one QEMU binary offers.

    ``machines`` finds a Machine by canonical name and by alias; without ``all_machines`` there may be others.
    ``devices`` are the device types known to be present, ``absent`` those known to be absent; with ``complete`` every
    type outside ``devices`` is absent. ``devices`` also lists back ends of character devices (``chardev-spicevmc``)
    and displays (``display-sdl``); when it lists none of such a group, the group is unknown.
    ``properties`` maps a property name to the device types known to have it, ``lacking`` holds the (device type,
    property) pairs known to be absent; with ``complete`` the properties listed are known for every device type except
    those in ``unasked``. ``source`` names the tool or document that the facts come from.
    """

    arch: str
    release: tuple[int, int]
    package: str
    machines: Mapping[str, Machine]
    default_machine: str | None
    devices: frozenset[str]
    complete: bool
    source: str
    absent: frozenset[str] = frozenset()
    properties: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    lacking: frozenset[tuple[str, str]] = frozenset()
    unasked: frozenset[str] = frozenset()
    all_machines: bool = True

    def __repr__(self) -> str:
        has = f"{len(self.names)} machine types, {len(self.devices)} devices"
        return f"<Emulator QEMU {dotted(self.release)} {self.arch}: {has}>"

    def has(self, driver: str) -> bool | None:
        """Whether QEMU has the device type ``driver``; None when unknown."""
        if driver in self.devices:
            return True
        if driver in self.absent:
            return False
        group = next((one for one in _GROUPS if driver.startswith(one)), None)
        if group and not any(name.startswith(group) for name in self.devices):
            return None
        return False if self.complete else None

    def has_property(self, driver: str, prop: str) -> bool | None:
        """Whether device type ``driver`` takes property ``prop``; None when unknown."""
        owners = self.properties.get(prop)
        if owners is not None and driver in owners:
            return True
        if self.has(driver) is False or (driver, prop) in self.lacking:
            return False
        if self.complete and owners is not None and driver not in self.unasked:
            return False
        return None

    def machine(self, name: str) -> Machine | None:
        """The machine type called ``name``, canonical or alias; None when it is absent or unknown.

        When the source does not list all machine types, a canonical name with a version is accepted as it is.
        """
        found = self.machines.get(name)
        if found is None and not self.all_machines and VERSIONED.fullmatch(name):
            return Machine(name)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Canonical machine names, in the source's order, without aliases."""
        return tuple(dict.fromkeys(machine.name for machine in self.machines.values()))


def by_name(machines: Iterable[Machine]) -> Mapping[str, Machine]:
    """The machines by canonical name and, where no machine has that canonical name, by alias."""
    found = {machine.name: machine for machine in machines}
    for machine in tuple(found.values()):
        if machine.alias:
            found.setdefault(machine.alias, machine)
    return MappingProxyType(found)


def default_name(machines: Iterable[Machine]) -> str | None:
    """The canonical name of QEMU's default machine type, or None."""
    return next((machine.name for machine in machines if machine.default), None)
