"""The sourced corrections of the guest OS database, and the answer with or without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests.kinds import KINDS
from virtkit.guests.record import Guest, Support, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TRANSITIONAL_KINDS", "Override", "overrides", "support"]

#: The kinds that have a legacy form; "transitional" in the table of corrections.
TRANSITIONAL_KINDS = ("net", "block", "scsi", "9p", "rng", "balloon", "console")

_STATEMENT = (
    "kinds",
    "legacy",
    "modern",
    "legacy_addon",
    "modern_addon",
    "condition",
    "modern_condition",
    "partial",
)
_VALUES = MappingProxyType(
    {
        "legacy": ("", "yes", "no", "as-modern", "unknown"),
        "modern": ("", "yes", "no", "as-legacy", "unknown"),
        "legacy_addon": ("", "yes", "no"),
        "modern_addon": ("", "yes", "no"),
        "partial": ("", "yes"),
        "confidence": ("high", "medium", "low"),
    }
)


@dataclass(frozen=True, slots=True)
class Override:
    """One row of data/guests/overrides.csv, with a mirrored statement filled in.

    ``legacy`` and ``modern`` are "yes", "no", "as-modern", "as-legacy" or "" (as the database says), or both are
    "unknown" (the database is not believed, and nobody has said what is true);
    the bounds ``first`` and ``last`` are version numbers, () for open.
    """

    row: str
    guests: tuple[str, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]
    kinds: tuple[str, ...]
    legacy: str
    modern: str
    legacy_addon: str
    modern_addon: str
    condition: str
    modern_condition: str
    partial: bool
    mirror: str
    since: str
    source: str
    confidence: str
    note: str

    def applies(self, guest: Guest) -> bool:
        """Whether the row speaks of this guest."""
        if not any(_fits(pattern, guest) for pattern in self.guests):
            return False
        if not self.first and not self.last:
            return True
        version = version_key(guest.version)
        return bool(version) and self.first <= version and (not self.last or version <= self.last)


def _fits(pattern: str, guest: Guest) -> bool:
    key, equals, value = pattern.partition("=")
    if equals:
        return value == {"family": guest.family, "distro": guest.distro}.get(key)
    return fnmatchcase(guest.id, pattern)


@cache
def overrides() -> tuple[Override, ...]:
    """Every correction, in the order of the table. Raises FactsError for a row that breaks the format."""
    rows = facts.table("guests/overrides.csv")
    by_name = {row["row"]: row for row in rows}
    if len(by_name) != len(rows):
        raise FactsError("guests/overrides.csv: two rows have the same name")
    return tuple(_read(row, by_name) for row in rows)


def _read(row: Mapping[str, str], by_name: Mapping[str, Mapping[str, str]]) -> Override:
    said = row
    where = f"guests/overrides.csv: {row['row']}"
    if row["mirror"]:
        if row["mirror"] not in by_name or by_name[row["mirror"]]["mirror"]:
            raise FactsError(f"{where}: mirrors {row['mirror']!r}, which states nothing")
        if any(row[column] for column in _STATEMENT):
            raise FactsError(f"{where}: a row that mirrors another states nothing itself")
        said = by_name[row["mirror"]]
    for column, allowed in _VALUES.items():
        value = (row if column == "confidence" else said)[column]
        if value not in allowed:
            raise FactsError(f"{where}: {column} is {value!r}, expected one of {', '.join(allowed)}")
    if (said["legacy"] == "unknown") != (said["modern"] == "unknown"):
        raise FactsError(f"{where}: legacy and modern are unknown together or not at all")
    kinds: list[str] = []
    for word in said["kinds"].split():
        kinds += TRANSITIONAL_KINDS if word == "transitional" else [word]
    if not kinds or any(kind not in KINDS for kind in kinds):
        raise FactsError(f"{where}: kinds {said['kinds']!r}")
    return Override(
        row=row["row"],
        guests=tuple(row["guests"].split()),
        first=version_key(row["from"]),
        last=version_key(row["to"]),
        kinds=tuple(kinds),
        legacy=said["legacy"],
        modern=said["modern"],
        legacy_addon=said["legacy_addon"],
        modern_addon=said["modern_addon"],
        condition=said["condition"],
        modern_condition=said["modern_condition"],
        partial=said["partial"] == "yes",
        mirror=row["mirror"],
        since=row["since"],
        source=row["source"],
        confidence=row["confidence"],
        note=row["note"],
    )


def _choice(value: str, before: bool, other: bool = False) -> bool:
    if value.startswith("as-"):
        return before or other
    return before if not value else value == "yes"


def _corrected(answer: Support, row: Override, legacy_later: str) -> Support:
    legacy = _choice(row.legacy, answer.legacy, answer.modern)
    # "as-legacy" looks at the corrected legacy answer, also when another row corrects that.
    modern = _choice(row.modern, answer.modern, legacy or legacy_later == "yes")
    legacy_addon = _choice(row.legacy_addon, answer.legacy_addon)
    modern_addon = _choice(row.modern_addon, answer.modern_addon)
    firm = bool({row.legacy, row.modern, row.legacy_addon, row.modern_addon} & {"yes", "no"})
    states_something = (
        (legacy, modern, legacy_addon, modern_addon)
        != (answer.legacy, answer.modern, answer.legacy_addon, answer.modern_addon)
        or (answer.unknown and firm)
        or row.legacy == "unknown"
        or bool(row.condition or row.modern_condition)
    )
    if not states_something:
        return answer
    sources = [answer.source] if answer.evidence == "override" else []
    nobody = row.legacy == "unknown"
    return replace(
        answer,
        legacy=legacy,
        modern=modern,
        legacy_addon=legacy_addon,
        modern_addon=modern_addon,
        unknown=nobody,
        condition=row.condition or answer.condition,
        modern_condition=row.modern_condition or row.condition or answer.modern_condition,
        evidence="override",
        source="; ".join([*sources, f"{row.source} [{row.row}, {row.confidence} confidence]"]),
        note=" ".join(part for part in (answer.note, row.note) if part),
    )


@cache
def _rows_for(guest: Guest) -> tuple[Override, ...]:
    return tuple(row for row in overrides() if row.applies(guest))


def support(guest: Guest, kind: str, *, overrides: bool = True) -> Support:
    """Which drivers ``guest`` has for ``kind``: by the database, with ``overrides`` also by the corrections.

    Without overrides only in-box drivers and the database's own driver elements are told. An OS that a
    correction speaks of is no longer unknown for the kinds of that correction; for its other kinds it is.
    """
    answer = guest.support(kind)
    if not overrides:
        return answer
    rows = [row for row in _rows_for(guest) if kind in row.kinds]
    legacy_later = "yes" if any(row.legacy == "yes" for row in rows) else ""
    for row in rows:
        answer = _corrected(answer, row, legacy_later)
    return answer
