"""Releases of libvirt and QEMU: how they are written, which are supported, and which go together.

The facts stand in ``data/releases.csv``; a new supported release is one row there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from virtkit import facts
from virtkit.errors import UsageError

__all__ = [
    "DEFAULT",
    "DEFAULT_QEMU",
    "NEWEST",
    "OLDEST",
    "PAIRS",
    "PROBED",
    "SUPPORTED",
    "Release",
    "bounds",
    "distance",
    "dotted",
    "has_changed",
    "in_release",
    "is_uncertain",
    "libvirt_for",
    "nearest",
    "parse",
    "qemu_for",
]

#: A release as (major, minor): libvirt 12.8.0 is (12, 8).
Release = tuple[int, int]


def parse(text: str | Release) -> Release:
    """``"12.8"`` or ``"12.8.0"`` as ``(12, 8)``; a release is returned as it is. Raises UsageError for other text."""
    if isinstance(text, tuple):
        return text
    parts = text.split(".")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"expected a release as MAJOR.MINOR, got {text!r}")
    return int(parts[0]), int(parts[1])


def dotted(release: Release) -> str:
    """A release as text: "12.8"; the reverse of ``parse``."""
    return f"{release[0]}.{release[1]}"


@cache
def bounds(text: str) -> tuple[Release, Release]:
    """The (last release without a change, first release known to have it) of a ``since`` or ``until`` cell.

    "11.3..12.8" is ((11, 3), (12, 8)): the change was made somewhere in between. "11.5" is ((11, 5), (11, 5)): it was
    made in that release. Raises UsageError.
    """
    low, dots, high = text.partition("..")
    return parse(low), parse(high if dots else low)


def has_changed(text: str, at: Release) -> bool:
    """Whether libvirt ``at`` has the change of a ``since`` or ``until`` cell.

    Inside a range the nearer end answers (libvirt makes 11 releases a year); ``is_uncertain`` says so.
    """
    low, high = bounds(text)
    if at >= high or at <= low:
        return at >= high
    return 2 * _count(at) >= _count(low) + _count(high)


def is_uncertain(row: Mapping[str, Any], at: Release) -> bool:
    """Whether libvirt ``at`` lies inside a range in the ``since`` or ``until`` of a row of facts."""
    found = (bounds(row[column]) for column in ("since", "until") if row.get(column))
    return any(low < at < high for low, high in found)


def in_release(row: Mapping[str, Any], at: Release) -> bool:
    """Whether a row of facts holds in libvirt ``at``, by its ``since`` and ``until``; either may be missing."""
    since, until = row.get("since"), row.get("until")
    return not (since and not has_changed(since, at)) and not (until and has_changed(until, at))


def _count(release: Release) -> int:
    """How many releases libvirt made up to this one. Source: libvirt makes 11 releases a year, numbered .0 to .10."""
    return 11 * release[0] + release[1]


def distance(one: Release, other: Release) -> int:
    """How many QEMU releases lie between two. Source: QEMU makes 3 releases a year, numbered .0 to .2, since 3.0."""
    return abs(3 * one[0] + min(one[1], 2) - 3 * other[0] - min(other[1], 2))


def nearest(to: Release, known: Sequence[Release]) -> Release:
    """The QEMU release of ``known`` that is nearest to one; of two at the same distance, the newer."""
    return min(sorted(known, reverse=True), key=lambda one: distance(one, to))


_ROWS = facts.table("releases.csv")

#: The libvirt releases that were observed in full or in part, oldest first.
PROBED: tuple[Release, ...] = tuple(sorted(parse(row["libvirt"]) for row in _ROWS))
#: The supported libvirt releases, each with the QEMU release that goes with it.
PAIRS: Mapping[Release, Release] = MappingProxyType(
    {parse(row["libvirt"]): parse(row["qemu"]) for row in _ROWS if row["supported"] == "yes"}
)
#: The libvirt releases of ``PAIRS``, oldest first.
SUPPORTED: tuple[Release, ...] = tuple(sorted(PAIRS))
OLDEST, NEWEST = SUPPORTED[0], SUPPORTED[-1]
#: The libvirt release that is used when none is named, and the QEMU release that goes with it.
DEFAULT: Release = next(parse(row["libvirt"]) for row in _ROWS if row["default"] == "yes")
DEFAULT_QEMU: Release = PAIRS[DEFAULT]


@cache
def qemu_for(libvirt: Release) -> Release:
    """The QEMU release that goes with ``libvirt``: that of the newest supported release which is not younger."""
    return PAIRS[max((one for one in SUPPORTED if one <= libvirt), default=OLDEST)]


def libvirt_for(qemu: Release) -> Release:
    """The supported libvirt release that was observed with ``qemu``; the default where there is none."""
    return next((libvirt for libvirt, paired in PAIRS.items() if paired == qemu), DEFAULT)
