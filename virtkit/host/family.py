"""Machine families: what libvirt adds to and chooses for a machine type, from ``data/libvirt/machines.toml``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.releases import Release, in_release

__all__ = ["Family", "family_of"]

_FILE = "libvirt/machines.toml"


@dataclass(frozen=True, slots=True)
class Family:
    """A machine family in one libvirt release; the head of the file explains each field.

    Empty strings and tuples mean none. ``source`` names the observations and documents that the fields rest on.
    """

    name: str
    source: str
    pci: bool = False
    root: str = ""
    usb: tuple[str, ...] = ()
    sata: bool = False
    ps2: bool = False
    balloon: str = ""
    panic: str = ""
    watchdog: str = ""
    nic: tuple[str, ...] = ()
    scsi: tuple[str, ...] = ()
    copies_scsi: bool = False
    video: tuple[str, ...] = ()
    usb_model: str = ""
    serial: str = ""
    serial_model: str = ""
    mmio: str = ""
    ccw: bool = False
    chipset: str = ""
    ide: bool = False
    root_required: bool = False

    @property
    def express(self) -> bool:
        """Whether its root bus is PCI Express."""
        return self.root == "pcie-root"


_KEYS = frozenset(field.name for field in fields(Family))
#: Keys of a record that decide whether it holds; all others are fields of Family.
_OUTER = frozenset({"arch", "machine", "since", "change"})


@cache
def family_of(arch: str, machine: str, at: Release) -> Family | None:
    """The family of a canonical machine type on an architecture in libvirt ``at``; None when no family fits."""
    for record in facts.records(_FILE, "family"):
        if (
            arch in record["arch"]
            and in_release(record, at)
            and any(_fits(pattern, machine) for pattern in record["machine"])
        ):
            return _family(record, at)
    return None


def _fits(pattern: str, machine: str) -> bool:
    return machine.startswith(pattern[:-1]) if pattern.endswith("*") else machine == pattern


def _family(record: dict[str, Any], at: Release) -> Family:
    """The family with the changes that libvirt ``at`` has. Raises FactsError for an unknown field."""
    values: dict[str, Any] = {key: value for key, value in record.items() if key not in _OUTER}
    for change in record.get("change", ()):
        if in_release(change, at):
            source = f"{values['source']}; {change['source']}"
            values |= {key: value for key, value in change.items() if key != "since"} | {"source": source}
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if unknown := values.keys() - _KEYS:
        raise FactsError(f"{_FILE}: family {record['name']!r} has unknown fields: {', '.join(sorted(unknown))}")
    return Family(**values)
