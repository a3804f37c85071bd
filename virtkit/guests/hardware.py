"""Which guests drive emulated disk controllers and network cards, from the guest database and sourced facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests.flavours import drives, flavour_of
from virtkit.guests.kernels import configured
from virtkit.guests.record import fits, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.guests.record import Guest

__all__ = ["Driven", "Hardware", "State", "driven", "hardware"]

_FILE = "guests/emulated.toml"


class State(StrEnum):
    """Whether a guest has a driver for an emulated device."""

    PRESENT = "present"
    UNMAINTAINED = "unmaintained"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hardware:
    """An emulated disk controller or network card.

    ``pci`` is its id in the guest database, ``option`` the option of Linux kernels that builds its driver; "" for none.
    """

    name: str
    kind: str
    pci: str
    title: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Driven:
    """Whether a guest drives a device, and on which ``condition``; ``evidence`` is "db" or "override"."""

    state: State
    evidence: str
    source: str
    remark: str = ""
    condition: str = ""


@cache
def hardware() -> Mapping[str, Hardware]:
    """The devices by libvirt's name, such as "scsi:lsilogic". Source: data/guests/emulated-hardware.csv."""
    found = {}
    for row in facts.table("guests/emulated-hardware.csv"):
        for model in row["models"].split():
            found[model] = Hardware(row["name"], row["kind"], row["pci"], row["title"], row["option"])
    return MappingProxyType(found)


def driven(guest: Guest, device: Hardware, *, overrides: bool = True) -> Driven:
    """Whether ``guest`` drives ``device``: unknown when neither the database nor a sourced fact says.

    ``overrides`` False takes the database as it is. A device that the database does not list is not known to be absent.
    """
    flavour = flavour_of(guest)
    if flavour is not None and (answer := drives(flavour, device.name)) is not None:
        return Driven(State.PRESENT if answer[0] else State.ABSENT, "override", answer[1])
    listed = device.pci != "" and f"pcisig.com/pci/{device.pci}" in guest.devices
    records = [record for record in _records_on(guest) if device.name in record["devices"]] if overrides else []
    if records:
        states = {record["state"] for record in records}
        source = "; ".join(dict.fromkeys(f"{one['source']} [{one['confidence']} confidence]" for one in records))
        remark = " ".join(dict.fromkeys(one["remark"] for one in records if "remark" in one))
        state = State(states.pop()) if len(states) == 1 else State.UNKNOWN
        condition = " and ".join(dict.fromkeys(one["condition"] for one in records if "condition" in one))
        return Driven(state, "override", source, remark, condition)
    if listed:
        return Driven(State.PRESENT, "db", guest.database)
    found = configured(guest.id, device.option) if overrides and device.option else None
    if found is not None:
        there, row = found
        state = State.PRESENT if there else State.ABSENT
        return Driven(state, "override", f"{row['source']} [{row['confidence']} confidence]", "", row["condition"])
    return Driven(State.UNKNOWN, "db", guest.database)


@cache
def _records() -> tuple[dict[str, Any], ...]:
    known = {one.name for one in hardware().values()}
    records = facts.records(_FILE, "emulated")
    for record in records:
        strange = [name for name in record["devices"] if name not in known]
        if strange:
            raise FactsError(f"{_FILE}: devices {strange}: expected names of emulated-hardware.csv")
    return records


@lru_cache(maxsize=2048)
def _records_on(guest: Guest) -> tuple[dict[str, Any], ...]:
    """The records about a guest, in their order."""
    return tuple(record for record in _records() if _covers(record, guest))


def _covers(record: Mapping[str, Any], guest: Guest) -> bool:
    """Whether the record is about the guest; a version that names only the major release is in range when that is."""
    if not any(fits(guest.id, pattern) for pattern in record["guests"]):
        return False
    version = version_key(guest.version)
    first, last = (version_key(record.get(key, "")) for key in ("first_version", "last_version"))
    if (first or last) and not version:
        return False
    shown = len(version)
    return version >= first[:shown] and (not last or version <= (last if shown > 1 else last[:shown]))
