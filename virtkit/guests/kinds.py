"""Which virtio device ids stand for which kind of device in the guest OS database."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.errors import UsageError
from virtkit.virtio import kinds as virtio

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "VIRTIO", "Kind", "database_kind", "device_ids", "kind", "kinds"]

#: Device ids of virtio devices begin so (the PCI vendor is Red Hat, 1af4).
VIRTIO = "pcisig.com/pci/1af4/"


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
    """Every kind by name, in table order. Source: data/virtio/kinds.csv.

    The database has no transitional ids but those of kinds that exist in the legacy interface, too.
    """
    return MappingProxyType(
        {
            one.guest: Kind(
                one.guest, one.legacy_id if one.kind_class == "legacy-capable" else "", one.modern_id, one.title
            )
            for one in virtio.kinds().values()
            if one.title
        }
    )


@cache
def device_ids() -> frozenset[str]:
    """The database's ids of virtio devices, and "" where a kind has no legacy interface."""
    return frozenset(one for kind in kinds().values() for one in (kind.legacy_id, kind.modern_id))


def kind(name: str) -> Kind:
    """The kind called ``name``. Raises UsageError for a name that is not one of KINDS."""
    try:
        return kinds()[name]
    except KeyError:
        raise UsageError(f"no device kind {name!r}; known: {', '.join(KINDS)}") from None


def database_kind(interface_kind: str) -> str:
    """The database's kind for a device kind of the interface facts: blk is block, tablet is input.

    A kind that the database has no id for (crypto, iommu, pmem, sound) is returned as it is.
    """
    known = virtio.kinds().get(interface_kind)
    return known.guest if known is not None and known.guest else interface_kind


#: The kinds that osinfo-db has virtio ids for, in the order of the table.
KINDS = tuple(kinds())
