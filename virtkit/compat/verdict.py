"""One guest's drivers against one virtio interface: does it work, why, under what condition, who says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.guests import kinds
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.guests import Support

__all__ = ["Evidence", "Judgement", "Verdict", "judge", "refused"]


class Verdict(StrEnum):
    """Does it work by default, as placed? Unknown means that nobody has said, which is not "no"."""

    WORKS = "works"
    CONDITION = "works-with-condition"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """Where a verdict comes from: the guest OS database, a sourced correction of it, a deduction, a live QEMU,
    or a real guest that was seen driving the device."""

    DB = "db"
    OVERRIDE = "override"
    RULE = "rule"
    QEMU = "qemu"
    BOOT = "boot"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason in a sentence.

    ``condition`` says what must hold when the verdict is works-with-condition, "" otherwise.
    """

    verdict: Verdict
    reason: str
    condition: str
    evidence: Evidence
    source: str

    @property
    def good(self) -> bool:
        """Whether it works, with or without a condition."""
        return self.verdict in (Verdict.WORKS, Verdict.CONDITION)


_SHOWS = MappingProxyType(
    {
        Interface.LEGACY: "a legacy device (virtio 0.9)",
        Interface.TRANSITIONAL: "a transitional device (virtio 0.9 and 1.0)",
        Interface.MODERN: "a modern device (virtio 1.0)",
    }
)


def judge(support: Support, kind: str, interface: Interface, *, addons: bool = True) -> Judgement:
    """The verdict on a device of ``kind`` (one of the database's) that shows ``interface``.

    ``addons`` False is the strict rule: only in-box drivers count. With it, drivers that can be added turn
    "fails" into "works-with-condition", never into "works".
    Source: virtio 1.2, section 2.2 and 4.1 (a legacy driver needs the legacy interface, a modern one virtio
    1.0; a transitional device has both); checked by booting Linux guests with one, the other and both halves.
    """
    evidence = Evidence(support.evidence)
    shows = _SHOWS[interface]

    def told(verdict: Verdict, reason: str, condition: str = "") -> Judgement:
        return Judgement(verdict, reason, condition, evidence, support.source)

    if kind not in kinds.KINDS:
        return told(Verdict.UNKNOWN, f"the guest OS database has no id for virtio-{kind}")
    if support.unknown and evidence is Evidence.OVERRIDE:
        return told(Verdict.UNKNOWN, f"what the guest OS database says is not believed: {support.remark}")
    if support.unknown:
        return told(Verdict.UNKNOWN, "the guest OS database lists no device at all for this OS")
    for driver, there, condition in (
        # The condition of a modern driver does not matter where the legacy one can be used.
        ("legacy", support.legacy and interface is not Interface.MODERN, support.condition),
        ("modern", support.modern and interface is not Interface.LEGACY, support.modern_condition),
    ):
        if there:
            which = "legacy and modern" if support.legacy and support.modern else driver
            reason = f"the guest has the {which} {kind} driver; it meets {shows}"
            return told(Verdict.CONDITION if condition else Verdict.WORKS, reason, condition)
    if addons:
        for driver, there, condition in (
            ("legacy", support.legacy_addon and interface is not Interface.MODERN, support.condition),
            ("modern", support.modern_addon and interface is not Interface.LEGACY, support.modern_condition),
        ):
            if there:
                reason = f"no in-box {kind} driver, but one for the {driver} interface can be added; it meets {shows}"
                return told(Verdict.CONDITION, reason, condition)
    whose = f"the guest's {kind} driver" if support.any else f"the {kind} driver that can be added"
    if support.legacy or (addons and not support.any and support.legacy_addon):
        return told(Verdict.FAILS, f"{whose} knows the legacy interface only; it meets {shows}")
    if support.modern or (addons and not support.any and support.modern_addon):
        return told(Verdict.FAILS, f"{whose} needs virtio 1.0; it meets {shows}")
    return told(Verdict.FAILS, f"the guest has no virtio {kind} driver; it meets {shows}")


def refused(reason: str, evidence: Evidence, source: str) -> Judgement:
    """The verdict on a device that cannot be had at all, because libvirt or QEMU refuses it."""
    return Judgement(Verdict.FAILS, reason, "", evidence, source)
