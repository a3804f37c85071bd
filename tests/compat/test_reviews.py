"""Whole reviews of small domains: each sentence of a verdict, a remedy and a remark."""

from __future__ import annotations

import virtkit as vk
from tests.slots.worked import Example, build, each_of, examples
from tests.writing import domain, resolved

TEXTS = ("address", "device_id", "reason", "condition", "source", "change", "better", "advice", "boot")


@each_of("reviews.txt")
def test_a_review_gives_each_device_its_verdict_reason_and_remedy(example: Example, release: str) -> None:
    """Place, interface, verdict, evidence, reason, condition, remedy and remarks are those of the worked examples."""
    assert review(example, release) == example.expected[release]


def test_without_changes_no_remedy_is_tried() -> None:
    """``changes=False`` gives the same verdicts without remedies and remarks."""
    example = next(one for one in examples("reviews.txt") if one.title.startswith("rhel6.10: modern devices"))
    found = resolved(build(example))
    plain, whole = vk.check(found, "rhel6.10", changes=False), vk.check(found, "rhel6.10")
    assert [one.verdict for one in plain.devices] == [one.verdict for one in whole.devices]
    assert not plain.remarks
    assert plain.database == vk.catalogue().database
    assert vk.check(found, "rhel6.10", overrides=False).database == f"{plain.database}, overrides off"
    assert not any(one.better or one.advice or one.change for one in plain.devices)


def test_a_libvirt_before_5_2_refuses_the_models() -> None:
    """libvirt 5.2 introduced virtio-transitional: the remark names the device, the model and the release."""
    nic = "<interface type='user'><model type='virtio-transitional'/></interface>"
    checked = vk.check(vk.resolve(vk.read(domain(nic)), vk.Host.default("5.1", "7.2")), "debian12")
    said = "libvirt 5.1 refuses interface 0 (virtio-transitional): Unknown model type 'virtio-transitional'"
    assert [(one.level, one.text) for one in checked.remarks if "Unknown model" in one.text] == [
        ("error", f"{said}; libvirt 5.2 and later accept it")
    ]
    assert not checked.ok


def review(example: Example, release: str) -> list[str]:
    """The findings and remarks of an example, for the guest that its title begins with."""
    guest = example.title.partition(":")[0]
    checked = vk.check(resolved(build(example), release), None if guest == "-" else guest)
    lines = []
    for one in checked.devices:
        assert all(isinstance(getattr(one, name), str) for name in TEXTS)
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
