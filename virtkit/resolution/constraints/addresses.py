"""Refusals of address types that a kind of device or a machine does not support."""

from __future__ import annotations

from collections.abc import Iterable

from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Device, Disk, Hostdev, Input, Nic
from virtkit.errors import Refused
from virtkit.resolution.constraints.accepted import Ground
from virtkit.resolution.constraints.disks import check_scsi_place
from virtkit.resolution.context import Context, Draft

__all__ = ["check_addresses"]

CFG = "unsupported configuration"
XML = "XML error"
INT = "internal error"


def _refuse(device: Device, what: str, category: str = CFG) -> Refused:
    return Refused(category, what, device.label, device.line)


CCW_CHECKED = frozenset({"controller", "input", "vsock"})
"""The devices of which every release refuses a CCW address on a machine without a channel subsystem."""


PCI_CHECKED = frozenset({"hostdev", "input", "interface", "redirdev", "smartcard"})
"""The devices of which some are refused with a PCI address."""


def check_addresses(context: Context, draft: Draft, devices: Iterable[Device]) -> None:
    """Refuse an address type that the device or the machine does not support. Raises Refused."""
    unassigned_checked = "unassigned-checked" in context.behaves
    for device in devices:
        address = device.address
        if address is None:
            continue
        type_ = address.type
        if type_ == "pci" and device.kind not in PCI_CHECKED:
            continue
        if isinstance(address, DriveAddress) and not isinstance(device, Disk):
            # Such an address means one on a scsi controller for any kind of device.
            check_scsi_place(draft, device, address)
        if type_ == "ccw" and not context.family.ccw:
            if "ccw-checked" in context.behaves or device.kind in CCW_CHECKED:
                raise _refuse(device, f"CCW addresses are not supported by machine type '{context.machine}'")
        elif type_ == "unassigned" and unassigned_checked and not isinstance(device, Hostdev):
            raise _refuse(device, "address of type 'unassigned' is supported only for hostdevs")
        if isinstance(device, Hostdev):
            _check_hostdev(device, type_)
        elif isinstance(device, Nic) and device.type == "hostdev":
            if device.source == "pci" and type_ not in ("pci", "unassigned"):
                raise _refuse(device, "PCI host devices must use 'pci' or 'unassigned' address type", INT)
        elif type_ != "usb" and (device.kind == "redirdev" or _is_usb_input(context, device)):
            raise _refuse(device, "Invalid address for a USB device", XML)
        elif device.kind == "smartcard" and type_ != "ccid":
            raise _refuse(device, "Controllers must use the 'ccid' address type")


def _is_usb_input(context: Ground, device: Device) -> bool:
    """Whether it is a usb input; newer releases check the bus before libvirt chooses one that is not written."""
    if not isinstance(device, Input) or device.bus != "usb":
        return False
    element = device.sample
    written = element is not None and element.get("bus") is not None
    return written or "written-bus-counts" not in context.behaves


HOSTDEV_FORMS = {
    "vfio-pci": ("pci",),
    "vfio-ccw": ("ccw",),
    "vfio-ap": (),
    "pci": ("pci", "unassigned"),
    "scsi": ("drive",),
    "scsi_host": ("pci", "ccw"),
    "usb": ("usb",),
}
"""The address types of a host device, by mediated device model or by type."""


def _check_hostdev(hostdev: Hostdev, type_: str) -> None:
    key = hostdev.model if hostdev.type == "mdev" else hostdev.type
    if type_ in HOSTDEV_FORMS.get(key or "", (type_,)):
        return
    if hostdev.type == "mdev":
        raise _refuse(hostdev, f"Unsupported address type '{type_}' with mediated device model '{hostdev.model}'", XML)
    if hostdev.type == "scsi_host":
        raise _refuse(hostdev, "SCSI_host host device must use 'pci' or 'ccw' address type")
    if hostdev.type == "usb":
        raise _refuse(hostdev, "USB host device must use 'usb' address type")
    if hostdev.type == "pci":
        raise _refuse(hostdev, "PCI host devices must use 'pci' or 'unassigned' address type", XML)
    raise _refuse(hostdev, "SCSI host devices must have address type 'drive'", XML)
