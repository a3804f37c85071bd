"""Fuzzes one target in a process of its own, and writes what it counted; ``python -m fuzzing`` starts it.

The engine "atheris" is libFuzzer with instrumented code: it keeps the inputs that reach new branches of virtkit, and
mutates them further. The engine "lines" runs the plain code, three times as fast. It begins with the inputs that the
other engine kept, and keeps those that reach new lines; it looks at every hundredth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuzzing.attempt import Attempt
    from fuzzing.targets import Target

__all__ = ["main"]

_MOST_KEYS = 200
_LONGEST = 1 << 16


def main(arguments: list[str] | None = None) -> int:
    """Run one target. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="fuzzing.worker", description="Fuzzes one target.")
    parser.add_argument("target")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--engine", choices=("atheris", "lines"), required=True)
    parser.add_argument("--begin", type=Path, metavar="DIR", help="begin with the inputs in this folder, too")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(arguments)
    args.output.mkdir(parents=True, exist_ok=True)
    if args.engine == "atheris":
        _with_atheris(args)
    else:
        _with_lines(args)
    return 0


class _Counts:
    """What the inputs of one target came to; written to a file from time to time."""

    def __init__(self, args: argparse.Namespace, target: Target) -> None:
        self.target, self.runs, self.file = target, args.runs, args.output / "counts.json"
        self.folder: Path = args.output
        self.results: Counter[str] = Counter()
        self.keys: dict[str, list[Any]] = {}
        self.slowest = 0.0
        self.began = time.process_time()

    @property
    def total(self) -> int:
        return sum(self.results.values())

    def take(self, data: bytes) -> Attempt:
        """Try one input and count it."""
        from fuzzing.attempt import attempt

        found = attempt(self.target, data)
        self.results[found.result] += 1
        self.slowest = max(self.slowest, found.seconds)
        if found.key and (found.key in self.keys or len(self.keys) < _MOST_KEYS):
            self._keep(found, data)
        if self.total % 500 == 0 or self.total == self.runs:
            self.write()
        return found

    def _keep(self, found: Attempt, data: bytes) -> None:
        """Keep the shortest input of each cause."""
        known = self.keys.setdefault(found.key, [0, len(data) + 1, found.text])
        known[0] += 1
        if len(data) < known[1]:
            known[1:] = [len(data), found.text]
            (self.folder / f"finding-{list(self.keys).index(found.key)}{self.target.ending}").write_bytes(data)

    def write(self) -> None:
        """Write the counts; the file is always whole."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        found = {
            "target": self.target.name, "inputs": self.total, "results": dict(self.results), "findings": self.keys,
            "seconds": round(time.process_time() - self.began, 1), "slowest": round(self.slowest, 3),
            "memory": usage.ru_maxrss // 1024,
        }  # fmt: skip
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1), encoding="utf-8")
        part.replace(self.file)


def _prepared(args: argparse.Namespace) -> tuple[Target, list[bytes], Any]:
    from fuzzing.attempt import attempt, forbid_hangs
    from fuzzing.targets import TARGETS

    warnings.simplefilter("error")
    import logging

    logging.getLogger("virtkit").setLevel(logging.CRITICAL)
    forbid_hangs()
    target = TARGETS[args.target]
    seeds = list(target.seeds())
    # Modules and facts that are loaded on first use cost no input its time.
    for data in seeds[:40]:
        attempt(target, data, every=True)
    return target, seeds, target.mutator(seeds)


def _with_atheris(args: argparse.Namespace) -> None:
    import atheris

    # Preparation imports what the target uses, and nothing before it imports virtkit.
    with atheris.instrument_imports(include=["virtkit"], enable_loader_override=False):
        target, seeds, mutate = _prepared(args)
    corpus, given = args.output / "corpus", args.output / "seeds"
    for folder in (corpus, given):
        folder.mkdir(exist_ok=True)
    for number, data in enumerate(seeds):
        (given / f"{number:03}").write_bytes(data)
    counts = _Counts(args, target)

    def one(data: bytes) -> None:
        if counts.total < args.runs:
            counts.take(data)

    def other(data: bytes, most: int, seed: int) -> bytes:
        return bytes(mutate(data, Random(seed)))[:most]

    def crossed(first: bytes, second: bytes, most: int, seed: int) -> bytes:
        # The mutators take parts of other seeds themselves; this takes a new input of the corpus as it is.
        return bytes(mutate(second, Random(seed)))[:most]

    options = [
        sys.argv[0], f"-runs={args.runs}", f"-seed={args.seed}", f"-max_len={_LONGEST}", "-len_control=0", "-reload=0",
        "-timeout=600", "-rss_limit_mb=4096", "-print_final_stats=1", str(corpus), str(given),
    ]  # fmt: skip
    atheris.Setup(options, one, custom_mutator=other, custom_crossover=crossed)
    atheris.Fuzz()


def _with_lines(args: argparse.Namespace) -> None:
    from fuzzing.lines import traced

    target, seeds, mutate = _prepared(args)
    corpus = args.output / "corpus"
    corpus.mkdir(exist_ok=True)
    counts = _Counts(args, target)
    random = Random(args.seed)
    known = list(seeds)
    if args.begin is not None:
        known += [file.read_bytes() for file in sorted(args.begin.iterdir())]
    seen: set[tuple[str, int]] = set()
    queue = seeds[: args.runs]
    while counts.total < args.runs:
        data = queue.pop() if queue else mutate(random.choice(known), random)[:_LONGEST]
        if counts.total % 100 and not queue:
            counts.take(data)
            continue
        with traced() as lines:
            counts.take(data)
        if not lines <= seen:
            seen |= lines
            known.append(data)
            (corpus / f"{len(known):05}").write_bytes(data)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "agg")
    sys.exit(main())
