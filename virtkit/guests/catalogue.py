"""All guests of one database, with lookups by short id, URI, alias and pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.display import Displayable
from virtkit.errors import GuestError
from virtkit.guests import shipped
from virtkit.guests.record import Guest, fits, version_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Catalogue", "catalogue"]

_WORDS = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True, repr=False)
class Catalogue(Displayable):
    """The guests of a database in order of family, distribution and version.

    ``names`` maps every short id, alias and URI to its guest. ``virtkit.catalogue`` reads one.

    >>> import virtkit as vk
    >>> catalogue = vk.catalogue()
    >>> catalogue.find("rhel6.10")
    <Guest rhel6.10 (Red Hat Enterprise Linux 6.10): 8 devices listed>
    >>> [guest.id for guest in catalogue.select("debian1?")]
    ['debian10', 'debian11', 'debian12', 'debian13']
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
        """The guest with this short id, URI or alias, or the guest that a name as people write it stands for.

        Takes "Windows Server 2022", the newest minor release for "rhel8", an appliance ("opnsense 24.7") and a kernel
        ("linux-5.10"). A kernel of the guest follows a colon ("debian12:cloud", "debian13:installer"). The ``note`` of
        the guest says how a name was understood that is not exact. Raises GuestError with the most similar ids when
        the name stands for nothing that is known.

        >>> from virtkit import catalogue
        >>> catalogue().find("rhel8").note
        "'rhel8' is taken as rhel8.10, the newest release of 8 in osinfo-db 20260517"
        >>> catalogue().find("rehl6")
        Traceback (most recent call last):
        ...
        virtkit.errors.GuestError: no guest OS called 'rehl6' in osinfo-db 20260517; nearest: rhel6.10, rhel6.9, ...
        """
        exact = self.names.get(name) or self.names.get(name.strip().lower())
        if exact is not None:
            return exact
        from virtkit.guests.flavours import split, with_flavour
        from virtkit.guests.names import similar, understood

        base, flavour = split(name)
        if flavour:
            return with_flavour(self.find(base), flavour)

        guest = understood(name, self.guests, self.database)
        if guest is None:
            near = similar(name, self.guests)
            hint = f"; nearest: {', '.join(near)}" if near else "; virtkit guests lists them"
            raise GuestError(f"no guest OS called {name!r} in {self.database}{hint}")
        return guest

    def with_virtio_win(self, release: str) -> Catalogue:
        """The same guests, with this virtio-win release installed in those of Windows.

        Raises UsageError for a release whose drivers are not known.
        """
        from virtkit.guests.virtio_win import checked_release

        release = checked_release(release)
        return _build(
            f"{self.database}, virtio-win {release}",
            tuple(replace(g, virtio_win=release) if g.family == "winnt" else g for g in self.guests),
        )

    def select(self, selection: str | None = None) -> tuple[Guest, ...]:
        """The guests that a selection names, in the order of the database.

        ``selection`` is "all", or words separated by commas or blanks: what ``find`` takes, a pattern with ``*`` or
        ``?`` for short ids, or KEY=VALUE where KEY is family, distro or status. Guests that are not in the database
        (kernels, appliances) come last. Raises GuestError for a word that matches no guest.

        >>> from virtkit import catalogue
        >>> [guest.id for guest in catalogue().select("rhel6.1*, win10")]
        ['rhel6.1', 'rhel6.10', 'win10']
        """
        words = self._words(selection or "all")
        if not words or "all" in words:
            return self.guests
        chosen: dict[str, Guest | None] = {}
        for word in words:
            key, equals, value = word.partition("=")
            if equals and key in ("family", "distro", "status"):
                found = [g.uri for g in self.guests if getattr(g, key) == value]
            elif any(sign in word for sign in "*?["):
                found = [g.uri for g in self.guests if fits(g.id, word)]
            else:
                guest = self.find(word)
                found = [guest.uri]
                if guest.note or guest.uri not in self.names:
                    chosen[guest.uri] = guest
            if not found:
                raise GuestError(f"no guest OS in {self.database} matches {word!r}")
            for uri in found:
                chosen.setdefault(uri, None)
        others = (guest for uri, guest in chosen.items() if guest is not None and uri not in self.names)
        return (*(chosen[g.uri] or g for g in self.guests if g.uri in chosen), *others)

    def _words(self, selection: str) -> list[str]:
        """The words of a selection; a part between commas that is a guest's name as a whole is one word."""
        words: list[str] = []
        for part in selection.split(","):
            name = part.strip()
            whole = " " in name and not any(sign in name for sign in "*?[=")
            words += [name] if whole and self._understands(name) else [word for word in _WORDS.split(name) if word]
        return words

    def _understands(self, name: str) -> bool:
        """Whether a name with blanks stands for a guest."""
        from virtkit.guests.names import understood

        return understood(name, self.guests, self.database) is not None

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
    from virtkit.guests import osinfo

    database = osinfo.read(*locations)
    return _build(f"osinfo-db {database.version}", database.guests)
