"""NIC models that libvirt passes on as they are written, and that QEMU refuses."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement, refused
from virtkit.domain.address import PciAddress

if TYPE_CHECKING:
    from virtkit.domain.devices import Nic
    from virtkit.resolved import Resolved

__all__ = ["refused_model"]

_FILE = "qemu/nics-without-pci.csv"
#: Buses of PCI Express machines that are conventional PCI, where QEMU's message says PCI instead of PCIE.
_CONVENTIONAL = frozenset({"pci-root", "pci-bridge", "pcie-to-pci-bridge", "dmi-to-pci-bridge"})


def refused_model(resolved: Resolved, nic: Nic) -> Judgement | None:
    """Why QEMU refuses the model of an emulated NIC: it lacks the type, or the type does not plug into PCI; else None.

    A model that the host's facts do not mention is not refused unless they list every device type of its QEMU.
    Source: observed, libvirt 9.0 with QEMU 7.2.22; data/qemu/nics-without-pci.csv.
    """
    emulator = resolved.context.emulator
    model = nic.model or ""
    driver, source = _elsewhere(model, emulator.arch) or (model, "")
    if emulator.has(driver) is False and not _other_name(model):
        reason = f"QEMU does not start: '{model}' is not a valid device model name."
        return refused(reason, Evidence.QEMU, emulator.source)
    if source and isinstance(nic.address, PciAddress):
        reason = f"QEMU does not start: Device '{driver}' can't go on {_bus(resolved, nic.address)} bus."
        return refused(reason, Evidence.QEMU, source)
    return None


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
