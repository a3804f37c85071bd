"""Releases of libvirt and QEMU: how they are written, which are supported, and which go together.

The facts stand in ``data/releases.csv``; a new supported release is one row there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

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
    "dotted",
    "in_release",
    "libvirt_for",
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


def in_release(row: Mapping[str, str], at: Release) -> bool:
    """Whether a row of facts with ``since`` and ``until`` columns holds in libvirt ``at``."""
    since, until = row["since"], row["until"]
    return not (since and parse(since) > at) and not (until and parse(until) <= at)


_ROWS = facts.table("releases.csv")

#: The libvirt releases that were observed in full or in part, oldest first.
PROBED: tuple[Release, ...] = tuple(sorted(parse(row["libvirt"]) for row in _ROWS))
#: The libvirt releases against which every fact was checked, each with the QEMU release that goes with it.
PAIRS: Mapping[Release, Release] = MappingProxyType(
    {parse(row["libvirt"]): parse(row["qemu"]) for row in _ROWS if row["supported"] == "yes"}
)
#: The libvirt releases of ``PAIRS``, oldest first.
SUPPORTED: tuple[Release, ...] = tuple(sorted(PAIRS))
OLDEST, NEWEST = SUPPORTED[0], SUPPORTED[-1]
#: The libvirt release that is used when none is named, and the QEMU release that goes with it.
DEFAULT: Release = next(parse(row["libvirt"]) for row in _ROWS if row["default"] == "yes")
DEFAULT_QEMU: Release = PAIRS[DEFAULT]


def qemu_for(libvirt: Release) -> Release:
    """The QEMU release that goes with ``libvirt``: that of the newest supported release which is not younger."""
    return PAIRS[max((one for one in SUPPORTED if one <= libvirt), default=OLDEST)]


def libvirt_for(qemu: Release) -> Release:
    """The supported libvirt release that was observed with ``qemu``; the default where there is none."""
    return next((libvirt for libvirt, paired in PAIRS.items() if paired == qemu), DEFAULT)
