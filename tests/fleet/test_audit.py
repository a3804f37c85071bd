"""Many domains at once: every input has its row, the same by one process, by several and by a cluster."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tarfile
from collections import Counter
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
from pyarrow import parquet

from tests.writing import domain
from virtkit import facts
from virtkit.cli import main
from virtkit.commands.audit import _summary
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import FleetError, UsageError
from virtkit.fleet.answer import Answer, Totals
from virtkit.fleet.archives import gather
from virtkit.fleet.audit import audit
from virtkit.fleet.engine import workers
from virtkit.fleet.question import Question
from virtkit.fleet.requests import Requests
from virtkit.fleet.table_writer import Tables
from virtkit.fleet.tables import TABLES
from virtkit.inputs import sources

pytestmark = pytest.mark.slow

DISK = "<disk type='file'><source file='/d'/><target dev='vda'/></disk>"
GOOD = domain(DISK)
DENYING = """name: deny-all
title: Denies whatever fails
sources: [this test]
knows: corrected
slots: C
rules:
  - kinds: block
    when: {verdict: fails}
    finding: deny
    reason: the guest cannot drive it
  - finding: allow
    kinds: all
    reason: else fine
"""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_for_each_virtio_device(capsys: pytest.CaptureFixture[str]) -> None:
    """The sample domains by the command line, as CSV on standard output, with the counts on standard error."""
    folder = facts.path("domains")
    assert main(["audit", str(folder), "--jobs", "1"]) == 1  # as check: a device fails
    said = capsys.readouterr()
    found = rows(said.out)
    assert tuple(found[0]) == TABLES["devices"]
    broken = [row for row in found if row["file"].endswith("rhel6-q35-virtio.xml") and row["needed"] == "true"]
    assert [(row["label"], row["verdict"], row["interface"]) for row in broken] == [
        ("disk vda", "fails", "modern"),
        ("interface 0 (virtio)", "fails", "modern"),
    ]
    assert all("virtio-transitional" in row["change"] for row in broken)
    counted = re.search(r"(\d+) domains, 0 rejected, 2 fail;(?: [\d,]+ equal [^;]*;)? (\d+) devices", said.err)
    assert counted
    assert int(counted[1]) == len(list(folder.glob("*.xml")))
    assert int(counted[2]) == len(found)


def test_processes_write_the_same_bytes_as_one(tmp_path: Path) -> None:
    """Order and content do not depend on who examined which batch."""
    source = tmp_path / "in"
    source.mkdir()
    for number in range(100):
        (source / f"{number:03}.xml").write_bytes(GOOD if number % 7 else b"<domain")
    for jobs in ("1", "3"):
        out = tmp_path / jobs / "audit.csv"
        assert main(["--quiet", "audit", str(source), "--jobs", jobs, "--policy", "recommended", "-o", str(out)]) == 1
    for name in ("audit.csv", "audit.rejected.csv", "audit.findings.csv"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()
    rejected = rows((tmp_path / "1" / "audit.rejected.csv").read_text())
    assert len(rejected) == 15
    assert "not well-formed XML" in rejected[0]["message"]


def test_parquet_holds_types_and_the_other_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines are integers, flags booleans; what the policy denies makes the exit code 1."""
    source = tmp_path / "in"
    shutil.copytree(facts.path("domains"), source)
    (source / "bad.xml").write_bytes(b"")
    policy = tmp_path / "deny.yaml"
    policy.write_text(DENYING)
    out = tmp_path / "new" / "audit.parquet"
    command = ["audit", str(source), "--jobs", "1", "-o", str(out), "--policy", str(policy)]
    assert main(command) == 1
    devices = pd.read_parquet(out)
    schema = parquet.read_schema(out)
    assert [str(schema.field(name).type) for name in ("file", "line", "needed")] == ["string", "int64", "bool"]
    denied = devices[devices["level"] == "deny"]
    assert set(denied["verdict"]) == {"fails"}
    findings = pd.read_parquet(out.with_name("audit.findings.parquet"))
    assert set(findings["policy"]) == {"deny-all"}
    assert len(findings) >= len(denied) > 0
    rejected = pd.read_parquet(out.with_name("audit.rejected.parquet"))
    assert rejected["file"].tolist() == [str(source / "bad.xml")]
    assert "empty" in capsys.readouterr().err
    (source / "bad.xml").unlink()
    assert main(command) == 1
    shutil.rmtree(source)
    source.mkdir()
    (source / "good.xml").write_bytes(GOOD)
    assert main(command) == 0


