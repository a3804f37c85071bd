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
from virtkit.guests.kernels import configurations, configured_in
from virtkit.guests.patterns import PatternIndex
from virtkit.guests.record import version_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from virtkit.guests.kernels import Configuration
    from virtkit.guests.record import Guest

__all__ = ["Driven", "Hardware", "State", "driven", "driven_each", "hardware"]

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
    return driven_each(guest, (device,), overrides=overrides)[0]


def driven_each(guest: Guest, devices: tuple[Hardware, ...], *, overrides: bool = True) -> tuple[Driven, ...]:
    """The answers of ``driven`` for several devices, in their order."""
    flavour = flavour_of(guest)
    numbers = _record_numbers(guest) if overrides else ()
    configs = configurations(guest.id) if overrides else ()
    known = _driven(devices, guest.devices & _ids(), numbers, configs, guest.database)
    if flavour is None:
        return known
    brought = [drives(flavour, device.name) for device in devices]
    return tuple(
        one if answer is None else Driven(State.PRESENT if answer[0] else State.ABSENT, "override", answer[1])
        for answer, one in zip(brought, known, strict=True)
    )


@lru_cache(maxsize=8192)
def _driven(
    devices: tuple[Hardware, ...],
    listed: frozenset[str],
    numbers: tuple[int, ...],
    configs: tuple[Configuration, ...],
    database: str,
) -> tuple[Driven, ...]:
    """The answers for guests with equal facts: emulated devices in the database, records, kernel configurations."""
    stated = _stated(numbers)
    found = []
    for device in devices:
        answer = stated.get(device.name)
        configured = configured_in(configs, device.option) if answer is None and device.option else None
        if answer is not None:
            found.append(answer)
        elif device.pci and _id(device) in listed:
            found.append(Driven(State.PRESENT, "db", database))
        elif configured is not None:
            there, row = configured
            state = State.PRESENT if there else State.ABSENT
            source = f"{row['source']} [{row['confidence']} confidence]"
            found.append(Driven(state, "override", source, "", row["condition"]))
        else:
            found.append(Driven(State.UNKNOWN, "db", database))
    return tuple(found)


@cache
def _ids() -> frozenset[str]:
    """The database's ids of all emulated devices."""
    return frozenset(_id(device) for device in hardware().values() if device.pci)


def _id(device: Hardware) -> str:
    return f"pcisig.com/pci/{device.pci}"


@lru_cache(maxsize=4096)
def _record_numbers(guest: Guest) -> tuple[int, ...]:
    """The numbers of the records about a guest."""
    version = version_key(guest.version)
    return tuple(n for n in _index().lists_of(guest) if _in_range(_records()[n], version))


@lru_cache(maxsize=2048)
def _stated(numbers: tuple[int, ...]) -> Mapping[str, Driven]:
    """What the records with these numbers say, by the name of the device."""
    by_device: dict[str, list[dict[str, Any]]] = {}
    for record in (_records()[n] for n in numbers):
        for name in dict.fromkeys(record["devices"]):
            by_device.setdefault(name, []).append(record)
    return MappingProxyType({name: _agreed(records) for name, records in by_device.items()})


def _agreed(records: Sequence[Mapping[str, Any]]) -> Driven:
    """What records about one device say together: unknown where they contradict each other."""
    states = {record["state"] for record in records}
    source = "; ".join(dict.fromkeys(f"{one['source']} [{one['confidence']} confidence]" for one in records))
    remark = " ".join(dict.fromkeys(one["remark"] for one in records if "remark" in one))
    state = State(states.pop()) if len(states) == 1 else State.UNKNOWN
    condition = " and ".join(dict.fromkeys(one["condition"] for one in records if "condition" in one))
    return Driven(state, "override", source, remark, condition)


@cache
def _records() -> tuple[dict[str, Any], ...]:
    known = {one.name for one in hardware().values()}
    records = facts.records(_FILE, "emulated")
    for record in records:
        strange = [name for name in record["devices"] if name not in known]
        if strange:
            raise FactsError(f"{_FILE}: devices {strange}: expected names of emulated-hardware.csv")
    return records


@cache
def _index() -> PatternIndex:
    return PatternIndex(record["guests"] for record in _records())


def _in_range(record: Mapping[str, Any], version: tuple[int, ...]) -> bool:
    """Whether a record is about a version; one that names only the major release is in range when that is."""
    first, last = (version_key(record.get(key, "")) for key in ("first_version", "last_version"))
    if (first or last) and not version:
        return False
    shown = len(version)
    return version >= first[:shown] and (not last or version <= (last if shown > 1 else last[:shown]))

