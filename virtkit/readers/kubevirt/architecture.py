"""What KubeVirt chooses on each architecture, and the values that its admission accepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from virtkit import facts

__all__ = ["Architecture", "accepted", "architectures"]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row of ``data/kubevirt/architectures.csv``; its comment explains the fields."""

    name: str
    libvirt: str
    machine: str
    disk_bus: str
    virtio: str
    transitional: str
    scsi: str
    video: str
    efi_video: str
    inputs: tuple[tuple[str, str], ...]
    usb: str
    watchdog: str
    rom: bool
    root_complex: bool
    hole64: bool
    uefi: bool
    loader: str
    memfd: bool
    acpi: bool
    machines: tuple[str, ...]


@cache
def architectures() -> dict[str, Architecture]:
    """The architectures by KubeVirt's name."""
    found = {}
    for row in facts.table("kubevirt/architectures.csv"):
        inputs = tuple((kind, bus) for kind, _, bus in (one.partition("/") for one in row["inputs"].split()))
        yes = {name: row[name] == "yes" for name in ("rom", "root_complex", "hole64", "uefi", "memfd", "acpi")}
        texts = {name: row[name] for name in _TEXTS}
        machines = tuple(row["machines"].split())
        found[row["name"]] = Architecture(**texts, **yes, inputs=inputs, machines=machines)  # type: ignore[arg-type]
    return found


_TEXTS = (
    "name", "libvirt", "machine", "disk_bus", "virtio", "transitional", "scsi", "video", "efi_video", "usb", "watchdog",
    "loader",
)  # fmt: skip


@cache
def accepted(field: str, arch: str) -> tuple[str, ...]:
    """The values that admission accepts for a field on an architecture, none where there is no such device."""
    rows = {row["arch"]: row["values"] for row in facts.table("kubevirt/accepted-values.csv") if row["field"] == field}
    return tuple(rows.get(arch, rows.get("", "")).split())
