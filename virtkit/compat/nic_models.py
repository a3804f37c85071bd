"""NIC models that libvirt passes on as they are written, and that QEMU refuses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement, refused
from virtkit.domain.address import PciAddress
from virtkit.domain.devices import Nic

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["refused_models"]

_FILE = "qemu/nics-without-pci.csv"
#: Buses of PCI Express machines that are conventional PCI, where QEMU's message says PCI instead of PCIE.
_CONVENTIONAL = frozenset({"pci-root", "pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge"})


def refused_models(resolved: Resolved) -> dict[str, Judgement]:
    """The NICs whose model QEMU refuses, by id: it lacks the type, or the type does not plug into PCI.

    A model that the host's facts do not mention is not refused unless they list every device type of its QEMU.
    Source: observed, libvirt 9.0 with QEMU 7.2.22; data/qemu/nics-without-pci.csv.
    """
    emulator = resolved.context.emulator
    virtio = {device.id for device in resolved.virtio_devices}
    found = {}
    for nic in resolved.devices:
        if not isinstance(nic, Nic) or nic.id in virtio or nic.type in ("hostdev", "vdpa") or not nic.model:
            continue
        driver, source = _elsewhere(nic.model, emulator.arch) or (nic.model, "")
        if emulator.has(driver) is False and not _other_name(nic.model):
            reason = f"QEMU does not start: '{nic.model}' is not a valid device model name."
            found[nic.id] = refused(reason, Evidence.QEMU, emulator.source)
        elif source and isinstance(nic.address, PciAddress):
            reason = f"QEMU does not start: Device '{driver}' can't go on {_bus(resolved, nic.address)} bus."
            found[nic.id] = refused(reason, Evidence.QEMU, source)
    return found


@lru_cache(maxsize=1024)
def _elsewhere(name: str, arch: str) -> tuple[str, str] | None:
    """QEMU's own name of a NIC that plugs into another bus than PCI, and the source; None for any other NIC."""
    rows = (row for row in facts.table(_FILE) if row["name"] == name and row["arch"] in ("*", arch))
    return next(((row["driver"], row["source"]) for row in rows), None)


@lru_cache(maxsize=1024)
def _other_name(name: str) -> bool:
    """Whether QEMU takes ``name`` as another name of a device type."""
    return any(name in row["aliases"].split() for row in facts.table("qemu/command-line-devices.csv"))


def _bus(resolved: Resolved, address: PciAddress) -> str:
    """The name of a bus in QEMU's message."""
    controllers = resolved.inventory.controllers
    models = (one.model for one in controllers if one.type == "pci" and one.index == address.bus)
    return "PCI" if next(models, None) in _CONVENTIONAL else "PCIE"
