"""Policies on domains that exist."""

from __future__ import annotations

from pathlib import Path

from virtkit import facts
from virtkit.fleet.policies import side_by_side, under_policies, under_slots
from virtkit.inputs import sources
from virtkit.policy import document


def test_under_slots() -> None:
    """KubeVirt's RHEL 9 domain has nine buses under the outcome, four under the first proposal."""
    frame = under_slots(sources([str(facts.path("domains/kubevirt-rhel9.xml"))]), ("A", "C"))
    assert dict(zip(frame["policy"], frame["buses"], strict=True)) == {"A": 4, "C": 9}
    assert set(frame["guest"]) == {"rhel9.6"}
    (row,) = side_by_side(frame).to_dict("records")
    assert (row["differs"], row["A"]) == (True, "4 PCI controllers, 4 added; works")


def test_rejected_inputs_have_rows(tmp_path: Path) -> None:
    """A file that is not a domain or is refused is reported and does not stop the others."""
    (tmp_path / "a.xml").write_text("<domain")
    (tmp_path / "b.xml").write_text(facts.path("domains/rhel6-q35-virtio.xml").read_text())
    broken = facts.path("domains/rhel6-q35-virtio.xml").read_text().replace("machine=", "wrong='' machine='none' x=")
    (tmp_path / "c.xml").write_text(broken)
    frame = under_slots(sources([str(tmp_path)]), ("C",))
    assert [bool(text) for text in frame["refused"]] == [True, False, True]
    assert "disk vda" in frame["fails"][1]
    beside = side_by_side(frame)
    assert list(beside["C"].str.startswith("refused: ")) == [True, False, True]
    levels = under_policies(sources([str(tmp_path)]), [document.builtin("recommended"), document.builtin("virt-v2v")])
    assert list(levels["level"]).count("rejected") == 2
    assert {"deny", "warn"} <= set(levels["level"])
    assert set(levels[levels["level"] == "deny"]["policy"]) == {"recommended"}
