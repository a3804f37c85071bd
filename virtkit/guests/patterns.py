"""Lists of patterns of short ids, and which of many lists a guest fits."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.guests.record import Guest

__all__ = ["PatternIndex"]

_WILDCARD = re.compile(r"[*?[]")


class PatternIndex:
    """Lists of patterns, found by guest: each pattern is a short id, "family=F", "distro=D" or has wildcards.

    A name is looked up, and so is what stands before the first wildcard of a pattern.
    """

    __slots__ = ("_beginnings", "_exact", "_lengths")

    def __init__(self, lists: Iterable[Sequence[str]]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._beginnings: dict[str, list[tuple[int, re.Pattern[str] | None]]] = {}
        for number, patterns in enumerate(lists):
            for pattern in patterns:
                wildcard = _WILDCARD.search(pattern)
                if wildcard is None:
                    self._exact.setdefault(pattern, []).append(number)
                else:
                    # What begins as a name and ends in its only wildcard needs no more than the beginning.
                    rest = None if pattern[wildcard.start() :] == "*" else re.compile(translate(pattern))
                    self._beginnings.setdefault(pattern[: wildcard.start()], []).append((number, rest))
        self._lengths = {len(beginning) for beginning in self._beginnings}

    def lists_of(self, guest: Guest) -> list[int]:
        """The numbers of the lists with a pattern that the guest fits, in order."""
        name, exact = guest.id, self._exact
        family, distro = f"family={guest.family}", f"distro={guest.distro}"
        found = {*exact.get(name, ()), *exact.get(family, ()), *exact.get(distro, ())}
        for end in self._lengths:
            for number, rest in self._beginnings.get(name[:end], ()):
                if rest is None or rest.match(name):
                    found.add(number)
        return sorted(found)
