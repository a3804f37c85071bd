"""Many domains as rows of tables: read one at a time, and judged in batches by processes or a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.errors import FleetError, InputError, VirtkitError
from virtkit.fleet.domains import Checked, checked, each, guest_unless_named, shareable
from virtkit.fleet.shapes import Shapes
from virtkit.inputs import InMemory, Source, Unreadable, part_of
from virtkit.readers import alike, portions
from virtkit.readers.contract import ReaderOptions, Skipped

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from virtkit.compat.review import Review
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.policy.review import Finding
    from virtkit.policy.rules import Policy
    from virtkit.readers.contract import Item
    from virtkit.resolved import Resolved

__all__ = ["TABLES", "TYPES", "Answer", "Judged", "Question", "audit", "device_rows", "examine", "workers"]

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

_BATCH_DOMAINS = 256
_BATCH_BYTES = 1 << 20
_PORTION_BYTES = 1 << 18
_KEPT_ITEMS = 4096

#: How much each level of a policy's finding weighs.
_LEVELS = ("", "allow", "warn", "taint", "deny")

#: Where the cells of a device and of a finding have the line.
_DEVICE_LINE = TABLES["devices"].index("line") - 2
_FINDING_LINE = TABLES["findings"].index("line") - 2

Row = tuple[object, ...]
Group = tuple[Row, tuple[Row, ...]]
"""Rows of one domain: the cells with which all of them begin, and the other cells of each."""
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


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of a domain, without its file and name: the cells of its rows, devices counted by verdict, and
    findings of the policy by level; ``fails`` says whether a device fails that the guest needs."""

    devices: tuple[Row, ...]
    findings: tuple[Row, ...]
    verdicts: Mapping[str, int]
    levels: Mapping[str, int]
    fails: bool


@dataclass(slots=True)
class Answer:
    """The result for a batch: the number of ``domains`` judged, ``without_devices`` and ``failing`` of them (a device
    fails that the guest needs, as ``check`` counts it), ``shared`` of them with the answer of an earlier domain of the
    same shape, and of ``rejected`` inputs; the rows of each table in groups; devices counted by verdict, and findings
    of the policy by level; ``skipped`` are pairs of a file and what it is instead of a domain."""

    domains: int = 0
    without_devices: int = 0
    failing: int = 0
    shared: int = 0
    rejected: int = 0
    rows: dict[str, list[Group]] = field(default_factory=lambda: {name: [] for name in TABLES})
    verdicts: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def accept(self, label: str, name: str, judged: Judged) -> None:
        """Add the rows and counts of one domain."""
        self.domains += 1
        self.without_devices += not judged.verdicts
        self.failing += judged.fails
        if judged.findings:
            self.rows["findings"].append(((label, name), judged.findings))
        if judged.devices:
            self.rows["devices"].append(((label, name), judged.devices))
        self.verdicts.update(judged.verdicts)
        self.levels.update(judged.levels)

    def reject(self, label: str, message: str) -> None:
        """Add an input that was rejected."""
        self.rejected += 1
        self.rows["rejected"].append(((label, message), ((),)))

    def add(self, other: Answer) -> None:
        """Add the counts of another batch, without its rows."""
        self.domains += other.domains
        self.without_devices += other.without_devices
        self.failing += other.failing
        self.shared += other.shared
        self.rejected += other.rejected
        self.verdicts += other.verdicts
        self.levels += other.levels


@lru_cache(maxsize=4)
def _prepared(question: Question) -> tuple[Host, Catalogue, Policy | None]:
    """The host, guest database and policy of a question, loaded once in each process."""
    from virtkit.guests import catalogue

    return question.host(), catalogue(*question.osinfo), question.loaded_policy()


def _loaded(question: Question) -> tuple[Host, Catalogue, Policy | None]:
    """The same for a question whatever its options of readers."""
    return _prepared(replace(question, readers=ReaderOptions()))


@lru_cache(maxsize=4)
def _shapes(question: Question) -> Shapes[Judged]:
    """The shapes that this process has judged for a question."""
    return Shapes()


def examine(batch: Batch, question: Question, shapes: Shapes[Judged] | None = None) -> Answer:
    """Resolve and judge each domain of a batch. Runs in a worker; no input makes it raise.

    Domains of one shape are judged once: those of ``shapes`` and, without it, those of this process.
    """
    shapes = _shapes(question) if shapes is None else shapes
    answer = Answer()
    for source in batch:
        data = source.data if isinstance(source, InMemory) else b""
        hit = shapes.find(data) if data else None
        if hit is not None:
            answer.accept(source.label, hit.name or "domain", hit.answer)
            answer.shared += 1
        elif found := alike(data, source.label):
            _examine_items(source, found, question, answer)
        else:
            _examine_one(source, data, question, shapes, answer)
    return answer


@lru_cache(maxsize=4)
def _known_items(question: Question) -> OrderedDict[bytes, Judged]:
    """The answers of this process for items of lists, by their keys."""
    return OrderedDict()


