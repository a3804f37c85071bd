"""A run on a terminal: a bar of one line, and Ctrl-C, which a terminal sends to every process of the run."""

from __future__ import annotations

import io
import logging
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.reporting.test_parameters import write
from tests.terminal import on_terminal
from virtkit.reporting import execute, progress
from virtkit.reporting.execute import Outcome
from virtkit.reporting.workers import Event

REPORT = (sys.executable, "-m", "virtkit.cli", "report")


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_bar_fits_its_line(columns: int) -> None:
    """No line of the bar is wider than the terminal, and it says how many notebooks are done."""
    out = io.StringIO()
    with progress.bar(out, columns) as listener:
        listener(Event(("01-compatibility-matrix", "02-bus-topology"), 0, 5))
        listener(Event(("02-bus-topology",), 1, 5, Outcome("01-compatibility-matrix", "passed", "", 1.0)))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()
    ended = "✓ 01-compatibility-matrix: passed in 1.0 s"
    assert ended in shown
    bars = [line for line in shown if line != ended]
    assert all(len(line) <= columns for line in bars)
    assert any("0/5" in line for line in bars)
    assert any("1/5" in line and (columns < 40 or "02" in line) for line in bars)


@pytest.mark.notebook
@pytest.mark.system
def test_run_on_a_terminal(tmp_path: Path) -> None:
    """The terminal shows the bar, then a line for each notebook, and at last the path of the report."""
    good = write(tmp_path, "good", "x = 1", "print(x)")
    code, shown = on_terminal([*REPORT, str(good), "-o", str(tmp_path / "reports")], 40)
    assert code == 0
    assert "0/1" in shown
    assert "✓ good: passed in" in shown
    assert shown.rstrip().endswith("/latest")


@pytest.mark.notebook
@pytest.mark.system
@pytest.mark.parametrize("place", ["reports/2*/run.json", "started"], ids=["importing", "running"])
def test_ctrl_c_ends_a_run_without_a_traceback(tmp_path: Path, place: str) -> None:
    """Ctrl-C during imports or in a cell: no traceback, exit code 130, and the record says interrupted."""
    source = f"import time\nopen({str(tmp_path / 'started')!r}, 'w').close()\ntime.sleep(60)"
    words = [*REPORT, str(write(tmp_path, "slow", "x = 1", source)), "-o", str(tmp_path / "reports")]
    code, shown = on_terminal(words, 80, lambda: any(tmp_path.glob(place)))
    assert "Traceback" not in shown
    assert code == 130, shown
    assert "interrupted" in (tmp_path / "reports" / "status.json").read_text()


def test_a_stopped_notebook_prints_no_exception_of_a_task() -> None:
    """What asyncio says about tasks that outlive a stopped notebook does not reach the terminal."""
    log = logging.getLogger("asyncio")
    before = log.level
    try:
        with pytest.raises(SystemExit, match="130"):
            execute._stop(signal.SIGINT, None)
        assert not log.isEnabledFor(logging.ERROR)
    finally:
        log.setLevel(before)
