"""A policy and its rules, as values: what each rule decides, under which conditions, in which releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from virtkit.display import Displayable
from virtkit.errors import UsageError
from virtkit.guests import KINDS
from virtkit.guests.record import version_key
from virtkit.policy.bus_cost import AUTO
from virtkit.wording import counted

__all__ = ["CONDITIONS", "FINDINGS", "OUTCOMES", "Created", "Criterion", "Decision", "Policy", "Rule", "when_words"]

FINDINGS = ("allow", "warn", "taint", "deny")
#: What a rule can give; a rule gives exactly one.
OUTCOMES = ("machine", "model", "device", "ports", "finding")
#: The conditions of ``when`` and the shape of each: list (of text), flag, test (comparison), when (nested).
CONDITIONS = MappingProxyType(
    {
        "guest": "list",
        "family": "list",
        "distro": "list",
        "version": "test",
        "released": "test",
        "q35": "flag",
        "known": "flag",
        "listed": "flag",
        "lists": "list",
        "first-nic": "list",
        "legacy": "list",
        "modern": "list",
        "driver": "list",
        "installed": "list",
        "unknown": "list",
        "drives": "list",
        "machine": "list",
        "arch": "list",
        "firmware": "list",
        "asked": "list",
        "model": "list",
        "interface": "list",
        "verdict": "list",
        "not": "when",
        "database": "when",
    }
)


class Created(StrEnum):
    """Whether the software writes a device: into every domain, only when the user asks for it, or never."""

    ALWAYS = "always"
    ON_REQUEST = "on-request"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome ("machine", "model", "device", "ports", "finding", "" when no rule applies), with its rule's line.

    ``slot`` is where a virtio model is placed, "auto" or "root". ``created`` says whether the device is written into
    the domain. ``source`` is where the rule was read, ``file`` the policy's file with the rule.
    """

    outcome: str
    value: str
    reason: str
    line: int
    slot: str = AUTO
    created: Created = Created.ALWAYS
    source: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy.

    ``kinds`` is () for a rule on the machine or the ports. ``outcome`` is one of OUTCOMES, ``value`` that machine,
    model, device, number of ports or finding. ``when`` has the conditions (values as in the schema of
    docs/policies.md). ``slot`` is where a model is placed: "auto" as the slot policy says, "root" with an address on
    bus 0. ``created`` says whether the device is written. The rule holds from the release ``since`` up to, but not in,
    the release ``until``; "" means no bound. ``source`` is the rule's own, or those of the policy. ``file`` is the file
    of the policy that has the rule, which another one may extend. ``decision`` is what the rule decides.
    """

    line: int
    kinds: tuple[str, ...]
    when: Mapping[str, Any]
    outcome: str
    value: str
    reason: str
    slot: str = AUTO
    created: Created = Created.ALWAYS
    source: str = ""
    since: str = ""
    until: str = ""
    file: str = ""
    decision: Decision = field(init=False, compare=False)

    def __post_init__(self) -> None:
        made = Decision(
            self.outcome, self.value, self.reason, self.line, self.slot, self.created, self.source, self.file
        )
        object.__setattr__(self, "decision", made)

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the rule decides: "machine", "ports", the kinds, or "finding KIND" for each kind."""
        if self.outcome == "finding":
            return tuple(f"finding {kind}" for kind in self.kinds)
        return self.kinds or (self.outcome,)

    @property
    def gives(self) -> str:
        """What the rule gives, in words: "model virtio on the root bus, on request"."""
        if self.outcome == "ports":
            return f"PCI Express root ports: {self.value}"
        if self.created is Created.NEVER and self.value == "none":
            return "no device"
        slot = "" if self.slot == AUTO else " on the root bus"
        asked = ", on request" if self.created is Created.ON_REQUEST else ""
        return f"{self.outcome} {self.value}{slot}{asked}"

    def holds_at(self, release: tuple[int, ...]) -> bool:
        """Whether the rule is one of the software's release ``release``."""
        return (not self.since or release >= version_key(self.since)) and (
            not self.until or release < version_key(self.until)
        )


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a score: what is counted, and the points for each count.

    ``counts`` is a measure of ``virtkit.policy.scoring.MEASURES`` for the ``kinds`` (() for all); "" when the criterion
    counts the guests and machines for which ``when`` holds.
    """

    name: str
    weight: float
    counts: str
    kinds: tuple[str, ...]
    when: Mapping[str, Any]
    reason: str
    source: str
    line: int


@dataclass(frozen=True, slots=True, repr=False)
class Policy(Displayable):
    """A named policy with ordered ``rules``; the first that applies decides.

    ``knows`` is "database" (the guest database as it is) or "corrected" (with overrides and add-on drivers); ``slots``
    names the slot policy under which devices are placed. ``version`` is the release of the software that was read,
    ``oldest`` the oldest release that the rules describe; "" when the policy has no releases. ``requests`` maps the
    words of the condition ``asked`` to what the user asks for. ``scoring`` has the criteria of a score. ``about`` has
    the rules of ``version`` by subject: "machine", "ports", a kind ("net") for models and devices, "finding net" for
    findings. ``virtkit.load_policy`` reads one, a shipped one by its name or your own from its file.

    >>> import virtkit as vk
    >>> policy = vk.load_policy("recommended")
    >>> policy
    <Policy recommended of ... rules, slots C>
    >>> policy.rules[0].reason
    'oVirt does not give these guests q35.'
    """

    name: str
    title: str
    sources: tuple[str, ...]
    knows: str
    slots: str
    rules: tuple[Rule, ...]
    file: str
    version: str = ""
    oldest: str = ""
    requests: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    scoring: tuple[Criterion, ...] = ()
    about: Mapping[str, tuple[Rule, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, tuple[Rule, ...]] = {}
        for rule in self.current:
            for subject in rule.subjects:
                found[subject] = (*found.get(subject, ()), rule)
        object.__setattr__(self, "about", MappingProxyType(found))

    def __repr__(self) -> str:
        return f"<Policy {self.name} of {counted(len(self.rules), 'rule')}, slots {self.slots}>"

    @property
    def current(self) -> tuple[Rule, ...]:
        """The rules of ``version``; all rules of a policy without releases."""
        release = version_key(self.version)
        return tuple(rule for rule in self.rules if not release or rule.holds_at(release))

    def created(self, kind: str) -> Created:
        """Whether the policy ever writes a device of ``kind``: always (for some guest at least), on request, never."""
        found = {rule.created for rule in self.about.get(kind, ())}
        return next((one for one in Created if one in found), Created.NEVER)

    @property
    def never(self) -> tuple[str, ...]:
        """The kinds that the policy never creates, in the order of the matrix; () for a policy of findings only."""
        return tuple(kind for kind in KINDS if kind in self.about and self.created(kind) is Created.NEVER)

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases in which a rule begins or ends, oldest first, between ``oldest`` and ``version``."""
        found = {one for rule in self.rules for one in (rule.since, rule.until) if one}
        return tuple(sorted(found | {one for one in (self.oldest, self.version) if one}, key=version_key))

    def at(self, release: str) -> Policy:
        """The policy of one release of the software, named NAME@RELEASE.

        A patch release, such as 1.9.2, has the rules of its release. Raises UsageError for a release that is not
        between ``oldest`` and ``version``.
        """
        asked, newest = version_key(release), version_key(self.version)
        if not self.version:
            what = f"policy {self.name} does not follow the releases of a program"
            raise UsageError(f"{what}; leave out the release {release!r}")
        if not asked or asked < version_key(self.oldest) or asked[: len(newest)] > newest:
            one = f"release {self.version}"
            expected = f"a release from {self.oldest} to {self.version}" if self.oldest != self.version else one
            raise UsageError(f"policy {self.name}: expected {expected}, got {release!r}")
        return replace(self, name=f"{self.name.partition('@')[0]}@{release}", version=release)


def when_words(value: object) -> str:
    """Conditions as words: "q35 true, not modern net"."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name.replace('database', 'by the database')} {when_words(inner)}" for name, inner in value.items()
        )
    if isinstance(value, tuple):
        return " ".join(when_words(inner) for inner in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
