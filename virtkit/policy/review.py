"""Domains held against a policy: findings, each with the line that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.compat.check import check
from virtkit.display import Displayable
from virtkit.domain.document import line_of
from virtkit.policy.decide import Situation, decide, decide_machine, findings

if TYPE_CHECKING:
    from virtkit.guests import Catalogue, Guest
    from virtkit.policy.document import Policy
    from virtkit.resolved import Resolved

__all__ = ["Finding", "Findings", "review"]

_FAMILIES = {"i440fx": "pc", "q35": "q35"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: ``level`` is allow, warn, taint or deny; ``line`` that of the device in ``file``, ``rule`` that
    of the rule in the policy (0: the policy's choice differs)."""

    file: str
    domain: str
    guest: str
    device: str
    line: int
    level: str
    text: str
    rule: int


class Findings(Displayable, tuple[Finding, ...]):
    """The findings of one domain; ``policy`` is the name of the policy that was asked."""

    policy: str = ""

    def __repr__(self) -> str:
        said = ", ".join(f"{one.level} {one.device}" for one in self[:8])
        more = f" and {len(self) - 8} more" if len(self) > 8 else ""
        return f"<Findings of policy {self.policy or '?'}: {said or 'none'}{more}>"


def review(
    policy: Policy,
    resolved: Resolved,
    guest: str | Guest | None = None,
    *,
    guest_database: Catalogue | None = None,
) -> Findings:
    """What a policy says of each virtio device of a resolved domain, and of its machine.

    A policy with rules that give findings is asked for those; any other warns where it would choose another
    model, or another machine. What lies idle without a driver is never worse than a warning. Raises
    GuestError for a ``guest`` that nobody knows.

    >>> import virtkit as vk
    >>> from virtkit.policy.review import review
    >>> review(vk.load_policy("recommended"), vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")))
    <Findings of policy recommended: deny disk vda, deny interface 0 (virtio), warn memballoon virtio>
    """
    from virtkit.compat.check import guest_of
    from virtkit.guests import catalogue

    known = guest_database or catalogue()
    who, _ = guest_of(resolved.domain, guest, known)
    seen = check(resolved, who, overrides=policy.knows == "corrected", guest_database=known, changes=False)
    machine = _FAMILIES.get(resolved.family, resolved.family)
    gives_findings = any(rule.outcome == "finding" for rule in policy.rules)
    file = resolved.domain.path or ""
    name = who.id if who else ""
    result = []

    def add(device: str, line: int, level: str, text: str, rule: int) -> None:
        result.append(Finding(file, resolved.domain.name, name, device, line, level, text, rule))

    if not gives_findings and who is not None:
        wanted = decide_machine(policy, who)
        if wanted.value and wanted.value != machine:
            add(
                "machine",
                _machine_line(resolved),
                "warn",
                f"{policy.name} would choose {wanted.value}: {wanted.reason}",
                wanted.line,
            )
    # A device that is not written, such as a memory balloon, is told on the line of the domain.
    first = line_of(resolved.domain.document.root) or 1
    for finding in seen.findings:
        line = finding.line or first
        if gives_findings:
            situation = Situation(who, machine, finding.kind, finding.model, finding.interface, finding.verdict.value)
            said = findings(policy, situation)
            if said.value and said.value != "allow":
                level = "warn" if said.value == "deny" and finding.harmless else said.value
                add(finding.label, line, level, f"{said.reason}: {finding.reason}", said.line)
        elif who is not None:
            choice = decide(policy, who, machine, finding.kind)
            if choice.outcome and choice.value != finding.model:
                text = f"{policy.name} would choose {choice.value}, here is {finding.model}: {choice.reason}"
                add(finding.label, line, "warn", text, choice.line)
    found = Findings(result)
    found.policy = policy.name
    return found


def _machine_line(resolved: Resolved) -> int:
    """The line on which the machine type is written, or would be."""
    root = resolved.domain.document.root
    for path in ("os/type", "os"):
        found = root.find(path)
        if found is not None:
            return line_of(found) or 1
    return line_of(root) or 1
