"""Who announces hotplugged PCI devices to the guest of a machine type: ACPI or the ports themselves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.boot.guest_pci import Mode
from virtkit.releases import Release, has_changed, parse

if TYPE_CHECKING:
    from virtkit.boot.guest_pci import GuestPci

__all__ = ["acpi_index_shown", "behind_gap", "mode_of"]

_TABLE = "boot/hotplug-modes.csv"
_INDEXED = "boot/acpi-index.csv"


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

    Observed: QEMU 7.2 shows it only where ACPI hotplug manages the bus, and not behind a switch port after an empty
    slot; QEMU 10.0 shows it there and on pcie.0, too. Source: data/boot/acpi-index.csv.
    """
    if bus not in pci.main:
        return False
    if behind_gap(qemu, pci, bus):
        return False
    managed = pci.root_acpi if bus == 0 else pci.mode is Mode.ACPI
    return managed or (bus == 0 and pci.mode is Mode.ACPI and has_changed(_since("pcie-root"), qemu))


def behind_gap(qemu: Release, pci: GuestPci, bus: int) -> bool:
    """Whether ACPI leaves a bus out because a switch port above it comes after an empty slot of its switch.

    Observed: QEMU 7.2; a device plugged in there is never seen. Source: data/boot/acpi-index.csv.
    """
    return pci.mode is Mode.ACPI and pci.after_gap(bus) and not has_changed(_since("switch"), qemu)


@cache
def _since(where: str) -> str:
    return next(row["since"] for row in facts.table(_INDEXED) if row["where"] == where)
