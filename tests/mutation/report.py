"""The table of scores by module, and each survivor with its place and its difference."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.runner import Outcome

__all__ = ["report"]

#: Survivors that no test can kill, each with the reason.
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
COLUMNS = ("mutants", "killed", "timeout", "survived", "equivalent")


def report(outcomes: list[Outcome], total: int, seed: int, seconds: float) -> str:
    """The report as text."""
    reasons = _reasons()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    survivors = []
    for outcome in sorted(outcomes, key=lambda one: (one.mutant.path, one.mutant.line, one.mutant.number)):
        mutant, state = outcome.mutant, outcome.state
        if state == "impossible":
            continue
        if state in ("survived", "untested"):
            reason = reasons.get(_key(mutant), "")
            survivors.append(_survivor(outcome, reason))
            state = "equivalent" if reason else "survived"
        for group in (mutant.path, "all"):
            counts[group][state] += 1
            counts[group]["mutants"] += 1
    width = max(map(len, counts))
    lines = [f"{'file':{width}}  " + "  ".join(f"{name:>10}" for name in COLUMNS) + "     score"]
    order = sorted(counts, key=lambda name: (name == "all", name))
    lines += [f"{name:{width}}  {_row(counts[name])}" for name in order]
    head = f"{counts['all']['mutants']} of {total} mutants, seed {seed}, {seconds:.0f} s"
    return "\n".join([head, "", *lines, "", *survivors]) + "\n"


def _row(count: Counter[str]) -> str:
    possible = count["mutants"] - count["equivalent"]
    score = (count["killed"] + count["timeout"]) / possible if possible else 1.0
    return "  ".join(f"{count[name]:10}" for name in COLUMNS) + f"  {score:7.1%}"


def _survivor(outcome: Outcome, reason: str) -> str:
    mutant = outcome.mutant
    gone, come = mutant.change()
    kind = f"equivalent, because {reason}" if reason else outcome.state
    tests = "no test executes it" if not outcome.tests else f"{outcome.tests} tests execute it"
    lines = [f"{mutant.path}:{mutant.line} {mutant.function} #{mutant.number}: {kind} ({tests})"]
    lines += [f"    - {line}" for line in gone] + [f"    + {line}" for line in come]
    return "\n".join(lines)


def _key(mutant: Mutant) -> tuple[str, str, tuple[str, ...]]:
    return mutant.path, mutant.function, mutant.change()[1]


def _reasons() -> dict[tuple[str, str, tuple[str, ...]], str]:
    """The reason of each known equivalent mutant, by file, function and the lines that it has instead."""
    if not EQUIVALENT.exists():
        return {}
    rows: Iterable[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")).get("mutant", ())
    return {(row["file"], row["function"], tuple(row["line"].splitlines())): row["reason"] for row in rows}
