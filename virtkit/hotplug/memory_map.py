"""Memory that is plugged in: how much a domain takes, and where QEMU maps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from virtkit import facts
from virtkit.domain.address import DimmAddress
from virtkit.errors import Refused

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.domain.devices import Memory
    from virtkit.resolution.context import Context

__all__ = ["bytes_of", "check_total", "memory_base"]

KIB, GIB = 1 << 10, 1 << 30
FOUR_GIB = 4 * GIB

_UNITS = {"b": 1, "bytes": 1, "kb": 1000, "k": KIB, "kib": KIB, "mb": 10**6, "m": 1 << 20, "mib": 1 << 20}
_UNITS |= {"gb": 10**9, "g": GIB, "gib": GIB, "tb": 10**12, "t": 1 << 40, "tib": 1 << 40}


class _Map(NamedTuple):
    """Where plugged memory begins, and the multiple that each address and size is rounded up to."""

    start: int
    step: int


def memory_base(context: Context, present: Iterable[Memory], new: Memory) -> int | None:
    """The guest address of a new DIMM, None where the machine's memory map is not known.

    Each memory device takes the first gap that is large enough, in the order in which they were plugged in; virtio-mem
    and virtio-pmem take some, too. Source: ``data/qemu/memory-map.csv``; observed: libvirt 9.0 with QEMU 7.2 and 12.8
    with QEMU 11.1 (256 MiB domains).
    """
    ram, found = _ram(context), _map_of(context)
    if ram is None or found is None or _size(new) is None:
        return None
    taken: list[tuple[int, int]] = []
    base = None
    for one in (*present, new):
        size = _rounded(_size(one) or 0, found.step)
        at = one.address
        base = at.base if isinstance(at, DimmAddress) and at.base and one is not new else None
        if base is None:
            base = _first_gap(found, taken, size)
        taken.append((base, base + size))
    return base


def check_total(context: Context, present: Iterable[Memory], new: Memory) -> None:
    """Refuse memory beyond ``<maxMemory>``. Raises Refused. Source: observed, libvirt 9.0."""
    most, ram, size = bytes_of(context.root.find("maxMemory")), _ram(context), _size(new)
    if most is None or ram is None or size is None:
        return
    found = _map_of(context)
    size = _rounded(size, found.step) if found is not None else size
    if ram + sum(_size(one) or 0 for one in present) + size > most:
        what = (
            f"Attaching memory device with size '{size // KIB}' would exceed domain's maxMemory config size "
            f"'{most // KIB}'"
        )
        raise Refused("unsupported configuration", what, new.label)


def _ram(context: Context) -> int | None:
    """The memory that the domain starts with: that of its NUMA cells, if it has some."""
    cells = context.root.findall("cpu/numa/cell")
    sizes = [_in_attribute(cell) for cell in cells]
    if sizes and None not in sizes:
        return sum(size for size in sizes if size is not None)
    return bytes_of(context.root.find("memory"))


def _map_of(context: Context) -> _Map | None:
    name = context.family.chipset or context.family.name
    row = next((row for row in facts.table("qemu/memory-map.csv") if row["machine"] == name), None)
    ram = _ram(context)
    if row is None or ram is None:
        return None
    step = int(row["step"], 0)
    if not row["low"]:
        return _Map(_rounded(ram, GIB), step)
    low = int(row["low"], 0) if ram < int(row["threshold"], 0) else int(row["low_when_large"], 0)
    return _Map(_rounded(FOUR_GIB + max(ram - low, 0), GIB), step)


def _first_gap(found: _Map, taken: list[tuple[int, int]], size: int) -> int:
    start = found.start
    for begin, end in sorted(taken):
        if start + size > begin and start < end:
            start = _rounded(end, found.step)
    return start


def _rounded(number: int, step: int) -> int:
    return -(-number // step) * step


def _size(memory: Memory) -> int | None:
    return None if memory.element is None else bytes_of(memory.element.find("target/size"))


def _in_attribute(cell: Element) -> int | None:
    return _bytes(cell.get("memory") or "", cell.get("unit") or "KiB")


def bytes_of(element: Element | None, standard: str = "KiB") -> int | None:
    """The number of bytes that an element states, in its unit or the ``standard`` one; None when it states none."""
    return None if element is None else _bytes((element.text or "").strip(), element.get("unit") or standard)


def _bytes(text: str, name: str) -> int | None:
    unit = _UNITS.get(name.lower())
    return int(text) * unit if text.isdigit() and unit is not None else None
