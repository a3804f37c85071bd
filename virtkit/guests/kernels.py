"""The virtio drivers of Linux kernels: of mainline, and as distributions configure them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests.kinds import kinds
from virtkit.guests.record import Guest, Support, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ABSENT",
    "Configuration",
    "Dated",
    "conditional_support",
    "configurations",
    "configured",
    "configured_in",
    "kernel_guest",
    "kernel_support",
    "linux_support",
]

_NAME = re.compile(r"(?:linux|kernel)[\s_-]*v?([2-9]\.\d{1,3}(?:\.\d{1,3})?)")
#: A kernel without its minor release, such as "linux-6": its first release is what every later one has, too.
_SERIES = re.compile(r"(?:linux|kernel)[\s_-]*v?([3-9])(?:\.x)?")
_TABLE = "guests/kernels.csv"
_CONFIGS = "guests/kernel-configs.csv"


def kernel_guest(name: str) -> Guest | None:
    """The guest that a name such as "linux-5.10" stands for; None when the name does not have this form."""
    text = name.strip().lower()
    series = _SERIES.fullmatch(text)
    found = _NAME.fullmatch(text) or series
    if found is None:
        return None
    version = f"{found[1]}.0" if series else found[1]
    first = f"'{name.strip()}' names no release and is taken as its first; " if series else ""
    return Guest(
        id=f"linux-{version}",
        uri=f"linux-{version}",
        name=f"Linux kernel {version}",
        version=version,
        vendor="",
        family="linux",
        distro="kernel",
        release="",
        eol="",
        status="",
        aliases=(),
        devices=frozenset(),
        database="mainline Linux",
        kernel=version,
        note=f"{first}the guest is judged by its kernel, Linux {version}: whether the kernel is built with a driver is "
        "the distribution's choice",
    )


@cache
def _drivers() -> Mapping[str, dict[str, str]]:
    return MappingProxyType({row["kind"]: row for row in facts.table(_TABLE)})


def kernel_support(kernel: str, kind: str) -> Support:
    """Which drivers mainline Linux ``kernel`` has for ``kind``. Source: data/guests/kernels.csv."""
    row = _drivers().get(kind)
    if row is None:
        return Support(False, False, unknown=True, source=_TABLE, remark="No source says which kernels have it.")
    there, modern = _has(kernel, row), _has(kernel, _drivers()["modern"])
    if there is None:
        since = f"It is known to be there since Linux {row['present']}."
        return Support(False, False, unknown=True, evidence="override", source=row["source"], remark=since)
    condition = f"the kernel is built with {row['option']}" if there else ""
    return Support(
        legacy=there and _has_legacy(kind),
        modern=there and bool(modern),
        condition=condition,
        modern_condition=condition,
        evidence="override",
        source=row["source"],
    )


ABSENT = Support(False, False, evidence="override")
"""The answer where a driver is younger than a guest; the source is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """An answer about Linux guests that depends on their dates: whose life ended before the driver lacks it.

    ``row`` is about the driver; for other guests it is ``unknown``, an answer to which each adds its own remark.
    Sources: data/guests/kernels.csv; the dates of the guest database.
    """

    row: Mapping[str, str]
    unknown: Support

    def of(self, guest: Guest) -> Support:
        """The answer about a guest."""
        source = self.why_absent(guest)
        return replace(ABSENT, source=source) if source else replace(self.unknown, remark=self.remark(guest))

    def why_absent(self, guest: Guest) -> str:
        """The source of ABSENT for a guest whose life ended before the driver; "" for any other."""
        end = guest.eol or guest.release
        if not end or end >= self.row["born"]:
            return ""
        return f"{guest.database}: dates of {guest.id}; {self.row['source']}"

    def remark(self, guest: Guest) -> str:
        """Why the driver of a guest is unknown."""
        row = self.row
        return (
            f"It lists no such driver, but Linux has one (since {row['present']} or earlier), and no source says "
            f"whether the kernel of {guest.id} is built with {row['option']}."
        )


