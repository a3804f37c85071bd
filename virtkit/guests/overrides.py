"""The sourced corrections of the guest OS database, and the answer with or without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests.flavours import flavour_support
from virtkit.guests.kernels import conditional_support, kernel_support, linux_support
from virtkit.guests.kinds import KINDS, kinds
from virtkit.guests.record import Guest, Support, fits, version_key
from virtkit.guests.virtio_win import virtio_win_support

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["TRANSITIONAL_KINDS", "Override", "overrides", "support"]

#: The kinds that have a legacy interface; "transitional" in the file of corrections.
TRANSITIONAL_KINDS = tuple(kind.name for kind in kinds().values() if kind.legacy)

_FILE = "guests/overrides.toml"
_TEXTS = ("first_version", "last_version", "condition", "modern_condition", "since", "remark")
_FLAGS = ("unknown", "partial")
_DRIVERS = MappingProxyType(
    {
        "legacy": ("yes", "no", "as-modern"),
        "modern": ("yes", "no", "as-legacy"),
        "legacy_addon": ("yes", "no"),
        "modern_addon": ("yes", "no"),
    }
)
_CONFIDENCE = ("high", "medium", "low")
#: What every correction states, and what each of its derivatives states anew.
_OWN = ("id", "guests", "source", "confidence")


@dataclass(frozen=True, slots=True)
class Override:
    """One correction of the guest OS database.

    ``legacy`` and ``modern`` are "yes", "no", "as-modern", "as-legacy" or "" (as the database says); the add-ons are
    "yes", "no" or "". With ``unknown`` the database's answer is not trusted and no source gives a better one. The
    bounds ``first_version`` and ``last_version`` are version numbers, both included, () for open. ``derived_from``
    is the id of the correction whose statement holds here too, "" for a statement of its own.
    Source: data/guests/overrides.toml, which describes every key.
    """

    id: str
    guests: tuple[str, ...]
    first_version: tuple[int, ...]
    last_version: tuple[int, ...]
    kinds: tuple[str, ...]
    legacy: str
    modern: str
    legacy_addon: str
    modern_addon: str
    unknown: bool
    condition: str
    modern_condition: str
    partial: bool
    derived_from: str
    since: str
    source: str
    confidence: str
    remark: str

    def applies(self, guest: Guest) -> bool:
        """Whether the correction covers this guest."""
        if not _selects(self.guests, guest):
            return False
        if not self.first_version and not self.last_version:
            return True
        version = version_key(guest.version)
        if not version or version < self.first_version:
            return False
        return not self.last_version or version <= self.last_version


class _Selection(NamedTuple):
    """What the patterns of a correction name: "family=linux" and ids, beginnings of ids, and other patterns of ids."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    others: tuple[str, ...]


@cache
def _selection(patterns: tuple[str, ...]) -> _Selection:
    beginnings = tuple(one for one in patterns if one.endswith("*") and not set(one[:-1]) & set("*?["))
    exact = frozenset(one for one in patterns if not set(one) & set("*?["))
    others = tuple(one for one in patterns if one not in exact and one not in beginnings)
    return _Selection(exact, tuple(one[:-1] for one in beginnings), others)


def _selects(patterns: tuple[str, ...], guest: Guest) -> bool:
    exact, beginnings, others = _selection(patterns)
    if guest.id in exact or f"family={guest.family}" in exact or f"distro={guest.distro}" in exact:
        return True
    return guest.id.startswith(beginnings) or any(fits(guest.id, pattern) for pattern in others)


@cache
def overrides() -> tuple[Override, ...]:
    """Every correction in the order of the file, each before its derivatives. Raises FactsError for a wrong record."""
    found = [override for record in facts.records(_FILE, "override") for override in _corrections(record)]
    if len({override.id for override in found}) != len(found):
        raise FactsError(f"{_FILE}: two corrections have the same id")
    return tuple(found)


def _corrections(record: Mapping[str, Any]) -> Iterator[Override]:
    statement = {key: value for key, value in record.items() if key != "derivative"}
    yield _read(statement)
    for derivative in record.get("derivative", ()):
        if set(derivative) != set(_OWN):
            where = derivative.get("id", f"a derivative of {record['id']}")
            raise FactsError(f"{_FILE}: {where}: expected the keys {', '.join(_OWN)}, got {', '.join(derivative)}")
        remark = statement.get("remark", "") if statement.get("unknown") else ""
        yield _read({**statement, "remark": remark, **derivative}, str(record["id"]))


