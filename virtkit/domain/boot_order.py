"""The ``<boot order>`` of a device: its place among the devices that the firmware tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.address_reader import UINT, number

if TYPE_CHECKING:
    from virtkit.domain.devices import Device

__all__ = ["order_of"]


def order_of(device: Device) -> int | None:
    """The number in ``<boot order>`` of a device; None where it has none, or none that libvirt accepts.

    libvirt reads a decimal number from 1 to 4294967295: '01' and '+1' are 1. Observed: libvirt 9.0.
    """
    boot = device.children.get("boot")
    if boot is None:
        return None
    try:
        order = number(boot.get("order", ""), 10)
    except ValueError:
        return None
    return order if 1 <= order <= UINT else None
