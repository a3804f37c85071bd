"""A run on a terminal: a bar that stays in one line, and Ctrl-C, which a terminal sends to every process there."""

from __future__ import annotations

import os
import pty
import struct
import sys
import termios
import time
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.reporting.test_parameters import write
from virtkit.reporting import progress
from virtkit.reporting.execute import Outcome
from virtkit.reporting.workers import Event

CLEAR = "\r\x1b[K"
REPORT = (sys.executable, "-m", "virtkit.cli", "report")


def on_terminal(words: Sequence[str], columns: int, stop_after: float | None = None) -> tuple[int, str]:
    """Run a command on a terminal of its own, perhaps type Ctrl-C after some seconds; exit code and what was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], list(words))  # noqa: S606
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    if stop_after is not None:
        time.sleep(stop_after)
        os.write(terminal, b"\x03")
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


class Lines:
    """A stream that keeps what is written."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        return


@pytest.mark.parametrize("columns", [80, 40, 20])
def test_bar_fits_its_line(columns: int) -> None:
    """Whatever runs, the line of the bar is shorter than the terminal is wide, and says how many are done."""
    out = Lines()
    tell = progress.bar(out, columns)  # type: ignore[arg-type]
    tell(Event(("01-compatibility-matrix", "02-bus-topology"), 0, 5))
    tell(Event(("02-bus-topology",), 1, 5, Outcome("01-compatibility-matrix", "passed", "", 1.0)))
    first, second = out.text.split(CLEAR)[1:]
    assert len(first) < columns
    assert "0/5" in first
    ended, line = second.split("\n")
    assert ended == "✓ 01-compatibility-matrix: passed in 1.0 s"
    assert len(line) < columns
    assert columns < 40 or "02" in line


@pytest.mark.notebook
def test_run_on_a_terminal(tmp_path: Path) -> None:
    """The bar gives way to a line for each notebook, and the last line is where the report is."""
    good = write(tmp_path, "good", "x = 1", "print(x)")
    code, shown = on_terminal([*REPORT, str(good), "-o", str(tmp_path / "reports")], 40)
    assert code == 0
    assert "░" in shown
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