def _read(record: Mapping[str, Any], derived_from: str = "") -> Override:
    where = f"{_FILE}: {record.get('id', 'a correction without id')}"
    known = {*_OWN, "kinds", *_DRIVERS, *_TEXTS, *_FLAGS}
    missing = [key for key in (*_OWN, "kinds") if not record.get(key)]
    if missing or not known.issuperset(record):
        unexpected = [key for key in record if key not in known]
        raise FactsError(f"{where}: missing keys: {missing or 'none'}; unknown keys: {unexpected or 'none'}")
    for key, allowed in (*_DRIVERS.items(), ("confidence", _CONFIDENCE)):
        if key in record and record[key] not in allowed:
            raise FactsError(f"{where}: {key} is {record[key]!r}, expected one of {', '.join(allowed)}")
    if record.get("unknown") and any(key in record for key in _DRIVERS):
        raise FactsError(f"{where}: unknown = true excludes {', '.join(_DRIVERS)}")
    kinds: list[str] = []
    for kind in record["kinds"]:
        kinds += TRANSITIONAL_KINDS if kind == "transitional" else [kind]
    strange = [kind for kind in kinds if kind not in KINDS]
    if strange:
        raise FactsError(f"{where}: kinds {strange}, expected 'transitional' or one of {', '.join(KINDS)}")
    return Override(
        id=record["id"],
        guests=tuple(record["guests"]),
        first_version=version_key(record.get("first_version", "")),
        last_version=version_key(record.get("last_version", "")),
        kinds=tuple(kinds),
        legacy=record.get("legacy", ""),
        modern=record.get("modern", ""),
        legacy_addon=record.get("legacy_addon", ""),
        modern_addon=record.get("modern_addon", ""),
        unknown=record.get("unknown", False),
        condition=record.get("condition", ""),
        modern_condition=record.get("modern_condition", ""),
        partial=record.get("partial", False),
        derived_from=derived_from,
        since=record.get("since", ""),
        source=record["source"],
        confidence=record["confidence"],
        remark=record.get("remark", ""),
    )


def _choice(value: str, before: bool, other: bool = False) -> bool:
    if value.startswith("as-"):
        return before or other
    return before if not value else value == "yes"


def _corrected(answer: Support, override: Override, legacy_elsewhere: bool) -> Support:
    if override.unknown:
        legacy = modern = False
    else:
        legacy = _choice(override.legacy, answer.legacy, answer.modern)
        # "as-legacy" looks at the corrected legacy answer, also when another correction gives that.
        modern = _choice(override.modern, answer.modern, legacy or legacy_elsewhere)
    legacy_addon = _choice(override.legacy_addon, answer.legacy_addon)
    modern_addon = _choice(override.modern_addon, answer.modern_addon)
    firm = bool({override.legacy, override.modern, override.legacy_addon, override.modern_addon} & {"yes", "no"})
    states_something = (
        (legacy, modern, legacy_addon, modern_addon)
        != (answer.legacy, answer.modern, answer.legacy_addon, answer.modern_addon)
        or (answer.unknown and firm)
        or override.unknown
        or bool(override.condition or override.modern_condition)
    )
    if not states_something:
        return answer
    sources = [answer.source] if answer.evidence == "override" else []
    return replace(
        answer,
        legacy=legacy,
        modern=modern,
        legacy_addon=legacy_addon,
        modern_addon=modern_addon,
        unknown=override.unknown,
        condition=override.condition or answer.condition,
        modern_condition=override.modern_condition or override.condition or answer.modern_condition,
        evidence="override",
        source="; ".join([*sources, f"{override.source} [{override.id}, {override.confidence} confidence]"]),
        remark=" ".join(part for part in (answer.remark, override.remark) if part),
    )


@cache
def _overrides_of(guest: Guest) -> tuple[Override, ...]:
    return tuple(override for override in overrides() if override.applies(guest))


def support(guest: Guest, kind: str, *, overrides: bool = True) -> Support:
    """Which drivers ``guest`` has for ``kind``: by the database, with ``overrides`` also by the corrections.

    Without overrides only in-box drivers and the database's own driver elements count. A guest that a correction
    covers is no longer unknown for the kinds of that correction; for its other kinds it is. With overrides, a driver
    that the database does not list for a Linux guest is judged by the guest's kernel (``linux_support``).
    """
    if guest.kernel:
        return kernel_support(guest.kernel, kind)
    if guest.flavour and (brought := flavour_support(guest, kind)) is not None:
        return brought
    installed = virtio_win_support(guest, kind) if guest.virtio_win else None
    if installed is not None:
        return installed
    answer = guest.support(kind)
    if not overrides:
        return answer
    applying = [override for override in _overrides_of(guest) if kind in override.kinds]
    legacy_elsewhere = any(override.legacy == "yes" for override in applying)
    for override in applying:
        answer = _corrected(answer, override, legacy_elsewhere)
    if guest.family != "linux":
        return answer
    if not answer.any and not answer.legacy_addon and not answer.modern_addon:
        return linux_support(guest, kind, answer)
    return conditional_support(guest, kind, answer) if answer.evidence == "db" else answer
