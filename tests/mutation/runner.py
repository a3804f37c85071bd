"""A pytest plugin that runs mutants: it collects the tests once, then forks a process for each mutant.

The child replaces the code of one function and runs the tests that execute the changed statement, until one fails. The
parent runs no test itself, and empties the caches of what unchanged functions computed; only facts (data files, hosts
and guests) are read before the first fork.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest

import virtkit
from tests.mutation.mutants import ROOT, Mutant
from virtkit import facts
from virtkit.host import Host, shipped

__all__ = ["Coverage", "Outcome", "Runner"]

#: A test may take this many times its usual processor time, and SLACK seconds more.
FACTOR, SLACK = 10, 2
#: The memory that a child may use, in bytes.
MEMORY = 6 << 30
#: Modules whose caches are kept between tests, because no mutated function affects them.
FACTS = tuple(
    f"virtkit.{name}"
    for name in (
        "boot.name_keys", "boot.naming", "domain", "draw", "facts", "guests", "host", "readers", "releases",
        "resolution.constraints", "resolution.context", "resolution.trace",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: ``killed``, ``timeout``, ``survived``, ``untested`` or ``impossible``.

    ``test`` is the test that killed it, ``tests`` the number of tests that were chosen. ``impossible`` is a mutant that
    is no Python, no function or has another closure; it does not count.
    """

    mutant: Mutant
    state: str
    test: str = ""
    tests: int = 0


@dataclass(frozen=True)
class Coverage:
    """The tests that execute each line of a file, as numbers of the collection, and the seconds of each test."""

    tests: dict[tuple[str, int], set[int]]
    seconds: dict[int, float]

    @cached_property
    def lines(self) -> Counter[int]:
        """How many lines each test executes."""
        return Counter(number for numbers in self.tests.values() for number in numbers)

    def of(self, mutant: Mutant) -> set[int]:
        """The tests that execute the changed statement, or the function where no line of it is recorded."""
        for lines in (mutant.lines, mutant.body):
            found: set[int] = set().union(*(self.tests.get((mutant.path, line), ()) for line in lines))
            if found:
                return found
        return set()

    def ordered(self, mutant: Mutant, kills: dict[int, float], budget: float) -> list[int]:
        """The tests of a mutant: for half of ``budget`` the quick ones that killed most, then those of most lines."""
        chosen = self.of(mutant)
        quick = sorted(chosen, key=lambda number: (self.seconds[number] / (kills[number] + 0.01), number))
        first = self._within(budget / 2, quick)
        broad = sorted(chosen - set(first), key=lambda number: (-self.lines[number], number))
        return first + self._within(budget / 2, broad)

    def _within(self, seconds: float, order: list[int]) -> list[int]:
        """The first tests of ``order`` that take at most this time together, and at least one."""
        ends = accumulate(self.seconds[number] for number in order)
        return [number for at, (number, end) in enumerate(zip(order, ends, strict=True)) if not at or end <= seconds]


@dataclass(frozen=True, slots=True)
class _Child:
    """A process that runs a mutant; its answer is a file in its folder."""

    mutant: Mutant
    order: list[int]
    folder: Path


