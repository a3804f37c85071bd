"""CPU time of reading, resolving, writing and checking all-different domains on one core, beside an older checkout.

The peer is the same work by another checkout of virtkit (``--baseline CHECKOUT``, with its own ``.venv`` or this
Python); parsing and writing with lxml alone is printed as the floor. All take turns in one run on the same domains:
those that every checkout accepts, of the conformance corpora where they are available, of the samples, and of the
generators of random domains and of fleets. The set ``core`` has libvirt as its peer.
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
RANDOM = 600
DUMPED = 300
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


def figures() -> Iterator[Figure]:
    """Each work on each set of domains: min of a domain, with the median in the note."""
    with tempfile.TemporaryDirectory() as folder:
        for name, files in _sets(Path(folder)).items():
            yield from _compared(name, files)


def _compared(name: str, files: Sequence[Path]) -> Iterator[Figure]:
    """The works on one set of domains, in turns."""
    older = os.environ.get("VIRTKIT_BASELINE")
    checkouts = {"this": Path(__file__).parents[1]} | ({"baseline": Path(older).resolve()} if older else {})
    with ExitStack() as stack:
        workers = {one: stack.enter_context(_Worker(path)) for one, path in checkouts.items()}
        taken = [set(one.ask(read=list(map(str, files)), libvirt=dotted(DEFAULT))) for one in workers.values()]
        kept = sorted(set.intersection(*taken))
        for one in workers.values():
            one.ask(keep=kept)
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            for work in _WORKS:
                for label, one in workers.items():
                    found.setdefault((label, work), []).append(one.ask(round=work))
    for work, what in _WORKS.items():
        times = _Times(found["this", work], len(kept))
        other = found.get(("baseline", work))
        yield _figure(f"{name} ({len(kept)}): {what}", times, None if other is None else _Times(other, len(kept)))


def _figure(what: str, ours: _Times, theirs: _Times | None) -> Figure:
    if theirs is None:
        return Figure(what, ours.least, note=f"median {ours.median * 1000:.3f} ms")
    note = f"median {ours.median * 1000:.3f} ms, baseline {theirs.median * 1000:.3f} ms"
    return Figure(what, ours.least, "baseline", theirs.least, note)


def _sets(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Files of domains by name."""
    release = dotted(DEFAULT)
    found: dict[str, Sequence[Path]] = {}
    for corpus in ("libvirt-suite", "generated"):
        files = sorted((corpora() / f"libvirt-{release}" / corpus).glob("*.in.xml"))
        if files:
            found[corpus] = files
    found["samples"] = sorted(facts.path("domains").glob("*.xml"))
    found["random"] = list(_random(folder, DEFAULT))
    found["dumped"] = list(_dumped(folder))
    return found


def _dumped(folder: Path) -> Iterator[Path]:
    """Domains that are all different, most of them with all that libvirt adds, as ``virsh dumpxml`` prints them."""
    for name, data in Fleet(DUMPED, 0, SEED):
        file = folder / f"{name}.xml"
        file.write_bytes(data)
        yield file


def _random(folder: Path, release: Release) -> Iterator[Path]:
    for name, text in random_domains(RANDOM, SEED, release):
        file = folder / f"{name}.xml"
        file.write_text(text, encoding="utf-8")
        yield file
