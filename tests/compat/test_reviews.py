"""Whole reviews of small domains: each sentence of a verdict, a remedy and a remark."""

from __future__ import annotations

import virtkit as vk
from tests.slots.worked import Example, build, examples
from tests.writing import resolved


def test_a_review_gives_each_device_its_verdict_reason_and_remedy() -> None:
    """Place, interface, verdict, evidence, reason, condition, remedy and remarks are those of the worked examples."""
    found = []
    for example in examples("reviews.txt"):
        for release, expected in example.expected.items():
            lines = review(example, release)
            if lines != expected:
                found.append(f"{example.title}, libvirt {release}: expected {expected}, got {lines}")
    assert found == []


def review(example: Example, release: str) -> list[str]:
    """The findings and remarks of an example, for the guest that its title begins with."""
    guest = example.title.partition(":")[0]
    checked = vk.check(resolved(build(example), release), None if guest == "-" else guest)
    lines = []
    for one in checked.devices:
        where = " ".join(filter(None, (one.address, one.location, one.interface, one.device_id)))
        harmless = ", harmless" if one.harmless else ""
        lines.append(f"{one.device}: {one.label}, {one.kind} {one.model}, {where}, line {one.line}")
        lines.append(f"  {one.verdict} ({one.evidence}){harmless}: {one.reason}")
        for name in ("condition", "boot", "change", "better", "advice"):
            if text := getattr(one, name):
                lines.append(f"  {name}: {text}")
        if one.moved:
            lines.append("  moved")
    return lines + [f"{remark.level}: {remark.text}" for remark in checked.remarks]
