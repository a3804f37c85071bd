"""Names of machine types: the family and version of each, and the names of vendors and of removed types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from virtkit import facts
from virtkit.releases import Release, parse

__all__ = ["RemovedType", "VendorType", "interface_version", "machine_version", "removed_types", "vendor_types"]

#: Families whose machine names end in a version. Source: query-machines of QEMU 7.2.22 and 11.1.2.
_VERSIONED = re.compile(r"(pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-(\d+)\.(\d+)(?:[.-].*)?")
#: The names of pc-i440fx before version 1.4. Source: query-machines of QEMU 5.2.
_EARLY = re.compile(r"pc-([01])\.(\d+)")
#: The last version whose machine types turn the modern interface off. Source: qemu/interface-rules.csv.
_LEGACY_ONLY = (2, 6)


@dataclass(frozen=True, slots=True)
class VendorType:
    """A machine type of a vendor: a row of ``data/qemu/vendor-machines.csv``, which explains each field."""

    name: str
    arches: frozenset[str]
    vendor: str
    release: str
    majors: frozenset[str]
    upstream: str
    differs: frozenset[str]
    source: str

    @property
    def origin(self) -> str:
        """The product that brought it: "RHEL 9.6"."""
        return f"{self.vendor} {self.release}"


@dataclass(frozen=True, slots=True)
class RemovedType:
    """An upstream machine type that no release with facts has: a row of ``data/qemu/removed-machines.csv``.

    ``added`` and ``removed`` are QEMU releases: the first one with the type, and the first one without it.
    """

    name: str
    arches: frozenset[str]
    added: Release
    removed: Release
    source: str


@cache
def vendor_types() -> Mapping[str, VendorType]:
    """The machine types of vendors by name."""
    rows = facts.table("qemu/vendor-machines.csv")
    return MappingProxyType({row["name"]: _vendor_type(row) for row in rows})


def _vendor_type(row: Mapping[str, str]) -> VendorType:
    return VendorType(
        name=row["name"],
        arches=frozenset(row["arch"].split()),
        vendor=row["vendor"],
        release=row["release"],
        majors=frozenset(row["majors"].split()),
        upstream=row["upstream"],
        differs=frozenset(row["differs"].split()),
        source=row["source"],
    )


@cache
def removed_types() -> Mapping[str, RemovedType]:
    """The upstream machine types that were removed before the oldest release with facts, by name."""
    return MappingProxyType(
        {
            row["name"]: RemovedType(
                row["name"],
                frozenset(row["arch"].split()),
                parse(row["added"]),
                parse(row["removed"]),
                row["source"],
            )
            for row in facts.table("qemu/removed-machines.csv")
        }
    )


@lru_cache(maxsize=1024)
def machine_version(machine: str) -> tuple[str, Release | None]:
    """The family and version of a canonical machine name: ``("pc-q35", (4, 0))`` for ``pc-q35-4.0.1``.

    A vendor's type has the family and version of the upstream type that it is based on. A machine type without a
    version is its own family, with version None: it is always QEMU's newest.
    """
    if match := _VERSIONED.fullmatch(machine):
        return match[1], (int(match[2]), int(match[3]))
    if match := _EARLY.fullmatch(machine):
        return "pc-i440fx", (int(match[1]), int(match[2]))
    # Only names with a hyphen or "rhel" can be a vendor's; for the others the table is not read.
    if ("-" in machine or machine.startswith("rhel")) and (vendor := vendor_types().get(machine)):
        return machine_version(vendor.upstream)
    return machine, None


def interface_version(machine: str) -> tuple[str, Release | None]:
    """As ``machine_version``, with the version whose virtio interfaces a machine type has.

    The two differ for a vendor's type that changes the switches of upstream: pc-q35-rhel7.3.0 is based on 2.6 but
    leaves the modern interface on, as 2.7 does.
    """
    family, version = machine_version(machine)
    if version is None or (vendor := _differing(machine)) is None:
        return family, version
    if "-virtio-pci.disable-modern=on" in vendor.differs:
        return family, max(version, (_LEGACY_ONLY[0], _LEGACY_ONLY[1] + 1))
    if "+virtio-pci.disable-modern=on" in vendor.differs:
        return family, min(version, _LEGACY_ONLY)
    return family, version


def _differing(machine: str) -> VendorType | None:
    """The vendor's type with that name, where it has one."""
    if _VERSIONED.fullmatch(machine) or _EARLY.fullmatch(machine):
        return None
    return vendor_types().get(machine)
