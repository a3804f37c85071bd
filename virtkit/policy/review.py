"""Checks a domain against a policy: findings, each with the line of its device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.compat.check import check
from virtkit.compat.devices import find_guest
from virtkit.display import Displayable
from virtkit.domain.document import line_of
from virtkit.guests.catalogue import catalogue
from virtkit.policy.decide import Situation, decide, decide_finding, decide_machine
from virtkit.wording import sentences

if TYPE_CHECKING:
    from virtkit.compat.review import Finding as DeviceFinding
    from virtkit.guests import Catalogue, Guest
    from virtkit.policy.rules import Policy
    from virtkit.resolved import Resolved

__all__ = ["Finding", "Findings", "review"]

#: The words of a policy for machine families.
_MACHINES = {"i440fx": "pc", "q35": "q35"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``level`` is warn, taint or deny; ``line`` is the device's line in ``file``, ``rule`` the line of
    the rule in the policy."""

    file: str
    domain: str
    guest: str
    device: str
    line: int
    level: str
    text: str
    rule: int


class Findings(Displayable, tuple[Finding, ...]):
    """The findings on one domain; ``policy`` is the name of the policy."""

    policy: str = ""

    def __repr__(self) -> str:
        first = ", ".join(f"{one.level} {one.device}" for one in self[:8])
        more = f" and {len(self) - 8} more" if len(self) > 8 else ""
        return f"<Findings of policy {self.policy or '?'}: {first or 'none'}{more}>"


def review(
    policy: Policy,
    resolved: Resolved,
    guest: str | Guest | None = None,
    *,
    guest_database: Catalogue | None = None,
) -> Findings:
    """What a policy finds on the machine and on each virtio device of a resolved domain.

    A policy with rules that give findings applies those. Any other policy warns where it would choose another model or
    machine. A device that the guest does not need gets at most a warning. Raises GuestError for a ``guest`` that the
    database does not have.

    >>> import virtkit as vk
    >>> from virtkit.policy.review import review
    >>> review(vk.load_policy("recommended"), vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")))
    <Findings of policy recommended: deny disk vda, deny interface 0 (virtio), warn memballoon virtio>
    """
    known = guest_database or catalogue()
    found, _ = find_guest(resolved.domain, guest, known)
    machine = _MACHINES.get(resolved.family, resolved.family)
    gives_findings = any(rule.outcome == "finding" for rule in policy.current)
    result = []

    def add(device: str, line: int, level: str, text: str, rule: int) -> None:
        file, name = resolved.domain.path or "", found.id if found else ""
        result.append(Finding(file, resolved.domain.name, name, device, line, level, text, rule))

    if not gives_findings and found is not None:
        choice = decide_machine(policy, found)
        if choice.value and choice.value != machine:
            text = f"{policy.name} would choose {choice.value}: {choice.reason}"
            add("machine", _machine_line(resolved), "warn", text, choice.line)
    # A device that is not written, such as a memory balloon, is reported on the line of the domain.
    first = line_of(resolved.domain.document.frame) or 1
    reviewed = check(resolved, found, overrides=policy.knows == "corrected", guest_database=known, changes=False)
    decided = _finding if gives_findings else _other_choice
    for device in reviewed.findings:
        finding = decided(policy, found, machine, device)
        if finding is not None:
            add(device.label, device.line or first, *finding)
    findings = Findings(result)
    findings.policy = policy.name
    return findings


def _finding(policy: Policy, guest: Guest | None, machine: str, device: DeviceFinding) -> tuple[str, str, int] | None:
    """Level, text and rule line of the policy's finding on a device; None for none."""
    situation = Situation(guest, machine, device.kind, device.model, device.interface, device.verdict.value)
    decision = decide_finding(policy, situation)
    if not decision.value or decision.value == "allow":
        return None
    level = "warn" if decision.value == "deny" and device.harmless else decision.value
    return level, sentences(decision.reason, device.reason), decision.line


def _other_choice(
    policy: Policy, guest: Guest | None, machine: str, device: DeviceFinding
) -> tuple[str, str, int] | None:
    """Level, text and rule line where the policy would choose another model; None where it would not."""
    choice = decide(policy, guest, machine, device.kind)
    if guest is None or not choice.outcome or choice.value == device.model:
        return None
    text = f"{policy.name} would choose {choice.value}, the domain has {device.model}: {choice.reason}"
    return "warn", text, choice.line


def _machine_line(resolved: Resolved) -> int:
    """The line where the machine type is written or would be written."""
    root = resolved.domain.document.root
    for path in ("os/type", "os"):
        found = root.find(path)
        if found is not None:
            return line_of(found) or 1
    return line_of(root) or 1
