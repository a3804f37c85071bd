"""``virtkit policy`` as a person or a pipeline calls it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from virtkit.cli import main

pytestmark = pytest.mark.slow

BROKEN = (
    "<domain type='kvm'>\n<name>b</name>\n<memory>1048576</memory>\n"
    "<os><type arch='x86_64' machine='q35'>hvm</type></os>\n<devices>\n"
    "<disk type='file' device='disk'><source file='/d'/><target dev='vda' bus='virtio'/></disk>\n"
    "<memballoon model='none'/></devices></domain>\n"
)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A domain whose RHEL 6 disk fails, as a file."""
    file = tmp_path / "broken.xml"
    file.write_text(BROKEN)
    return str(file)


@pytest.mark.slow
def test_list_and_show(capsys: pytest.CaptureFixture[str]) -> None:
    """The shipped policies are listed, and one is shown with its rules."""
    assert main(["policy", "list"]) == 0
    assert "virt-v2v" in capsys.readouterr().out
    assert main(["policy", "show", "virt-v2v"]) == 0
    assert "virtio-transitional" in capsys.readouterr().out
    assert main(["policy", "show", "nonesuch"]) == 2
    capsys.readouterr()
    assert main(["policy", "show", "kubevirt", "--at", "1.5"]) == 0
    shown = capsys.readouterr().out
    assert "PCI Express root ports: 3 free" in shown
    assert "8 total, 3 free" not in shown
    assert main(["policy", "show", "kubevirt", "--at", "0.1"]) == 2


def test_decide(capsys: pytest.CaptureFixture[str]) -> None:
    """Each guest, kind and machine has a row with the device, whether it is created, the reason and the source."""
    given = ["policy", "decide", "virt-v2v", "--guests", "rhel6.10", "--kinds", "net,gpu", "--machines", "pc,q35"]
    assert main([*given, "--format", "csv"]) == 0
    head, *rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert head == ["guest", "kind", "machine", "device", "model", "created", "reason", "source"]
    assert [row[:6] for row in rows] == [
        ["rhel6.10", "net", "pc", "virtio", "virtio", "always"],
        ["rhel6.10", "gpu", "pc", "", "", "never"],
        ["rhel6.10", "net", "q35", "virtio", "virtio-transitional", "always"],
        ["rhel6.10", "gpu", "q35", "", "", "never"],
    ]
    assert all(row[6] and "create_libvirt_xml.ml" in row[7] for row in rows if row[1] == "gpu")
    given = ["policy", "decide", "kubevirt", "--guests", "fedora42", "--kinds", "block", "--format", "csv"]
    for options, said in (
        ([], "fedora42,block,q35,sata,,always"),
        (["--request", "disk-bus-virtio"], "fedora42,block,q35,virtio,virtio-non-transitional,always"),
        (["--arch", "s390x"], "fedora42,block,s390-ccw-virtio,virtio,virtio,always"),
    ):
        assert main([*given, *options]) == 0
        assert capsys.readouterr().out.splitlines()[1].startswith(said)
    assert main(["policy", "decide", "nova", "--request", "unheard-of"]) == 2
    assert main(["policy", "decide", "nova", "--machines", "toaster"]) == 2
    assert "expected own or a machine type of x86_64" in capsys.readouterr().err


@pytest.mark.slow
def test_review_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The record has the sections of an ADR, the criteria with their sources, and the figures of the table."""
    file = tmp_path / "decision.md"
    given = ["policy", "review", "recommended", "nova", "--guests", "rhel6.10,win11", "--record", str(file)]
    assert main([*given, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["policy"]: row["decision"] for row in rows}["virt-install"] == "keep"
    text = file.read_text()
    sections = [line for line in text.splitlines() if line.startswith("## ")]
    assert sections == [
        "## Status",
        "## Context and question",
        "## Decision drivers",
        "## Considered options",
        "## Decision",
        "## Consequences",
        "## Evidence",
    ]
    for row in rows:
        assert f"| {row['policy']} | {row['decision']} | {row['score']} |" in text
    assert "- **i440fx-support**, -1" in text
    assert "It never creates 9p, vsock and mem." in text


def test_compare_releases(capsys: pytest.CaptureFixture[str]) -> None:
    """Two releases of a policy are compared, and the rules that only one has are listed."""
    given = ["policy", "compare", "kubevirt@1.5", "kubevirt@1.9", "--guests", "fedora42"]
    assert main(given) == 0
    said = capsys.readouterr().err
    assert "only kubevirt@1.5: ports -> PCI Express root ports: 3 free" in said
    assert "only kubevirt@1.9: gpu -> model virtio" in said


def test_devices_of_one_side_are_listed_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """What only one policy writes is in no cell; it is named in a sentence, and listed with --apart."""
    given = ["policy", "compare", "virt-install", "virt-v2v", "--guests", "rhel6.10,win10"]
    assert main([*given, "--format", "json"]) == 0
    done = capsys.readouterr()
    assert not {row["kind"] for row in json.loads(done.out)} & {"gpu", "input", "fs", "9p", "mem", "scsi"}
    assert "virt-v2v never creates scsi, 9p, input, gpu, fs and mem." in done.err
    assert "virt-install does not create for some guests: rng (2 guests)." in done.err
    assert main([*given, "--apart", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(row["kind"], row["not_by"], row["created"]) for row in rows} >= {("gpu", "virt-v2v", "never")}


def test_check_denies(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain that the guest cannot drive is denied with its line, and the exit code is 1."""
    assert main(["policy", "check", "recommended", broken, "--guest", "rhel6.10"]) == 1
    assert "broken.xml:6: deny: b: disk vda" in capsys.readouterr().out
    assert main(["policy", "check", "recommended", broken, "--guest", "fedora42"]) == 0