def test_patterns_and_archives_are_inputs(tmp_path: Path) -> None:
    """Folders, quoted patterns and compressed archives together, each input named by where it lies."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.xml").write_bytes(GOOD)
    (tmp_path / "a" / "two.in.xml").write_bytes(GOOD)
    archive = tmp_path / "all.tar.xz"
    with tarfile.open(archive, "w:xz") as out:
        out.add(tmp_path / "a", "a")
    found = list(gather([str(tmp_path / "a" / "**" / "*.xml"), str(archive), str(deep)]))
    assert sorted(source.name for source in found) == ["one", "one", "one", "two", "two"]
    assert f"{archive}!a/b/one.xml" in [source.label for source in found]
    assert {source.read() for source in found} == {GOOD}


def test_a_hostile_archive_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    """Links, devices, huge members and names that lead out of the folder; nothing is written or followed."""
    archive = tmp_path / "evil.tar"
    with tarfile.open(archive, "w") as out:
        link = tarfile.TarInfo("link.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        out.addfile(link)
        pipe = tarfile.TarInfo("pipe.xml")
        pipe.type = tarfile.FIFOTYPE
        out.addfile(pipe)
        huge = tarfile.TarInfo("huge.xml")
        huge.size = MAX_BYTES + 1
        out.addfile(huge, io.BytesIO(b" " * huge.size))
        away = tarfile.TarInfo("../../away.xml")
        away.size = len(GOOD)
        out.addfile(away, io.BytesIO(GOOD))
    answers = list(audit(gather([str(archive)]), Question()))
    assert sum(len(answer.accepted) for answer in answers) == 1
    (rejected,) = [first for answer in answers for first, _ in answer.rows["rejected"]]
    assert "huge.xml" in str(rejected[0])
    assert "larger than" in str(rejected[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.tar"]


def test_a_truncated_archive_gives_what_it_still_holds(tmp_path: Path) -> None:
    """And a message says that the rest cannot be read."""
    archive = tmp_path / "cut.tar.gz"
    noise = Random(1)
    with tarfile.open(archive, "w:gz") as out:
        for number in range(40):
            member = tarfile.TarInfo(f"{number}.xml")
            data = GOOD + b"<!-- %d -->" % noise.getrandbits(8000)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    answers = list(audit(gather([str(archive)]), Question()))
    assert 0 < sum(len(answer.accepted) for answer in answers) < 40
    (rejected,) = [first for answer in answers for first, _ in answer.rows["rejected"]]
    assert "the rest of the archive cannot be read" in str(rejected[1])


def test_a_file_name_that_is_no_utf8_is_escaped(tmp_path: Path) -> None:
    """Every format can be read back; JSON has the name itself, the others the bytes as escapes."""
    (tmp_path / "in").mkdir()
    name = os.fsdecode(b"n\xff.xml")
    (tmp_path / "in" / name).write_bytes(GOOD)
    for ending in ("csv", "json", "parquet"):
        out = str(tmp_path / f"out.{ending}")
        assert main(["--quiet", "audit", str(tmp_path / "in"), "--jobs", "1", "-o", out]) == 0
    assert str(pd.read_csv(tmp_path / "out.csv")["file"][0]).endswith("n\\udcff.xml")
    assert str(pd.read_parquet(tmp_path / "out.parquet")["file"][0]).endswith("n\\udcff.xml")
    assert json.loads((tmp_path / "out.json").read_text())[0]["file"] == str(tmp_path / "in" / name)


def test_what_names_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pattern without a match, an archive without XML, a missing file: a message each, exit code 1."""
    empty = tmp_path / "empty.tar"
    with tarfile.open(empty, "w"):
        pass
    paths = [str(tmp_path / "*.xml"), str(empty), str(tmp_path / "gone.xml")]
    assert main(["audit", *paths, "--jobs", "1"]) == 1
    said = capsys.readouterr().err
    assert "no file matches this pattern" in said
    assert "the archive has no *.xml" in said
    assert "gone.xml: cannot be read: No such file" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--jobs", "0"], "--jobs 0: expected a number of processes above 0"),
        (["-o", "out.xlsx"], "out.xlsx: expected a file name that ends in .csv, .json or .parquet"),
        (["--policy", "nobody"], "no policy 'nobody'"),
        (["--policy", "gone.yaml"], "gone.yaml: cannot be read"),
        (["--libvirt", "new"], "expected a release as MAJOR.MINOR, got 'new'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2 and what would be right."""
    assert main(["audit", "nowhere", *options]) == 2
    assert message in capsys.readouterr().err


def test_an_unknown_guest_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is read."""
    assert main(["audit", "nowhere", "--guest", "rhel66", "--jobs", "1"]) == 1
    said = capsys.readouterr().err
    assert "rhel66" in said
    assert "nowhere" not in said


def test_files_are_whole_or_absent(tmp_path: Path) -> None:
    """A run that ends in the middle leaves neither half a table nor a scrap."""
    out = tmp_path / "audit.csv"
    out.write_text("the last good one")
    tables = Tables(str(out), TABLES, {})
    tables.write({"rejected": [(("file", "message"), ((),))]})
    tables.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.csv"]
    assert out.read_text() == "the last good one"


class Lost:
    """An engine whose workers are gone again and again."""

    width = 2
    starts = 0

    def submit(self, batch: Requests, question: Question) -> Future[Answer]:
        future: Future[Answer] = Future()
        future.set_exception(BrokenExecutor("a process was killed"))
        return future

    def restart(self) -> None:
        self.starts += 1


def test_lost_workers_are_an_error_of_their_own() -> None:
    """And no table is written as if it were whole."""
    engine = Lost()
    with pytest.raises(FleetError, match=r"the workers were lost 4 times .*30-disks-pc.*a process was killed"):
        list(audit(sources([str(facts.path("domains"))]), Question(), engine))
    assert engine.starts == 3


def test_memory_stays_bounded() -> None:
    """However many inputs there are, no more than ``ahead`` batches are taken in beyond what was answered."""
    taken = 0

    def endless() -> Any:
        nonlocal taken
        (source,) = sources([str(facts.path("domains/rhel6-pc.xml"))])
        while True:
            taken += 1
            yield source

    answers = audit(endless(), Question())
    for _ in range(3):
        next(answers)
    assert taken <= 3 * 512


def test_a_dask_cluster_answers_the_same(tmp_path: Path) -> None:
    """Workers of a scheduler found by its address."""
    distributed = pytest.importorskip("distributed")
    folder = str(facts.path("domains"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp"
    ) as cluster:
        out = tmp_path / "dask.csv"
        code = main(["--quiet", "audit", folder, "--scheduler", cluster.scheduler_address, "-o", str(out)])
        assert code == 1
    here = tmp_path / "here.csv"
    assert main(["--quiet", "audit", folder, "--jobs", "1", "-o", str(here)]) == 1
    assert out.read_bytes() == here.read_bytes()


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message, no traceback."""
    import distributed

    def unreachable(*_args: object, **_named: object) -> None:
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", unreachable)
    with pytest.raises(FleetError, match="does not answer: Timed out"), workers(scheduler="tcp://127.0.0.1:1"):
        pass


def test_text_of_the_policy_travels_with_the_question() -> None:
    """A worker elsewhere has not the file; a wrong one is refused with its line."""
    question = Question(
        policy=DENYING.replace("deny-all", "far").replace("finding: deny", "finding: no"), policy_file="p"
    )
    with pytest.raises(UsageError, match=r"p:9: finding: expected one of .*, got 'no'"):
        list(audit([], question))


def test_the_summary_writes_every_number_alike() -> None:
    """Each number of the summary from 1,000 on has a separator, those of verdicts and of policy levels too."""
    verdicts = Counter({"fails": 9000, "works": 12_345})
    total = Totals(
        3000, 1500, 2000, 1000, 4000, 5000, verdicts=verdicts, levels=Counter({"error": 6000, "warning": 7000})
    )
    said = _summary(total)
    assert re.findall(r"(?<![\d,])\d{4,}", said) == []
    for part in ("5,000 rejected", "21,345 devices: 9,000 fails, 12,345 works", "policy: 6,000 error, 7,000 warning"):
        assert part in said
