"""A run on a terminal: a bar that stays in one line, and Ctrl-C, which a terminal sends to every process there."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from tests.reporting.test_parameters import write
from tests.terminal import on_terminal
from virtkit.reporting import progress
from virtkit.reporting.execute import Outcome
from virtkit.reporting.workers import Event

REPORT = (sys.executable, "-m", "virtkit.cli", "report")


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_bar_fits_its_line(columns: int) -> None:
    """No line of the bar is wider than the terminal, and it says how many notebooks are done."""
    out = io.StringIO()
    with progress.bar(out, columns) as tell:
        tell(Event(("01-compatibility-matrix", "02-bus-topology"), 0, 5))
        tell(Event(("02-bus-topology",), 1, 5, Outcome("01-compatibility-matrix", "passed", "", 1.0)))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()
    ended = "✓ 01-compatibility-matrix: passed in 1.0 s"
    assert ended in shown
    bars = [line for line in shown if line != ended]
    assert all(len(line) <= columns for line in bars)
    assert any("0/5" in line for line in bars)
    assert any("1/5" in line and (columns < 40 or "02" in line) for line in bars)


@pytest.mark.notebook
def test_run_on_a_terminal(tmp_path: Path) -> None:
    """The bar gives way to a line for each notebook, and the last line is where the report is."""
    good = write(tmp_path, "good", "x = 1", "print(x)")
    code, shown = on_terminal([*REPORT, str(good), "-o", str(tmp_path / "reports")], 40)
    assert code == 0
    assert "0/1" in shown
    assert "✓ good: passed in" in shown
    assert shown.rstrip().endswith("/latest")


@pytest.mark.notebook
@pytest.mark.parametrize("seconds", [0.7, 1.5, 4.0])
def test_ctrl_c_says_nothing_but_that(tmp_path: Path, seconds: float) -> None:
    """Whether things are still being imported or the notebook runs: no traceback, code 130, and the record tells."""
    slow = write(tmp_path, "slow", "x = 1", "import time\ntime.sleep(60)")
    code, shown = on_terminal([*REPORT, str(slow), "-o", str(tmp_path / "reports")], 80, seconds)
    assert "Traceback" not in shown
    assert code == 130, shown
    assert "interrupted" in (tmp_path / "reports" / "status.json").read_text()
