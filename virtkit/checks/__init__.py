"""What libvirt refuses although every device has its place: one module for each kind of matter.

Source of every refusal here: observed, libvirt 9.0 and 12.8. Refusals about matters outside devices, models and
addresses (CPU, memory sizes, host resources) are not copied.
"""

from __future__ import annotations

from virtkit.checks.addresses import check_addresses
from virtkit.checks.boot import check_boot
from virtkit.checks.capabilities import check_cpus, check_drivers, check_features
from virtkit.checks.chardevs import check_chardevs
from virtkit.checks.controllers import check_controllers, check_usb_sets
from virtkit.checks.devices import check_devices
from virtkit.checks.disks import check_disks, check_sources, check_targets
from virtkit.checks.elements import check_elements
from virtkit.checks.hostdevs import check_hostdev_sources
from virtkit.setting import Setting

__all__ = ["after_slots", "before_slots"]


def before_slots(setting: Setting) -> None:
    """Refuse what libvirt finds while it reads the definition. Raises Refused."""
    check_targets(setting)
    check_sources(setting)
    check_hostdev_sources(setting)
    check_usb_sets(setting)


def after_slots(setting: Setting) -> None:
    """Refuse what libvirt finds once all addresses are given. Raises Refused."""
    check_elements(setting)
    check_controllers(setting)
    check_disks(setting)
    check_chardevs(setting)
    check_devices(setting)
    check_features(setting)
    check_boot(setting)
    check_cpus(setting)
    check_drivers(setting)
    check_addresses(setting)
