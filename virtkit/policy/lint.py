"""What is doubtful in a policy that is well-formed: rules in vain, missing defaults, rules that overlap."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from virtkit.guests import KINDS, catalogue
from virtkit.policy.decide import Situation, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from virtkit.guests import Guest
    from virtkit.policy.document import Policy, Rule

__all__ = ["lint", "remarks"]

_MACHINES = ("pc", "q35")
#: Predicates that hold when one of their values fits; of the others all must.
_ONE_OF = ("family", "distro", "machine", "model", "interface", "verdict")

_Cell = tuple[str, str, str]


def lint(policy: Policy) -> tuple[str, ...]:
    """What is wrong by the rules alone, with file and line: rules never reached, subjects without rule or default.

    A rule is never reached when, for the machine or for each of its kinds, an earlier rule takes all or has a
    condition that holds wherever this one's does.
    """
    said: list[str] = []
    hidden: dict[int, list[str]] = {}
    deciding = any(rule.outcome != "finding" for rule in policy.rules)
    for subject in ("machine", *KINDS) if deciding else ():
        about = policy.about.get(subject, ())
        if not about:
            said.append(f"{policy.file}: no rule for {subject}")
        elif about[-1].when:
            said.append(f"{policy.file}:{about[-1].line}: {subject}: no default: the last rule has a condition")
    for about in policy.about.values():
        for number, rule in enumerate(about):
            earlier = next((one for one in about[:number] if _within(rule.when, one.when)), None)
            if earlier is not None:
                same = _plain(rule.when) == _plain(earlier.when)
                why = (
                    "takes all" if not earlier.when else "has the same condition" if same else "holds wherever it does"
                )
                hidden.setdefault(rule.line, []).append(f"line {earlier.line} {why}")
    for rule in policy.rules:
        if len(hidden.get(rule.line, ())) == len(rule.subjects):
            said.append(f"{policy.file}:{rule.line}: never reached: {hidden[rule.line][0]}")
    return tuple(said)


def remarks(policy: Policy, guests: Sequence[Guest] | None = None) -> tuple[str, ...]:
    """What the guest OS database says of the rules, with file and line, on pc and q35; nothing of it need be wrong.

    A rule that fits no guest; one that decides for none, because each that fits it fits an earlier rule; two rules
    that overlap: neither condition holds wherever the other does, both fit a guest, they give different things, and
    their order decides. Rules that give findings are left out.
    """
    known = tuple(catalogue() if guests is None else guests)
    said: dict[int, list[str]] = {}
    fitting: dict[int, set[_Cell]] = {}
    deciding: dict[int, set[_Cell]] = {}
    overlaps: dict[tuple[int, int], set[_Cell]] = {}
    for subject, about in policy.about.items():
        if subject.startswith("finding "):
            continue
        taken: set[_Cell] = set()
        seen: list[tuple[Rule, set[_Cell]]] = []
        for rule in about:
            cells = set(_cells(rule, subject, known, policy.knows == "corrected"))
            # A default is there for guests that nobody foresaw.
            if rule.when:
                fitting.setdefault(rule.line, set()).update(cells)
            decided = cells - taken
            deciding.setdefault(rule.line, set()).update(decided)
            for earlier, others in seen:
                both = cells & others
                if both and earlier.gives != rule.gives and _cross(earlier, rule):
                    overlaps.setdefault((earlier.line, rule.line), set()).update(both)
            taken |= decided
            seen.append((rule, decided))
    for line, cells in fitting.items():
        if not cells:
            said.setdefault(line, []).append("fits no guest of the database")
        elif not deciding[line]:
            count = _count(cells)
            said.setdefault(line, []).append(
                f"decides for no guest of the database: {count} fit it and an earlier rule"
            )
    for (earlier_line, line), cells in overlaps.items():
        guest, machine, _ = min(cells)
        example = f"{guest} on {machine}" if machine else guest
        text = f"overlaps with line {earlier_line}, which decides for {_count(cells)} that fit both, such as {example}"
        said.setdefault(line, []).append(text)
    return tuple(f"{policy.file}:{line}: {text}" for line in sorted(said) for text in said[line])


def _why(earlier: Rule, rule: Rule) -> str:
    if not earlier.when:
        return "takes all"
    return "has the same condition" if _plain(rule.when) == _plain(earlier.when) else "holds wherever it does"


def _count(cells: set[_Cell]) -> str:
    guests = len({guest for guest, _, _ in cells})
    return f"{guests} guest{'s' * (guests != 1)}"


def _cross(one: Rule, other: Rule) -> bool:
    return not _within(one.when, other.when) and not _within(other.when, one.when)


def _cells(rule: Rule, subject: str, guests: Sequence[Guest], corrected: bool) -> Iterator[_Cell]:
    kind = "" if subject == "machine" else subject
    for guest in guests:
        drivers: dict[tuple[str, bool], Any] = {}
        for machine in _MACHINES if kind else ("",):
            if fits(rule.when, Situation(guest, machine, kind, drivers=drivers), corrected):
                yield guest.id, machine, kind


def _within(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> bool:
    """Whether ``outer`` holds wherever ``inner`` does, as far as their words tell."""
    return all(_implied(name, value, inner) for name, value in outer.items())


def _implied(name: str, outer: Any, inner: Mapping[str, Any]) -> bool:
    if name == "driver":
        # Whoever has one of the two drivers has a driver.
        given = {kind for word in ("driver", "legacy", "modern") for kind in inner.get(word, ())}
        return given >= set(outer)
    if name not in inner:
        return False
    value = inner[name]
    if name == "not":
        return _within(outer, value)
    if name == "database":
        return _within(value, outer)
    if name == "guest":
        return all(any(fnmatchcase(one, pattern) for pattern in outer) for one in value)
    if isinstance(outer, bool):
        return value is outer
    return set(value) <= set(outer) if name in _ONE_OF else set(value) >= set(outer)


def _plain(when: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if isinstance(value, tuple | bool) else _plain(value) for name, value in when.items()}
