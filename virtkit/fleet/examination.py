"""Examines a batch of inputs in a worker: each domain is resolved and judged, domains of one shape once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from virtkit.domain.domain import Domain
from virtkit.errors import VirtkitError
from virtkit.fleet.answer import Accepted, Answer, Judged, Refused, judged
from virtkit.fleet.domains import attempt, checked, guest_unless_named, shareable
from virtkit.fleet.question import Question, loaded
from virtkit.fleet.requests import contents
from virtkit.fleet.shapes import Shapes
from virtkit.fleet.tree_shape import lines_of, moved_lines, tree_key
from virtkit.inputs import InMemory, Source, domains_in, part_of
from virtkit.readers import alike
from virtkit.readers.contract import ReaderOptions, Skipped

if TYPE_CHECKING:
    from virtkit.fleet.requests import Batch, Requests
    from virtkit.readers.contract import Item

__all__ = ["Known", "digest", "digest_of_inputs", "digests", "examine"]

_KEPT = 2048


class _Placed(NamedTuple):
    """What is said of a domain, with the line on which it begins."""

    judged: Judged
    line: int


class _OfItem(NamedTuple):
    """What is said of the first item of a key as if it were alone, with the UUID of its domain."""

    judged: Judged
    uuid: str


class _OfTree(NamedTuple):
    """What is said of the first domain of a key, with the lines of its elements."""

    judged: Judged
    lines: list[int | None]


@dataclass(slots=True)
class Known:
    """The answers that a process keeps for one question: by the text, by the parsed tree, and for items of lists."""

    texts: Shapes[_Placed] = field(default_factory=Shapes)
    trees: OrderedDict[bytes, _OfTree] = field(default_factory=OrderedDict)
    items: OrderedDict[bytes, _OfItem] = field(default_factory=OrderedDict)


@lru_cache(maxsize=4)
def _known(question: Question) -> Known:
    return Known()


def digest(data: bytes) -> str:
    """The digest of an input: BLAKE2b of 256 bits, as ``b2sum -l 256`` prints it; "" for no data."""
    return blake2b(data, digest_size=32).hexdigest() if data else ""


def digests(batch: Batch) -> list[str]:
    """The digest of each input of a batch; of one that cannot be read, that of the reason."""
    return [digest(one.data if isinstance(one, InMemory) else one.reason.encode()) for one in batch]


def digest_of_inputs(batch: Batch, own: Sequence[str]) -> str:
    """One digest of the names and the digests of the inputs of a batch."""
    names = "\n".join([f"{source.label}\0{one}" for source, one in zip(batch, own, strict=True)])
    return blake2b(names.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def examine(requests: Requests, question: Question, known: Known | None = None) -> Answer:
    """Read the inputs of a batch, and resolve and judge each domain. Runs in a worker; no input makes it raise.

    Domains of one shape are judged once: those of ``known`` and, without it, those of this process.
    """
    known = _known(question) if known is None else known
    batch = contents(requests)
    own = digests(batch)
    answer = Answer(inputs=digest_of_inputs(batch, own))
    for place, (source, of_source) in enumerate(zip(batch, own, strict=True)):
        data = source.data if isinstance(source, InMemory) else b""
        hit = known.texts.find(data) if data else None
        if hit is not None:
            (found, line), name = hit.answer, hit.name or "domain"
            answer.accepted.append(Accepted(source.label, name, hit.uuid, of_source, line, found))
            answer.shared += 1
        elif items := alike(data, source.label):
            for item in items:
                _examine_item(source, item, question, known, answer)
        else:
            _examine_input(source, data, of_source, question, known, answer)
        answer.places += [place] * (len(answer.accepted) - len(answer.places))
    return answer


def _examine_item(source: Source, item: Item, question: Question, known: Known, answer: Answer) -> None:
    """Judge an item of a list; those that differ only in names and the like are judged once."""
    one = known.items.get(item.key) if item.key else None
    if one is None:
        one = _judge_item(source, item, question, known, answer)
        if one is None:
            return
        known.items[item.key] = one
        if len(known.items) > _KEPT:
            known.items.popitem(last=False)
    else:
        answer.shared += 1
    found = one.judged.shifted(item.line - 3)
    label = part_of(source, item.name).label
    answer.accepted.append(Accepted(label, item.domain, item.uuid or one.uuid, digest(item.data), item.line, found))


def _judge_item(source: Source, item: Item, question: Question, known: Known, answer: Answer) -> _OfItem | None:
    """The answer for an item, with its lines as if it were alone; None for one that gives no single domain, which has
    its rows in ``answer``."""
    part, own = InMemory(source.name, None, source.label, named=False, data=item.data), digest(item.data)
    if item.key:
        alone = Answer()
        _examine_input(part, item.data, own, question, known, alone)
        one = alone.accepted[0] if len(alone.accepted) == 1 and not alone.refused and not alone.skipped else None
        if one is not None and (one.name, one.uuid) == (item.domain, item.uuid or one.uuid):
            answer.shared += alone.shared
            return _OfItem(one.judged, one.uuid)
    # Again with its lines, for the messages.
    readers = ReaderOptions({**question.readers.values, "first-line": str(item.line - 2)})
    _examine_input(part, item.data, own, replace(question, readers=readers), known, answer)
    return None


def _examine_input(source: Source, data: bytes, own: str, question: Question, known: Known, answer: Answer) -> None:
    """Judge the domains of one input with the digest ``own``, and keep the answers for their shapes."""
    for part, found in domains_in(source, question.readers):
        if isinstance(found, Skipped):
            answer.skipped.append((part.label, found.reason))
        elif isinstance(found, VirtkitError):
            answer.refused.append(Refused(part.label, "", "", own, str(found)))
        else:
            _examine_domain(part, found, data, own, question, known, answer)


def _examine_domain(
    part: Source, domain: Domain, data: bytes, own: str, question: Question, known: Known, answer: Answer
) -> None:
    """Judge a domain, whose input is ``data`` with the digest ``own``, or take the answer of its shape."""
    key, lines = tree_key(domain), lines_of(domain)
    before = known.trees.get(key)
    moved = None if before is None else moved_lines(before.lines, lines, before.judged.lines)
    if before is not None and moved is not None:
        found = before.judged if before.lines == lines else before.judged.with_lines(moved)
        answer.shared += 1
    else:
        outcome = attempt(lambda: _judge(domain, key, question))
        if isinstance(outcome, VirtkitError):
            answer.refused.append(Refused(part.label, domain.name, domain.uuid, own, str(outcome)))
            return
        found = outcome
        known.trees[key] = _OfTree(found, lines)
        if len(known.trees) > _KEPT:
            known.trees.popitem(last=False)
    line = lines[0] or 1
    answer.accepted.append(Accepted(part.label, domain.name or "domain", domain.uuid, own, line, found))
    if shareable(domain, data):
        known.texts.add(data, _Placed(found, line))


def _judge(domain: Domain, key: bytes, question: Question) -> Judged:
    """What is said of a domain. Raises the error with which libvirt would refuse it."""
    host, guests, policy = loaded(question)
    guest = guest_unless_named(domain, question.guest)
    # No table of an audit has the notes, and without them most domains need no bus tree.
    resolved, review = checked(
        domain, host, guest, overrides=question.overrides, guest_database=guests, notes=False
    )
    if policy is None:
        return judged(resolved, review, "", (), key[:8].hex())
    from virtkit.policy.review import review as review_policy

    findings = review_policy(policy, resolved, guest, guest_database=guests)
    return judged(resolved, review, policy.name, findings, key[:8].hex())
