"""The family and version in the name of a machine type, of QEMU or of a vendor."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit.releases import Release

if TYPE_CHECKING:
    from virtkit.host.other_types import VendorType

__all__ = ["interface_version", "machine_version"]

#: Families whose machine names end in a version. Source: query-machines of QEMU 7.2.22 and 11.1.2.
_VERSIONED = re.compile(r"(pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-(\d+)\.(\d+)(?:[.-].*)?")
#: The names of pc-i440fx before version 1.4. Source: query-machines of QEMU 5.2.
_EARLY = re.compile(r"pc-([01])\.(\d+)")
#: The last version whose machine types turn the modern interface off. Source: qemu/interface-rules.csv.
_LEGACY_ONLY = (2, 6)


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
    if vendor := _vendor_type(machine):
        return machine_version(vendor.upstream)
    return machine, None


def interface_version(machine: str) -> tuple[str, Release | None]:
    """As ``machine_version``, with the version whose virtio interfaces a machine type has.

    The two differ for a vendor's type that changes the switches of upstream: pc-q35-rhel7.3.0 is based on 2.6 but
    leaves the modern interface on, as 2.7 does.
    """
    family, version = machine_version(machine)
    vendor = _vendor_type(machine)
    if version is None or vendor is None:
        return family, version
    if "-virtio-pci.disable-modern=on" in vendor.differs:
        return family, max(version, (_LEGACY_ONLY[0], _LEGACY_ONLY[1] + 1))
    if "+virtio-pci.disable-modern=on" in vendor.differs:
        return family, min(version, _LEGACY_ONLY)
    return family, version


def _vendor_type(machine: str) -> VendorType | None:
    """The vendor's type with that name; the table is read only for names that can be a vendor's."""
    if _VERSIONED.fullmatch(machine) or not ("-" in machine or machine.startswith("rhel")):
        return None
    from virtkit.host.other_types import vendor_types

    return vendor_types().get(machine)
