"""Where batches are examined: this process, a pool of processes, or a Dask cluster. All run the same function."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

from virtkit.errors import FleetError
from virtkit.fleet.examination import examine
from virtkit.fleet.requests import contents

if TYPE_CHECKING:
    from virtkit.fleet.answer import Answer
    from virtkit.fleet.question import Question
    from virtkit.fleet.requests import Requests

__all__ = ["Cluster", "Engine", "Here", "Pool", "is_loss", "workers"]

#: How long a scheduler may take to answer.
PATIENCE = "10s"

#: How many more objects than before a process of a pool holds when it looks for garbage.
_NEW_OBJECTS = 50_000


class Engine(Protocol):
    """Examines batches; ``width`` is the number of batches that it examines at a time."""

    width: int

    def submit(self, batch: Requests, question: Question) -> Future[Answer]:
        """Begin to examine a batch."""

    def restart(self) -> None:
        """Replace workers that were lost. Raises FleetError where that is not possible."""


def is_loss(problem: BaseException) -> bool:
    """Whether an error says that a worker or a connection was lost, so that the batch may be examined again."""
    if isinstance(problem, BrokenExecutor | CancelledError):
        return True
    # KilledWorker, CommClosedError and the like.
    return type(problem).__module__.partition(".")[0] == "distributed"


class Here:
    """This process: a batch is examined when it is submitted."""

    width = 1

    def submit(self, batch: Requests, question: Question) -> Future[Answer]:
        """Examine a batch."""
        future: Future[Answer] = Future()
        future.set_result(examine(batch, question))
        return future

    def restart(self) -> None:
        """Raises FleetError: this process cannot be replaced."""
        raise FleetError("the batch cannot be examined again")


class Pool:
    """Processes of this machine."""

    def __init__(self, count: int) -> None:
        self.width = count
        self._executor = self._started()

    def _started(self) -> Executor:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        return ProcessPoolExecutor(self.width, get_context("spawn"), _begin_worker)

    def submit(self, batch: Requests, question: Question) -> Future[Answer]:
        """Begin to examine a batch."""
        return self._executor.submit(examine, batch, question)

    def restart(self) -> None:
        """Start new processes in place of those of a broken pool."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._started()

    def close(self, *, wait: bool = True) -> None:
        """End the processes; without ``wait``, what is not examined yet is given up."""
        self._executor.shutdown(wait=wait, cancel_futures=not wait)


def _begin_worker() -> None:
    """Prepare a process of a pool.

    Ctrl-C reaches every process of a terminal; only the one that started the pool acts on it, and ends the others.
    Domains leave few objects that refer to each other in circles, while the loaded facts are many objects that stay:
    looking for garbage at Python's usual pace takes time and finds next to nothing.
    """
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)


def _end_with_parent() -> None:
    """End this process when the one that started the pool is gone: killed outright, it ends no other."""
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self.width = max(1, sum(client.nthreads().values()))

    def submit(self, batch: Requests, question: Question) -> Future[Answer]:
        """Begin to examine a batch, which is read here. The scheduler gives a lost worker's batches to the others."""
        return cast("Future[Answer]", self._executor.submit(examine, contents(batch), question))

    def restart(self) -> None:
        """Wait for a worker. Raises FleetError when none comes back."""
        try:
            self._client.wait_for_workers(1, timeout=30)
        except Exception as problem:
            raise FleetError(f"the Dask cluster has no workers left: {problem}") from None


@contextmanager
def workers(jobs: int | None = None, scheduler: str = "") -> Iterator[Engine]:
    """The engine: ``jobs`` processes (None: one for each core; 1: this process), or the workers of the Dask scheduler
    at an address such as "tcp://host:8786". Raises FleetError when the scheduler does not answer.
    """
    if scheduler:
        with _client(scheduler) as client:
            yield Cluster(client)
        return
    count = jobs or _cores()
    if count == 1:
        yield Here()
        return
    pool = Pool(count)
    try:
        yield pool
    except BaseException:
        pool.close(wait=False)
        raise
    pool.close()


def _client(scheduler: str) -> Any:
    from distributed import Client

    try:
        client: Any = Client(scheduler, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as problem:
        reason = str(problem).partition("\n")[0]
        # distributed quotes the address without its scheme, so that a login in it does not look like one.
        login = scheduler.rpartition("@")[0].rpartition("/")[2]
        reason = reason.replace(login, "…") if login else reason
        raise FleetError(f"the Dask scheduler at {scheduler} does not answer: {reason}") from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        what = f"the Dask scheduler at {scheduler} has no workers; start some: dask worker {scheduler}"
        raise FleetError(what) from None
    return client


def _cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
