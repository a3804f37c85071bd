"""What libvirt refuses although every device has an address: one module for each subject.

Source of every refusal here: observed, libvirt 9.0 and 12.8. Refusals about matters outside devices, models and
addresses (CPU, memory sizes, host resources) are not copied.
"""

from __future__ import annotations

from virtkit.resolution.constraints.addresses import check_addresses
from virtkit.resolution.constraints.boot import check_boot
from virtkit.resolution.constraints.capabilities import check_cpus, check_drivers, check_features
from virtkit.resolution.constraints.chardevs import check_chardevs
from virtkit.resolution.constraints.controllers import check_controllers, check_usb_sets
from virtkit.resolution.constraints.devices import check_aliases, check_devices
from virtkit.resolution.constraints.disks import check_disks, check_sources, check_targets
from virtkit.resolution.constraints.elements import check_elements
from virtkit.resolution.constraints.hostdevs import check_hostdev_sources
from virtkit.resolution.context import Context, Draft

__all__ = ["check_addressed", "check_definition"]


def check_definition(context: Context, draft: Draft) -> None:
    """Refuse what libvirt finds while it reads the definition. Raises Refused."""
    check_targets(draft)
    check_sources(draft)
    if "hostdevs-once" in context.behaves:
        check_hostdev_sources(draft)
    check_usb_sets(draft)


def check_addressed(context: Context, draft: Draft) -> None:
    """Refuse what libvirt finds once all addresses are given. Raises Refused."""
    devices = draft.devices.in_order()
    check_elements(context, draft, devices)
    check_controllers(context, draft)
    check_disks(context, draft)
    check_chardevs(context, draft)
    check_devices(context, draft)
    check_aliases(devices)
    check_features(context)
    check_boot(context, draft)
    check_cpus(context)
    check_drivers(context, devices)
    check_addresses(context, draft, devices)
