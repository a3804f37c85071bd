"""All guests of one database, with lookups by short id, URI, alias and pattern."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.display import Displayable
from virtkit.errors import GuestError
from virtkit.guests import osinfo, shipped
from virtkit.guests.record import Guest, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Catalogue", "catalogue"]

_WORDS = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True, repr=False)
class Catalogue(Displayable):
    """The guests of a database in order of family, distribution and version.

    ``names`` maps every short id, alias and URI to its guest.
    """

    database: str
    guests: tuple[Guest, ...]
    names: Mapping[str, Guest]

    def __repr__(self) -> str:
        return f"<Catalogue of {len(self.guests)} guests, {self.database}>"

    def __len__(self) -> int:
        return len(self.guests)

    def __iter__(self) -> Iterator[Guest]:
        return iter(self.guests)

    def find(self, name: str) -> Guest:
        """The guest with this short id, URI or alias, in any letter case.

        Raises GuestError with similar ids when there is none.

        >>> from virtkit import catalogue
        >>> catalogue().find("rhel6")
        Traceback (most recent call last):
        ...
        virtkit.errors.GuestError: no guest OS called 'rhel6' in osinfo-db 20260517; nearest: ...
        """
        guest = self.names.get(name) or self.names.get(name.strip().lower())
        if guest is None:
            near = difflib.get_close_matches(name.lower(), self.names, n=4, cutoff=0.5)
            hint = f"; nearest: {', '.join(near)}" if near else ""
            raise GuestError(f"no guest OS called {name!r} in {self.database}{hint}")
        return guest

    def select(self, selection: str | None = None) -> tuple[Guest, ...]:
        """The guests that a selection names, in the order of the database.

        ``selection`` is "all", or words separated by commas or blanks: a short id, URI or alias, a pattern with ``*``
        or ``?`` for short ids, or KEY=VALUE where KEY is family, distro or status. Raises GuestError for a word that
        matches no guest.

        >>> from virtkit import catalogue
        >>> [guest.id for guest in catalogue().select("rhel6.1*, win10")]
        ['rhel6.1', 'rhel6.10', 'win10']
        """
        words = [word for word in _WORDS.split(selection or "all") if word]
        if not words or "all" in words:
            return self.guests
        chosen: set[str] = set()
        for word in words:
            key, equals, value = word.partition("=")
            if equals and key in ("family", "distro", "status"):
                found = [g.uri for g in self.guests if getattr(g, key) == value]
            elif any(sign in word for sign in "*?["):
                found = [g.uri for g in self.guests if fnmatchcase(g.id, word)]
            else:
                found = [self.find(word).uri]
            if not found:
                raise GuestError(f"no guest OS in {self.database} matches {word!r}")
            chosen.update(found)
        return tuple(g for g in self.guests if g.uri in chosen)

    def search(self, text: str) -> tuple[Guest, ...]:
        """The guests whose ids, name, vendor, distribution or URI contain every word of ``text``."""
        words = text.lower().split()
        return tuple(
            g
            for g in self.guests
            if all(
                word in f"{g.id} {' '.join(g.aliases)} {g.name} {g.vendor} {g.distro} {g.uri}".lower() for word in words
            )
        )


def _order(guest: Guest) -> tuple[str, str, tuple[int, ...], str]:
    return guest.family, guest.distro, version_key(guest.version), guest.id


def _build(database: str, guests: tuple[Guest, ...]) -> Catalogue:
    ordered = tuple(sorted(guests, key=_order))
    names: dict[str, Guest] = {}
    for guest in ordered:
        names[guest.id] = guest
        names[guest.uri] = guest
    for guest in ordered:
        for alias in guest.aliases:
            names.setdefault(alias, guest)
    return Catalogue(database, ordered, MappingProxyType(names))


@cache
def _shipped() -> Catalogue:
    return _build(*shipped.load())


def catalogue(*locations: str | Path) -> Catalogue:
    """The guests of the osinfo-db at ``locations`` (folders or tarballs); without locations the shipped guests.

    Raises GuestError for an unreadable database, FactsError for broken facts.

    >>> import virtkit as vk
    >>> vk.catalogue().find("rhel6.10")
    <Guest rhel6.10 (Red Hat Enterprise Linux 6.10): 8 devices listed>
    >>> [guest.id for guest in vk.catalogue().search("windows xp")]
    ['winxp']
    """
    if not locations:
        return _shipped()
    database = osinfo.read(*locations)
    return _build(f"osinfo-db {database.version}", database.guests)
