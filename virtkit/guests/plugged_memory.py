"""Whether a guest OS uses the memory of a DIMM or of virtio-mem by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests.record import version_key

if TYPE_CHECKING:
    from virtkit.guests.record import Guest

__all__ = ["PLUGGED", "Unused", "unused_memory"]

_TABLE = "guests/plugged-memory.csv"
#: The models of memory devices that QEMU announces to the guest like memory that is plugged in later.
PLUGGED = frozenset({"dimm", "virtio-mem"})


@dataclass(frozen=True, slots=True)
class Unused:
    """Why a guest leaves plugged memory unused: the option of its kernel's command line that helps, and the source."""

    option: str
    source: str


def unused_memory(guest: Guest) -> Unused | None:
    """What makes a guest use plugged memory that it leaves offline; None where it uses it, or no source says.

    Source: data/guests/plugged-memory.csv.
    """
    version = version_key(guest.version)
    if guest.family != "linux" or not version:
        return None
    rows = [row for row in facts.table(_TABLE) if guest.distro in row["distros"].split()]
    fitting = [row for row in rows if version >= version_key(row["since"])]
    if not fitting or fitting[-1]["state"] == "online":
        return None
    return Unused(fitting[-1]["option"], fitting[-1]["source"])
