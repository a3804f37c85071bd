"""Many domains as rows of tables: read one at a time, and judged in batches by an engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count, islice
from typing import TYPE_CHECKING

from virtkit.errors import FleetError
from virtkit.fleet.answer import Answer
from virtkit.fleet.engine import Engine, Here, is_loss
from virtkit.fleet.examination import digest_of_inputs, digests
from virtkit.fleet.question import loaded
from virtkit.fleet.requests import contents, label_of, size_of
from virtkit.inputs import InMemory, Unreadable
from virtkit.readers import portions

if TYPE_CHECKING:
    from virtkit.fleet.answer import Totals
    from virtkit.fleet.dataset import Dataset
    from virtkit.fleet.earlier import Earlier, Taken
    from virtkit.fleet.question import Question
    from virtkit.fleet.requests import Request, Requests

__all__ = ["PART_BATCHES", "Task", "answers", "audit", "audit_into", "batches"]

_BATCH_DOMAINS = 512
_BATCH_BYTES = 2 << 20
_PORTION_BYTES = 1 << 18
#: The batches of a part of a dataset.
PART_BATCHES = 8
#: How often a batch is examined again after its worker was lost.
_TRIES = 3


def audit(found: Iterable[Request], question: Question, engine: Engine | None = None) -> Iterator[Answer]:
    """The answers to a question about many domains, batch by batch in the order of ``found``; they do not depend on the
    engine (None: this process).

    An input that cannot be read or is refused is one of the refused. Raises FleetError when workers are lost again and
    again, and the errors of a wrong ``question`` before anything is read.
    """
    _check(question)
    for _, answer in answers(map(Task, batches(found)), question, engine or Here()):
        yield answer


def audit_into(
    dataset: Dataset,
    found: Iterable[Request],
    question: Question,
    engine: Engine,
    total: Totals,
    earlier: Earlier | None = None,
) -> Iterator[Answer]:
    """The same, written to a dataset. Parts that it has of an interrupted run are kept where their inputs are the same;
    their counts are added to ``total``, and they give no answer. ``earlier`` gives the answers for inputs that did not
    change since an earlier dataset."""
    _check(question)
    for task, answer in answers(_tasks(dataset, found, earlier), question, engine):
        if task.kept:
            part = dataset.keep_part()
            part.kept = part.domains
            total.include(part)
            continue
        dataset.write(answer)
        if task.last:
            dataset.end_part()
        yield answer


def _check(question: Question) -> None:
    """Raises the errors of a wrong question."""
    guests = loaded(question)[1]
    if question.guest:
        guests.find(question.guest)


@dataclass(frozen=True, slots=True)
class Task:
    """A batch to examine; ``taken`` is the answer for inputs that are left out of it, by their places.

    ``last`` says whether the batch ends a part, ``kept`` whether it stands for a part that is complete.
    """

    batch: Requests
    last: bool = False
    kept: bool = False
    taken: Taken | None = None


def _tasks(dataset: Dataset, found: Iterable[Request], earlier: Earlier | None) -> Iterator[Task]:
    """The batches in parts of PART_BATCHES."""
    one_by_one = batches(found)
    for number in count():
        if number in dataset.kept:
            part = [contents(requests) for requests in islice(one_by_one, PART_BATCHES)]
            if "".join([digest_of_inputs(batch, digests(batch)) for batch in part]) == dataset.kept[number].inputs:
                yield Task((), kept=True)
                continue
            several: Iterator[Requests] = iter(part)
        else:
            several = islice(one_by_one, PART_BATCHES)
        size = 0
        following = next(several, None)
        while following is not None:
            batch, following = following, next(several, None)
            size += 1
            yield _task(batch, following is None, earlier)
        if size < PART_BATCHES:
            return


def _task(requests: Requests, last: bool, earlier: Earlier | None) -> Task:
    if earlier is None:
        return Task(requests, last)
    batch = contents(requests)
    taken = earlier.take(batch)
    return Task(tuple([one for place, one in enumerate(batch) if place not in taken.places]), last, taken=taken)


@dataclass(slots=True)
class _Waiting:
    """A task whose batch is being examined."""

    task: Task
    future: Future[Answer]
    tries: int = 1


def answers(tasks: Iterable[Task], question: Question, engine: Engine) -> Iterator[tuple[Task, Answer]]:
    """The tasks with their answers, in order. A bounded number of tasks waits, so that memory does not grow with their
    number."""
    ahead = 1 if engine.width == 1 else 3 * engine.width + 2
    waiting: deque[_Waiting] = deque()
    try:
        for task in tasks:
            waiting.append(_Waiting(task, _submitted(task.batch, question, engine)))
            if len(waiting) >= ahead:
                yield _first(waiting, question, engine)
        while waiting:
            yield _first(waiting, question, engine)
    finally:
        for one in waiting:
            one.future.cancel()


def _submitted(batch: Requests, question: Question, engine: Engine) -> Future[Answer]:
    """A batch that an engine examines, or the error with which it is already lost."""
    if not batch:
        done: Future[Answer] = Future()
        done.set_result(Answer())
        return done
    try:
        return engine.submit(batch, question)
    except Exception as problem:
        if not is_loss(problem):
            raise
        lost: Future[Answer] = Future()
        lost.set_exception(problem)
        return lost


def _first(waiting: deque[_Waiting], question: Question, engine: Engine) -> tuple[Task, Answer]:
    """The first task with its answer; batches whose worker was lost are examined again."""
    first = waiting[0]
    while True:
        try:
            found = first.future.result()
        except ImportError as problem:
            raise FleetError(f"the workers failed: {problem}; install this version of virtkit on them") from problem
        except Exception as problem:
            if not is_loss(problem):
                raise
            if first.tries > _TRIES:
                batch = first.task.batch
                names = f"{label_of(batch[0])} to {label_of(batch[-1])}"
                reason = f"the workers were lost {first.tries} times (out of memory, or killed), at the inputs {names}"
                remedy = "fewer --jobs leave more memory for each"
                raise FleetError(f"{reason}: {str(problem).rstrip('.')}; {remedy}") from None
            first.tries += 1
            engine.restart()
            _again(waiting, question, engine)
        else:
            waiting.popleft()
            return first.task, found if first.task.taken is None else first.task.taken.merged(found)


def _again(waiting: deque[_Waiting], question: Question, engine: Engine) -> None:
    """Submit every batch again that has no answer."""
    for one in waiting:
        answered = one.future.done() and not one.future.cancelled() and one.future.exception() is None
        if not answered:
            one.future = _submitted(one.task.batch, question, engine)


def batches(found: Iterable[Request]) -> Iterator[Requests]:
    """The inputs in batches of bounded number and size; most of them are read where a batch is examined."""
    batch: list[Request] = []
    total = 0
    for request in found:
        for one, size in _portions(request):
            batch.append(one)
            total += size
            if len(batch) >= _BATCH_DOMAINS or total >= _BATCH_BYTES:
                yield tuple(batch)
                batch, total = [], 0
    if batch:
        yield tuple(batch)


def _portions(request: Request) -> Iterator[tuple[Request, int]]:
    """A request with its size; a large one is read, and a long list becomes several inputs."""
    size = size_of(request)
    if size is not None and size <= _PORTION_BYTES:
        yield request, size
        return
    for one in contents((request,)):
        if isinstance(one, Unreadable):
            yield one, 0
            continue
        for portion in portions(one.data, one.label, _PORTION_BYTES):
            yield InMemory(one.name, None, one.label, named=one.named, data=portion), len(portion)
