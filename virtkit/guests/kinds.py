"""Which virtio device ids stand for which kind of device in the guest OS database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "VIRTIO", "Kind", "database_kind", "kind", "kinds"]

#: The kinds that osinfo-db has virtio ids for, in the order of the tables.
KINDS = ("net", "block", "scsi", "9p", "rng", "balloon", "console", "input", "vsock", "gpu", "fs", "mem")

#: Device ids of virtio devices begin so (the PCI vendor is Red Hat, 1af4).
VIRTIO = "pcisig.com/pci/1af4/"

# Kinds of the interface facts (QEMU drivers) that a guest meets as one and the same virtio device type.
_SAME_DRIVER = MappingProxyType(
    {
        "blk": "block",
        "vu-blk": "block",
        "vu-scsi": "scsi",
        "vhost-scsi": "scsi",
        "vdpa": "net",
        "serial": "console",
        "keyboard": "input",
        "mouse": "input",
        "tablet": "input",
        "multitouch": "input",
        "input-host": "input",
        "vu-input": "input",
        "vga": "gpu",
        "vu-gpu": "gpu",
        "vu-vga": "gpu",
        "vu-rng": "rng",
        "vu-vsock": "vsock",
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of virtio device: its legacy (and transitional) id and its modern id, "" for none."""

    name: str
    legacy: str
    modern: str
    title: str

    @property
    def legacy_id(self) -> str:
        """The database's device id of the legacy interface, "" where the kind has none."""
        return VIRTIO + self.legacy if self.legacy else ""

    @property
    def modern_id(self) -> str:
        """The database's device id of the modern interface."""
        return VIRTIO + self.modern if self.modern else ""


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind by name, in table order. Source: data/guests/kinds.csv."""
    rows = facts.table("guests/kinds.csv")
    return MappingProxyType(
        {row["kind"]: Kind(row["kind"], row["legacy"], row["modern"], row["device"]) for row in rows}
    )


def kind(name: str) -> Kind:
    """The kind called ``name``. Raises UsageError for a name that is none of KINDS."""
    try:
        return kinds()[name]
    except KeyError:
        raise UsageError(f"no device kind {name!r}; known: {', '.join(KINDS)}") from None


def database_kind(interface_kind: str) -> str:
    """The database's kind for a device kind of the interface facts: blk is block, tablet is input.

    A kind that the database has no id for (crypto, iommu, pmem, sound) comes back as it is.
    """
    return _SAME_DRIVER.get(interface_kind, interface_kind)
