"""CPU time of reading, resolving, writing and checking all-different domains on one core, beside an older checkout.

The peer is the same work by another checkout of virtkit (``--baseline CHECKOUT``, with its own ``.venv`` or this
Python); parsing and writing with lxml alone is printed as the floor. All take turns in one run on the same domains:
those that every checkout accepts, of the conformance corpora where they are available, of the samples, and of the
generators of random domains and of fleets. The set ``core`` has libvirt as its peer.

A generated domain is used once, by one work, after some hundred others: in a fleet each domain comes once. Domains of
files, which are few, are used in every round.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.agreement import corpora
from benchmarks.fleets import Fleet
from benchmarks.timing import Figure
from virtkit import facts
from virtkit.releases import DEFAULT, Release, dotted
from virtkit.verify.generate import domains as random_domains

__all__ = ["figures"]

ROUNDS = 7
RANDOM, FLEET = 60, 240
"""Generated domains for one work in one round."""
FIRST = 600
"""Generated domains that are met before."""
SEED = 18

_WORKS = {
    "floor": "lxml alone: parse and write",
    "read": "read",
    "resolve": "read, resolve",
    "write": "read, resolve, write",
    "check": "read, resolve, check",
}


class _Worker:
    """A process of a checkout that keeps its inputs and facts between rounds."""

    def __init__(self, checkout: Path) -> None:
        own = checkout / ".venv" / "bin" / "python"
        python = str(own) if own.exists() else sys.executable
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=kept | {"PYTHONPATH": str(checkout)},
            text=True,
        )

    def ask(self, **request: object) -> Any:
        """The answer to one request. Raises RuntimeError when the process ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended with exit code {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class _Times:
    """CPU seconds of one work on all inputs, by round."""

    rounds: Sequence[float]
    inputs: int

    @property
    def least(self) -> float:
        """The least of a domain."""
        return min(self.rounds) / self.inputs

    @property
    def median(self) -> float:
        """The median of a domain."""
        return statistics.median(self.rounds) / self.inputs


@dataclass(frozen=True, slots=True)
class _Set:
    """Domains, and whether each is used once."""

    files: Sequence[Path]
    once: bool


def figures() -> Iterator[Figure]:
    """Each work on each set of domains: min of a domain, with the median in the note."""
    with tempfile.TemporaryDirectory() as folder:
        for name, one in _sets(Path(folder)).items():
            yield from _compared(name, one)


def _compared(name: str, domains: _Set) -> Iterator[Figure]:
    """The works on one set of domains, in turns."""
    older = os.environ.get("VIRTKIT_BASELINE")
    checkouts = {"this": Path(__file__).parents[1]} | ({"baseline": Path(older).resolve()} if older else {})
    files = list(map(str, domains.files))
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(path)) for path in checkouts.values()]
        taken = [set(one.ask(load=files, libvirt=dotted(DEFAULT)) and one.ask(accepted=True)) for one in workers]
    kept = [files[number] for number in sorted(set.intersection(*taken))]
    found: dict[tuple[str, str], list[float]] = {}
    first = FIRST if domains.once else 0
    parts = ROUNDS * len(_WORKS) if domains.once else 1
    with ExitStack() as stack:
        # New processes, which remember none of the domains.
        peers = {one: stack.enter_context(_Worker(path)) for one, path in checkouts.items()}
        for one in peers.values():
            one.ask(load=kept[:first] or kept, libvirt=dotted(DEFAULT))
            for work in _WORKS:
                one.ask(work=work, part=0, of=1)
            one.ask(load=kept[first:], libvirt=dotted(DEFAULT))
        for number in range(ROUNDS * len(_WORKS)):
            work = list(_WORKS)[number % len(_WORKS)]
            for label, one in peers.items():
                seconds = one.ask(work=work, part=number % parts, of=parts)
                found.setdefault((label, work), []).append(seconds)
    for work, what in _WORKS.items():
        inputs = (len(kept) - first) // parts
        times = _Times(found["this", work], inputs)
        other = found.get(("baseline", work))
        theirs = None if other is None else _Times(other, inputs)
        yield _figure(f"{name} ({len(kept)}): {what}", times, theirs, once=domains.once)


def _figure(what: str, ours: _Times, theirs: _Times | None, *, once: bool) -> Figure:
    """The least of the rounds; the median where each round has other domains."""
    own = ours.median if once else ours.least
    if theirs is None:
        return Figure(what, own, note=f"least {ours.least * 1000:.3f} ms, median {ours.median * 1000:.3f} ms")
    note = f"median {ours.median * 1000:.3f} ms, baseline {theirs.median * 1000:.3f} ms"
    return Figure(what, own, "baseline", theirs.median if once else theirs.least, note)


def _sets(folder: Path) -> Mapping[str, _Set]:
    """Domains by name."""
    release = dotted(DEFAULT)
    found: dict[str, _Set] = {}
    for corpus in ("libvirt-suite", "generated"):
        files = sorted((corpora() / f"libvirt-{release}" / corpus).glob("*.in.xml"))
        if files:
            found[corpus] = _Set(files, once=False)
    found["samples"] = _Set(sorted(facts.path("domains").glob("*.xml")), once=False)
    found["random"] = _Set(list(_random(folder, DEFAULT)), once=True)
    found["fleet"] = _Set(list(_fleet(folder)), once=True)
    return found


def _generated(each: int) -> int:
    """How many domains are needed."""
    return FIRST + each * ROUNDS * len(_WORKS)


def _fleet(folder: Path) -> Iterator[Path]:
    """Domains that are all different, most of them with all that libvirt adds, as ``virsh dumpxml`` prints them."""
    for name, data in Fleet(_generated(FLEET), 0, SEED):
        file = folder / f"{name}.xml"
        file.write_bytes(data)
        yield file


def _random(folder: Path, release: Release) -> Iterator[Path]:
    for name, text in random_domains(_generated(RANDOM), SEED, release):
        file = folder / f"{name}.xml"
        file.write_text(text, encoding="utf-8")
        yield file
