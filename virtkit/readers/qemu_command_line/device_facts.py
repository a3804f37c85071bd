"""What QEMU's device names stand for: the bus that each needs, the buses that it brings, and its domain element.

Facts: ``data/qemu/command-line-devices.csv``, ``command-line-names.csv`` and, for virtio, ``data/virtio/kinds.csv``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from virtkit import facts

__all__ = ["DeviceFacts", "device_facts", "named"]

_TAILS = ("-non-transitional", "-transitional")
_VIRTIO_BUSES = {"scsi": "scsi", "vu-scsi": "scsi", "vhost-scsi": "scsi", "serial": "virtio-serial"}


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """One device type of QEMU.

    ``needs`` is the type of its bus ("pci", "usb", "scsi", …; "" for none), ``brings`` the type of the buses that it
    has and ``count`` how many. ``element`` and ``model`` say how domain XML writes it ("" for not at all), and
    ``stands_for`` that domain XML has no exact form for it. ``virtio`` is its kind.
    """

    driver: str
    needs: str
    brings: str = ""
    count: int = 0
    element: str = ""
    model: str = ""
    stands_for: bool = False
    virtio: str = ""


@cache
def _devices() -> dict[str, DeviceFacts]:
    found: dict[str, DeviceFacts] = {}
    for row in facts.table("qemu/command-line-devices.csv"):
        brings, _, count = row["brings"].partition(":")
        one = DeviceFacts(
            row["driver"], row["needs"], brings, int(count or bool(brings)), row["element"], row["model"],
            row["exact"] == "no",
        )  # fmt: skip
        for name in (row["driver"], *row["aliases"].split()):
            found[name] = replace(one, driver=row["driver"])
    for row in facts.table("virtio/kinds.csv"):
        found |= dict(_virtio(row))
    return found


def _virtio(row: dict[str, str]) -> list[tuple[str, DeviceFacts]]:
    """The drivers of one kind of virtio: plain, transitional and non-transitional, and the names libvirt uses."""
    kind, driver = row["kind"], row["driver"]
    brings = _VIRTIO_BUSES.get(kind, "")
    found = []
    shapes = [text.partition("=")[::2] for text in row["devices"].split()]
    element = shapes[0][0] if shapes else ""
    plain = DeviceFacts(driver, "pci", brings, int(bool(brings)), element, "virtio", virtio=kind)
    found.append((driver, plain))
    if driver.startswith("virtio-") and driver.endswith("-pci"):
        found.append((driver.removesuffix("-pci"), plain))
    for tail, has in zip(_TAILS, (row["non_transitional"], row["transitional"]), strict=True):
        if has == "yes":
            found.append((driver + tail, replace(plain, driver=driver + tail, model="virtio" + tail)))
    for shape, other in shapes:
        if other and other != "virtio-iommu":
            found.append((other, replace(plain, driver=other, element=shape)))
            found.append((other.removesuffix("-pci"), replace(plain, driver=other, element=shape)))
    return found


def device_facts(driver: str, transport: str = "pci") -> DeviceFacts | None:
    """The facts of a device type or of another name of one; None for a name that no table lists.

    ``transport`` is that of virtio devices whose name has none: "pci" or "ccw".
    """
    known = _devices().get(driver)
    if known is not None:
        return replace(known, needs="ccw") if known.virtio and transport == "ccw" and driver != known.driver else known
    stem, dash, ending = driver.rpartition("-")
    if dash and ending in ("ccw", "device") and (known := _devices().get(f"{stem}-pci")) and known.virtio:
        return replace(known, driver=driver, needs="ccw" if ending == "ccw" else "virtio-mmio")
    return None


@cache
def _names() -> dict[tuple[str, str], str]:
    return {(row["option"], row["value"]): row["drivers"] for row in facts.table("qemu/command-line-names.csv")}


def named(option: str, value: str) -> tuple[str, ...] | None:
    """The device types that a value of an option stands for, as ``-vga std``; None when it is not listed."""
    found = _names().get((option, value))
    return None if found is None else tuple(found.split())
