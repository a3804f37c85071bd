"""Runs that fail: the last good report stays, and the exit code, ``run.json`` and ``status.json`` have the error."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.mounts import NAMESPACE, needs_mounts
from tests.reporting.test_parameters import write
from tests.waiting import HANGING, until
from virtkit.reporting.run import run

pytestmark = [pytest.mark.notebook, pytest.mark.system]

REPORT = (sys.executable, "-m", "virtkit.cli", "report")
GOOD = "open('t.csv', 'w').write('a\\n1\\n')"


def record(reports: Path) -> dict[str, Any]:
    """The record of the newest run."""
    found: dict[str, Any] = json.loads((newest(reports) / "run.json").read_text())
    return found


def newest(reports: Path) -> Path:
    """The folder of the newest run."""
    return max(reports.glob("2*"))


def status(reports: Path) -> dict[str, Any]:
    """The content of the status file."""
    found: dict[str, Any] = json.loads((reports / "status.json").read_text())
    return found


def mounted(folder: Path, options: str, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a temporary file system mounted on ``folder``, visible to the script only."""
    shell = f'mount -t tmpfs -o {options} none "$0" && {script}'
    command = [*NAMESPACE, "sh", "-c", shell, str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANGING, check=False)


def test_endless_and_killed_notebooks(tmp_path: Path) -> None:
    """An endless cell is stopped at its timeout and a killed kernel is reported; both pages keep the earlier output."""
    endless = write(tmp_path, "endless", "x = 1", "print('before')", "import time\ntime.sleep(600)")
    killed = write(tmp_path, "killed", "x = 1", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    reports = tmp_path / "reports"
    result = run([endless, killed], {}, reports, timeout=3)
    assert result.status == "failed"
    died = "the kernel died: it was killed or ran out of memory"
    expected = {"endless": "a cell took longer than 3 s", "killed": died}
    assert result.failures == expected
    assert status(reports)["failures"] == expected
    assert "before" in (result.folder / "endless" / "index.html").read_text()
    assert not (reports / "latest").exists()
    assert not list(result.folder.glob(".*"))


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    """When the process of a notebook is killed, its signal is reported and the other notebooks still run."""
    killed = write(tmp_path, "killed", "x = 1", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    good = write(tmp_path, "good", "x = 1", GOOD)
    result = run([killed, good], {}, tmp_path / "reports", jobs=1)
    assert [outcome.status for outcome in result.outcomes] == ["failed", "passed"]
    assert result.failures == {"killed": "the notebook's process was killed by signal 9"}


def stopped(tmp_path: Path, number: int) -> tuple[int, str]:
    """Send a signal to a run in the middle of a notebook; returns its exit code and standard error."""
    slow = write(
        tmp_path,
        "slow",
        "x = 1",
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(__import__('os').getpid()))",
        "import time\ntime.sleep(600)",
    )
    program = [*REPORT, str(slow), "-o", str(tmp_path / "reports")]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        noted = tmp_path / "pid"
        until(lambda: noted.exists() and noted.read_text() != "", lambda: process.poll() is None)
        process.send_signal(number)
        _, said = process.communicate(timeout=HANGING)
    return process.returncode, said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupted_run(tmp_path: Path, number: int, code: int) -> None:
    """After Ctrl-C, SIGTERM or SIGHUP, the records say interrupted and no kernel is left."""
    good = write(tmp_path, "good", "x = 1", GOOD)
    reports = tmp_path / "reports"
    before = run([good], {}, reports).folder
    returned, said = stopped(tmp_path, number)
    assert returned == code, said
    assert record(reports)["status"] == status(reports)["status"] == "interrupted"
    assert (reports / "latest").resolve() == before
    assert "the last run" in (reports / "index.html").read_text()
    kernel = int((tmp_path / "pid").read_text())
    until(lambda: not os.path.exists(f"/proc/{kernel}"))


def test_a_run_killed_outright(tmp_path: Path) -> None:
    """A run killed by SIGKILL leaves a record that says running, which the next run corrects to abandoned."""
    returned, _ = stopped(tmp_path, signal.SIGKILL)
    reports = tmp_path / "reports"
    dead = newest(reports)
    assert returned == -signal.SIGKILL
    assert record(reports)["status"] == "running"
    good = write(tmp_path, "good", "x = 1", GOOD)
    assert run([good], {}, reports).status == "passed"
    assert json.loads((dead / "run.json").read_text())["status"] == "abandoned"
    assert "abandoned" in (reports / "index.html").read_text()


def keep(script: str) -> str:
    """The script, followed by a copy of the reports to a folder that the test can see; keeps the exit code."""
    return f'{script}; code=$?; cp -a "$0/." "$1"; exit $code'


@needs_mounts
def test_full_disk(tmp_path: Path) -> None:
    """On a full disk the run fails, its record says so, and the last good report stays unchanged."""
    good = write(tmp_path, "good", "x = 1", GOOD)
    large = write(
        tmp_path,
        "large",
        "x = 1",
        "with open('large', 'wb') as file:\n    while file.write(bytes(1 << 16)):\n        file.flush()",
    )
    small, seen = tmp_path / "small", tmp_path / "seen"
    small.mkdir()
    seen.mkdir()
    command = " ".join(REPORT)
    script = f'{command} "$2" -o "$0" && {command} "$3" -o "$0"'
    done = mounted(small, "size=3m", keep(script), str(seen), str(good), str(large))
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    found = record(seen)
    assert found["status"] == status(seen)["status"] == "failed"
    assert "No space left on device" in str(found["notebooks"][0]["error"])
    assert (seen / "latest" / "good" / "t.csv").read_text() == "a\n1\n"
    assert "the last run" in (seen / "index.html").read_text()


@needs_mounts
def test_read_only_folder(tmp_path: Path) -> None:
    """A read-only reports folder is an error of one line before anything starts."""
    good = write(tmp_path, "good", "x = 1", GOOD)
    closed = tmp_path / "closed"
    closed.mkdir()
    done = mounted(closed, "ro", f'{" ".join(REPORT)} "$1" -o "$0"', str(good))
    assert done.returncode == 1
    assert done.stderr == f"virtkit: the reports folder {closed} is not writable: Read-only file system\n"


def test_two_runs_at_once(tmp_path: Path) -> None:
    """Two simultaneous runs give two good folders; the link points to the later one, and the index has both."""
    reports = tmp_path / "reports"
    slow = write(tmp_path, "slow", "x = 1", "import time\ntime.sleep(0.3)")
    program: Sequence[str] = [*REPORT, str(slow), "-o", str(reports)]
    both = [subprocess.Popen(program, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(HANGING) for process in both] == [0, 0]
    folders = sorted(reports.glob("2*"), key=lambda folder: (folder.name.partition("-")[0], folder.name))
    assert len(folders) == 2
    assert [json.loads((folder / "run.json").read_text())["status"] for folder in folders] == ["passed", "passed"]
    assert (reports / "latest").resolve() == folders[-1]
    text = (reports / "index.html").read_text()
    assert all(folder.name in text for folder in folders)
