"""Policies on domains that exist."""

from __future__ import annotations

from pathlib import Path

from virtkit import facts
from virtkit.fleet.policies import side_by_side, under_policies, under_slots
from virtkit.fleet.survey import survey
from virtkit.inputs import sources, sources_below
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


def test_a_domain_has_one_verdict(tmp_path: Path) -> None:
    """Under libvirt's own slot policy, each domain has the verdict that a survey of the folder gives it."""
    for name in ("rhel6-q35-virtio.xml", "rhel6-pc.xml", "ubuntu24.04-q35.xml", "win2k8r2-pc.xml", "e1000-only.xml"):
        source = facts.path("domains") / name
        text = source.read_text() if source.exists() else _EMULATED
        (tmp_path / name).write_text(text)
    surveyed = {item.file: item.verdict for item in survey(str(tmp_path)).items}
    placed = under_slots(sources_below(tmp_path), ("C",))
    assert dict(zip(placed["file"], placed["verdict"], strict=True)) == surveyed
    assert len(set(surveyed.values())) > 1
    fails = {row["file"] for row in placed.to_dict("records") if row["fails"]}
    assert fails == {file for file, verdict in surveyed.items() if verdict == "fails"}


#: A guest whose only disk is behind an adapter that it cannot drive.
_EMULATED = """<domain type='kvm'><name>emulated</name>
<metadata><libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
<libosinfo:os id="http://redhat.com/rhel/9.4"/></libosinfo:libosinfo></metadata>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>
<controller type='scsi' model='lsilogic'/>
<disk type='file'><source file='/d'/><target dev='sda' bus='scsi'/></disk></devices></domain>"""
