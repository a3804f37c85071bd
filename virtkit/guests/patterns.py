"""Lists of patterns of short ids, and which of many lists a guest fits."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.guests.record import Guest

__all__ = ["PatternIndex"]

_WILDCARDS = frozenset("*?[")


class PatternIndex:
    """Lists of patterns, found by guest: each pattern is a short id, "family=F", "distro=D" or has wildcards.

    A name, and a name's beginning with ``*``, is looked up; only other patterns are compared one by one.
    """

    __slots__ = ("_beginnings", "_exact", "_lengths", "_others")

    def __init__(self, lists: Iterable[Sequence[str]]) -> None:
        self._exact: dict[str, list[int]] = {}
        self._beginnings: dict[str, list[int]] = {}
        self._others: list[tuple[re.Pattern[str], int]] = []
        for number, patterns in enumerate(lists):
            for pattern in patterns:
                if not _WILDCARDS.intersection(pattern):
                    self._exact.setdefault(pattern, []).append(number)
                elif pattern.endswith("*") and not _WILDCARDS.intersection(pattern[:-1]):
                    self._beginnings.setdefault(pattern[:-1], []).append(number)
                else:
                    self._others.append((re.compile(translate(pattern)), number))
        self._lengths = {len(beginning) for beginning in self._beginnings}

    def lists_of(self, guest: Guest) -> list[int]:
        """The numbers of the lists with a pattern that the guest fits, in order."""
        name = guest.id
        found: set[int] = set()
        for word in (name, f"family={guest.family}", f"distro={guest.distro}"):
            found.update(self._exact.get(word, ()))
        for end in self._lengths:
            found.update(self._beginnings.get(name[:end], ()))
        for pattern, number in self._others:
            if pattern.match(name):
                found.add(number)
        return sorted(found)
