"""Which devices can be attached and detached at all, by side, kind and release: ``data/libvirt/hotplug.csv``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.device_classes import Inventory
from virtkit.domain.devices import Chardev, Controller, Device, Disk, Filesystem, Hostdev, Input, Nic
from virtkit.errors import Refused
from virtkit.hotplug.device import list_of
from virtkit.releases import Release, in_release
from virtkit.resolution.constraints.capabilities import check_drivers, feature_names
from virtkit.resolution.constraints.chardevs import check_chardevs, has_spice
from virtkit.resolution.constraints.devices import check_aliases, check_devices, ps2_refusal
from virtkit.resolution.constraints.disks import check_disks, check_sources
from virtkit.resolution.constraints.elements import check_elements
from virtkit.resolution.constraints.hostdevs import check_hostdev_sources
from virtkit.resolution.context import Draft

if TYPE_CHECKING:
    from virtkit.resolution.context import Context

__all__ = ["CONFIG", "LIVE", "check_plug", "check_unplug", "check_valid"]

LIVE, CONFIG = "live", "config"
"""The two sides of a domain: the running one and its persistent definition."""


@cache
def _rows(at: Release, side: str) -> tuple[tuple[str, str, frozenset[str], str], ...]:
    return tuple(
        (row["kind"], row["variant"], frozenset(row["family"].split()), row["refusal"])
        for row in facts.table("libvirt/hotplug.csv")
        if row["side"] == side and in_release(row, at)
    )


def _variant(device: Device) -> str:
    """What the rows call the variant of a device: bus, type, target type, driver or model."""
    if isinstance(device, Disk | Input):
        return device.bus
    if isinstance(device, Chardev):
        return device.target or ""
    if isinstance(device, Filesystem):
        return device.driver
    return device.model or ""


def check_plug(context: Context, side: str, device: Device) -> None:
    """Refuse a device that a side (LIVE or CONFIG) never takes, wherever it would go. Raises Refused."""
    _check(context, side, device)


def check_unplug(context: Context, side: str, device: Device) -> None:
    """Refuse the removal of a device that a side (LIVE or CONFIG) never gives up. Raises Refused."""
    _check(context, f"{side}-detach", device)


def _check(context: Context, side: str, device: Device) -> None:
    variant = _variant(device)
    own = f"controller:{device.type}" if isinstance(device, Controller) else device.kind
    for kind, some, families, text in _rows(context.at, side):
        if kind in (own, "*") and some in (variant, "*") and (not families or context.family.name in families):
            if text:
                category, _, what = text.partition(": ")
                form = getattr(device, "device", "")
                raise Refused(category, what.format(kind=device.kind, variant=variant, device=form), device.label)
            return


def check_valid(context: Context, present: Inventory, device: Device) -> None:
    """Refuse a device that no domain of this machine can have, as libvirt does before it looks for a place.

    ``present`` are the devices of the running domain. Raises Refused. Source: as for definitions, see
    ``virtkit.resolution.constraints``; observed for attached devices: libvirt 9.0.
    """
    alone = Inventory(graphics=present.graphics)
    if device.kind == "filesystem":
        # No two shares may have the same name.
        alone.filesystems.extend(present.filesystems)
    if device.kind != "graphics":
        list_of(alone, device).append(device)
    if isinstance(device, Hostdev) or (isinstance(device, Nic) and device.type == "hostdev"):
        handed = Inventory(nics=list(present.nics), hostdevs=list(present.hostdevs))
        list_of(handed, device).append(device)
        check_hostdev_sources(Draft(handed))
    draft = Draft(alone)
    check_elements(context, draft, [*alone.in_order(), *alone.graphics])
    if isinstance(device, Disk):
        check_sources(alone.disks)
        if device.element is not None and device.element.find("source") is None:
            # An empty drive. Source: observed, libvirt 9.0.
            raise Refused("internal error", "argument key 'filename' must not have null value", device.label)
        # Where the disk can be depends on the model of its controller.
        alone.controllers.extend(one for one in present.controllers if one.type == "scsi")
        check_disks(context, draft, alone)
        alone.controllers.clear()
    elif isinstance(device, Controller):
        check_disks(context, draft, alone)
    elif isinstance(device, Chardev) or device.kind == "redirdev":
        check_chardevs(context, draft, alone, spice=has_spice(draft))
    else:
        check_devices(context, draft, alone, ps2_refusal(context, feature_names(context)))
        check_aliases(alone.in_order())
    check_drivers(context, alone.in_order())
