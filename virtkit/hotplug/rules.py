"""Which devices can be attached at all, by side, kind and release: the rows of ``data/libvirt/hotplug.csv``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Filesystem, Input
from virtkit.domain.vocabulary import Release, in_release
from virtkit.errors import Refused

if TYPE_CHECKING:
    from virtkit.resolution.context import Context

__all__ = ["check_plug", "refusal", "scsi_units"]


@cache
def _rows(at: Release, side: str) -> tuple[tuple[str, str, frozenset[str], str], ...]:
    return tuple(
        (row["kind"], row["variant"], frozenset(row["family"].split()), row["refusal"])
        for row in facts.table("libvirt/hotplug.csv")
        if row["side"] == side and in_release(row, at)
    )


def variant_of(device: Device) -> str:
    """What the rows call the variant of a device: bus, type, target type, driver or model."""
    if isinstance(device, Disk | Input):
        return device.bus
    if isinstance(device, Chardev):
        return device.target or ""
    if isinstance(device, Filesystem):
        return device.driver
    return device.model or ""


def check_plug(context: Context, side: str, device: Device) -> None:
    """Refuse a device that cannot be attached to a side ("live" or "config"), wherever it would go. Raises Refused."""
    variant = variant_of(device)
    own = f"controller:{device.type}" if isinstance(device, Controller) else device.kind
    for kind, some, families, text in _rows(context.at, side):
        if kind in (own, "*") and some in (variant, "*") and (not families or context.family.name in families):
            if text:
                raise refusal(text.format(kind=device.kind, variant=variant), device)
            return


def refusal(text: str, device: Device) -> Refused:
    """libvirt's message "category: what" as the refusal of a device."""
    category, _, what = text.partition(": ")
    return Refused(category, what, device.label)


@cache
def scsi_units() -> dict[str, int]:
    """The number of units that QEMU gives a SCSI controller model, where it is fewer than libvirt offers."""
    return {row["model"]: int(row["units"]) for row in facts.table("qemu/scsi-units.csv")}
