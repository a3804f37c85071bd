"""Refusals that are one condition on one device each, from ``data/libvirt/constraints.csv``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from virtkit import facts
from virtkit.errors import Refused
from virtkit.releases import Release, in_release
from virtkit.resolution.constraints.conditions import Subject, Term, terms_of

__all__ = ["Rule", "rules"]

_PLACE = re.compile(r"\{([^}]+)\}")


class Rule(NamedTuple):
    """A condition under which a device is refused: its first term, and all terms, the quickest first."""

    first: Term
    terms: tuple[Term, ...]
    category: str
    refusal: str

    @property
    def reads_domain(self) -> bool:
        """Whether a term is about the domain."""
        return any(term.path[0] == "^" for term in self.terms)

    def check(self, subject: Subject) -> None:
        """Raises Refused when every term holds."""
        for term in self.terms:
            if not term.holds(subject):
                return
        what = _PLACE.sub(lambda place: subject.value(place[1]) or "", self.refusal)
        raise Refused(self.category, what, subject.label, subject.line)


def rules(at: Release) -> Iterator[tuple[str, Rule]]:
    """The rules of a release, each with the element that it is about."""
    for row in facts.table("libvirt/constraints.csv"):
        if in_release(row, at):
            terms = terms_of(row["when"])
            quickest = tuple(sorted(terms, key=lambda term: term.is_written))
            rule = Rule(terms[0], quickest, row["category"], row["refusal"])
            for element in row["elements"].split():
                yield element, rule
