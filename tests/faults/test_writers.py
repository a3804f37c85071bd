"""Every command that writes files, under every fault: the earlier result stays whole, and the message is one line."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import untried, verbs
from tests.faults.writers import ROOT, WRITERS, content, inputs
from tests.mounts import NAMESPACE, needs_mounts

pytestmark = pytest.mark.system

#: Commands whose files need a program or an environment: they have tests of their own, with the same functions.
ELSEWHERE = {"report", "verify libvirt", "verify qemu", "verify hotplug", "verify boot"}
#: The file and its picture are two results, which two runs may have written.
SEPARATE = {"check --picture"}
#: What a dataset of an audit leaves beside its place: the same command continues there.
CONTINUED = ".a.part/"


def run(folder: Path, fault: str, letters: str = "b", prefix: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run every writer in its folder below ``folder`` under a fault, with an input or several at the same time."""
    cases = [
        {
            "folder": str(folder / str(number)),
            "fault": fault,
            "lines": [line.replace("IN", letter).split() for letter in letters],
        }
        for number, line in enumerate(WRITERS.values())
    ]
    words = [*prefix, sys.executable, "-m", "tests.faults.writers"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        words, input=json.dumps(cases), capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(WRITERS, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each writer, with its inputs and what it wrote about the first input."""
    folder = tmp_path_factory.mktemp("good")
    for number in range(len(WRITERS)):
        (folder / str(number) / "out").mkdir(parents=True)
        inputs(folder / str(number))
    for name, found in run(folder, "none", "a").items():
        assert found["ended"] == [{"code": 0, "said": ""}], name
        assert found["content"], name
    return folder


@pytest.fixture
def earlier(good: Path, tmp_path: Path) -> Path:
    """A copy of those folders."""
    return Path(shutil.copytree(good, tmp_path / "writers"))


def differences(earlier: Path, name: str, found: dict[str, str]) -> dict[str, str | None]:
    """The files of an earlier result that changed, and the unexpected files."""
    before = content(earlier / str(list(WRITERS).index(name)) / "out")
    return {file: found.get(file) for file in before.keys() | found.keys() if before.get(file) != found.get(file)}


def one_line(said: str, reason: str) -> bool:
    """Whether the message is one line with the reason; an audit says in a second one that it can be continued."""
    *others, line = said.splitlines() or [""]
    return reason in line and line.startswith("virtkit: ") and all("continues it" in other for other in others)


def test_every_writer_is_tried() -> None:
    """The table has a line for each command and verb with an option that writes."""
    writing = {"-o", "--output", "--record", "--picture"}
    found = [name for name, parser in verbs() if writing & {one for it in parser._actions for one in it.option_strings}]
    assert set(untried(found, WRITERS.values())) - ELSEWHERE == set()
    assert len(found) > len(ELSEWHERE)


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        pytest.param("full disk", errno.ENOSPC, marks=needs_mounts),
        pytest.param("read-only", errno.EROFS, marks=needs_mounts),
        ("size limit", errno.EFBIG),
    ],
)
def test_what_cannot_be_written(fault: str, number: int, earlier: Path) -> None:
    """A full disk, a read-only one and a limit of the size cost no earlier result; one line gives the reason."""
    prefix = () if fault == "size limit" else NAMESPACE
    wrong = {}
    for name, found in run(earlier, fault, prefix=prefix).items():
        (ended,) = found["ended"]
        changed = [file for file in differences(earlier, name, found["content"]) if not file.startswith(CONTINUED)]
        if ended["code"] != 1 or not one_line(ended["said"], os.strerror(number)) or set(changed) - {"filler"}:
            wrong[name] = ended, changed
    assert wrong == {}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("SIGINT", 130),
        ("SIGTERM", 143),
        ("SIGKILL", -signal.SIGKILL),
        ("killed while writing", -signal.SIGXFSZ),
    ],
)
def test_a_signal_while_files_are_written(fault: str, code: int, earlier: Path) -> None:
    """A signal in the middle costs no earlier result; one that can be handled leaves nothing beside it."""
    wrong = {}
    for name, found in run(earlier, fault).items():
        (ended,) = found["ended"]
        changed = [file for file in differences(earlier, name, found["content"]) if not file.startswith(CONTINUED)]
        left = [file for file in changed if code > 0 or ".virtkit-" not in file]
        said = one_line(ended["said"], "interrupted") if code > 0 else ended["said"] == ""
        if ended["code"] != code or not said or left:
            wrong[name] = ended, left
    assert wrong == {}


def test_a_folder_that_vanishes(earlier: Path) -> None:
    """When the folder is removed while a file is written, one line says so, and the exit code is 1."""
    wrong = {}
    for name, found in run(earlier, "vanishing folder").items():
        (ended,) = found["ended"]
        if ended["code"] != 1 or not one_line(ended["said"], os.strerror(errno.ENOENT)) or found["content"]:
            wrong[name] = ended, found["content"]
    assert wrong == {}


def test_two_runs_at_once(earlier: Path, tmp_path: Path) -> None:
    """Of two runs that write to one place at the same time, the later result is there, whole, and nothing beside it."""
    other = Path(shutil.copytree(earlier, tmp_path / "other"))
    later = [run(other, "none", letter) for letter in "ba"]
    wrong = {}
    for name, found in run(earlier, "none", "ab").items():
        possible = [one[name]["content"] for one in later]
        if name in SEPARATE:
            whole = all(found["content"][file] in [one[file] for one in possible] for file in possible[0])
        else:
            whole = found["content"] in possible
        refused = [one for one in found["ended"] if one["code"] and "another audit is writing" not in one["said"]]
        if not whole or refused:
            wrong[name] = found, possible
    assert wrong == {}
