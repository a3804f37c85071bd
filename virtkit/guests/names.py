"""The guest that a name stands for, as people write it: "Windows Server 2022", "rhel8", "opnsense 24.7"."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests import appliances
from virtkit.guests.kernels import kernel_guest
from virtkit.guests.record import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from virtkit.guests.record import Guest

__all__ = ["similar", "understood"]

_IGNORED = re.compile(r"[\s_/()-]+|microsoft|gnulinux|\bgnu\b")
#: How other programs write names: a separator between numbers (ubuntu_22_04), and VMware's suffix (rhel8_64Guest).
_NUMBERS = re.compile(r"(?<=\d)[\s_-](?=\d)")
_VMWARE = re.compile(r"_?(64)?guest$")
#: A release without its dot: ubuntu2204.
_UNDOTTED = re.compile(r"(\d\d)(\d\d)")
_PARTS = re.compile(r"(\D*?)v?(\d.*)?")
#: Words behind a version that name an edition, an architecture or a term of support, and no other drivers.
_EDITION = re.compile(
    r"(datacenter|standard|enterprise|professional|pro|home|education|essentials|ltsc|lts|ltr|server|desktop|workstation|"
    r"ultimate|core|minimal|cloud|x64|x8664|amd64|64bit|release|evaluation|eval)+$"
)
#: What os-release writes in brackets: Debian GNU/Linux 12 (bookworm). A service pack: Windows 7 SP1.
_BRACKETS = re.compile(r"\([^()]*\)")
_SERVICE_PACK = re.compile(r"(?<=[\da-z])sp\d$")
_SUGGESTIONS = 4
#: Releases that are older than the latest one by more years do not count as the newest of their distribution.
_YEARS = 3
#: The database's generic Linux systems have no newest one.
_GENERIC = "linux"


@dataclass(frozen=True, slots=True)
class _Index:
    """The guests of a database by plain name, and by stem ("rhel") and version ("8.10")."""

    plain: Mapping[str, Guest]
    stems: Mapping[str, tuple[tuple[str, Guest], ...]]


def understood(name: str, guests: tuple[Guest, ...], database: str) -> Guest | None:
    """The guest of ``guests`` that ``name`` stands for; its ``note`` says how a name was understood that is not exact.

    Knows names and aliases in any spelling, major releases, names without a release, appliances and Linux kernels.
    None when the name stands for nothing that is known.
    Sources: osinfo-db names, data/guests/names.csv, stems.csv, appliances.toml, kernels.csv.
    """
    name = _without_uri(name)
    index = _index(guests)
    plain = _plain(name)
    if not plain:
        return None
    for text in _readings(name, plain):
        found = index.plain.get(text) or _named(text, name, index) or _appliance(text, index)
        found = found or kernel_guest(name) or _by_version(text, name, index, database)
        if found is not None:
            return found
    return None


def _readings(name: str, plain: str) -> Iterator[str]:
    """A name in its plain form, then without its edition, without what is in brackets, and without a service pack.

    A service pack of SUSE is a release of its own, one of Windows is not.
    """
    yield plain
    yield _EDITION.sub("", plain)
    outside = _plain(_BRACKETS.sub(" ", name))
    yield _EDITION.sub("", outside)
    if outside.startswith("win"):
        yield _EDITION.sub("", _SERVICE_PACK.sub("", outside))


def similar(name: str, guests: tuple[Guest, ...]) -> list[str]:
    """Up to 4 ids of guests whose names are similar to ``name``, the most likely first.

    A distribution that is spelled right is never replaced by another; among equally similar ones the newer comes first.
    """
    index = _index(guests)
    stem, version = _split(_EDITION.sub("", _plain(_without_uri(name))))
    if not stem and not version:
        return []
    if not stem:
        return _ranked(((0, entry) for entries in index.stems.values() for entry in entries if entry[0] == version), "")
    if stem in index.stems:
        return _ranked(((0, entry) for entry in index.stems[stem]), version)
    allowed = max(1, len(stem) // 4)
    near = {known: _distance(stem, known) for known in index.stems}
    entries = ((near[known], entry) for known in near if near[known] <= allowed for entry in index.stems[known])
    return _ranked(entries, version)


def _ranked(entries: Iterable[tuple[int, tuple[str, Guest]]], version: str) -> list[str]:
    ordered = sorted(
        entries,
        key=lambda one: (-one[0], _alike(one[1][0], version), one[1][1].release, version_key(one[1][0])),
        reverse=True,
    )
    return list(dict.fromkeys(guest.id for _, (_, guest) in ordered))[:_SUGGESTIONS]


def _alike(version: str, asked: str) -> int:
    """How many leading numbers of a version are as asked: 1 for 9.7 and 9.9."""
    count = 0
    for one, other in zip(version_key(version), version_key(asked), strict=False):
        if one != other:
            break
        count += 1
    return count


def _without_uri(name: str) -> str:
    """The last two parts of a URI as a name: "http://redhat.com/rhel/9.9" gives "rhel 9.9"."""
    return " ".join(name.rstrip("/").split("/")[-2:]) if "://" in name else name


def _plain(name: str) -> str:
    """The name in lower case, without blanks, hyphens, underscores and words that name no system."""
    dotted = _NUMBERS.sub(".", _VMWARE.sub("", name.strip().lower()))
    return _IGNORED.sub("", _IGNORED.sub("", dotted))


def _split(plain: str) -> tuple[str, str]:
    """Stem and version: "rhel8.10" gives ("rhel", "8.10")."""
    found = _PARTS.fullmatch(plain)
    return (found[1], found[2] or "") if found else (plain, "")


def _begins(version: str, asked: str) -> bool:
    """Whether ``version`` is ``asked`` or a part of it: "8.10" is a part of "8", not of "8.1"."""
    return not asked or (version.startswith(asked) and not version[len(asked) : len(asked) + 1].isdigit())


@lru_cache(maxsize=4)
def _index(guests: tuple[Guest, ...]) -> _Index:
    plain: dict[str, Guest] = {}
    stems: dict[str, dict[str, Guest]] = {}
    shared = Counter(guest.name for guest in guests)
    for guest in guests:
        # Names such as "Fedora" and "openSUSE" belong to records that stand for an unknown release.
        unique = shared[guest.name] == 1 and not guest.id.endswith("-unknown")
        texts = (guest.id, guest.name, *guest.aliases) if unique else (guest.id, *guest.aliases)
        own = [text for text in map(_plain, texts) if text]
        for text in own:
            plain.setdefault(text, guest)
            stem, version = _split(text)
            stems.setdefault(stem, {}).setdefault(version, guest)
        stem, _ = _split(own[0])
        if guest.family not in ("winnt", "win9x", "win16") and stem:
            stems[stem].setdefault(_plain(guest.version), guest)
    for guest in guests:
        # The code name of a release also stands alone: debianbookworm is bookworm.
        for alias in guest.aliases:
            if guest.distro and alias.startswith(guest.distro):
                plain.setdefault(_plain(alias.removeprefix(guest.distro)), guest)
    for row in facts.table("guests/stems.csv"):
        known = stems.setdefault(row["name"], {})
        for stem in row["stems"].split():
            for version, guest in stems.get(stem, {}).items():
                known.setdefault(version, guest)
    return _Index(
        MappingProxyType(plain), MappingProxyType({stem: tuple(found.items()) for stem, found in stems.items()})
    )


@lru_cache(maxsize=1)
def _written() -> Mapping[str, dict[str, str]]:
    return {_plain(word): row for row in facts.table("guests/names.csv") for word in row["names"].split(";")}


def _named(plain: str, name: str, index: _Index) -> Guest | None:
    """The guest that the table of names gives."""
    row = _written().get(plain)
    guest = index.plain.get(_plain(row["guest"])) if row else None
    if row is None or guest is None:
        return None
    return replace(guest, note=f"'{name}' is taken as {guest.id}: {row['note']}") if row["note"] else guest


def _appliance(plain: str, index: _Index) -> Guest | None:
    stem, version = _split(plain)
    found = appliances.appliance(stem, version)
    if found is None:
        return None
    if not found.base:
        return found.unknown_guest()
    base = index.plain.get(_plain(found.base)) or kernel_guest(found.base)
    return None if base is None else replace(base, note=found.note_on(base))


def _by_version(plain: str, name: str, index: _Index, database: str) -> Guest | None:
    """The newest guest of a distribution or of a major release, or the guest that covers a release."""
    stem, asked = _split(plain)
    entries = [(v, g) for v, g in index.stems.get(stem, ()) if v[:1].isdigit() and "unknown" not in v]
    if not stem or not entries or (stem == _GENERIC and not asked):
        return None
    known = dict(entries)
    exact = known.get(asked) or known.get(_UNDOTTED.sub(r"\1.\2", asked, count=1))
    if exact is not None:
        return exact
    released = [(v, g) for v, g in entries if g.status == "released"] or entries
    parts = [(v, g) for v, g in released if _begins(v, asked)]
    if parts and asked:
        _, guest = max(parts, key=lambda one: version_key(one[0]))
        return replace(guest, note=f"'{name}' is taken as {guest.id}, the newest release of {asked} in {database}")
    if parts:
        guest = _newest(parts)
        return replace(guest, note=f"'{name}' names no release and is taken as {guest.id}, the newest in {database}")
    covering = [(v, g) for v, g in entries if asked.startswith(f"{v}.")]
    if covering:
        _, guest = max(covering, key=lambda one: len(one[0]))
        return replace(guest, note=f"'{name}' is taken as {guest.id}, which stands for its updates in {database}")
    return None


def _newest(entries: list[tuple[str, Guest]]) -> Guest:
    """The guest of the highest version among those of the last years: openSUSE counts anew after 42.3."""
    latest = max(guest.release[:4] for _, guest in entries)
    recent = [entry for entry in entries if not latest or int(latest) - int(entry[1].release[:4] or 0) <= _YEARS]
    return max(recent, key=lambda one: version_key(one[0]))[1]


def _distance(one: str, other: str) -> int:
    """The number of letters to insert, delete, replace or exchange with their neighbour (optimal string alignment)."""
    if abs(len(one) - len(other)) > max(1, len(one) // 3):
        return len(one) + len(other)
    before: list[int] = []
    row = list(range(len(other) + 1))
    for n, letter in enumerate(one, 1):
        earlier, before, row = before, row, [n]
        for m, sign in enumerate(other, 1):
            best = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != sign))
            if n > 1 and m > 1 and letter == other[m - 2] and one[n - 2] == sign:
                best = min(best, earlier[m - 2] + 1)
            row.append(best)
    return row[-1]
