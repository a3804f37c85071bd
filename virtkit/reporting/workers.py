"""Notebooks side by side, each in a process of its own that is forked from a warm one."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from virtkit.reporting.execute import Job, Outcome, perform

__all__ = ["Event", "Tell", "work"]

_TICK = 0.02


@dataclass(frozen=True, slots=True)
class Event:
    """How far a run is: names of the notebooks at work, how many are done and how many there are.

    ``outcome`` is that of the notebook that has just ended; None when one was started or a second has gone by.
    """

    running: tuple[str, ...]
    done: int
    total: int
    outcome: Outcome | None = None


Tell = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class _Busy:
    """A notebook at work: its process, where its outcome comes from, and when it began."""

    job: Job
    process: ForkServerProcess
    answer: Connection
    began: float

    def outcome(self) -> Outcome:
        """What the process said, or what its end tells when it said nothing."""
        self.process.join()
        with suppress(EOFError, OSError):
            if self.answer.poll():
                found = self.answer.recv()
                if isinstance(found, Outcome):
                    return found
        code = self.process.exitcode or 0
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code} and said nothing"
        took = round(time.monotonic() - self.began, 3)
        return Outcome(self.job.name, "failed", f"the notebook's process was {how}", took)

    def end(self) -> None:
        """Stop the process, gently at first."""
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def work(
    jobs: Sequence[Job], width: int, known: Mapping[str, Outcome], tell: Tell | None = None
) -> tuple[list[Outcome], bool]:
    """Run the jobs, ``width`` at a time, in order; returns their outcomes and whether it was interrupted.

    Jobs in ``known`` have an outcome already and are not run.
    """
    context = multiprocessing.get_context("forkserver")
    _warm(context)
    waiting = [job for job in jobs if job.name not in known]
    busy: list[_Busy] = []
    done: dict[str, Outcome] = {}
    interrupted = False

    def say(outcome: Outcome | None = None) -> None:
        if tell is not None:
            tell(Event(tuple(one.job.name for one in busy), len(done), len(jobs), outcome))

    try:
        for outcome in known.values():
            done[outcome.name] = outcome
            say(outcome)
        said = 0.0
        while waiting or busy:
            while waiting and len(busy) < width:
                busy.append(_start(context, waiting.pop(0)))
                said = 0.0
            for one in [one for one in busy if not one.process.is_alive()]:
                busy.remove(one)
                done[one.job.name] = one.outcome()
                say(done[one.job.name])
            if busy and time.monotonic() - said > 1:
                said = time.monotonic()
                say()
            time.sleep(_TICK)
    except KeyboardInterrupt:
        interrupted = True
        for one in busy:
            one.end()
            done[one.job.name] = replace(one.outcome(), status="failed", error="interrupted")
    return [done[job.name] for job in jobs if job.name in done], interrupted


def _warm(context: multiprocessing.context.ForkServerContext) -> None:
    """Start the warm process, deaf to the Ctrl-C that a terminal sends to every process of a command.

    It would end with a traceback while it imports; its children set their own handlers.
    """
    context.set_forkserver_preload(["virtkit.reporting.preload"])
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


def _start(context: multiprocessing.context.ForkServerContext, job: Job) -> _Busy:
    answer, theirs = context.Pipe(duplex=False)
    process = context.Process(target=perform, args=(job, theirs), name=job.name)
    process.start()
    theirs.close()
    return _Busy(job, process, answer, time.monotonic())
