"""Runs: good ones move the link, bad ones leave evidence and everything else as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.test_parameters import write
from virtkit.errors import ReportError, UsageError
from virtkit.reporting import index
from virtkit.reporting.compare import differences
from virtkit.reporting.run import notebooks, run
from virtkit.reporting.store import Store

GOOD = "print('fine', x)\nopen(output + '/t.csv', 'w').write('a,b\\n1,%s\\n' % x) if output else None"
NASTY = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


@pytest.mark.notebook
def test_a_run_and_the_next(tmp_path: Path) -> None:
    """Good runs move latest and say what changed; a failing one keeps its traceback, and the others still run."""
    good = write(tmp_path, "good", "x = 1\noutput = ''", GOOD, heading="# Good <question>")
    bad = write(tmp_path, "bad", "y = 1", f"print('before')\nraise ValueError({NASTY!r})")
    out = tmp_path / "reports"

    first = run([good], {"x": 2}, out)
    assert first.status == "passed"
    assert (out / "latest").resolve() == first.folder
    page = (first.folder / "good" / "index.html").read_text()
    assert "fine 2" in page
    assert "<title>Good &lt;question&gt;</title>" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    saved = record(first.folder)
    assert saved["parameters"] == {"good": {"x": 2}}
    assert set(saved["notebooks"][0]["files"]) == {"index.html", "t.csv"}
    assert saved["packages"]["papermill"]

    second = run([bad, good], {}, out)
    assert [(o.name, o.status) for o in second.outcomes] == [("bad", "failed"), ("good", "passed")]
    assert (out / "latest").resolve() == first.folder
    page = (second.folder / "bad" / "index.html").read_text()
    assert "ValueError" in page
    assert "<img" not in page
    assert "<script>alert" not in page
    assert "<img" not in (out / "index.html").read_text()
    assert json.loads((out / "status.json").read_text())["status"] == "failed"

    third = run([good], {"x": 3}, out, keep=1, changed_only=True)
    assert record(third.folder)["changes"] == ["good/t.csv: 1 rows gone or changed, 1 rows new or changed"]
    assert not first.folder.exists()

    fourth = run([good], {"x": 3}, out, changed_only=True)
    assert fourth.outcomes[0].status == "unchanged"
    assert (fourth.folder / "good" / "t.csv").read_text() == "a,b\n1,3\n"
    assert record(fourth.folder)["changes"] == []


@pytest.mark.notebook
def test_endless_and_killed_notebooks(tmp_path: Path) -> None:
    """A notebook that never ends meets its time limit, a killed kernel is told; both keep what they did."""
    endless = write(tmp_path, "endless", "x = 1", "print('before')", "import time\ntime.sleep(600)")
    killed = write(tmp_path, "killed", "x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    result = run([endless, killed], {}, tmp_path / "reports", limit=3)
    assert result.status == "failed"
    assert [o.error for o in result.outcomes] == [
        "a cell took longer than 3 s",
        "the kernel died (killed, or out of memory)",
    ]
    assert "before" in (result.folder / "endless" / "index.html").read_text()
    assert not (tmp_path / "reports" / "latest").exists()


@pytest.mark.notebook
def test_interrupted_run(tmp_path: Path) -> None:
    """Ctrl-C in the middle: exit code 130, run.json says interrupted, no kernel stays behind."""
    slow = write(
        tmp_path,
        "slow",
        "x = 1",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()))",
        "import time\ntime.sleep(600)",
    )
    program = [sys.executable, "-m", "virtkit.cli", "report", str(slow), "-o", str(tmp_path / "reports")]
    with subprocess.Popen(program, stderr=subprocess.PIPE, start_new_session=True) as process:
        for _ in range(600):
            time.sleep(0.05)
            if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    (folder,) = (tmp_path / "reports").glob("2*")
    assert record(folder)["status"] == "interrupted"
    kernel = int((tmp_path / "pid").read_text())
    for _ in range(200):
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the kernel is still there")


def test_unknown_notebooks_and_parameters_start_nothing(tmp_path: Path) -> None:
    """A wrong name or parameter is refused before a folder is made."""
    with pytest.raises(UsageError, match="no notebook 'nope'"):
        notebooks(["nope"])
    good = write(tmp_path, "good", "x = 1")
    with pytest.raises(UsageError, match="unknown parameter 'z'"):
        run([good], {"z": 1}, tmp_path / "reports")
    with pytest.raises(UsageError, match="no notebook to run"):
        run([], {}, tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_notebooks_are_found_by_number_name_and_path(tmp_path: Path) -> None:
    """01 and 01-compatibility-matrix name the same notebook; a path is itself; equal names are refused."""
    assert notebooks(["01"]) == notebooks(["01-compatibility-matrix"])
    assert [path.stem for path in notebooks()] == [
        "01-compatibility-matrix",
        "02-bus-topology",
        "03-slot-policy-review",
        "04-policy-comparison",
        "05-nic-model-rollout",
    ]
    good = write(tmp_path, "good", "x = 1")
    assert notebooks([str(good)]) == [good]
    with pytest.raises(UsageError, match="two notebooks"):
        notebooks([str(good), str(good)])


def test_reports_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A reports folder below a file is a clear message."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot be made"):
        Store(tmp_path / "file" / "reports")


def test_two_runs_in_one_second_have_two_folders(tmp_path: Path) -> None:
    """Runs that start together do not share a folder."""
    store, now = Store(tmp_path), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [store.open_run(now).name for _ in range(2)] == ["20260102T030405Z", "20260102T030405Z-2"]


def test_retention_keeps_the_last_good_run(tmp_path: Path) -> None:
    """Pruning removes the oldest finished runs, never the last good one nor one that is still running."""
    store = Store(tmp_path)
    for number, status in enumerate(["passed", "running", "failed", "failed", "failed"]):
        folder = tmp_path / f"r{number}"
        folder.mkdir()
        store.write(folder, {"id": folder.name, "status": status, "started": f"2026-01-0{number + 1}"})
    store.point(tmp_path / "r0")
    assert sorted(store.prune(1)) == ["r2", "r3"]
    assert sorted(path.name for path in tmp_path.glob("r*")) == ["r0", "r1", "r4"]
    assert store.latest() == tmp_path / "r0"


def test_index_shows_names_as_text() -> None:
    """What a run's record says is text in the index, whatever it holds."""
    entry = {"name": NASTY, "title": NASTY, "status": "failed", "error": NASTY, "seconds": 1}
    page = index.page([{"id": NASTY, "status": NASTY, "notebooks": [entry], "changes": [NASTY]}], None)
    assert "<img" not in page
    assert "<script" not in page
    assert "No run has passed yet" in page


def test_differences_of_tables(tmp_path: Path) -> None:
    """Tables that are new, gone or changed are told; a matrix is told by its flipped cells."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, verdict in ((old, "works"), (new, "fails")):
        folder.mkdir()
        (folder / "m.csv").write_text(f"guest,kind,machine,model,verdict\nrhel6.10,net,pc,virtio,{verdict}\n")
        (folder / f"{folder.name}.csv").write_text("a\n1\n")
    assert differences(old, new) == [
        "new.csv: new table",
        "old.csv: no longer there",
        "m.csv: rhel6.10: works became fails for net virtio on pc",
    ]
