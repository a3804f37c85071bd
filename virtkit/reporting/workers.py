"""Notebooks side by side, each in a process of its own that is forked from one with everything imported."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from virtkit.reporting.execute import Job, Outcome, run_job

__all__ = ["Event", "Listener", "run_jobs"]

_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """The progress of a run: the names of the running notebooks, how many are done, and how many there are.

    ``outcome`` is that of the notebook that has just ended; None when one was started or a second has passed.
    """

    running: tuple[str, ...]
    done: int
    total: int
    outcome: Outcome | None = None


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class _Running:
    """A running notebook: its process, the pipe that its outcome comes from, and when it was started."""

    job: Job
    process: ForkServerProcess
    pipe: Connection
    started: float

    def outcome(self) -> Outcome:
        """What the process sent; when it sent nothing, a failure that says how the process ended."""
        self.process.join()
        with suppress(EOFError, OSError):
            if self.pipe.poll():
                found = self.pipe.recv()
                if isinstance(found, Outcome):
                    return found
        code = self.process.exitcode or 0
        end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code} and sent no outcome"
        seconds = round(time.monotonic() - self.started, 3)
        return Outcome(self.job.name, "failed", f"the notebook's process {end}", seconds)

    def stop(self) -> None:
        """Terminate the process; kill it when it has not ended after 10 seconds."""
        self.process.terminate()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def run_jobs(
    jobs: Sequence[Job], width: int, finished: Mapping[str, Outcome], listener: Listener | None = None
) -> tuple[list[Outcome], bool]:
    """Run the jobs in order, at most ``width`` at a time. Returns their outcomes and whether the run was interrupted.

    Jobs whose name is in ``finished`` are not run; their outcome is the one given there.
    """
    context = multiprocessing.get_context("forkserver")
    _start_forkserver(context)
    waiting = [job for job in jobs if job.name not in finished]
    running: list[_Running] = []
    done: dict[str, Outcome] = {}
    interrupted = False

    def notify(outcome: Outcome | None = None) -> None:
        if listener is not None:
            listener(Event(tuple(one.job.name for one in running), len(done), len(jobs), outcome))

    try:
        for outcome in finished.values():
            done[outcome.name] = outcome
            notify(outcome)
        while waiting or running:
            while waiting and len(running) < width:
                running.append(_start(context, waiting.pop(0)))
            notify()
            connection.wait([one.process.sentinel for one in running], _SECOND)
            for one in [one for one in running if not one.process.is_alive()]:
                running.remove(one)
                done[one.job.name] = one.outcome()
                notify(done[one.job.name])
    except KeyboardInterrupt:
        interrupted = True
        for one in running:
            one.stop()
            done[one.job.name] = replace(one.outcome(), status="failed", error="interrupted")
    return [done[job.name] for job in jobs if job.name in done], interrupted


def _start_forkserver(context: multiprocessing.context.ForkServerContext) -> None:
    """Start the process that jobs are forked from, with SIGINT ignored.

    A terminal sends Ctrl-C to every process of a command, and this one would end with a traceback while it imports. The
    jobs set their own handlers.
    """
    context.set_forkserver_preload(["virtkit.reporting.preload"])
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


def _start(context: multiprocessing.context.ForkServerContext, job: Job) -> _Running:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=run_job, args=(job, theirs), name=job.name)
    process.start()
    theirs.close()
    return _Running(job, process, ours, time.monotonic())
