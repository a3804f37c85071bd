"""What a policy decides for a guest: the machine, and the model or device of each kind."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.guests.overrides import support
from virtkit.guests.record import Guest, Support, version_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from virtkit.policy.document import Policy, Rule

__all__ = ["Decision", "Situation", "decide", "decide_machine", "fits"]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What the predicates of a rule look at; "" for what is not known yet.

    ``machine`` is "pc", "q35" or another family; ``model``, ``interface`` and ``verdict`` are those of a device that
    is there already, for rules that give findings.
    """

    guest: Guest | None
    machine: str = ""
    kind: str = ""
    model: str = ""
    interface: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome ("machine", "model", "device", "finding" or "" when no rule fits), with the rule that gave it.

    ``slot`` is where a model goes, "auto" or "root".
    """

    outcome: str
    value: str
    reason: str
    line: int
    slot: str = "auto"


_NONE = Decision("", "", "no rule of the policy fits", 0)


def decide_machine(policy: Policy, guest: Guest | None) -> Decision:
    """The machine that the policy chooses for a guest."""
    situation = Situation(guest)
    return _first(policy, situation, lambda rule: rule.outcome == "machine")


def decide(policy: Policy, guest: Guest | None, machine: str, kind: str) -> Decision:
    """The model or device of ``kind`` that the policy chooses for a guest on ``machine`` ("pc", "q35", …)."""
    situation = Situation(guest, machine, kind)
    return _first(policy, situation, lambda rule: rule.outcome in ("model", "device") and kind in rule.kinds)


def findings(policy: Policy, situation: Situation) -> Decision:
    """The finding on a device that is there: the first rule with a finding that fits it."""
    return _first(policy, situation, lambda rule: rule.outcome == "finding" and situation.kind in rule.kinds)


def _first(policy: Policy, situation: Situation, wanted: Callable[[Rule], bool]) -> Decision:
    for rule in policy.rules:
        if wanted(rule) and fits(rule.when, situation, policy.knows == "corrected"):
            return Decision(rule.outcome, rule.value, rule.reason, rule.line, rule.slot)
    return _NONE


def fits(when: Mapping[str, Any], situation: Situation, corrected: bool) -> bool:
    """Whether every predicate holds. A guest that is not known fits no predicate on guests, nor their opposite
    unless it stands under ``not``."""
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
    return all(
        _driver(name, support(guest, situation.kind if k == "self" else k, overrides=corrected), corrected)
        for k in value
    )


def _driver(name: str, answer: Support, addons: bool) -> bool:
    legacy = answer.legacy or (addons and answer.legacy_addon)
    modern = answer.modern or (addons and answer.modern_addon)
    return {"legacy": legacy, "modern": modern, "driver": legacy or modern}[name]
