"""What the linter finds in well-formed policies."""

from __future__ import annotations

import pytest

from virtkit.guests import find
from virtkit.policy import document
from virtkit.policy.lint import lint, remarks
from virtkit.policy.rules import Policy

HEAD = "name: x\ntitle: x\nsources: [x]\nrules:\n"
LAST = "- machine: pc\n  reason: x\n- kinds: [all]\n  model: virtio\n  reason: x\n"


def _policy(*conditions: str, rest: str = LAST, gives: str = "q35") -> Policy:
    rules = "".join(f"- machine: {gives}\n  when: {one}\n  reason: x\n" for one in conditions)
    return document.parse(HEAD + rules + rest, "x.yaml")


def test_rules_without_effect() -> None:
    """Unreachable rules, equal conditions and missing defaults are reported."""
    policy = document.parse(
        HEAD
        + "- machine: pc\n  reason: x\n- machine: q35\n  reason: x\n"
        + "- kinds: [net]\n  when: {q35: true}\n  model: virtio\n  reason: x\n"
        + "- kinds: [net]\n  when: {q35: true}\n  model: none\n  reason: x\n",
        "x.yaml",
    )
    said = lint(policy)
    assert "x.yaml:7: never reached: line 5 applies to everything" in said
    assert "x.yaml:13: never reached: line 9 has the same condition" in said
    assert any("net: no default" in text for text in said)
    assert any("no rule for block" in text for text in said)


@pytest.mark.parametrize(
    ("earlier", "later", "reached"),
    [
        ("{family: [linux]}", "{family: [linux], distro: [rhel]}", False),
        ("{family: [linux, winnt]}", "{family: [winnt]}", False),
        ("{family: [winnt]}", "{family: [linux, winnt]}", True),
        ("{guest: ['rhel*']}", "{guest: [rhel6.10, 'rhel7*']}", False),
        ("{guest: ['rhel7*']}", "{guest: ['rhel*']}", True),
        ("{driver: [net]}", "{legacy: [net, block]}", False),
        ("{legacy: [net, block]}", "{legacy: [net]}", True),
        ("{lists: ['8086:10d3']}", "{lists: ['8086:100e', '8086:10d3']}", False),
        ("{version: '>= 6'}", "{version: '>= 6, < 7'}", False),
        ("{version: '>= 6, < 7'}", "{version: '>= 6'}", True),
        ("{q35: true}", "{q35: false}", True),
        ("{not: {family: [linux], distro: [rhel]}}", "{not: {family: [linux]}}", False),
        ("{not: {family: [linux]}}", "{not: {family: [linux], distro: [rhel]}}", True),
        ("{database: {modern: [net]}}", "{database: {modern: [net, block]}}", False),
    ],
)
def test_an_earlier_condition_that_holds_wherever_a_later_one_does(earlier: str, later: str, reached: bool) -> None:
    """Makes the later rule unreachable; any other earlier condition does not."""
    assert lint(_policy(earlier, later)) == (
        () if reached else ("x.yaml:8: never reached: line 5 applies wherever this rule does",)
    )


def test_findings_without_effect() -> None:
    """Rules that give findings are checked as well, and need no default."""
    text = "- kinds: [net]\n  when: {verdict: fails}\n  finding: %s\n  reason: x\n"
    policy = document.parse(HEAD + text % "deny" + text % "warn", "x.yaml")
    assert lint(policy) == ("x.yaml:9: never reached: line 5 has the same condition",)


def test_overlaps_name_a_guest() -> None:
    """Two rules overlap when neither condition implies the other, their results differ, and both apply to a guest."""
    guests = [find("rhel6.10"), find("rhel7.9"), find("debian6")]
    rest = "- machine: pc\n  when: {version: '< 7'}\n  reason: x\n" + LAST
    said = remarks(_policy("{distro: [rhel]}", rest=rest), guests)
    assert said == ("x.yaml:8: overlaps with line 5, which decides for 1 guest (such as rhel6.10)",)
    assert remarks(_policy("{distro: [rhel]}", rest=rest, gives="pc"), guests) == ()
    exception = "- machine: pc\n  when: {family: [linux]}\n  reason: x\n" + LAST
    assert remarks(_policy("{family: [linux], distro: [rhel]}", rest=exception), guests) == ()


def test_rules_that_apply_to_no_guest() -> None:
    """A misspelt family applies to no guest; a rule after others that cover its guests decides for none."""
    said = remarks(_policy("{family: [lunix]}", "{distro: [rhel]}", "{guest: [rhel6.10]}"))
    assert "x.yaml:5: applies to no guest of the database" in said
    assert "x.yaml:11: decides for no guest of the database: earlier rules already apply to its 1 guest" in said
