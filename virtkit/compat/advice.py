"""What to say beside the verdicts: other devices for a guest without a driver, and remarks on the whole domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.guests.overrides import support
from virtkit.models.budget import budget
from virtkit.models.placement import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.compat.check import Note
    from virtkit.guests import Guest
    from virtkit.resolution import Resolved

__all__ = ["instead", "nic_for", "notes"]

# NIC models by the PCI id that the database lists. Source: osinfo-db device files, QEMU's -device names.
_NICS = (
    ("8086", "10d3", "e1000e"),
    ("8086", "100e", "e1000"),
    ("10ec", "8139", "rtl8139"),
    ("1022", "2000", "pcnet"),
    ("10ec", "8029", "ne2k_pci"),
)
#: libvirt that brought virtio-transitional and virtio-non-transitional.
_MODELS_SINCE = (5, 2)


def nic_for(guest: Guest, family: str) -> str:
    """An emulated NIC that the guest drives: the first listed one that suits the machine.

    Where the database lists none: e1000e on a PCI Express machine, e1000 on another.
    """
    express = family not in ("i440fx", "pc-i440fx", "pc", "isapc", "pseries")
    for vendor, device, name in _NICS:
        if guest.lists(vendor, device) and (express or name != "e1000e"):
            return name
    return "e1000e" if express else "e1000"


def instead(kind: str, label: str, guest: Guest, family: str) -> str:
    """What to use in place of a virtio device that the guest cannot drive with any model; "" for nothing."""
    express = family not in ("i440fx", "pc-i440fx", "pc", "isapc")
    if kind in ("block", "scsi"):
        bus = "sata" if express else "ide"
        return f"put the disk on bus='{bus}' (target dev='{'sda' if express else 'hda'}')"
    if kind == "net":
        return f"<model type='{nic_for(guest, family)}'/>"
    if kind == "gpu":
        return "<model type='vga'/> (or qxl where SPICE is used)"
    if kind == "input":
        return "<input type='tablet' bus='usb'/>"
    if kind in ("fs", "9p"):
        return "share the folder over the network (NFS, SMB)"
    if kind == "balloon":
        return "harmless: the guest never gives memory back; <memballoon model='none'/> removes it"
    if kind in ("rng", "console", "vsock"):
        return "harmless: the device lies idle in this guest"
    return ""


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
                release = ".".join(map(str, resolved.host.libvirt))
                text = f"libvirt {release} refuses {device.label}: Unknown model type '{device.model}'; known since 5.2"
                yield Note("error", text, "libvirt 5.2.0, release notes")
    if guest is not None and _needs_bridge(resolved, guest):
        yield Note(
            "note",
            f"{guest.id} knows virtio 0.9 only, and no conventional PCI slot is free: a virtio disk or NIC can be "
            "plugged in later only when a pcie-to-pci-bridge is there beforehand",
            "libvirt, PCI topology and hotplug; a bridge cannot be plugged into a running guest",
        )
    for problem in problems(resolved.topology):
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
