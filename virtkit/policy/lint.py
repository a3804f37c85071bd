"""Finds doubtful rules in a well-formed policy: rules without effect, missing defaults, overlapping rules."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from virtkit.guests import KINDS, catalogue
from virtkit.policy.decide import Circumstances, Situation, fits
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from virtkit.guests import Guest
    from virtkit.policy.rules import Policy, Rule

__all__ = ["lint", "remarks"]

_MACHINES = ("pc", "q35")
#: Conditions that hold when one of their values fits; for the others all values must fit.
_ONE_OF = ("family", "distro", "first-nic", "machine", "arch", "firmware", "model", "interface", "verdict")

#: Guest, machine, kind, and the circumstances for which the rule is made.
_Cell = tuple[str, str, str, Circumstances]


def lint(policy: Policy) -> tuple[str, ...]:
    """Errors that the rules alone show, with file and line: rules never reached, subjects without a rule or default.

    Only the rules of the policy's release count, and not those of a policy that it extends. A condition ``asked`` must
    name kinds or requests of the policy. A rule is never reached when, for the machine or for each of its kinds, an
    earlier rule has no condition or one that holds wherever this rule's condition holds.
    """
    said: list[str] = []
    hidden: dict[int, list[str]] = {}
    deciding = any(rule.outcome != "finding" for rule in policy.current)
    for subject in ("machine", *KINDS) if deciding else ():
        about = policy.about.get(subject, ())
        if not about:
            said.append(f"{policy.file}: no rule for {subject}")
        elif about[-1].when:
            said.append(f"{policy.file}:{about[-1].line}: {subject}: no default, because the last rule has a condition")
    for about in policy.about.values():
        for number, rule in enumerate(about):
            earlier = next((one for one in about[:number] if _within(rule.when, one.when)), None)
            if earlier is not None and rule.file == policy.file:
                hidden.setdefault(rule.line, []).append(f"line {earlier.line} {_why_hidden(earlier, rule)}")
    words = {"all", *KINDS, *policy.requests}
    for rule in policy.current:
        if rule.file != policy.file:
            continue
        said += [
            f"{policy.file}:{rule.line}: asked: {word!r} is not one of the policy's requests"
            for word in _asked(rule.when)
            if word not in words
        ]
        if len(hidden.get(rule.line, ())) == len(rule.subjects):
            said.append(f"{policy.file}:{rule.line}: never reached: {hidden[rule.line][0]}")
    return tuple(said)


def remarks(policy: Policy, guests: Sequence[Guest] | None = None) -> tuple[str, ...]:
    """What the guest database shows about the rules on pc and q35, with file and line; none of it has to be an error.

    Reported are a rule that applies to no guest; a rule that decides for no guest, because earlier rules apply to all
    its guests; and two overlapping rules: both apply to a guest, neither condition implies the other, they give
    different results, so their order decides. Rules that give findings are left out.
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
            # A default may apply to no guest of today: it is for future ones.
            if rule.when and rule.file == policy.file:
                fitting.setdefault(rule.line, set()).update(cells)
            decided = cells - taken
            deciding.setdefault(rule.line, set()).update(decided)
            for earlier, others in seen:
                both = cells & others
                own = rule.file == earlier.file == policy.file
                if both and own and earlier.gives != rule.gives and _cross(earlier, rule):
                    overlaps.setdefault((earlier.line, rule.line), set()).update(both)
            taken |= decided
            seen.append((rule, decided))
    for line, cells in fitting.items():
        if not cells:
            said.setdefault(line, []).append("applies to no guest of the database")
        elif not deciding[line]:
            said.setdefault(line, []).append(
                f"decides for no guest of the database: earlier rules already apply to its {_guests(cells)}"
            )
    for (earlier_line, line), cells in overlaps.items():
        guest, machine, _, _ = min(cells, key=lambda cell: cell[:3])
        example = f"{guest} on {machine}" if machine else guest
        text = f"overlaps with line {earlier_line}, which decides for {_guests(cells)} (such as {example})"
        said.setdefault(line, []).append(text)
    return tuple(f"{policy.file}:{line}: {text}" for line in sorted(said) for text in said[line])


def _why_hidden(earlier: Rule, rule: Rule) -> str:
    """How an earlier rule keeps a later one from being reached."""
    if not earlier.when:
        return "applies to everything"
    return "has the same condition" if _plain(rule.when) == _plain(earlier.when) else "applies wherever this rule does"


def _guests(cells: set[_Cell]) -> str:
    return counted(len({cell[0] for cell in cells}), "guest")


def _cross(one: Rule, other: Rule) -> bool:
    return not _within(one.when, other.when) and not _within(other.when, one.when)


def _cells(rule: Rule, subject: str, guests: Sequence[Guest], corrected: bool) -> Iterator[_Cell]:
    kind = subject if subject in KINDS else ""
    about = _circumstances(rule.when)
    machines = dict.fromkeys((*_MACHINES, *rule.when.get("machine", ()))) if subject != "machine" else ("",)
    for guest in guests:
        drivers: dict[tuple[str, bool], Any] = {}
        for machine in machines:
            situation = Situation(guest, machine, kind, drivers=drivers, about=about)
            if fits(rule.when, situation, corrected):
                yield guest.id, machine, kind, about


def _circumstances(when: Mapping[str, Any]) -> Circumstances:
    """Circumstances in which the rule can apply: an architecture, a firmware and requests that it names."""
    return Circumstances(
        when.get("arch", ("x86_64",))[0], when.get("firmware", ("bios",))[0], frozenset(when.get("asked", ()))
    )


def _asked(when: Mapping[str, Any]) -> Iterator[str]:
    """The words of ``asked`` in conditions, also within ``not``."""
    for name, value in when.items():
        if name == "asked":
            yield from value
        elif name in ("not", "database"):
            yield from _asked(value)


def _within(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> bool:
    """Whether ``outer`` holds wherever ``inner`` holds, judged by their words."""
    return all(_implied(name, value, inner) for name, value in outer.items())


def _implied(name: str, outer: Any, inner: Mapping[str, Any]) -> bool:
    if name == "driver":
        # A guest with a legacy or a modern driver has a driver.
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
