"""Names of guests for tables and charts: by which they are called, sorted and grouped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from virtkit.guests.families import FAMILIES

__all__ = ["FAMILIES", "Label", "kin", "label", "span"]

#: The distributions that most people run, in the order in which pages show them; the others follow by name.
_FIRST = ("rhel", "ubuntu", "debian", "win", "centos", "rocky", "almalinux", "fedora", "ol", "sle", "sles", "opensuse")

@dataclass(frozen=True, slots=True)
class Label:
    """Names of a guest: short ``id``, full ``name``, ``family`` and ``distro`` to group by, ``version``."""

    id: str
    name: str
    family: str
    distro: str
    version: str

    @property
    def order(self) -> tuple[object, ...]:
        """The sort key: family, distribution, then the numbers of the release."""
        families = list(FAMILIES)
        place = families.index(self.family) if self.family in families else len(families)
        return (place, self.family, self.distro, self.numbers, self.id)

    @property
    def rank(self) -> tuple[object, ...]:
        """The sort key of rows on pages: family, the distributions that most people run first, newest release first."""
        place, family, distro, _, ident = self.order
        first = _FIRST.index(self.distro) if self.distro in _FIRST else len(_FIRST)
        return (place, family, first, distro, tuple(-number for number in self.numbers) or (0,), ident)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the release: (6, 10)."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version or self.id))

    @property
    def line(self) -> str:
        """The name without its version."""
        if self.version and self.name.endswith(self.version):
            return self.name[: -len(self.version)].rstrip()
        return self.name


def label(ident: str) -> Label:
    """A label made from a short id alone: "rhel6.10" belongs to the distribution "rhel"."""
    stem = re.match(r"[^\d]*", ident)
    line = (stem[0] if stem else "").rstrip("-._") or ident
    return Label(ident, ident, "", line, ident[len(stem[0]) if stem else 0 :])


def span(run: list[Label]) -> str:
    """The name of consecutive releases of a distribution: "Fedora Linux 40 to 44"."""
    first, last = run[0], run[-1]
    if len(run) == 1:
        return first.name
    if first.line == last.line and first.line != first.name and last.version:
        return f"{first.line} {first.version} to {last.version}"
    return f"{first.name} to {last.name}"


def kin(members: Iterable[Label]) -> str:
    """The name of a group of releases: the words that all their names begin with, or else the commonest name."""
    some = list(members)
    if len(some) == 1:
        return some[0].name
    names = [one.line.split() for one in some]
    shared = [words[0] for words in takewhile(lambda words: len(set(words)) == 1, zip(*names, strict=False))]
    while shared and shared[-1][0].isdigit():
        shared.pop()
    if shared:
        return " ".join(shared)
    (name, _), *_ = Counter(one.line for one in some).most_common(1)
    return name
