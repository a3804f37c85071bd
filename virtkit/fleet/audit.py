"""Many domains as rows of tables: read one at a time, and judged in batches by processes or a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.errors import FleetError, InputError, VirtkitError
from virtkit.fleet.domains import Checked, checked, each, guest_unless_named
from virtkit.inputs import InMemory, Source, Unreadable
from virtkit.readers.contract import ReaderOptions, Skipped

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from virtkit.compat.review import Review
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.policy.document import Policy
    from virtkit.policy.review import Finding
    from virtkit.resolved import Resolved

__all__ = ["TABLES", "TYPES", "Answer", "Question", "audit", "device_rows", "workers"]

#: The tables and their columns; all are text but the ones in TYPES.
TABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "devices": (
            "file", "domain", "guest", "arch", "machine", "device", "label", "kind", "model", "address", "location",
            "interface", "line", "needed", "verdict", "reason", "condition", "change", "evidence", "source", "level",
            "assumption",
        ),
        "findings": ("file", "domain", "guest", "policy", "device", "line", "level", "text"),
        "rejected": ("file", "message"),
    }
)  # fmt: skip
TYPES: Mapping[str, type[int | bool]] = MappingProxyType({"line": int, "needed": bool})

_BATCH_DOMAINS = 32
_BATCH_BYTES = 1 << 20

#: How much each level of a policy's finding weighs.
_LEVELS = ("", "allow", "warn", "taint", "deny")

Row = tuple[object, ...]
#: Inputs that were read, or that say why they cannot be read.
Batch = tuple[InMemory | Unreadable, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What to find out about every domain, as plain values that can go to other processes and machines.

    ``libvirt``, ``qemu``, ``host_name`` and ``strict`` are what a command line names ("" for nothing; each worker reads
    a path itself); ``guest`` is the OS of domains without libosinfo metadata; ``osinfo`` are paths of a database in
    place of the shipped one; ``policy`` is the name of a shipped policy, or the text of one from ``policy_file``;
    ``readers`` are the options of readers.
    """

    libvirt: str = ""
    qemu: str = ""
    host_name: str = ""
    strict: bool = False
    guest: str = ""
    overrides: bool = True
    osinfo: tuple[str, ...] = ()
    policy: str = ""
    policy_file: str = ""
    readers: ReaderOptions = field(default_factory=ReaderOptions)

    def host(self) -> Host:
        """The host that domains are resolved for. Raises CapabilityError and UsageError."""
        from virtkit.host.distribution import chosen

        return chosen(self.host_name, self.qemu, self.libvirt, strict=self.strict)

    def loaded_policy(self) -> Policy | None:
        """The policy; None when none was named. Raises UsageError."""
        if not self.policy:
            return None
        from virtkit.policy import document

        if self.policy_file:
            return document.parse(self.policy, self.policy_file)
        return document.builtin(self.policy)


@dataclass(slots=True)
class Answer:
    """The result for a batch: the number of ``domains`` judged, ``without_virtio`` and ``failing`` of them (a device
    fails that the guest needs, as ``check`` counts it), and of ``rejected`` inputs;
    ``rows`` by table; devices counted by verdict, and findings of the policy by level; ``skipped`` are pairs of a file
    and what it is instead of a domain."""

    domains: int = 0
    without_virtio: int = 0
    failing: int = 0
    rejected: int = 0
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})
    verdicts: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def accept(self, label: str, checked: Checked, findings: Iterable[Finding], policy: str) -> None:
        """Add the rows and counts of one domain."""
        self.domains += 1
        self.without_virtio += not checked.review.findings
        self.failing += not checked.review.ok
        levels: dict[str, str] = {}
        for one in findings:
            levels[one.device] = max(levels.get(one.device, ""), one.level, key=_LEVELS.index)
            self.levels[one.level] += 1
            row = (label, one.domain, one.guest, policy, one.device, one.line, one.level, one.text)
            self.rows["findings"].append(row)
        self.rows["devices"] += device_rows(label, *checked, levels)
        self.verdicts.update(finding.verdict.value for finding in checked.review.findings)

    def add(self, other: Answer) -> None:
        """Add the counts of another batch, without its rows."""
        self.domains += other.domains
        self.without_virtio += other.without_virtio
        self.failing += other.failing
        self.rejected += other.rejected
        self.verdicts += other.verdicts
        self.levels += other.levels


@lru_cache(maxsize=4)
def _prepared(question: Question) -> tuple[Host, Catalogue, Policy | None]:
    """The host, guest database and policy of a question, loaded once in each process."""
    from virtkit.guests import catalogue

    return question.host(), catalogue(*question.osinfo), question.loaded_policy()


