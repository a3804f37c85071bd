"""Standard output that is full or closed, and signals while a command writes to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import HANGING
from virtkit import facts

pytestmark = pytest.mark.slow

DOMAIN = str(facts.path("domains/rhel6-q35-virtio.xml"))
PROGRAM = f"{sys.executable} -m virtkit"
FULL = "virtkit: standard output cannot be written: No space left on device\n"
CLOSED = "virtkit: standard output cannot be written: Bad file descriptor\n"


def shell(line: str) -> tuple[int, str, str]:
    """The exit code, standard output and standard error of a shell command."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=HANGING, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(("redirection", "error"), [(">/dev/full", FULL), (">&-", CLOSED)])
@pytest.mark.parametrize("words", [f"resolve {DOMAIN}", f"--quiet audit {DOMAIN} --jobs 1", "--help", "--version"])
def test_output_that_takes_no_text(words: str, redirection: str, error: str) -> None:
    """A standard output that is full or closed is an error of one line with exit code 1."""
    assert shell(f"{PROGRAM} {words} {redirection}") == (1, "", error)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-"])
def test_streams_that_are_not_needed(redirection: str, tmp_path: Path) -> None:
    """The result is whole where standard input or standard error is closed or full."""
    expected = shell(f"{PROGRAM} resolve {DOMAIN}")[1]
    assert shell(f"{PROGRAM} resolve {DOMAIN} {redirection}") == (0, expected, "")


def test_a_file_needs_no_standard_output(tmp_path: Path) -> None:
    """With -o, a closed standard output is no error."""
    out = tmp_path / "out.xml"
    assert shell(f"{PROGRAM} resolve {DOMAIN} -o {out} >&- <&- 2>&-") == (0, "", "")
    assert out.read_text().startswith("<domain")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_command(number: int, code: int, tmp_path: Path) -> None:
    """A command that reads its input ends with one line, the exit code of a shell, and the earlier result whole."""
    pipe, out = tmp_path / "pipe.xml", tmp_path / "out.xml"
    os.mkfifo(pipe)
    out.write_text("old")
    # A signal that was ignored when the tests began, as under nohup, would stay ignored.
    words = ["env", "--default-signal", sys.executable, "-m", "virtkit", "resolve", str(pipe), "-o", str(out)]
    # Opening the pipe waits until the command reads.
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process, pipe.open("w"):
        process.send_signal(number)
        _, said = process.communicate(timeout=HANGING)
    assert (process.returncode, said) == (code, "virtkit: interrupted\n")
    assert out.read_text() == "old"


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    """A command that nohup started goes on after SIGHUP."""
    pipe = tmp_path / "pipe.xml"
    os.mkfifo(pipe)
    words = ["nohup", sys.executable, "-m", "virtkit", "resolve", str(pipe)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with pipe.open("w") as stream:
            process.send_signal(signal.SIGHUP)
            stream.write(Path(DOMAIN).read_text())
        result, _ = process.communicate(timeout=HANGING)
    assert process.returncode == 0
    assert result.startswith("<domain")
