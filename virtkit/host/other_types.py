"""Machine types that no shipped list of a QEMU has: those of vendors, and upstream types that were removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from virtkit import facts
from virtkit.releases import Release, parse

__all__ = ["RemovedType", "VendorType", "removed_types", "vendor_types"]


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