def examine(batch: Batch, question: Question) -> Answer:
    """Resolve and judge each domain of a batch. Runs in a worker; no input makes it raise."""
    host, known, policy = _prepared(question)
    answer = Answer()

    def judge(domain: Domain) -> tuple[Checked, tuple[Finding, ...]]:
        guest = guest_unless_named(domain, question.guest)
        found = checked(domain, host, guest, overrides=question.overrides, guest_database=known)
        if policy is None:
            return found, ()
        from virtkit.policy.review import review

        return found, review(policy, found.resolved, guest, guest_database=known)

    def skip(source: Source, found: Skipped) -> None:
        answer.skipped.append((source.label, found.reason))

    for source, outcome in each(batch, judge, question.readers, skip):
        if isinstance(outcome, VirtkitError):
            answer.rejected += 1
            answer.rows["rejected"].append((source.label, str(outcome)))
        else:
            answer.accept(source.label, *outcome, policy.name if policy else "")
    return answer


def device_rows(label: str, resolved: Resolved, seen: Review, levels: Mapping[str, str]) -> Iterator[Row]:
    """A row of the table "devices" for each virtio device of a domain; ``levels`` maps devices to a policy's level."""
    assumed = "" if resolved.assumption is None else resolved.assumption.note
    for one in seen.findings:
        yield (
            label, seen.domain, seen.guest, resolved.arch, resolved.machine, one.device, one.label, one.kind, one.model,
            one.address, one.location, one.interface, one.line, not one.harmless, one.verdict.value, one.reason,
            one.condition, one.change or one.advice, str(one.evidence), one.source, levels.get(one.label, ""), assumed,
        )  # fmt: skip


def audit(
    found: Iterable[Source], question: Question, pool: Executor | None = None, ahead: int = 8
) -> Iterator[Answer]:
    """The answers to a question about many domains, batch by batch in the order of ``found``.

    ``pool`` judges the batches (None: this process), at most ``ahead`` of them at a time, so that memory use does not
    grow with the number of domains. An input that cannot be read or is refused gives a row of "rejected". Raises
    FleetError when the workers are lost, and the errors of a wrong ``question`` before it reads anything.
    """
    from concurrent.futures import BrokenExecutor, CancelledError

    if question.guest:
        _prepared(question)[1].find(question.guest)
    else:
        _prepared(question)
    waiting: deque[Future[Answer]] = deque()
    try:
        for batch in _batches(found):
            if pool is None:
                yield examine(batch, question)
                continue
            waiting.append(pool.submit(examine, batch, question))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except (BrokenExecutor, CancelledError) as problem:
        raise FleetError(f"the workers were lost (out of memory, or killed): {problem}") from None
    except Exception as problem:
        # Errors of Dask (a killed worker, a lost scheduler), and workers on which this package is not installed.
        if type(problem).__module__.partition(".")[0] != "distributed" and not isinstance(problem, ImportError):
            raise
        raise FleetError(f"the Dask workers failed: {problem}") from problem
    finally:
        for future in waiting:
            future.cancel()


def _batches(found: Iterable[Source]) -> Iterator[Batch]:
    """The sources, read and grouped into batches of bounded number and size."""
    batch: list[InMemory | Unreadable] = []
    size = 0
    for source in found:
        try:
            data = source.read()
        except InputError as problem:
            batch.append(Unreadable(source.name, None, source.label, reason=problem.what))
        else:
            batch.append(InMemory(source.name, None, source.label, named=source.named, data=data))
            size += len(data)
        if len(batch) >= _BATCH_DOMAINS or size >= _BATCH_BYTES:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


@contextmanager
def workers(jobs: int | None = None, scheduler: str = "") -> Iterator[Executor | None]:
    """The pool that judges the batches: ``jobs`` processes (None: one for each core; 1: no pool, given as None), or the
    workers of the Dask scheduler at an address such as "tcp://host:8786". Raises FleetError when it does not answer.
    """
    if scheduler:
        from distributed import Client

        try:
            client: Any = Client(scheduler, timeout="10s", set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as problem:
            raise FleetError(f"the Dask scheduler at {scheduler} does not answer: {problem}") from None
        with client:
            yield client.get_executor()
        return
    count = jobs or _cores()
    if count == 1:
        yield None
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Ctrl-C reaches every process of a terminal; only this one acts on it, and ends the others.
    quiet = (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(count, get_context("spawn"), signal.signal, quiet) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
