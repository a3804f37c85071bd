"""Slots of the root bus that a chipset takes, from ``data/libvirt/chipset-slots.csv``."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from virtkit import facts

__all__ = ["Part", "built_in", "built_in_slots", "part"]


class Part(NamedTuple):
    """One function of PCI bus 0 that belongs to a chipset.

    ``use`` is "built-in" (nothing else may sit there), "controller" (the same, written as a controller of the domain)
    or "preferred" (libvirt puts the first such device there).
    """

    slot: int
    function: int
    use: str
    text: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Bus, slot and function."""
        return 0, self.slot, self.function


@cache
def _parts() -> dict[tuple[str, str], Part]:
    return {
        (row["chipset"], row["part"]): Part(int(row["slot"], 16), int(row["function"]), row["use"], row["text"])
        for row in facts.table("libvirt/chipset-slots.csv")
    }


def part(chipset: str, name: str) -> Part:
    """The part ``name`` of a chipset. Raises KeyError when the table has none."""
    return _parts()[chipset, name]


@cache
def built_in(chipset: str) -> tuple[Part, ...]:
    """The parts of a chipset beside the host bridge that no controller of the domain stands for; () without chipset."""
    return tuple(
        one for (owner, name), one in _parts().items() if owner == chipset and one.use == "built-in" and name != "host"
    )


@cache
def built_in_slots(chipset: str) -> frozenset[int]:
    """The slots of bus 0 whose function 0 the chipset has, the host bridge included; empty without chipset."""
    return frozenset(
        one.slot
        for (owner, _), one in _parts().items()
        if owner == chipset and one.use == "built-in" and not one.function
    )
