"""A folder of domains, resolved and checked, as tables for notebooks and reports."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.compat.verdict import Verdict
from virtkit.display import Displayable
from virtkit.fleet.domains import check_each, checked, guest_unless_named
from virtkit.topology.diff import nodes
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.compat.review import Review
    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.readers.contract import Skipped
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Topology

__all__ = ["Item", "Repair", "Survey", "folded", "survey", "verdict_on"]

#: The verdicts on a domain, most urgent first.
ORDER = ("fails", "unknown", "works-with-condition", "works")
_BECOMES = {
    "fails": "still fails",
    "unknown": "may work (unknown)",
    "works-with-condition": "works with a condition",
}


@dataclass(frozen=True, slots=True)
class Repair:
    """A domain as ``virtkit check --fix`` changes it: the command, the changes in words, and their effect.

    ``topology`` and ``review`` are those of the changed domain; both are None where libvirt would refuse it, and
    ``refusal`` is then its message.
    """

    command: str
    steps: tuple[str, ...]
    topology: Topology | None
    review: Review | None
    refusal: str = ""

    @property
    def outcome(self) -> str:
        """The effect of the changes, in a sentence."""
        if self.review is None:
            return f"With these changes libvirt would refuse it: {self.refusal}"
        found = verdict_on(self.review)
        if found["verdict"] == "works":
            return "With these changes it works"
        return f"With these changes it {_BECOMES[found['verdict']]}; {found['device']}: {found['reason']}"


@dataclass(frozen=True, slots=True)
class Item:
    """One accepted domain: its file, its resolution, and the verdicts on its devices.

    ``guest`` is the OS that the caller named for it ("" where its metadata name one), ``overrides`` as for ``check``,
    ``part`` its name in a file with several domains.
    """

    file: str
    resolved: Resolved
    topology: Topology
    review: Review
    guest: str = ""
    overrides: bool = True
    part: str = ""

    @property
    def verdict(self) -> str:
        """The verdict on the whole domain: one of ORDER."""
        return verdict_on(self.review)["verdict"]

    def repaired(self) -> Repair | None:
        """The domain with the changes of its review, resolved and checked again; None where there are no changes."""
        from virtkit.compat.changes import fixed
        from virtkit.domain.domain import read
        from virtkit.errors import VirtkitError
        from virtkit.inputs import stem

        changes = self.review.changes
        if not changes:
            return None
        file = self.file.removesuffix(f" ({self.part})") if self.part else self.file
        result = PurePath(file).with_name(f"{self.part or stem(PurePath(file))}-fixed.xml")
        words = ["virtkit", "check", file, "--fix", "-o", str(result)]
        words += ["--domain", self.part] if self.part else []
        words += ["--guest", self.guest] if self.guest else []
        words += [] if self.overrides else ["--overrides", "off"]
        command, steps = shlex.join(words), tuple(f"{one.label}: {one.change}" for one in changes)
        codec = self.resolved.domain.document.codec
        try:
            domain = read(fixed(self.resolved, self.review).encode(codec), self.file)
            after, review = checked(domain, self.resolved.host, self.guest or None, overrides=self.overrides)
        except VirtkitError as problem:
            return Repair(command, steps, None, None, str(problem))
        return Repair(command, steps, after.topology, review)


@dataclass(slots=True, repr=False)
class Survey(Displayable):
    """The domains of a folder: ``items`` for the accepted ones, ``refusals`` as pairs of file and message.

    ``skipped`` are pairs of a file that contains no domain and what it contains.
    """

    items: list[Item] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Survey of {counted(self.total, 'domain')}, {len(self.refusals)} rejected>"

    @property
    def total(self) -> int:
        """The number of domains, accepted or rejected."""
        return len(self.items) + len(self.refusals)

    def by_need(self) -> list[Item]:
        """The domains by urgency: those that fail, unknown ones, those that depend on a condition, the others."""
        return sorted(self.items, key=lambda item: ORDER.index(item.verdict))

    def domains(self) -> pd.DataFrame:
        """One row for each domain, most urgent first: file, name, guest (id), guest_name, machine, verdict, device,
        reason, added (int), free_express and free_conventional (free slots, int), assumption (a note where a host was
        assumed)."""
        rows: list[dict[str, Any]] = []
        for item in self.by_need():
            rooms = {room.kind: room.free for room in item.topology.headroom}
            rows.append(
                {
                    "file": item.file,
                    "name": item.topology.name,
                    "guest": item.review.guest,
                    "guest_name": item.review.guest_name,
                    "machine": item.topology.machine,
                    **verdict_on(item.review),
                    "added": sum(1 for node in nodes(item.topology) if node.added),
                    "free_express": rooms.get("PCI Express", 0),
                    "free_conventional": rooms.get("conventional PCI", 0),
                    "assumption": _assumption(item.resolved),
                }
            )
        return _frame(
            rows,
            "file name guest guest_name machine verdict device reason added free_express free_conventional assumption",
        )

    def devices(self) -> pd.DataFrame:
        """One row for each virtio device, disk and NIC, as in ``virtkit audit``: file, device, label, kind, model,
        address, interface, needed (bool), verdict, reason, condition, change, evidence, source."""
        from virtkit.fleet.audit import TABLES, device_rows

        names = TABLES["devices"]
        rows = [
            dict(zip(names, row, strict=True))
            for item in self.items
            for row in device_rows(item.file, item.resolved, item.review, {})
        ]
        columns = (
            "file device label kind model address interface needed verdict reason condition change evidence source"
        )
        return _frame(rows, columns)

    def added(self) -> pd.DataFrame:
        """One row for each controller or device that resolution added: file, device, title, driver (or title), address,
        and the reason why it was added."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver or node.title,
                "address": node.address,
                "reason": node.reason.partition("\n")[0],
            }
            for item in self.items
            for node in nodes(item.topology)
            if node.added
        ]
        return _frame(rows, "file device title driver address reason")

    def places(self) -> pd.DataFrame:
        """One row for each device and controller of a domain, in the order of the tree: file, device, title, driver,
        address, interface ("" where it has none), placed, added (bool)."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver,
                "address": node.address,
                "interface": node.interface or "",
                "placed": node.placed,
                "added": node.added,
            }
            for item in self.items
            for node in nodes(item.topology)
        ]
        return _frame(rows, "file device title driver address interface placed added")

    def headroom(self) -> pd.DataFrame:
        """One row for each kind of slot of a domain: file, name (with the file where two domains share it), kind,
        free (int), used (int), reason."""
        count = Counter(item.topology.name for item in self.items)
        rows = []
        for item in self.items:
            name = item.topology.name
            name = name if count[name] == 1 else f"{name} ({item.file})"
            rows += [
                {"file": item.file, "name": name, "kind": room.kind, "free": room.free, "used": room.used}
                | {"reason": room.reason}
                for room in item.topology.headroom
            ]
        return _frame(rows, "file name kind free used reason")

    def refused(self) -> pd.DataFrame:
        """One row for each file that was rejected: file, message."""
        return _frame([{"file": file, "message": message} for file, message in self.refusals], "file message")


def survey(folder: str = "", guest: str = "", host: Host | None = None, overrides: bool = True) -> Survey:
    """Read, resolve and check every ``*.xml`` below a folder ("" means the sample domains), sorted by name.

    ``guest`` is the OS of domains without libosinfo metadata. A rejected file goes to ``refusals`` and does not stop
    the others. Raises UsageError when the folder is missing and GuestError for an unknown ``guest``.

    >>> import virtkit as vk
    >>> found = vk.survey()
    >>> table = found.domains()
    >>> table.loc[table["verdict"] == "fails", ["file", "guest", "machine"]]
                        file     guest     machine
    ... rhel6-q35-virtio.xml  rhel6.10  pc-q35-8.2
    """
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.guests import catalogue
    from virtkit.inputs import sources_below

    base = Path(folder) if folder else facts.path("domains")
    if not base.is_dir():
        raise UsageError(f"domains = {folder!r}: expected an existing folder")
    if guest:
        catalogue().find(guest)
    found = Survey()

    def skip(source: Source, skipped: Skipped) -> None:
        found.skipped.append((source.label, skipped.reason))

    for source, outcome in check_each(sources_below(base), host, guest, overrides=overrides, skip=skip):
        if isinstance(outcome, VirtkitError):
            # A folder without a domain file is no domain that could not be read.
            (found.skipped if source.path == base else found.refusals).append((source.label, str(outcome)))
            continue
        resolved, review = outcome
        named = guest_unless_named(resolved.domain, guest) or ""
        found.items.append(Item(source.label, resolved, resolved.topology, review, named, overrides, source.part))
    return found


def folded(devices: pd.DataFrame) -> pd.DataFrame:
    """Rows of ``Survey.devices`` that differ in label and address only, as one: "disk vda … vdad (30)".

    Labels and addresses become ranges with a count; a combined row takes the place of its first one.
    """
    same = ["file", "kind", "model", "interface", "verdict", "reason", "condition", "change"]
    rows = []
    for _, some in devices.groupby(same, sort=False):
        row = {str(name): value for name, value in some.iloc[0].items()}
        if len(some) > 1:
            row["label"] = _range([str(label) for label in some["label"]])
            places = [str(place) for place in some["address"]]
            row["address"] = f"{places[0]} … {places[-1]}" if places[0] else ""
        rows.append(row)
    return _frame(rows, " ".join(devices.columns))


def _range(labels: list[str]) -> str:
    """Labels of one kind as a range with its count; the words that all of them begin or end with appear once."""
    split = [label.split() for label in labels]
    head = _common(split)
    tail = _common([words[head:][::-1] for words in split])
    middle = [" ".join(words[head : len(words) - tail]) for words in split]
    before, after = " ".join(split[0][:head]), " ".join(split[0][len(split[0]) - tail :])
    between = ", ".join(middle) if len(middle) < 3 else f"{middle[0]} … {middle[-1]}"
    count = f"({len(labels)})" if len(labels) > 2 or not any(middle) else ""
    return " ".join(word for word in (before, between.strip(", …"), after, count) if word)


def _common(split: list[list[str]]) -> int:
    """The number of words that all begin with."""
    return len(list(takewhile(lambda words: len(set(words)) == 1, zip(*split, strict=False))))


def verdict_on(review: Review) -> dict[str, str]:
    """The verdict on a whole domain, that of its worst needed device: ``verdict`` (one of ORDER), ``device``,
    ``reason``."""
    errors = [remark.text for remark in review.remarks if remark.level == "error"]
    # An emulated device that no source judges does not hide what is known of the virtio devices.
    failed = tuple(finding for finding in review.emulated if finding.verdict is Verdict.FAILS)
    needed = [finding for finding in (*review.findings, *failed) if not finding.harmless]
    for verdict in ORDER:
        for finding in needed:
            if str(finding.verdict) == verdict:
                reason = finding.reason + (f"; works if {finding.condition}" if finding.condition else "")
                found = {"verdict": verdict, "device": finding.label, "reason": reason}
                return {"verdict": verdict, "device": "", "reason": ""} if verdict == "works" and not errors else found
        if verdict == "fails" and errors:
            return {"verdict": "fails", "device": "", "reason": errors[0]}
    return {"verdict": "works", "device": "", "reason": "no virtio device that the guest needs"}


def _assumption(resolved: Resolved) -> str:
    """Which host was assumed for a domain, and why; "" where none was."""
    return "" if resolved.assumption is None else resolved.assumption.note


def _frame(rows: list[dict[str, Any]], columns: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns.split())
