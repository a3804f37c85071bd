"""Machine families: what libvirt adds to and chooses for a machine type, from ``data/libvirt/machines.csv``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from virtkit import facts
from virtkit.releases import Release, in_release

__all__ = ["Family", "family_of"]


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table; empty strings and tuples mean none. ``source`` tells where the row comes from."""

    name: str
    pci: bool
    root: str
    usb: tuple[str, ...]
    sata: bool
    ps2: bool
    balloon: str
    panic: str
    watchdog: str
    nic: tuple[str, ...]
    scsi: tuple[str, ...]
    copies_scsi: bool
    video: tuple[str, ...]
    usb_model: str
    serial: str
    serial_model: str
    mmio: str
    ccw: bool
    chipset: str
    ide: bool
    tidy: bool
    source: str

    @property
    def express(self) -> bool:
        """Whether its root bus is PCI Express."""
        return self.root == "pcie-root"


@cache
def family_of(arch: str, machine: str, at: Release) -> Family | None:
    """The family of a canonical machine type on an architecture, None when the facts know none."""
    for row in facts.table("libvirt/machines.csv"):
        if (
            arch in row["arch"].split()
            and in_release(row, at)
            and any(_fits(pattern, machine) for pattern in row["machine"].split())
        ):
            return _family(row)
    return None


def _fits(pattern: str, machine: str) -> bool:
    return machine.startswith(pattern[:-1]) if pattern.endswith("*") else machine == pattern


def _family(row: dict[str, str]) -> Family:
    def word(column: str) -> str:
        return "" if row[column] == "-" else row[column]

    def words(column: str) -> tuple[str, ...]:
        return tuple(word(column).split())

    scsi = words("scsi")
    return Family(
        name=row["family"],
        pci=row["pci"] == "yes",
        root=word("root"),
        usb=words("usb"),
        sata=word("sata") != "",
        ps2=row["ps2"] == "yes",
        balloon=word("balloon"),
        panic=word("panic"),
        watchdog=word("watchdog"),
        nic=words("nic"),
        scsi=tuple(name for name in scsi if name != "copy"),
        copies_scsi="copy" in scsi,
        video=words("video"),
        usb_model=word("usb_model"),
        serial=word("serial"),
        serial_model=word("serial_model"),
        mmio=word("mmio"),
        ccw=row["ccw"] == "yes",
        chipset=word("chipset"),
        ide=row["ide"] == "yes",
        tidy=row["tidy"] == "yes",
        source=row["source"],
    )
