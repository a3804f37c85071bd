"""What to say beside the verdicts: other devices for a guest without a driver, and remarks on the whole domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.compat.check import Note
    from virtkit.guests import Guest
    from virtkit.resolve import Resolved

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
    windows = _io_windows(resolved)
    if windows is not None:
        yield windows


def _io_windows(resolved: Resolved) -> Note | None:
    """An error from 15 I/O windows on: PCIe ports with a legacy or transitional device anywhere below."""
    from virtkit.compat.check import Note

    if resolved.family != "q35":
        return None
    count = io_windows(resolved)
    source = "observed: SeaBIOS with QEMU 7.2 and 11.1, 14 such ports boot, 15 do not"
    if count >= 15:
        text = (
            f"{count} PCIe ports have a transitional or legacy device below them; each takes a 4 KiB window of "
            "port I/O space, and with 15 or more SeaBIOS stops with 'PCI: out of I/O address space'. Put the "
            "devices behind one pcie-to-pci-bridge: they share one window there"
        )
        return Note("error", text, source)
    if count >= 12:
        return Note("warning", f"{count} of the 14 possible I/O windows behind PCIe ports are in use", source)
    return None


def io_windows(resolved: Resolved) -> int:
    """How many PCIe ports have a virtio device with port I/O anywhere below them."""

    def below(bus: object, inside: bool) -> tuple[int, bool]:
        windows, holds = 0, False
        for node in bus.nodes:  # type: ignore[attr-defined]
            if node.interface in ("legacy", "transitional"):
                holds = True
            if node.bus is not None:
                port = not inside and node.bus.model in _PORTS
                deeper, has = below(node.bus, inside or port)
                windows += deeper + (1 if port and has else 0)
                holds = holds or has
        return windows, holds

    return sum(below(root, False)[0] for root in resolved.topology.roots)


_PORTS = frozenset({"pcie-root-port", "pcie-switch-upstream-port", "pcie-switch-downstream-port"})
