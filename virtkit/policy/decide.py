"""What a policy decides for a guest: the machine, the ports, and the model or device of each kind."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.errors import UsageError
from virtkit.guests import KINDS
from virtkit.guests.hardware import State, driven, hardware
from virtkit.guests.overrides import support
from virtkit.guests.record import Guest, Support, version_key
from virtkit.policy.ports import Ports, port_words
from virtkit.policy.rules import Created, Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from virtkit.policy.rules import Policy

__all__ = [
    "Circumstances",
    "Decision",
    "Situation",
    "circumstances",
    "decide",
    "decide_all",
    "decide_finding",
    "decide_machine",
    "decide_ports",
    "fits",
    "holds_for",
]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of a domain besides its guest and machine.

    ``arch`` is libvirt's name of the architecture, ``firmware`` "bios" or "efi". ``requests`` has what the user asks
    for: kinds of device, "all" (every kind), and words of the policy's own ``requests``.
    """

    arch: str = "x86_64"
    firmware: str = "bios"
    requests: frozenset[str] = frozenset()

    def writes(self, decision: Decision, kind: str) -> bool:
        """Whether the device of a decision is written into the domain."""
        if decision.created is Created.ON_REQUEST:
            return kind in self.requests or "all" in self.requests
        return decision.created is Created.ALWAYS


_USUAL = Circumstances()


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
    about: Circumstances = _USUAL

    def support(self, guest: Guest, kind: str, corrected: bool) -> Support:
        """The guest's drivers for ``kind``, looked up once and kept in ``drivers``."""
        answer = self.drivers.get((kind, corrected))
        if answer is None:
            answer = self.drivers[kind, corrected] = support(guest, kind, overrides=corrected)
        return answer


_NONE = Decision("", "", "No rule of the policy applies.", 0, created=Created.NEVER)


def circumstances(
    policies: Iterable[Policy], requests: str = "", arch: str = "x86_64", firmware: str = "bios"
) -> Circumstances:
    """The circumstances in which ``policies`` decide; ``requests`` lists words with commas or blanks.

    Raises UsageError for a word that is neither a kind of device nor a request of one of the policies.
    """
    words = frozenset(requests.replace(",", " ").split())
    known = {"all", *KINDS}.union(*(policy.requests for policy in policies))
    for word in sorted(words - known):
        raise UsageError(f"request: expected one of {', '.join(sorted(known))}, got {word!r}")
    return Circumstances(arch, firmware, words)


def decide_machine(policy: Policy, guest: Guest | None, about: Circumstances = _USUAL) -> Decision:
    """The machine that the policy chooses for a guest."""
    return _first(policy, Situation(guest, about=about), "machine")


def decide_ports(policy: Policy, guest: Guest | None, machine: str, about: Circumstances = _USUAL) -> Ports:
    """The root ports that the policy writes beyond those that the devices need; none where no rule applies."""
    if "ports" not in policy.about:
        return Ports()
    return port_words(_first(policy, Situation(guest, machine, about=about), "ports").value) or Ports()


def decide(
    policy: Policy,
    guest: Guest | None,
    machine: str,
    kind: str,
    drivers: dict[tuple[str, bool], Support] | None = None,
    about: Circumstances = _USUAL,
) -> Decision:
    """The model or device of ``kind`` that the policy chooses for a guest on ``machine`` ("pc", "q35", …).

    ``drivers`` keeps this guest's drivers between the decisions of several policies.
    """
    situation = Situation(guest, machine, kind, drivers={} if drivers is None else drivers, about=about)
    return _first(policy, situation, kind)


def decide_all(
    policy: Policy,
    guest: Guest,
    machine: str,
    kinds: Iterable[str],
    drivers: dict[tuple[str, bool], Support],
    about: Circumstances = _USUAL,
) -> list[Decision]:
    """What ``decide`` says for each of ``kinds``."""
    return [_first(policy, Situation(guest, machine, kind, drivers=drivers, about=about), kind) for kind in kinds]


def decide_finding(policy: Policy, situation: Situation) -> Decision:
    """The finding on an existing device: that of the first rule with a finding that applies."""
    return _first(policy, situation, f"finding {situation.kind}")


def _first(policy: Policy, situation: Situation, subject: str) -> Decision:
    corrected = policy.knows == "corrected"
    for rule in policy.about.get(subject, ()):
        if not rule.when or fits(rule.when, situation, corrected):
            return rule.decision
    return _NONE