class Runner:
    """Runs ``mutants`` in order, ``jobs`` at a time, and keeps their ``outcomes``, also when it is interrupted.

    ``paths`` are the files that are mutated. The tests of a mutant take at most ``budget`` seconds of processor time
    in all; those that are left out can only lower the score.
    """

    def __init__(
        self, mutants: list[Mutant], paths: list[str], jobs: int, budget: float, listener: Callable[[Outcome], None]
    ) -> None:
        self.mutants, self.paths, self.jobs, self.budget, self.listener = mutants, paths, jobs, budget, listener
        self.outcomes: list[Outcome] = []
        self._kills: dict[str, dict[int, float]] = {path: defaultdict(float) for path in paths}
        self._items: list[pytest.Item] = []
        self._temporary: Any = None
        self._failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed = self._failed or report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = session.items
        self._temporary = session.config._tmp_path_factory  # type: ignore[attr-defined]
        _warm_up()
        known = self._coverage()
        waiting = iter(self.mutants)
        running: dict[int, _Child] = {}
        while True:
            while len(running) < self.jobs and (mutant := next(waiting, None)) is not None:
                self._start(mutant, known, running)
            if not running:
                return True
            try:
                process, _ = os.wait()
            except KeyboardInterrupt:
                for process, child in running.items():
                    os.killpg(process, signal.SIGKILL)
                    shutil.rmtree(child.folder, ignore_errors=True)
                return True
            if process in running:
                self._end(running.pop(process))

    def _coverage(self) -> Coverage:
        """The tests that execute each line, kept under build/ until a source, a test or the selection changes."""
        digest = hashlib.sha256("".join(item.nodeid for item in self._items).encode())
        for name in ("virtkit", "tests", "data"):
            for file in sorted((ROOT / name).rglob("*")):
                if file.is_file() and not {"__pycache__", "mutation"} & set(file.parts):
                    digest.update(file.read_bytes())
        kept = ROOT / "build" / "mutants" / f"coverage-{digest.hexdigest()[:16]}.pickle"
        if not kept.exists():
            folders = [Path(tempfile.mkdtemp(prefix="mutant-")) for _ in range(self.jobs)]
            for process in [self._fork(folder, partial(self._cover, n)) for n, folder in enumerate(folders)]:
                os.waitpid(process, 0)
            answers = [_answer(folder) for folder in folders]
            if not all(answers):
                raise pytest.UsageError("a test fails without any mutant")
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(pickle.dumps(_merged([pickle.loads(answer) for answer in answers])))  # noqa: S301
        found: Coverage = pickle.loads(kept.read_bytes())  # noqa: S301
        return found

    def _start(self, mutant: Mutant, known: Coverage, running: dict[int, _Child]) -> None:
        """Begin a mutant in a child process."""
        order = known.ordered(mutant, self._kills[mutant.path], self.budget)
        if not order:
            self._keep(Outcome(mutant, "untested"))
            return

        def attempt() -> bytes:
            try:
                _replace(mutant, _code(mutant))
            except (LookupError, SyntaxError, TypeError, ValueError):  # ValueError: its closure differs
                return b"impossible"
            for number in order:
                _limit(known.seconds[number])
                if not self._passes(number):
                    return b"%d" % number
            return b"survived"

        folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        running[self._fork(folder, attempt)] = _Child(mutant, order, folder)

    def _end(self, child: _Child) -> None:
        answer = _answer(child.folder).decode()
        if answer.isdigit():
            for path in self.paths:
                self._kills[path][int(answer)] += 1 if path == child.mutant.path else 0.1
            self._keep(Outcome(child.mutant, "killed", self._items[int(answer)].nodeid, len(child.order)))
        else:
            self._keep(Outcome(child.mutant, answer or "timeout", tests=len(child.order)))

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.listener(outcome)

    def _passes(self, number: int) -> bool:
        """Run one test, with its fixtures."""
        item = self._items[number]
        self._failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return not self._failed

    def _cover(self, first: int) -> bytes:
        """Every ``jobs``-th test from ``first`` on, with the lines that each executes; empty if one fails."""
        files = [str(ROOT / path) for path in self.paths]
        recorder = coverage.Coverage(data_file=None, include=files, config_file=False)
        seconds: dict[int, float] = {}
        recorder.start()
        for number in range(first, len(self._items), self.jobs):
            for cached in _caches():
                cached.cache_clear()
            recorder.switch_context(str(number))
            start = time.process_time()
            if not self._passes(number):
                os.write(2, f"fails without any mutant: {self._items[number].nodeid}\n".encode())
                return b""
            seconds[number] = time.process_time() - start
        recorder.stop()
        tests = {}
        data = recorder.get_data()
        for file in data.measured_files():
            for line, contexts in data.contexts_by_lineno(file).items():
                tests[str(Path(file).relative_to(ROOT)), line] = {int(number) for number in contexts if number}
        return pickle.dumps(Coverage(tests, seconds))

    def _fork(self, folder: Path, work: Callable[[], bytes]) -> int:
        """Begin ``work`` in a child process, which writes what it answers into ``folder``."""
        child = os.fork()
        if child:
            return child
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
            (folder / "pytest").mkdir()
            self._temporary._basetemp = folder / "pytest"
            (folder / "answer").write_bytes(work())
        finally:
            os._exit(0)


def _merged(parts: list[Coverage]) -> Coverage:
    """What several processes recorded, each for its own tests."""
    tests: dict[tuple[str, int], set[int]] = defaultdict(set)
    seconds: dict[int, float] = {}
    for part in parts:
        seconds |= part.seconds
        for line, numbers in part.tests.items():
            tests[line] |= numbers
    return Coverage(dict(tests), seconds)


def _answer(folder: Path) -> bytes:
    """What the child wrote; empty if it exceeded its limits."""
    answer = folder / "answer"
    found = answer.read_bytes() if answer.exists() else b""
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _warm_up() -> None:
    """Read the facts that most tests need, and forget what the functions computed that are mutated."""
    for host in Host.observed():
        shipped.load_all(host.qemu)
    sample = next(iter(sorted(facts.path("domains").glob("*.xml"))))
    virtkit.check(virtkit.read(sample), "debian12")
    for cached in _caches():
        cached.cache_clear()
    # A collection would copy all that the children share with the parent.
    gc.collect()
    gc.freeze()


def _caches() -> Iterator[Any]:
    """The caches of virtkit and its tests, except those of facts."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith(("virtkit.", "tests.")):
            for value in vars(module).values():
                if hasattr(value, "cache_clear") and not value.__module__.startswith(FACTS):
                    yield value


def _limit(seconds: float) -> None:
    """End this process when the next test takes far longer than usual, or too much memory."""
    signal.setitimer(signal.ITIMER_PROF, seconds * FACTOR + SLACK)
    signal.setitimer(signal.ITIMER_REAL, (seconds * FACTOR + SLACK) * 30)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _code(mutant: Mutant) -> CodeType:
    """The compiled code of the changed function. Raises LookupError when the module has no such function."""
    code = compile(mutant.source(), str(ROOT / mutant.path), "exec", dont_inherit=True)
    for name in mutant.function.split("."):
        inner = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
        if not inner:
            raise LookupError(mutant.function)
        code = inner[0]
    return code


def _replace(mutant: Mutant, code: CodeType) -> None:
    """Give the imported function the code of the mutant. Raises ValueError when its closure differs."""
    found: Any = importlib.import_module(mutant.module)
    for name in mutant.function.split("."):
        found = vars(found)[name]
    for wrapper in ("fget", "func", "__func__", "__wrapped__"):
        found = getattr(found, wrapper, found)
    if not isinstance(found, FunctionType):
        raise TypeError(f"{mutant.module}.{mutant.function} is not a function")
    found.__code__ = code
