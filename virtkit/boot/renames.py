"""The network interfaces that get another name after a change of the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from virtkit.boot.domain_names import Named
    from virtkit.boot.power_on import PowerOn

__all__ = ["Rename", "renames", "renames_text"]


@dataclass(frozen=True, slots=True)
class Rename:
    """A NIC with its names before and after; "" for a name that is not known. ``mac`` is "" where none is written."""

    device: str
    mac: str
    before: str
    after: str
    reason: str

    @property
    def changed(self) -> bool:
        """Whether the guest finds it under another name."""
        return self.before != self.after


def renames(before: PowerOn, after: PowerOn) -> tuple[Rename, ...]:
    """Each NIC of both domains with its names, in the order of the second; matched by MAC address, else by id."""
    earlier = {_key(one): one for one in before.names}
    found = []
    for one in after.names:
        old = earlier.get(_key(one))
        if old is not None:
            found.append(Rename(one.device, one.mac, old.name.name, one.name.name, one.name.reason))
    return tuple(found)


def renames_text(found: tuple[Rename, ...]) -> str:
    """One line for each NIC, "" for none."""
    lines = []
    for one in found:
        which = f"{one.device}, {one.mac}" if one.mac else one.device
        if one.changed:
            lines.append(f"name: {one.before or 'unknown'} becomes {one.after or 'unknown'} ({which}): {one.reason}")
        elif one.after:
            lines.append(f"name: {one.after} stays ({which})")
    return "".join(f"{line}\n" for line in lines)


def _key(named: Named) -> str:
    return named.mac or named.device
