"""Options that libvirt accepts and QEMU refuses or ignores, and options that two devices must not share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.review import Remark
from virtkit.compat.verdict import Evidence, Judgement, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from virtkit.domain.devices import Device
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice
    from virtkit.virtio.interface import Interface

__all__ = ["LARGEST_INDEX", "clashing_index", "has_options", "ignored_options", "option_refusal", "turned_on"]

_FILE = "qemu/option-refusals.csv"
LARGEST_INDEX = 16 * 1024 - 1
"""The largest ACPI index that QEMU accepts. Source: QEMU 8.2 hw/pci/pci.c, pci_qdev_realize."""

_INDEX_SOURCE = (
    "observed: QEMU 7.2.22; QEMU 8.2 hw/pci/pci.c, pci_qdev_realize: an index is at most 16383 and not used twice"
)


def turned_on(device: Device, option: str) -> str:
    """The value of an option of the device's ``<driver>`` element, "" when it is not written."""
    driver = device.children.get("driver")
    return "" if driver is None else driver.get(option, "")


def option_refusal(device: VirtioDevice, interface: Interface) -> tuple[Judgement, str] | None:
    """Why QEMU refuses a virtio PCI device for an option, and the remedy; None when it does not.

    Source: data/qemu/option-refusals.csv.
    """
    if device.location is None or not has_options(device.device):
        return None
    for row in _rows(device, interface.value, "refused"):
        reason = f"QEMU does not start with {row['option']}='{row['value']}' on this device: {row['message']}."
        return refused(reason, Evidence.QEMU, row["source"]), row["remedy"]
    return None


def ignored_options(resolved: Resolved) -> Iterator[Remark]:
    """A note on each option that has no effect where the device is. Source: data/qemu/option-refusals.csv."""
    for device in resolved.virtio_devices:
        interface = "" if device.shown is None else str(device.shown.interface or "")
        for row in _rows(device, interface, "ignored"):
            text = f"{device.label}: {row['option']}='{row['value']}' has no effect, because {row['message']}"
            yield Remark("note", text, row["source"])


def _rows(device: VirtioDevice, interface: str, effect: str) -> Iterator[Mapping[str, str]]:
    if device.location is None or not has_options(device.device):
        return
    for row in facts.table(_FILE):
        others = row["locations"].startswith("!")
        inside = row["locations"] == "*" or device.location in row["locations"].lstrip("!").split()
        if (
            row["effect"] == effect
            and turned_on(device.device, row["option"]) == row["value"]
            and row["kinds"] in ("*", device.kind)
            and (row["interfaces"] == "*" or interface in row["interfaces"].split())
            and inside is not others
        ):
            yield row


def has_options(device: Device) -> bool:
    """Whether an option of the table is written on a device."""
    alike = device.alike
    if alike is not None and alike.options is not None:
        return alike.options
    driver = device.children.get("driver")
    found = driver is not None and not _options().isdisjoint(driver.keys())
    if alike is not None:
        alike.options = found
    return found


@cache
def _options() -> frozenset[str]:
    return frozenset(row["option"] for row in facts.table(_FILE))


def clashing_index(devices: Iterable[Device]) -> dict[str, Judgement]:
    """The devices whose ACPI index QEMU refuses, by id: one that an earlier device has, or one that is too large.

    ``devices`` are all devices of a domain that have an ``<acpi>`` element, in order, and any others.
    """
    first: dict[int, str] = {}
    found: dict[str, Judgement] = {}
    for device in devices:
        acpi = device.children.get("acpi")
        text = "" if acpi is None else acpi.get("index", "")
        if not text.isascii() or not text.isdigit() or len(text) > 10:
            continue
        index = int(text)
        if index > LARGEST_INDEX:
            reason = f"QEMU does not start: acpi-index should be less or equal to {LARGEST_INDEX}, got {index}."
            found[device.id] = refused(reason, Evidence.QEMU, _INDEX_SOURCE)
        elif index and index in first:
            reason = (
                f"QEMU does not start: {first[index]} has the ACPI index {index}, too (a PCI device with acpi-index = "
                f"{index} already exist)."
            )
            found[device.id] = refused(reason, Evidence.QEMU, _INDEX_SOURCE)
        first.setdefault(index, device.label)
    return found
