"""Naming schemes of network interfaces: which rules a scheme has, and which scheme a guest OS uses by default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.guests.record import version_key

if TYPE_CHECKING:
    from virtkit.guests.record import Guest

__all__ = ["Naming", "Scheme", "naming_of", "parse_scheme", "unknown_source"]

_FEATURES = "boot/naming-features.csv"
_DEFAULTS = "boot/naming-defaults.csv"
_SYSTEMD = re.compile(r"v?([1-9]\d{2})")
_VENDOR = re.compile(r"(rhel)-?(\d{1,2}\.\d{1,2})|(sle)-?(\d{1,2})-?sp(\d)")


@dataclass(frozen=True, slots=True)
class Scheme:
    """A naming scheme: ``name`` as it is written (v252, rhel-9.0, sle15-sp3), its family and its version there."""

    name: str
    family: str
    version: tuple[int, ...]

    def has(self, feature: str) -> bool:
        """Whether the scheme has a feature. Source: data/boot/naming-features.csv."""
        return feature in _features(self)


@dataclass(frozen=True, slots=True)
class Naming:
    """How a guest OS names its network interfaces.

    ``scheme`` is the default scheme, None for a system that keeps ethN; ``kept`` says how such a system keeps a name
    ("mac" for a rule by MAC address, "hwaddr" for HWADDR in a file, "order" for none). ``systemd`` is the release that
    the system ships, "" for none.
    """

    scheme: Scheme | None
    systemd: str
    kept: str
    source: str


def parse_scheme(text: str) -> Scheme:
    """The scheme that a text names: "v252", "252", "rhel-9.0", "sle15-sp3". Raises UsageError for other text.

    >>> parse_scheme("v252").version, parse_scheme("rhel-9.0").family
    ((252,), 'rhel')
    """
    plain = text.strip().lower()
    if match := _SYSTEMD.fullmatch(plain):
        return Scheme(f"v{match[1]}", "v", (int(match[1]),))
    if match := _VENDOR.fullmatch(plain):
        if match[1]:
            return Scheme(f"rhel-{match[2]}", "rhel", version_key(match[2]))
        return Scheme(f"sle{match[4]}-sp{match[5]}", "sle", (int(match[4]), int(match[5])))
    raise UsageError(f"expected a naming scheme such as v252, rhel-9.0 or sle15-sp3, got {text!r}")


def naming_of(guest: Guest) -> Naming | None:
    """How a guest OS names network interfaces by default; None where no source says it, or it is not Linux.

    Source: data/boot/naming-defaults.csv.
    """
    found = _default(guest)
    if found is None or found["names"] == "unknown":
        return None
    scheme = parse_scheme(found["scheme"]) if found["scheme"] else None
    return Naming(scheme, found["systemd"], "" if scheme else found["names"], found["source"])


def unknown_source(guest: Guest) -> str:
    """What is known of a Linux guest without a naming scheme, "" for nothing."""
    found = _default(guest)
    return "" if found is None else found["source"]


def _default(guest: Guest) -> dict[str, str] | None:
    """The row of a Linux guest in data/boot/naming-defaults.csv; None where it has none."""
    if guest.family != "linux":
        return None
    version = version_key(guest.version)
    rows = [row for row in facts.table(_DEFAULTS) if guest.distro in row["distros"].split()]
    if version:
        fitting = [row for row in rows if row["since"] != "rolling" and version >= version_key(row["since"])]
    else:
        fitting = [row for row in rows if row["since"] in ("rolling", "")]
    return fitting[-1] if fitting else None


@cache
def _features(scheme: Scheme) -> frozenset[str]:
    return frozenset(
        row["feature"]
        for row in facts.table(_FEATURES)
        if row["family"] == scheme.family
        and version_key(row["since"]) <= scheme.version
        and not (row["until"] and scheme.version >= version_key(row["until"]))
    )
