"""What to say beside the verdicts: other devices for a guest without a driver, and remarks on the whole domain."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests.overrides import support
from virtkit.releases import dotted
from virtkit.topology.port_io import budget
from virtkit.topology.warnings import placement_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.compat.check import Note
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved

__all__ = ["instead", "is_idle", "nic_for", "notes"]

#: libvirt that brought virtio-transitional and virtio-non-transitional.
_MODELS_SINCE = (5, 2)


def nic_for(guest: Guest, family: str) -> str:
    """An emulated NIC that the guest drives: the first listed one that the machine family has, else its usual one.

    "" for a family without any. Source: data/guests/nics.csv.
    """
    rows = facts.table("guests/nics.csv")
    listed = (row["model"] for row in rows if row["device"] in guest.devices and family in row["families"].split())
    usual = (row["model"] for row in rows if family in row["default"].split())
    return next(listed, "") or next(usual, "")


def instead(kind: str, guest: Guest, family: str) -> str:
    """What to use in place of a virtio device that the guest cannot drive with any model; "" for nothing.

    ``family`` is a machine family (``Resolved.family``). Source: data/guests/instead.csv.
    """
    for row in facts.table("guests/instead.csv"):
        if kind in row["kinds"].split() and (not row["families"] or family in row["families"].split()):
            return row["advice"].replace("{nic}", nic_for(guest, family))
    return ""


@cache
def is_idle(kind: str) -> bool:
    """Whether a device of this kind lies idle when the guest has no driver, so that the guest runs as well with it."""
    return any(kind in row["kinds"].split() and row["idle"] == "yes" for row in facts.table("guests/instead.csv"))


def notes(resolved: Resolved, guest: Guest | None) -> Iterator[Note]:
    """Remarks on the whole domain: machine, I/O windows."""
    from virtkit.compat.check import Note

    if guest is not None and guest.devices and resolved.family == "q35" and not guest.q35:
        yield Note(
            "note",
            f"the guest OS database does not list the q35 chipset for {guest.id}",
            guest.database,
        )
    if resolved.host.libvirt < _MODELS_SINCE:
        for device in resolved.virtio_devices:
            if device.model != "virtio":
                release = dotted(resolved.host.libvirt)
                text = f"libvirt {release} refuses {device.label}: Unknown model type '{device.model}'; known since 5.2"
                yield Note("error", text, "libvirt 5.2.0, release notes")
    if guest is not None and _needs_bridge(resolved, guest):
        yield Note(
            "note",
            f"{guest.id} knows virtio 0.9 only, and no conventional PCI slot is free: a virtio disk or NIC can be "
            "plugged in later only when a pcie-to-pci-bridge is there beforehand",
            "libvirt, PCI topology and hotplug; a bridge cannot be plugged into a running guest",
        )
    for problem in placement_warnings(resolved.topology):
        level = "warning" if problem.severity == "error" else "note"
        yield Note(level, f"{problem.device} at {problem.address}: {problem.text}", problem.source)
    windows = budget(resolved.topology)
    if windows.text():
        yield Note("error" if windows.exceeded else "warning", windows.text(), windows.source)


def _needs_bridge(resolved: Resolved, guest: Guest) -> bool:
    """Whether hot-plugged virtio devices would be modern where the guest has legacy drivers only."""
    answers = [support(guest, kind) for kind in ("net", "block")]
    if not any(answer.legacy and not answer.modern for answer in answers):
        return False
    topology = resolved.topology
    if not topology.roots or topology.roots[0].accepts != "PCI Express":
        return False
    return not any(room.kind == "conventional PCI" and room.free for room in topology.headroom)