def linux_support(configs: tuple[Configuration, ...], kind: str, answer: Support) -> Support | Dated:
    """Which drivers Linux guests have for ``kind`` where the guest database, whose answer is ``answer``, lists none.

    The configurations of their kernels decide; without them the driver is absent when it is younger than a guest's
    kernel or than its whole life, else unknown: the database does not list every driver of every release.
    Sources: data/guests/kernel-configs.csv, kernels.csv; the dates of the guest database.
    """
    row = _drivers().get(kind)
    if row is None:
        return answer
    found = configured_in(configs, row["option"].removeprefix("CONFIG_"))
    if found is not None:
        return _configured_support(*found, row)
    if answer.evidence != "db":
        return answer
    unread = [config.row for config in configs if not config.has and not config.lacks]
    for config in unread:
        if _has(config["kernel"], row) is False:
            source = f"{config['source']} [{config['confidence']} confidence]; {row['source']}"
            return Support(False, False, evidence="override", source=source)
    source, modern = f"{answer.source}; {row['source']}", _drivers()["modern"]
    old = next((config for config in unread if _has(config["kernel"], modern) is False), None)
    if old is not None:
        source += f"; {old['source']}; {modern['source']}"
    unknown = Support(False, False, unknown=True, legacy_only=old is not None, evidence="override", source=source)
    return Dated(row, unknown)


def _configured_support(there: bool, config: Mapping[str, str], row: Mapping[str, str]) -> Support:
    """The driver of ``row`` in a kernel that is built with it or not, as ``config`` says."""
    source = f"{config['source']} [{config['confidence']} confidence]"
    if not there:
        return Support(False, False, evidence="override", source=source, remark=f"{row['option']} is not set.")
    return Support(
        legacy=config["interfaces"] != "modern" and _has_legacy(row["kind"]),
        modern=config["interfaces"] != "legacy",
        condition=config["condition"],
        modern_condition=config["condition"],
        evidence="override",
        source=source,
    )


def conditional_support(configs: tuple[Configuration, ...], kind: str, answer: Support) -> Support:
    """The database's ``answer`` with the condition on which kernels of Linux guests have the driver, if any.

    Source: data/guests/kernel-configs.csv.
    """
    row = _drivers().get(kind)
    found = None if row is None else configured_in(configs, row["option"].removeprefix("CONFIG_"))
    if found is None or not found[0] or not found[1]["condition"]:
        return answer
    condition, source = found[1]["condition"], f"{found[1]['source']} [{found[1]['confidence']} confidence]"
    return replace(answer, condition=condition, modern_condition=condition, evidence="override", source=source)


def configured(guest: str, option: str) -> tuple[bool, Mapping[str, str]] | None:
    """Whether the kernel of a guest (a short id) is built with an option ("VIRTIO_FS"), and the row that says so.

    A row that always holds comes before one with a condition. None when no configuration says.
    Source: data/guests/kernel-configs.csv.
    """
    return configured_in(configurations(guest), option)


def configured_in(configs: tuple[Configuration, ...], option: str) -> tuple[bool, Mapping[str, str]] | None:
    """Whether kernels with these configurations are built with an option: as in ``configured``."""
    lacking = None
    for config in configs:
        if option in config.has:
            return True, config.row
        if lacking is None and option in config.lacks:
            lacking = False, config.row
    return lacking


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """A row of the kernel configurations, and the options that are set and not set."""

    row: Mapping[str, str]
    has: frozenset[str]
    lacks: frozenset[str]


def configurations(guest: str) -> tuple[Configuration, ...]:
    """The configurations of the kernels of a guest (a short id); those that always hold come first."""
    return _configs().get(guest, ())


@cache
def _configs() -> Mapping[str, tuple[Configuration, ...]]:
    """The configurations by guest (a short id); those that always hold come before those with a condition."""
    found: dict[str, list[Configuration]] = {}
    for row in sorted(facts.table(_CONFIGS), key=lambda row: row["condition"] != ""):
        config = Configuration(row, frozenset(row["has"].split()), frozenset(row["lacks"].split()))
        for guest in row["guests"].split():
            found.setdefault(guest, []).append(config)
    return MappingProxyType({guest: tuple(configs) for guest, configs in found.items()})


def _has_legacy(kind: str) -> bool:
    known = kinds().get(kind)
    return known is not None and bool(known.legacy)


def _has(kernel: str, row: Mapping[str, str]) -> bool | None:
    version = version_key(kernel)
    if version >= version_key(row["present"]):
        return True
    # "4.7" stands for all releases of that series: 4.7.9 is not newer.
    absent = version_key(row["absent"])
    return False if absent and version[: len(absent)] <= absent else None
