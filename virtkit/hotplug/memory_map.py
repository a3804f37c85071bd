"""Where QEMU maps memory that is plugged into a running PC: above 4 GiB and above the RAM that it started with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.address import DimmAddress

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.devices import Memory
    from virtkit.resolution.context import Context

__all__ = ["memory_base"]

KIB, GIB = 1 << 10, 1 << 30
FOUR_GIB = 4 * GIB
ALIGNMENT = 2 << 20
"""QEMU aligns a plugged DIMM to the huge page size. Source: QEMU, docs/memory-hotplug.txt."""

_UNITS = {"b": 1, "bytes": 1, "kb": 1000, "k": KIB, "kib": KIB, "mb": 10**6, "m": 1 << 20, "mib": 1 << 20}
_UNITS |= {"gb": 10**9, "g": GIB, "gib": GIB, "tb": 10**12, "t": 1 << 40, "tib": 1 << 40}


def memory_base(context: Context, present: Iterable[Memory], new: Memory) -> int | None:
    """The guest address of a new DIMM, None where the machine's memory map is not known.

    Source: ``data/qemu/memory-map.csv``; observed: libvirt 12.8 with QEMU 11.1 (256 MiB domains).
    """
    row = next((row for row in facts.table("qemu/memory-map.csv") if row["chipset"] == context.family.chipset), None)
    memory = context.root.find("memory")
    size = None if new.element is None else _bytes(new.element.find("target/size"))
    if row is None or memory is None or size is None:
        return None
    ram = _bytes(memory)
    if ram is None:
        return None
    low = int(row["low"], 0) if ram < int(row["threshold"], 0) else int(row["low_when_large"], 0)
    start = -(-(FOUR_GIB + max(ram - low, 0)) // GIB) * GIB
    taken = []
    for one in present:
        length = None if one.element is None else _bytes(one.element.find("target/size"))
        if isinstance(one.address, DimmAddress) and one.address.base and length:
            taken.append((one.address.base, one.address.base + length))
    for begin, end in sorted(taken):
        if start + size > begin and start < end:
            start = -(-end // ALIGNMENT) * ALIGNMENT
    return start


def _bytes(element: Element | None) -> int | None:
    """The number of bytes that an element with a unit states; None when it states none."""
    text = "" if element is None else (element.text or "").strip()
    if element is None or not text.isdigit():
        return None
    unit = _UNITS.get((element.get("unit") or "KiB").lower())
    return None if unit is None else int(text) * unit
