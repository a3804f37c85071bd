"""Who announces hotplugged PCI devices to the guest of a machine type: ACPI or the ports themselves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.boot.guest_pci import Mode
from virtkit.releases import Release, has_changed, parse

if TYPE_CHECKING:
    from virtkit.boot.guest_pci import GuestPci

__all__ = ["acpi_index_shown", "mode_of"]

_TABLE = "boot/hotplug-modes.csv"
_INDEX_EVERYWHERE = "boot/acpi-index.csv"


def mode_of(family: str, version: Release | None) -> tuple[Mode, bool]:
    """Who announces devices behind bridges, and whether ACPI describes the slots of bus 0.

    ``family`` and ``version`` are those of ``machine_version``; None stands for the newest. A family without a row
    (pseries) has neither. Source: data/boot/hotplug-modes.csv.
    """
    found = Mode.NONE, False
    for row in facts.table(_TABLE):
        if row["family"] == family and (version is None or not row["since"] or version >= parse(row["since"])):
            found = Mode(row["mode"]), row["root"] == "acpi"
    return found


def acpi_index_shown(qemu: Release, pci: GuestPci, bus: int) -> bool:
    """Whether the guest sees the acpi-index of a device on a bus.

    Observed: QEMU 7.2 shows it only where ACPI hotplug manages the bus, QEMU 11.1 on pcie.0, too.
    Source: data/boot/acpi-index.csv.
    """
    if bus not in pci.main:
        return False
    managed = pci.root_acpi if bus == 0 else pci.mode is Mode.ACPI
    return managed or (bus == 0 and pci.mode is Mode.ACPI and has_changed(_everywhere(), qemu))


@cache
def _everywhere() -> str:
    return next(row["since"] for row in facts.table(_INDEX_EVERYWHERE) if row["where"] == "pcie-root")
