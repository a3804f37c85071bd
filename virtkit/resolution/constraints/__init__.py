"""What libvirt refuses although every device has an address: one module for each subject.

Source of every refusal here: observed, libvirt 9.0 and 12.8. Refusals about matters outside devices, models and
addresses (CPU, memory sizes, host resources) are not copied.
"""

from __future__ import annotations

from virtkit.domain.device_classes import Inventory
from virtkit.domain.uuids import check_uuid
from virtkit.resolution.constraints.accepted import known_on
from virtkit.resolution.constraints.addresses import check_addresses
from virtkit.resolution.constraints.boot import check_boot
from virtkit.resolution.constraints.capabilities import check_cpus, check_drivers, check_features, feature_names
from virtkit.resolution.constraints.chardevs import check_chardevs, has_spice
from virtkit.resolution.constraints.controllers import check_controllers, check_usb_sets
from virtkit.resolution.constraints.devices import check_aliases, check_devices, ps2_refusal
from virtkit.resolution.constraints.disks import check_disks, check_sources, check_targets
from virtkit.resolution.constraints.elements import check_elements
from virtkit.resolution.constraints.hostdevs import check_hostdev_sources
from virtkit.resolution.context import Context, Draft

__all__ = ["check_addressed", "check_definition"]


_NONE = Inventory()


def check_definition(context: Context, draft: Draft) -> None:
    """Refuse what libvirt finds while it reads the definition. Raises Refused."""
    check_uuid(context.children)
    check_targets(draft)
    check_sources(draft.devices.disks)
    if "hostdevs-once" in context.behaves:
        check_hostdev_sources(draft)
    check_usb_sets(draft)


def check_addressed(context: Context, draft: Draft) -> None:
    """Refuse what libvirt finds once all addresses are given. Raises Refused.

    The checks of a single device get the others and what is left: devices that are not known to be accepted.
    """
    devices = draft.devices.in_order()
    features = feature_names(context)
    spice, ps2 = has_spice(draft), ps2_refusal(context, features)
    known = known_on(context, spice, ps2)
    others = known.others([*devices, *draft.devices.graphics])
    left = Inventory.of(others) if others else _NONE
    check_elements(context, draft, others)
    check_controllers(context, draft, left.controllers)
    check_disks(context, draft, left)
    if others or draft.devices.smartcards:
        check_chardevs(context, draft, left, spice=spice)
    check_devices(context, draft, left, ps2)
    check_aliases(devices)
    check_features(context, features)
    check_boot(context, draft)
    check_cpus(context, draft)
    if others:
        check_drivers(context, others)
        check_addresses(context, draft, others)
        known.accept(others)
