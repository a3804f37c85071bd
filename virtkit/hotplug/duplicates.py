"""Refusals of a device that the running domain or its definition has already.

Source: observed, libvirt 9.0, 11.3 and 12.8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.devices import Chardev, Controller, Disk
from virtkit.errors import Refused
from virtkit.hotplug.device import action_of
from virtkit.hotplug.matching import same_chardev, same_share, same_shmem

if TYPE_CHECKING:
    from virtkit.domain.device_classes import Inventory
    from virtkit.domain.devices import Device
    from virtkit.resolution.context import Context

__all__ = ["check_defined", "check_running"]

CFG = "unsupported configuration"
FAILED = "operation failed"
INVALID = "Requested operation is not valid"


def check_running(context: Context, present: Inventory, device: Device) -> None:
    """Refuse what the running domain can have once. Raises Refused."""
    if device.kind == "watchdog" and present.watchdogs and "several-watchdogs" not in context.behaves:
        raise Refused(INVALID, "domain already has a watchdog", device.label)
    if device.kind == "vsock" and present.vsocks:
        raise Refused(INVALID, "domain already has a vsock device", device.label)
    if isinstance(device, Chardev):
        if device.kind == "console" and device.target in (None, "serial"):
            raise Refused(CFG, "unsupported console target type serial", device.label)
        if device.type != "pty":
            # The pseudo-terminal of a running device has a path, which a new one cannot have.
            _check_chardev(present, device)


def check_defined(context: Context, present: Inventory, device: Device) -> None:
    """Refuse what the definition has already. Raises Refused."""
    if isinstance(device, Disk) and any(one.target == device.target for one in present.disks):
        raise Refused(FAILED, f"target {device.target} already exists", device.label)
    if isinstance(device, Controller) and any(
        one.type == device.type and one.index == device.index for one in present.controllers
    ):
        raise Refused(INVALID, f"controller index='{device.index}' already exists", device.label)
    if device.kind == "vsock" and present.vsocks:
        raise Refused(INVALID, "domain already has a vsock device", device.label)
    if device.kind == "filesystem" and any(same_share(one, device) for one in present.filesystems):
        raise Refused(INVALID, "Target already exists", device.label)
    if device.kind == "shmem" and any(same_shmem(one, device) for one in present.shmems):
        raise Refused(INVALID, "device is already in the domain configuration", device.label)
    if isinstance(device, Chardev):
        _check_chardev(present, device)
    if device.kind == "watchdog":
        _check_watchdog(context, present, device)


def _check_chardev(present: Inventory, device: Chardev) -> None:
    """Refuse a character device of the same source, target, and name or port. A console gets a port of its own."""
    if device.kind == "console" and device.target in (None, "serial"):
        raise Refused("Operation not supported", "attaching serial console is not supported", device.label)
    own = [*present.channels, *present.serials, *present.parallels]
    if any(same_chardev(one, device) for one in own):
        raise Refused(INVALID, "chardev already exists", device.label)


def _check_watchdog(context: Context, present: Inventory, device: Device) -> None:
    if "several-watchdogs" not in context.behaves:
        if present.watchdogs:
            raise Refused(INVALID, "domain already has a watchdog", device.label)
    elif any(one.model == device.model and action_of(one) == action_of(device) for one in present.watchdogs):
        raise Refused(INVALID, "device is already in the domain configuration", device.label)
