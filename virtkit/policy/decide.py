"""What a policy decides for a guest: the machine, and the model or device of each kind."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.guests.overrides import support
from virtkit.guests.record import Guest, Support, version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from virtkit.policy.document import Policy

__all__ = ["Decision", "Situation", "decide", "decide_finding", "decide_machine", "fits"]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the conditions of a rule are tested on; "" for what is not known yet.

    ``machine`` is "pc", "q35" or another family; ``model``, ``interface`` and ``verdict`` belong to an existing device,
    for rules that give findings.
    """

    guest: Guest | None
    machine: str = ""
    kind: str = ""
    model: str = ""
    interface: str = ""
    verdict: str = ""
    drivers: dict[tuple[str, bool], Support] = field(default_factory=dict, compare=False)

    def support(self, guest: Guest, kind: str, corrected: bool) -> Support:
        """The guest's drivers for ``kind``, looked up once and kept in ``drivers``."""
        answer = self.drivers.get((kind, corrected))
        if answer is None:
            answer = self.drivers[kind, corrected] = support(guest, kind, overrides=corrected)
        return answer


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome ("machine", "model", "device", "finding" or "" when no rule applies) and the line of its rule.

    ``slot`` is where a virtio model is placed, "auto" or "root".
    """

    outcome: str
    value: str
    reason: str
    line: int
    slot: str = "auto"


_NONE = Decision("", "", "No rule of the policy applies.", 0)


def decide_machine(policy: Policy, guest: Guest | None) -> Decision:
    """The machine that the policy chooses for a guest."""
    situation = Situation(guest)
    return _first(policy, situation, "machine")


def decide(
    policy: Policy,
    guest: Guest | None,
    machine: str,
    kind: str,
    drivers: dict[tuple[str, bool], Support] | None = None,
) -> Decision:
    """The model or device of ``kind`` that the policy chooses for a guest on ``machine`` ("pc", "q35", …).

    ``drivers`` keeps this guest's drivers between the decisions of several policies.
    """
    situation = Situation(guest, machine, kind, drivers={} if drivers is None else drivers)
    return _first(policy, situation, kind)


def decide_finding(policy: Policy, situation: Situation) -> Decision:
    """The finding on an existing device: that of the first rule with a finding that applies."""
    return _first(policy, situation, f"finding {situation.kind}")


def _first(policy: Policy, situation: Situation, subject: str) -> Decision:
    corrected = policy.knows == "corrected"
    for rule in policy.about.get(subject, ()):
        if not rule.when or fits(rule.when, situation, corrected):
            return Decision(rule.outcome, rule.value, rule.reason, rule.line, rule.slot)
    return _NONE


def fits(when: Mapping[str, Any], situation: Situation, corrected: bool) -> bool:
    """Whether every condition holds. For an unknown guest no condition on guests holds, except under ``not``."""
    return all(_holds(name, value, situation, corrected) for name, value in when.items())


def _holds(name: str, value: Any, situation: Situation, corrected: bool) -> bool:
    if name == "not":
        return not fits(value, situation, corrected)
    if name == "database":
        return fits(value, situation, corrected=False)
    if name in ("machine", "model", "interface", "verdict"):
        return getattr(situation, name) in value
    guest = situation.guest
    if guest is None:
        return False
    if name == "guest":
        return any(fnmatchcase(guest.id, pattern) for pattern in value)
    if name in ("family", "distro"):
        return getattr(guest, name) in value
    if name == "version":
        mine = version_key(guest.version)
        return bool(mine) and all(_COMPARE[sign](mine, version_key(other)) for sign, other in value)
    if name == "released":
        return bool(guest.release) and all(_COMPARE[sign](guest.release, other) for sign, other in value)
    if name == "q35":
        return guest.q35 is value
    if name == "listed":
        return bool(guest.devices) is value
    if name == "lists":
        return all(guest.lists(*device.lower().split(":")) for device in value)
    kinds = (situation.kind if kind == "self" else kind for kind in value)
    return all(_driver(name, situation.support(guest, kind, corrected), corrected) for kind in kinds)


def _driver(name: str, answer: Support, addons: bool) -> bool:
    legacy = answer.legacy or (addons and answer.legacy_addon)
    modern = answer.modern or (addons and answer.modern_addon)
    return {"legacy": legacy, "modern": modern, "driver": legacy or modern}[name]
