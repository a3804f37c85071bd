"""Systems that the guest OS database does not know, and the systems that they are built on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests.record import Guest, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Appliance", "appliance", "appliances"]

_FILE = "guests/appliances.toml"
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Appliance:
    """One release of an appliance: the ``system`` that it is built on, in words, and its guest ``base``, "" if unknown.

    ``release`` is "" when the record is about all releases without one of their own.
    """

    name: str
    release: str
    base: str
    system: str
    remark: str
    source: str
    confidence: str

    @property
    def title(self) -> str:
        """Name and release: "OPNsense 24.7"."""
        return f"{self.name} {self.release}".strip()

    def note_on(self, base: Guest) -> str:
        """That the guest is judged by ``base``, and why."""
        parts = (
            f"{self.title} is built on {self.system}, so it is judged as {base.id} (source: {self.source}; "
            f"{self.confidence} confidence)",
            self.remark.rstrip("."),
        )
        return ". ".join(part for part in parts if part)

    def unknown_guest(self) -> Guest:
        """A guest without known drivers, whose note says what the source states."""
        word = "".join(self.name.lower().split()) + self.release
        return Guest(
            id=word,
            uri=word,
            name=self.title,
            version=self.release,
            vendor="",
            family="",
            distro=word,
            release="",
            eol="",
            status="",
            aliases=(),
            devices=frozenset(),
            note=f"the drivers of {self.title} are unknown: its system is {self.system} (source: {self.source}). If "
            "you know the system that it is built on, name that as the guest, for example freebsd-14 or linux-6.6",
        )


@cache
def appliances() -> Mapping[str, tuple[Appliance, ...]]:
    """Every record by each plain name, one for each release, from old to new. Source: data/guests/appliances.toml."""
    found: dict[str, list[Appliance]] = {}
    for record in facts.records(_FILE, "appliance"):
        for name in record["names"]:
            found.setdefault(name, []).extend(
                Appliance(
                    name=record["name"],
                    release="" if release == _ANY else release,
                    base=record.get("base", ""),
                    system=record["system"],
                    remark=record.get("note", ""),
                    source=record["source"],
                    confidence=record["confidence"],
                )
                for release in record["releases"]
            )
    return MappingProxyType({name: tuple(records) for name, records in found.items()})


def appliance(name: str, version: str) -> Appliance | None:
    """The record for a plain ``name`` ("opnsense") and ``version`` ("24.7.1"); without a version the newest.

    A release that no record covers is unknown. None for a name that is no appliance's.
    """
    records = appliances().get(name)
    if records is None:
        return None
    if not version:
        return records[-1]
    own = [record for record in records if record.release and _within(version, record.release)]
    if own:
        return max(own, key=lambda record: len(record.release))
    parts = [record for record in records if record.release and _within(record.release, version)]
    if parts:
        return max(parts, key=lambda record: version_key(record.release))
    if records[-1].release:
        return Appliance(records[-1].name, version, "", "not stated in the source", "", records[-1].source, "")
    last = records[-1]
    return Appliance(last.name, version, last.base, last.system, last.remark, last.source, last.confidence)


def _within(version: str, release: str) -> bool:
    """Whether ``version`` is ``release`` or an update of it."""
    return version.startswith(release) and not version[len(release) : len(release) + 1].isdigit()
