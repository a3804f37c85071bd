"""What an audit finds out about a batch of domains: rows of the tables, and counts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from virtkit.compat.verdict import Verdict
from virtkit.fleet.surveyed import verdict_on
from virtkit.fleet.tables import LEVELS, line_place
from virtkit.topology.headroom import hotplug_slots
from virtkit.values import maker

if TYPE_CHECKING:
    from virtkit.compat.review import Review
    from virtkit.fleet.tables import Group, Row
    from virtkit.policy.review import Finding
    from virtkit.resolved import Resolved

__all__ = ["Accepted", "Answer", "Judged", "Refused", "Totals", "device_rows", "judged"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What domains of one shape have in common: the cells of their rows of each table without those that identify the
    domain, devices counted by verdict, and findings of the policy by level.

    ``fails`` says whether a device fails that the guest needs.
    """

    devices: tuple[Row, ...]
    findings: tuple[Row, ...]
    domain: Row
    verdicts: Mapping[str, int]
    levels: Mapping[str, int]
    fails: bool

    @property
    def lines(self) -> list[object]:
        """The lines in its rows; None where one is not known."""
        tables = (("devices", self.devices), ("findings", self.findings))
        return [row[line_place(table)] for table, rows in tables for row in rows]

    def with_lines(self, moved: Mapping[object, int]) -> Judged:
        """The same with other lines; ``moved`` has one for each line but None."""
        devices = tuple([_with_line(row, line_place("devices"), moved) for row in self.devices])
        findings = tuple([_with_line(row, line_place("findings"), moved) for row in self.findings])
        return Judged(devices, findings, self.domain, self.verdicts, self.levels, self.fails)

    def __reduce__(self) -> tuple[Any, ...]:
        counts = tuple(sorted(self.verdicts.items())), tuple(sorted(self.levels.items()))
        return _received, (self.devices, self.findings, self.domain, *counts, self.fails)

    def shifted(self, lines: int) -> Judged:
        """The same for a domain that begins some lines further down."""
        return self.with_lines({line: line + lines for line in self.lines if isinstance(line, int)}) if lines else self


_made = maker(Judged)
_FAILS = Verdict.FAILS.value


@lru_cache(maxsize=4096)
def _received(devices: tuple[Row, ...], findings: tuple[Row, ...], domain: Row, *rest: Any) -> Judged:
    """What another process sent; equal answers of several batches become one object, whose rows are written once."""
    verdicts, levels, fails = rest
    return Judged(devices, findings, domain, dict(verdicts), dict(levels), fails)


def _shared(row: Iterable[object]) -> Row:
    """A row whose texts are shared with other rows, so that they travel to another process once."""
    return tuple([sys.intern(cell) if type(cell) is str else cell for cell in row])


def _with_line(row: Row, place: int, moved: Mapping[object, int]) -> Row:
    line = row[place]
    return (*row[:place], moved[line], *row[place + 1 :]) if isinstance(line, int) else row


class Accepted(NamedTuple):
    """A domain that libvirt accepts: its input, name, UUID, the digest of its text, its first line, what is said."""

    source: str
    name: str
    uuid: str
    digest: str
    line: int
    judged: Judged


class Refused(NamedTuple):
    """An input that is no domain, cannot be read or would be refused; name and UUID where they are known."""

    source: str
    name: str
    uuid: str
    digest: str
    message: str


@dataclass(slots=True)
class Answer:
    """The result for a batch: the domains that were judged, ``shared`` of them with the answer of an earlier domain of
    the same shape, and the inputs that were refused, each in order.

    ``skipped`` are pairs of a file and what it is instead of a domain; ``inputs`` is the digest of the whole
    batch; ``places`` are the places in it of the inputs of ``accepted``, ``taken`` the number of those whose answer is
    that of an earlier dataset.
    """

    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    shared: int = 0
    taken: int = 0
    inputs: str = ""
    places: list[int] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, list[Group]]:
        """The rows of the tables of files."""
        return {
            "devices": [((one[0], one[1]), one.judged.devices) for one in self.accepted if one.judged.devices],
            "domains": [(one[:5], (one.judged.domain,)) for one in self.accepted],
            "findings": [((one[0], one[1]), one.judged.findings) for one in self.accepted if one.judged.findings],
            "rejected": [((one.source, one.message), ((),)) for one in self.refused],
        }

    @property
    def dataset_rows(self) -> dict[str, list[Group]]:
        """The rows of the tables of a dataset."""
        return {
            "devices": [(one[:3], one.judged.devices) for one in self.accepted if one.judged.devices],
            "domains": [(one[:5], (one.judged.domain,)) for one in self.accepted],
            "findings": [(one[:3], one.judged.findings) for one in self.accepted if one.judged.findings],
            "rejected": [(tuple(one), ((),)) for one in self.refused],
        }