def holds_for(when: Mapping[str, Any], guest: Guest, machine: str, about: Circumstances = _USUAL) -> bool:
    """Whether conditions hold for a guest on a machine, by the corrected database."""
    return fits(when, Situation(guest, machine, about=about), corrected=True)


def fits(when: Mapping[str, Any], situation: Situation, corrected: bool) -> bool:
    """Whether every condition holds. For an unknown guest no condition on guests holds, except under ``not``."""
    for name, value in when.items():
        test = _OF_GUEST.get(name)
        if test is None:
            if not _OTHER[name](value, situation, corrected):
                return False
        elif situation.guest is None or not test(value, situation.guest, situation, corrected):
            return False
    return True


def _guest_fits(patterns: tuple[str, ...], guest: Guest, situation: Situation, corrected: bool) -> bool:
    return guest.id in patterns or any("*" in one and fnmatchcase(guest.id, one) for one in patterns)


def _version_fits(tests: tuple[tuple[str, str], ...], guest: Guest, situation: Situation, corrected: bool) -> bool:
    mine = version_key(guest.version)
    return bool(mine) and all(_COMPARE[sign](mine, version_key(other)) for sign, other in tests)


def _drivers_fit(name: str) -> Callable[[Any, Guest, Situation, bool], bool]:
    """The test of a condition on drivers; software that looks into the guest sees what the database does not say."""
    inside = name == "installed"
    wanted = "driver" if inside else name

    def test(kinds: tuple[str, ...], guest: Guest, situation: Situation, corrected: bool) -> bool:
        known = corrected or inside
        for kind in kinds:
            answer = situation.support(guest, situation.kind if kind == "self" else kind, known)
            if not _driver(wanted, answer, known):
                return False
        return True

    return test


def _driver(name: str, answer: Support, addons: bool) -> bool:
    if name == "unknown":
        return answer.unknown
    if name != "modern" and (answer.legacy or (addons and answer.legacy_addon)):
        return True
    return name != "legacy" and (answer.modern or (addons and answer.modern_addon))


def _listed(guest: Guest, device: str) -> bool:
    """Whether the database lists a PCI device such as "8086:10d3", or one by its name there."""
    return device in guest.devices if "/" in device else guest.lists(*device.lower().split(":"))


def _driven(guest: Guest, device: str, corrected: bool) -> bool:
    """Whether the guest is known to drive an emulated device, by libvirt's name such as "bus:sata"."""
    known = hardware().get(device)
    return known is not None and driven(guest, known, overrides=corrected).state in (
        State.PRESENT,
        State.UNMAINTAINED,
    )


#: The tests of conditions that need a guest: value, guest, situation, whether corrections count.
_OF_GUEST: Mapping[str, Callable[[Any, Guest, Situation, bool], bool]] = MappingProxyType(
    {
        "guest": _guest_fits,
        "family": lambda value, guest, _, __: guest.family in value,
        "distro": lambda value, guest, _, __: guest.distro in value,
        "version": _version_fits,
        "released": lambda value, guest, _, __: bool(guest.release)
        and all(_COMPARE[sign](guest.release, other) for sign, other in value),
        "q35": lambda value, guest, _, __: guest.q35 is value,
        "listed": lambda value, guest, _, __: bool(guest.devices) is value,
        "lists": lambda value, guest, _, __: all(_listed(guest, device) for device in value),
        "first-nic": lambda value, guest, _, __: bool(guest.nics) and guest.nics[0][-9:].replace("/", ":") in value,
        "drives": lambda value, guest, _, corrected: all(_driven(guest, device, corrected) for device in value),
        **{name: _drivers_fit(name) for name in ("legacy", "modern", "driver", "installed", "unknown")},
    }
)

#: The tests of the other conditions: value, situation, whether corrections count.
_OTHER: Mapping[str, Callable[[Any, Situation, bool], bool]] = MappingProxyType(
    {
        "machine": lambda value, situation, _: situation.machine in value,
        "model": lambda value, situation, _: situation.model in value,
        "interface": lambda value, situation, _: situation.interface in value,
        "verdict": lambda value, situation, _: situation.verdict in value,
        "arch": lambda value, situation, _: situation.about.arch in value,
        "firmware": lambda value, situation, _: situation.about.firmware in value,
        "asked": lambda value, situation, _: situation.about.requests.issuperset(value),
        "known": lambda value, situation, _: (situation.guest is not None and not situation.guest.kernel) is value,
        "not": lambda value, situation, corrected: not fits(value, situation, corrected),
        "database": lambda value, situation, _: fits(value, situation, corrected=False),
    }
)
