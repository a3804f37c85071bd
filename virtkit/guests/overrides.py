"""The sourced corrections of the guest OS database, and the answer with or without them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests.flavours import flavour_support
from virtkit.guests.kernels import Dated, conditional_support, configurations, kernel_support, linux_support
from virtkit.guests.kinds import KINDS, kinds
from virtkit.guests.patterns import PatternIndex
from virtkit.guests.record import Support, listed_support, version_key
from virtkit.guests.virtio_win import virtio_win_support

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from virtkit.guests.kernels import Configuration
    from virtkit.guests.record import Guest, Listing

__all__ = ["TRANSITIONAL_KINDS", "Override", "overrides", "overrides_of", "shared_supports", "support", "supports"]

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


@dataclass(frozen=True, slots=True, eq=False)
class Override:
    """One correction of the guest OS database; each is equal to itself only.

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

    def in_range(self, version: tuple[int, ...]) -> bool:
        """Whether a version of a guest lies within the bounds; () lies only within open ones."""
        if not self.first_version and not self.last_version:
            return True
        if not version or version < self.first_version:
            return False
        return not self.last_version or version <= self.last_version


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
    return Support(
        legacy=legacy,
        modern=modern,
        legacy_addon=legacy_addon,
        modern_addon=modern_addon,
        unknown=override.unknown,
        legacy_only=answer.legacy_only,
        condition=override.condition or answer.condition,
        modern_condition=override.modern_condition or override.condition or answer.modern_condition,
        evidence="override",
        source="; ".join([*sources, f"{override.source} [{override.id}, {override.confidence} confidence]"]),
        remark=" ".join(part for part in (answer.remark, override.remark) if part),
    )


def _corrected_by(answer: Support, corrections: tuple[Override, ...]) -> Support:
    """The answer of the database with corrections, in their order."""
    if not corrections:
        return answer
    return _corrected_by_all(answer, corrections)


@lru_cache(maxsize=4096)
def _corrected_by_all(answer: Support, corrections: tuple[Override, ...]) -> Support:
    legacy_elsewhere = any(override.legacy == "yes" for override in corrections)
    for override in corrections:
        answer = _corrected(answer, override, legacy_elsewhere)
    return answer


def overrides_of(guest: Guest) -> tuple[Override, ...]:
    """The corrections that cover a guest, in their order."""
    known, version = overrides(), version_key(guest.version)
    return tuple(known[n] for n in _index().lists_of(guest) if known[n].in_range(version))


@cache
def _index() -> PatternIndex:
    return PatternIndex(override.guests for override in overrides())


@lru_cache(maxsize=4096)
def _corrections_of(guest: Guest) -> Mapping[str, tuple[Override, ...]]:
    """The corrections that cover a guest, by the kinds that they correct."""
    return _by_kind(overrides_of(guest))


@lru_cache(maxsize=1024)
def _by_kind(corrections: tuple[Override, ...]) -> Mapping[str, tuple[Override, ...]]:
    """Corrections by the kinds that they correct."""
    found: dict[str, list[Override]] = {}
    for override in corrections:
        for kind in override.kinds:
            found.setdefault(kind, []).append(override)
    return MappingProxyType({kind: tuple(own) for kind, own in found.items()})


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
    found = _of_kernels(kind, _corrected_by(answer, _corrections_of(guest).get(kind, ())), _linux(guest))
    return found.of(guest) if isinstance(found, Dated) else found


def supports(guest: Guest, *, overrides: bool = True) -> Mapping[str, Support]:
    """The answers of ``support`` for all KINDS, by kind."""
    found = shared_supports(guest, overrides=overrides)
    return MappingProxyType({kind: one.of(guest) if isinstance(one, Dated) else one for kind, one in found.items()})


def shared_supports(guest: Guest, *, overrides: bool = True) -> Mapping[str, Support | Dated]:
    """The answers of ``supports``, which guests with equal facts share: dated where the dates of a guest decide."""
    if guest.kernel or guest.flavour or guest.virtio_win:
        return MappingProxyType({kind: support(guest, kind, overrides=overrides) for kind in KINDS})
    if not overrides:
        return guest.supports()
    return _shared_by_kind(guest.listing, overrides_of(guest), _linux(guest))


def _linux(guest: Guest) -> tuple[Configuration, ...] | None:
    """The configurations of the kernels of a Linux guest, None for any other."""
    return configurations(guest.id) if guest.family == "linux" else None


@lru_cache(maxsize=2048)
def _shared_by_kind(
    listing: Listing, corrections: tuple[Override, ...], linux: tuple[Configuration, ...] | None
) -> Mapping[str, Support | Dated]:
    """The answers of ``_of_kernels`` by kind for the guests with these facts."""
    answers = _corrected_by_kind(listing, corrections)
    if linux is None:
        return answers
    return MappingProxyType({kind: _of_kernels(kind, answer, linux) for kind, answer in answers.items()})


@lru_cache(maxsize=1024)
def _corrected_by_kind(listing: Listing, corrections: tuple[Override, ...]) -> Mapping[str, Support]:
    """The answers of the database with all corrections, by kind, for the guests with this listing."""
    answers, by_kind = listed_support(listing), _by_kind(corrections)
    return MappingProxyType({kind: _corrected_by(answers[kind], by_kind.get(kind, ())) for kind in KINDS})


def _of_kernels(kind: str, answer: Support, linux: tuple[Configuration, ...] | None) -> Support | Dated:
    """Which drivers the guests have whose corrected ``answer`` this is; ``linux`` as of ``_linux``."""
    if linux is None:
        return answer
    if not answer.any and not answer.legacy_addon and not answer.modern_addon:
        return linux_support(linux, kind, answer)
    return conditional_support(linux, kind, answer) if answer.evidence == "db" else answer
