"""One domain of a survey: its resolution, the verdict on it as a whole, and what changing its models would give."""

from __future__ import annotations

import shlex
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from virtkit.compat.verdict import Verdict
from virtkit.fleet.domains import checked

if TYPE_CHECKING:
    from virtkit.compat.review import Finding, Review
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Bus, Node, Topology

__all__ = ["NOT_STATED", "ORDER", "Item", "Repair", "answer_key", "verdict_on"]

#: The verdicts on a domain, most urgent first.
ORDER = ("fails", "unknown", "works-with-condition", "works")
#: Stands for the guest of a domain where no source names it.
NOT_STATED = "guest OS not stated"
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
    """One accepted domain: its file and name, its resolution, and the verdicts on its devices.

    ``shape`` is a number that equal domains share: they differ only in names, paths, MAC addresses and the like, and
    share the resolution, whose name is that of the first of them. ``guest`` is the OS that the caller named for it (""
    where its metadata name one), ``overrides`` as for ``check``, ``part`` its name in a file with several domains.
    """

    file: str
    name: str
    shape: int
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


def verdict_on(review: Review) -> dict[str, str]:
    """The verdict on a whole domain, that of its worst needed device: ``verdict`` (one of ORDER), ``device``,
    ``reason``."""
    errors = [remark.text for remark in review.remarks if remark.level == "error"]
    first: dict[str, Finding] = {}
    for finding in review.findings:
        if not finding.harmless:
            first.setdefault(finding.verdict._value_, finding)
    for finding in review.emulated:
        # An emulated device that no source judges does not hide what is known of the virtio devices.
        if finding.verdict is Verdict.FAILS and not finding.harmless:
            first.setdefault("fails", finding)
    for verdict in ORDER:
        if verdict in first:
            finding = first[verdict]
            reason = finding.reason
            if finding.condition:
                reason = f"{reason.removesuffix('.')}; works if {finding.condition}"
            found = {"verdict": verdict, "device": finding.label, "reason": reason}
            return {"verdict": verdict, "device": "", "reason": ""} if verdict == "works" and not errors else found
        if verdict == "fails" and errors:
            return {"verdict": "fails", "device": "", "reason": errors[0]}
    return {"verdict": "works", "device": "", "reason": "no virtio device that the guest needs"}


def answer_key(resolved: Resolved, review: Review) -> Hashable:
    """What is found of a domain, without its name, lines and MAC addresses: equal for domains with equal answers."""
    topology = resolved.topology
    tree = tuple(map(_bus_key, topology.roots)), tuple(map(_node_key, topology.others))
    verdicts = tuple([_verdict_key(one) for one in review.devices])
    host = topology.machine, topology.arch, topology.firmware, topology.notes, topology.headroom
    return (*host, *tree, review.guest, verdicts, review.remarks)


def _verdict_key(one: Finding) -> Hashable:
    device = one.label, one.kind, one.model, one.address, one.interface, one.harmless
    return (*device, one.verdict, one.reason, one.condition, one.change, one.advice)


def _bus_key(bus: Bus) -> Hashable:
    return (bus.index, bus.model, bus.chassis, tuple(map(_node_key, bus.nodes)))


def _node_key(node: Node) -> Hashable:
    below = None if node.bus is None else _bus_key(node.bus)
    return (node.id, node.title, node.driver, node.address, node.placed, node.added, node.interface, below)