@dataclass(slots=True)
class Totals:
    """The counts of a whole audit: ``domains`` judged, ``without_devices`` and ``failing`` of them (a device fails that
    the guest needs, as ``check`` counts it), ``shared`` and ``rejected`` as in an answer; devices counted by verdict,
    findings of the policy by level, and the domains ``kept`` of an interrupted audit."""

    domains: int = 0
    without_devices: int = 0
    failing: int = 0
    shared: int = 0
    taken: int = 0
    rejected: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def add(self, answer: Answer) -> None:
        """Add the counts of a batch."""
        self.domains += len(answer.accepted)
        self.shared += answer.shared
        self.taken += answer.taken
        self.rejected += len(answer.refused)
        for one in answer.accepted:
            found = one.judged
            self.without_devices += not found.verdicts
            self.failing += found.fails
            for verdict, count in found.verdicts.items():
                self.verdicts[verdict] += count
            for level, count in found.levels.items():
                self.levels[level] += count

    def include(self, other: Totals) -> None:
        """Add the counts of a part."""
        self.domains += other.domains
        self.without_devices += other.without_devices
        self.failing += other.failing
        self.shared += other.shared
        self.taken += other.taken
        self.rejected += other.rejected
        self.verdicts += other.verdicts
        self.levels += other.levels
        self.kept += other.kept

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON. How many domains shared an answer depends on the engine, and is left out."""
        return {
            "domains": self.domains,
            "without_devices": self.without_devices,
            "failing": self.failing,
            "rejected": self.rejected,
            "verdicts": dict(sorted(self.verdicts.items())),
            "levels": dict(sorted(self.levels.items())),
        }

    @staticmethod
    def from_dict(found: Mapping[str, Any]) -> Totals:
        """The counts that ``as_dict`` gave."""
        values = {**found, "verdicts": Counter(found["verdicts"]), "levels": Counter(found["levels"])}
        return Totals(**values)


def judged(resolved: Resolved, seen: Review, policy: str, found: Iterable[Finding], shape: str) -> Judged:
    """What is said of a domain, with the level of each finding of a policy; ``shape`` is the name of its shape."""
    levels: dict[str, str] = {}
    counts: dict[str, int] = {}
    findings: list[Row] = []
    for one in found:
        levels[one.device] = max(levels.get(one.device, ""), one.level, key=LEVELS.index)
        counts[one.level] = counts.get(one.level, 0) + 1
        findings.append(_shared((one.guest, policy, one.device, one.line, one.level, one.text)))
    given = [finding.verdict._value_ for finding in seen.devices]
    verdicts = {verdict: given.count(verdict) for verdict in given}
    failing = sum([one.verdict is Verdict.FAILS and not one.harmless for one in seen.devices]) if _FAILS in given else 0
    devices = tuple(_device_cells(resolved, seen, levels))
    level = max(counts, key=LEVELS.index) if counts else ""
    domain = _domain_cells(resolved, seen, shape, level, len(devices), failing)
    return _made(devices, tuple(findings), domain, verdicts, counts, failing > 0 or bool(seen.errors))


def device_rows(label: str, resolved: Resolved, seen: Review, levels: Mapping[str, str]) -> Iterator[Row]:
    """A row of the table "devices" for each virtio device, disk and NIC; ``levels``: those of a policy, by device."""
    for cells in _device_cells(resolved, seen, levels):
        yield (label, seen.domain, *cells)


def _device_cells(resolved: Resolved, seen: Review, levels: Mapping[str, str]) -> Iterator[Row]:
    """The cells of each row after those of file and domain; rows share the texts that are made anew for a domain."""
    assumed = "" if resolved.assumption is None else resolved.assumption.note
    intern = sys.intern
    guest, arch, machine = intern(seen.guest), intern(resolved.arch), intern(resolved.machine)
    for one in seen.devices:
        yield (
            guest, arch, machine, intern(one.device), intern(one.label), one.kind, one.model, intern(one.address),
            one.location, one.interface, one.line, not one.harmless, one.verdict._value_, one.reason, one.condition,
            one.change or one.advice, one.evidence._value_, one.source, levels.get(one.label, ""), assumed,
        )  # fmt: skip


def _domain_cells(resolved: Resolved, seen: Review, shape: str, level: str, devices: int, failing: int) -> Row:
    """The cells of the row of a domain after its first line, with the number of its devices and of those that fail."""
    worst, slots = verdict_on(seen), hotplug_slots(resolved, resolved.taken_slots)
    express, conventional = slots.get("PCI Express"), slots.get("conventional PCI")
    intern = sys.intern
    return (
        intern(seen.guest), intern(resolved.arch), intern(resolved.machine), shape, worst["verdict"],
        intern(worst["device"]), intern(worst["reason"]), level, devices, failing, express and express[0],
        conventional and conventional[0], "" if resolved.assumption is None else resolved.assumption.note,
    )  # fmt: skip
