"""Whether a guest's drivers and a virtio interface go together: the verdict, its reason, condition and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit.guests import kinds
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.guests import Support
    from virtkit.virtio.interface import Shown

__all__ = ["Evidence", "Judgement", "Verdict", "judge", "offered", "qemu_refusal", "refused"]


class Verdict(StrEnum):
    """Whether a device works in the guest where it is placed. Unknown means that no source says; it is not "no"."""

    WORKS = "works"
    CONDITION = "works-with-condition"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """What a verdict rests on: the guest database, a sourced correction of it, a rule, a running QEMU, or the boot of a
    real guest that drove the device."""

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
        """Whether the device works, with or without a condition."""
        return self.verdict in (Verdict.WORKS, Verdict.CONDITION)


#: The members by value; asking the class takes ten times as long.
_EVIDENCE = MappingProxyType({one.value: one for one in Evidence})

_LEGACY, _MODERN, _BOTH = "the legacy interface (virtio 0.9)", "virtio 1.0", "virtio 0.9 and 1.0"
_OFFERED = MappingProxyType(
    {Interface.LEGACY: f"only {_LEGACY}", Interface.TRANSITIONAL: _BOTH, Interface.MODERN: f"only {_MODERN}"}
)


def offered(interface: Interface) -> str:
    """What a device with this interface offers its guest, in words: "virtio 0.9 and 1.0"."""
    return _OFFERED[interface]


def judge(support: Support, kind: str, interface: Interface, *, addons: bool = True) -> Judgement:
    """The verdict on a device of ``kind`` (a kind of the guest database) that offers ``interface``.

    ``addons`` False is the strict rule: only in-box drivers count. Otherwise a driver that can be installed turns
    "fails" into "works-with-condition", never into "works".
    Source: virtio 1.2, sections 2.2 and 4.1 (a legacy driver needs the legacy interface, a modern one virtio 1.0; a
    transitional device has both); checked by booting Linux guests with the one, the other and both drivers.
    """
    evidence = _EVIDENCE[support.evidence]

    def verdict(verdict: Verdict, reason: str, condition: str = "") -> Judgement:
        return Judgement(verdict, reason, condition, evidence, support.source)

    if kind not in kinds.KINDS and support.unknown and evidence is not Evidence.OVERRIDE:
        return verdict(Verdict.UNKNOWN, f"Unknown: the guest database has no device id for virtio-{kind}.")
    if support.legacy_only and interface is Interface.MODERN:
        reason = f"The device offers only {_MODERN}, which the guest's kernel is too old to support."
        return verdict(Verdict.FAILS, reason)
    if support.unknown and evidence is Evidence.OVERRIDE:
        return verdict(Verdict.UNKNOWN, f"Unknown: the guest database does not decide it. {support.remark}")
    if support.unknown:
        return verdict(Verdict.UNKNOWN, "Unknown: the guest database lists no devices for this guest.")
    offers = f"the device offers {_OFFERED[interface]}"
    condition = _usable(interface, (support.legacy, support.condition), (support.modern, support.modern_condition))
    if condition is not None:
        reason = f"The guest's {kind} driver supports {_supported(support.legacy, support.modern)}; {offers}."
        return verdict(Verdict.CONDITION if condition else Verdict.WORKS, reason, condition)
    legacy, modern = (support.legacy_addon, support.condition), (support.modern_addon, support.modern_condition)
    condition = _usable(interface, legacy, modern) if addons else None
    if condition is not None:
        driver = _supported(support.legacy_addon, support.modern_addon)
        own = "has no suitable" if support.any else "includes no"
        reason = f"The guest {own} {kind} driver, but one that supports {driver} can be installed; {offers}."
        return verdict(Verdict.CONDITION, reason, condition)
    if support.any:
        own = _supported(support.legacy, support.modern)
        return verdict(Verdict.FAILS, f"The guest's {kind} driver supports {own}; {offers}.")
    if not support.legacy_addon and not support.modern_addon:
        return verdict(Verdict.FAILS, f"The guest has no virtio {kind} driver.")
    if not addons:
        return verdict(Verdict.FAILS, f"The guest includes no virtio {kind} driver.")
    driver = _supported(support.legacy_addon, support.modern_addon)
    return verdict(Verdict.FAILS, f"The {kind} driver that can be installed supports {driver}; {offers}.")


def _usable(interface: Interface, legacy: tuple[bool, str], modern: tuple[bool, str]) -> str | None:
    """The condition of the driver that serves ``interface``, "" for none; None when no driver serves it.

    Each driver is (there, condition). Where the legacy driver can be used, the modern one's condition does not matter.
    """
    if legacy[0] and interface is not Interface.MODERN:
        return legacy[1]
    if modern[0] and interface is not Interface.LEGACY:
        return modern[1]
    return None


def _supported(legacy: bool, modern: bool) -> str:
    """What a driver supports, in words."""
    if legacy and modern:
        return _BOTH
    return f"only {_LEGACY if legacy else _MODERN}"


def refused(reason: str, evidence: Evidence, source: str) -> Judgement:
    """The verdict on a device that libvirt or QEMU refuses."""
    return Judgement(Verdict.FAILS, reason, "", evidence, source)


def qemu_refusal(shown: Shown) -> str:
    """Why QEMU refuses a device, as a sentence with QEMU's message where that is known."""
    return f"QEMU refuses the device: {(shown.message or shown.reason).rstrip('.')}."
