"""Datasets of audits: complete or absent, continued after a kill, and taken over where inputs did not change."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.writing import domain
from virtkit import facts
from virtkit.cli import main
from virtkit.fleet import audit as audit_module
from virtkit.fleet.manifest import fingerprint
from virtkit.fleet.question import Question
from virtkit.fleet.tables import DATASET

pytestmark = pytest.mark.slow

DISK = "<disk type='file'><source file='/d'/><target dev='vd{}'/></disk>"


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder of 40 domains of which one is broken and one refused."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(40):
        disks = "".join(DISK.format(letter) for letter in "abcdefgh"[: number % 5 + 1])
        (folder / f"{number:02}.xml").write_bytes(domain(disks))
    (folder / "20.xml").write_text("<domain")
    (folder / "21.xml").write_bytes(domain(DISK.format("a"), machine="pc-9.9"))
    return folder


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of two batches of four domains."""
    monkeypatch.setattr(audit_module, "PART_BATCHES", 2)
    monkeypatch.setattr(audit_module, "_BATCH_DOMAINS", 4)


def run(inputs: Path, out: Path, *options: str) -> int:
    return main(["--quiet", "audit", str(inputs), "--jobs", "1", "-o", str(out), *options])


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset by its name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_tables_of_a_dataset(inputs: Path, tmp_path: Path) -> None:
    """Devices, domains and rejected inputs begin with source, name and UUID; counts and ports are integers."""
    out = tmp_path / "out"
    assert run(inputs, out) == 1
    tables = {path.name: pd.read_parquet(path) for path in out.iterdir() if path.is_dir()}
    assert {name: tuple(table.columns) for name, table in tables.items()} == {
        name: columns for name, columns in DATASET.items() if name != "findings"
    }
    assert len(tables["domains"]) == 38
    assert tables["domains"]["shape"].nunique() == 5
    assert tables["domains"]["devices"].sum() == len(tables["devices"])
    assert set(tables["rejected"]["source"]) == {str(inputs / "20.xml"), str(inputs / "21.xml")}
    assert (tables["rejected"]["digest"].str.len() == 64).all()
    assert len(list((out / "domains").iterdir())) == 5
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_killed_audit_goes_on(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Complete parts are kept unless one of their inputs changed; the result is that of an audit in one go."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(inputs, whole)
    examined: list[int] = []
    original = audit_module.answers

    def dying(tasks: object, *rest: object) -> object:
        for number, pair in enumerate(original(tasks, *rest)):  # type: ignore[arg-type]
            if number == 7:
                raise KeyboardInterrupt
            yield pair

    monkeypatch.setattr(audit_module, "answers", dying)
    assert main(["audit", str(inputs), "--jobs", "1", "-o", str(out)]) == 130
    assert "not finished; the same command continues it" in capsys.readouterr().err
    assert not out.exists()
    growing = tmp_path / ".out.part"
    assert len((growing / "parts.jsonl").read_text().splitlines()) == 3
    with (growing / "parts.jsonl").open("a") as stream:
        stream.write('{"part": 3, "inp')

    def counting(tasks: object, *rest: object) -> object:
        for task, answer in original(tasks, *rest):  # type: ignore[arg-type]
            examined.append(len(task.batch))
            yield task, answer

    monkeypatch.setattr(audit_module, "answers", counting)
    assert run(inputs, out) == 1
    assert sum(examined) == 16
    assert {name: data for name, data in content(out).items() if name != "parts.jsonl"} == {
        name: data for name, data in content(whole).items() if name != "parts.jsonl"
    }


KILLED = """
import os, signal, sys
from virtkit.cli import main
from virtkit.fleet import audit
audit.PART_BATCHES, audit._BATCH_DOMAINS = 2, 4
answers = audit.answers
def dying(*given):
    for number, pair in enumerate(answers(*given)):
        if number == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield pair
audit.answers = dying
main(sys.argv[2:])
"""


def test_an_audit_whose_main_process_is_killed_twice_goes_on(inputs: Path, tmp_path: Path) -> None:
    """After SIGKILL in the main process, with workers, the same command writes the files of an undisturbed audit."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(inputs, whole)
    for number in ("7", "1"):
        command = [sys.executable, "-c", KILLED, number, "audit", str(inputs), "--jobs", "2", "-o", str(out)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
        assert not out.exists()
        assert (tmp_path / ".out.part" / "parts.jsonl").read_text()
    assert run(inputs, out) == 1
    assert {name: data for name, data in content(out).items() if name != "parts.jsonl"} == {
        name: data for name, data in content(whole).items() if name != "parts.jsonl"
    }


def test_the_share_of_equal_domains_is_that_of_the_domains_examined(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """After an interruption, the summary counts kept domains apart: they say nothing about equal ones."""
    out = tmp_path / "out"
    command = [sys.executable, "-c", KILLED, "3", "audit", str(inputs), "--jobs", "1", "-o", str(out)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert main(["audit", str(inputs), "--jobs", "1", "-o", str(out)]) == 1
    shown = capsys.readouterr().err
    counts = r"38 domains, 2 rejected; 8 from the interrupted audit; (\d+) of the other 30 equal.*\((.*)%\)"
    found = re.search(counts, shown)
    assert found
    assert found[2] == f"{int(found[1]) / 30:.1%}"[:-1]


def test_a_changed_input_is_audited_again(inputs: Path, tmp_path: Path) -> None:
    """With --since unchanged domains are taken over; the dataset is that of an audit without it."""
    old, new, whole = tmp_path / "old", tmp_path / "new", tmp_path / "whole"
    run(inputs, old, "--policy", "recommended")
    (inputs / "05.xml").write_bytes(domain(DISK.format("z")))
    (inputs / "07.xml").unlink()
    (inputs / "13a.xml").write_bytes(domain(DISK.format("q")))
    assert run(inputs, new, "--policy", "recommended", "--since", str(old)) == 1
    run(inputs, whole, "--policy", "recommended")
    assert content(new) == content(whole)
    assert content(new) != content(old)


def test_inputs_that_moved_are_taken_over(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --since an unchanged domain is taken over from another folder; a stream of several domains is not."""
    two = domain(DISK.format("y")) + domain(DISK.format("z"))
    (inputs / "stream.xml").write_bytes(two)
    (inputs / "copy.xml").write_bytes((inputs / "03.xml").read_bytes())
    old, new, whole = tmp_path / "old", tmp_path / "new", tmp_path / "whole"
    run(inputs, old, "--policy", "recommended")
    moved = inputs.rename(tmp_path / "moved")
    (moved / "30.xml").rename(moved / "30b.xml")
    (moved / "05.xml").write_bytes(domain(DISK.format("x")))
    command = ["audit", str(moved), "--jobs", "1", "--policy", "recommended", "-o", str(new), "--since", str(old)]
    assert main(command) == 1
    assert "; 38 unchanged;" in capsys.readouterr().err
    run(moved, whole, "--policy", "recommended")
    assert content(new) == content(whole)


def test_other_formats_are_taken_over_by_their_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of a Proxmox configuration can be that of its domain, so --since takes over only one of that name."""
    (tmp_path / "100.conf").write_text("memory: 1024\nscsi0: local:100/disk.qcow2\n")
    run(tmp_path / "100.conf", tmp_path / "old")
    shutil.copy(tmp_path / "100.conf", tmp_path / "101.conf")
    for name in ("100", "101"):
        taken = tmp_path / f"new-{name}"
        command = ["audit", str(tmp_path / f"{name}.conf"), "--jobs", "1", "-o", str(taken)]
        assert main([*command, "--since", str(tmp_path / "old")]) == 0
        assert ("1 unchanged" in capsys.readouterr().err) == (name == "100")
        run(tmp_path / f"{name}.conf", tmp_path / f"whole-{name}")
        assert content(taken) == content(tmp_path / f"whole-{name}")


def test_other_options_take_nothing_over(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier dataset with another host is no answer to this question, and a message says so."""
    old, new = tmp_path / "old", tmp_path / "new"
    run(inputs, old)
    command = ["audit", str(inputs), "--jobs", "1", "-o", str(new), "--libvirt", "9.0", "--since", str(old)]
    assert main(command) == 1
    assert "every domain is audited again" in capsys.readouterr().err


def test_a_dataset_replaces_a_dataset_and_nothing_else(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder with other files is refused before anything is read; an earlier dataset is replaced."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    assert run(inputs, out) == 2
    assert "expected a new folder or a dataset of virtkit audit, got a folder with" in capsys.readouterr().err
    shutil.rmtree(out)
    run(inputs, out)
    (inputs / "00.xml").unlink()
    run(inputs, out, "--since", str(out))
    assert json.loads((out / "manifest.json").read_text())["totals"]["domains"] == 37
    assert len(pd.read_parquet(out / "domains")) == 37
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_what_since_names_must_be_a_dataset(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong folder is an error before anything is read, and --since needs a folder for -o."""
    assert run(inputs, tmp_path / "new", "--since", str(inputs)) == 2
    assert "a folder that virtkit audit -o wrote, got a folder without manifest.json" in capsys.readouterr().err
    assert run(inputs, tmp_path / "new.csv", "--since", str(inputs)) == 2
    assert "expected a folder for -o" in capsys.readouterr().err


def test_an_empty_dataset_has_every_table(tmp_path: Path) -> None:
    """Tables without a row have a file too, so that programs find their columns."""
    one = tmp_path / "one.xml"
    shutil.copy(facts.path("domains/winxp-pc.xml"), one)
    run(one, tmp_path / "out")
    assert len(pd.read_parquet(tmp_path / "out" / "rejected")) == 0
    assert os.listdir(tmp_path / "out" / "rejected") == ["part-00000.parquet"]


def test_the_fingerprint_covers_the_named_files(tmp_path: Path) -> None:
    """What a named folder or file holds and how its files are called is part of the fingerprint; compiled modules are
    not."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.xml").write_text("1")
    question = Question(osinfo=(str(tmp_path),))
    seen = [fingerprint(question)]
    (tmp_path / "a" / "one.xml").write_text("2")
    seen.append(fingerprint(question))
    (tmp_path / "a" / "one.xml").rename(tmp_path / "a.xml")
    seen.append(fingerprint(question))
    (tmp_path / "a.pyc").write_text("3")
    assert fingerprint(question) == seen[-1]
    seen.append(fingerprint(Question(osinfo=(str(tmp_path / "a.xml"),))))
    assert len(set(seen)) == 4