def _examine_items(source: Source, found: list[Item], question: Question, answer: Answer) -> None:
    """Judge the items of a list; those that differ only in names and the like are judged once."""
    known = _known_items(question)
    for item in found:
        judged = known.get(item.key) if item.key else None
        if judged is None:
            one = _judge_item(source, item, question, answer)
            if one is None or not item.key:
                continue
            known[item.key] = one
            if len(known) > _KEPT_ITEMS:
                known.popitem(last=False)
        else:
            answer.shared += 1
            answer.accept(part_of(source, item.name).label, item.domain, _shifted(judged, item.line - 3))


def _judge_item(source: Source, item: Item, question: Question, answer: Answer) -> Judged | None:
    """The answer for an item, with its lines as if it were alone; None for one that gives no single domain."""
    alone = Answer()
    part = InMemory(source.name, None, source.label, named=False, data=item.data)
    judged = _examine_one(part, b"", question, Shapes(), alone)
    if judged is not None and item.key:
        answer.accept(part_of(source, item.name).label, item.domain, _shifted(judged, item.line - 3))
        return judged
    # Again with its lines, for the messages.
    readers = ReaderOptions({**question.readers.values, "first-line": str(item.line - 2)})
    _examine_one(part, b"", replace(question, readers=readers), Shapes(), answer)
    return None


def _shifted(judged: Judged, lines: int) -> Judged:
    """The answer for a domain that begins some lines further down."""
    devices = tuple([_moved(row, _DEVICE_LINE, lines) for row in judged.devices])
    findings = tuple([_moved(row, _FINDING_LINE, lines) for row in judged.findings])
    return Judged(devices, findings, judged.verdicts, judged.levels, judged.fails)


def _moved(row: Row, place: int, lines: int) -> Row:
    line = row[place]
    return (*row[:place], line + lines, *row[place + 1 :]) if isinstance(line, int) else row


def _examine_one(
    source: Source, data: bytes, question: Question, shapes: Shapes[Judged], answer: Answer
) -> Judged | None:
    """Judge the domains of one input, and keep the answer for its shape. Returns that of the last domain."""
    host, known, policy = _loaded(question)
    judged = None

    def judge(domain: Domain) -> tuple[Checked, tuple[Finding, ...]]:
        guest = guest_unless_named(domain, question.guest)
        found = checked(domain, host, guest, overrides=question.overrides, guest_database=known)
        if policy is None:
            return found, ()
        from virtkit.policy.review import review

        return found, review(policy, found.resolved, guest, guest_database=known)

    def skip(part: Source, found: Skipped) -> None:
        answer.skipped.append((part.label, found.reason))

    for part, outcome in each((source,), judge, question.readers, skip):
        if isinstance(outcome, VirtkitError):
            answer.reject(part.label, str(outcome))
            continue
        (found, seen), name = outcome, policy.name if policy else ""
        judged = _judged(found, seen, name)
        answer.accept(part.label, found.review.domain, judged)
        if shareable(found.resolved.domain, data):
            shapes.add(data, judged)
    return judged


def _judged(found: Checked, seen: Iterable[Finding], policy: str) -> Judged:
    """What is said of a domain, with the level of each finding of a policy."""
    levels: dict[str, str] = {}
    counts: Counter[str] = Counter()
    findings: list[Row] = []
    for one in seen:
        levels[one.device] = max(levels.get(one.device, ""), one.level, key=_LEVELS.index)
        counts[one.level] += 1
        findings.append((one.guest, policy, one.device, one.line, one.level, one.text))
    verdicts = Counter(finding.verdict.value for finding in found.review.devices)
    return Judged(tuple(_device_cells(*found, levels)), tuple(findings), verdicts, counts, not found.review.ok)


def device_rows(label: str, resolved: Resolved, seen: Review, levels: Mapping[str, str]) -> Iterator[Row]:
    """A row of the table "devices" for each virtio device, disk and NIC; ``levels``: those of a policy, by device."""
    for cells in _device_cells(resolved, seen, levels):
        yield (label, seen.domain, *cells)


def _device_cells(resolved: Resolved, seen: Review, levels: Mapping[str, str]) -> Iterator[Row]:
    """The cells of each row after those of file and domain."""
    assumed = "" if resolved.assumption is None else resolved.assumption.note
    for one in seen.devices:
        yield (
            seen.guest, resolved.arch, resolved.machine, one.device, one.label, one.kind, one.model, one.address,
            one.location, one.interface, one.line, not one.harmless, one.verdict.value, one.reason, one.condition,
            one.change or one.advice, str(one.evidence), one.source, levels.get(one.label, ""), assumed,
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
        _loaded(question)[1].find(question.guest)
    else:
        _loaded(question)
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
        for one in _read(source):
            batch.append(one)
            size += len(one.data) if isinstance(one, InMemory) else 0
            if len(batch) >= _BATCH_DOMAINS or size >= _BATCH_BYTES:
                yield tuple(batch)
                batch, size = [], 0
    if batch:
        yield tuple(batch)


def _read(source: Source) -> Iterator[InMemory | Unreadable]:
    """A source that is read, in several portions where it is a long list."""
    try:
        data = source.read()
    except InputError as problem:
        yield Unreadable(source.name, None, source.label, reason=problem.what)
        return
    for portion in portions(data, source.label, _PORTION_BYTES):
        yield InMemory(source.name, None, source.label, named=source.named, data=portion)


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