def test_check_warns_of_another_choice(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy without findings says what it would choose."""
    assert main(["policy", "check", "virt-v2v", broken, "--guest", "rhel6.10", "--format", "json"]) == 0
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["level"] == "warn"
    assert "would choose virtio-transitional, the domain has virtio" in finding["text"]


def test_sarif(broken: str, tmp_path: Path) -> None:
    """SARIF names file, line and rule."""
    out = tmp_path / "out.sarif"
    assert (
        main(["policy", "check", "recommended", broken, "--guest", "rhel6.10", "--format", "sarif", "-o", str(out)])
        == 1
    )
    (run,) = json.loads(out.read_text())["runs"]
    (result,) = run["results"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 6
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_sarif_locations(broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of files are URIs, the machine has its line, and what is rejected is a notification of the run."""
    monkeypatch.chdir(tmp_path)
    Path("a b#1.xml").write_text(Path(broken).read_text().replace("<os>", "\n<os>"))
    Path("bad.xml").write_text("<domain>\n<x</domain>")
    given = ["a b#1.xml", broken, "bad.xml", "--guest", "rhel6.10", "--format", "sarif", "-o", "out"]
    assert main(["policy", "check", "virt-install", *given]) == 1
    (run,) = json.loads(Path("out").read_text())["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [(one["artifactLocation"]["uri"], one["region"]["startLine"]) for one in places] == [
        ("a%20b%231.xml", 5),
        (Path(broken).as_uri(), 4),
    ]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (said,) = invocation["toolExecutionNotifications"]
    assert said["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.xml"},
        "region": {"startLine": 2},
    }


def test_check_says_what_it_does_not_know(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain that names no guest OS is counted, not skipped."""
    assert main(["policy", "check", "virt-v2v", broken]) == 0
    assert "1 domain does not name a guest OS" in capsys.readouterr().err


@pytest.mark.slow
def test_compare_score_and_slots(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of differences, scores and slot policies."""
    assert main(["policy", "compare", "virt-install", "virt-v2v", "--guests", "rhel6.10", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"machine_before": "pc", "machine": "q35"}.items() <= rows[0].items()
    assert main(["policy", "score", "libvirt", "recommended", "--guests", "rhel6*", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("recommended,")
    assert (
        main(["policy", "slots", "--guests", "fedora42", "--kinds", "net", "--table", "broken", "--format", "csv"]) == 0
    )
    assert capsys.readouterr().out.splitlines() == ["policy,family,guests,cells,example", "B,linux,1,1,fedora42"]
    assert main(["policy", "score", "--machines", "isapc"]) == 2


def test_rollout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stages, names and what would disappear; --stage makes harm an exit code."""
    text = BROKEN.replace("<memballoon", "<interface type='user'><model type='virtio-net'/></interface><memballoon")
    (tmp_path / "d.xml").write_text(text)
    assert main(["policy", "rollout", "nic-model", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "virtio-net" in out
    assert "would disappear at stage 3" in out
    assert main(["policy", "rollout", "nic-model", str(tmp_path), "--stage", "2", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["stages"][2]["refused"] == 1
    assert main(["policy", "rollout", "disk-model", str(tmp_path)]) == 2
    capsys.readouterr()
    assert main(["policy", "rollout", "all", str(tmp_path), "--stage", "1", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["subject"] for one in found] == ["nic-model", "video-model", "sound-model", "controller-model"]
    assert main(["policy", "rollout", "video-model,sound-model", str(tmp_path), "--stage", "3"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "video-model"
