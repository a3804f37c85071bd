"""Mutation testing: whether the fast tests notice small changes of the rules. ``make mutants`` runs it.

    python -m tests.mutation --sample 1000 --seed 1
    python -m tests.mutation --only addresses/pci.py --jobs 2
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.mutation.mutants import ROOT, Mutant, mutants_of, sources
from tests.mutation.report import report
from tests.mutation.runner import Outcome, Runner

#: The tests of the rules that are mutated. Other tests execute them too; without those the score can only be lower.
TESTS = ("resolve", "slots", "interface", "compat", "machines", "hotplug", "parse", "questions", "policy/test_slots.py")
FAST = "not (system or package or live or corpora or slow or notebook or browser or property)"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, default=1000, metavar="N", help="mutants to run (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the sample (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only mutants of files whose path contains TEXT")
    parser.add_argument("--again", nargs="*", default=[], metavar="ID", help="only these mutants: PATH#NUMBER")
    parser.add_argument("--tests", nargs="*", default=[], metavar="PATH", help="tests to run (default: all fast tests)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="mutants at a time (default: %(default)s)")
    parser.add_argument(
        "--budget", type=float, default=4, metavar="SECONDS", help="for the tests of one mutant (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report to FILE as well")
    return parser.parse_args()


def chosen(sample: int, seed: int, only: str, again: list[str]) -> tuple[list[Mutant], int]:
    """The sample in random order, so that a part of it is a sample as well, and how many mutants there are."""
    everything = [mutant for path in sources() if only in path for mutant in mutants_of(path)]
    if again:
        everything = [mutant for mutant in everything if mutant.id in again]
    return random.Random(seed).sample(everything, min(sample, len(everything))), len(everything)


def main() -> int:
    options = arguments()
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.pop("VIRTKIT_CONFORMANCE", None)
    start = time.monotonic()
    mutants, total = chosen(options.sample, options.seed, options.only, options.again)
    print(f"{len(mutants)} of {total} mutants, seed {options.seed}", file=sys.stderr)

    def progress(outcome: Outcome) -> None:
        mutant = outcome.mutant
        print(f"{outcome.state}: {mutant.id} line {mutant.line} {mutant.function} {outcome.test}", file=sys.stderr)

    runner = Runner(mutants, sources(), options.jobs, options.budget, progress)
    tests = options.tests or [f"tests/{name}" for name in TESTS]
    flags = ["-q", "-m", FAST, "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=no", *tests]
    code = pytest.main(flags, plugins=[runner])
    if not runner.outcomes:
        return int(code) or 1
    text = report(runner.outcomes, total, options.seed, time.monotonic() - start)
    print(text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
