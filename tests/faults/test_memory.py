"""Workers that the kernel kills for want of memory: nothing is lost, and the message says what to do."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from virtkit import facts

pytestmark = pytest.mark.system

CONTROL = Path("/sys/fs/cgroup")
#: Less than a worker needs to start, and more than all of them need.
SCARCE, PLENTY = 12 << 20, 4 << 30


@dataclass(frozen=True, slots=True)
class Group:
    """A control group for memory: its folder, and the files with its limit and its count of killed processes."""

    folder: Path
    limit: str
    count: str

    def allow(self, size: int) -> None:
        """Set the limit in bytes."""
        (self.folder / self.limit).write_text(str(size))

    def take(self, process: int) -> None:
        """Move a process into the group; one that has ended is passed over."""
        with contextlib.suppress(ProcessLookupError):
            (self.folder / "cgroup.procs").write_text(str(process))

    def killed(self) -> int:
        """How many of its processes the kernel has killed."""
        words = (self.folder / self.count).read_text().split()
        return int(words[words.index("oom_kill") + 1])


def made(name: str) -> Group:
    """A new group of either version of control groups. Raises OSError where this is not possible."""
    if (CONTROL / "memory").is_dir():
        group = Group(CONTROL / "memory" / name, "memory.limit_in_bytes", "memory.oom_control")
        group.folder.mkdir()
        return group
    (CONTROL / "cgroup.subtree_control").write_text("+memory")
    group = Group(CONTROL / name, "memory.max", "memory.events")
    group.folder.mkdir()
    if (swap := group.folder / "memory.swap.max").exists():
        swap.write_text("0")
    return group


@pytest.fixture
def group() -> Iterator[Group]:
    try:
        group = made(f"virtkit-test-{os.getpid()}")
        group.allow(PLENTY)
    except OSError as problem:
        pytest.skip(f"no control group for memory can be made: {problem}")
    yield group
    for _ in range(100):
        try:
            group.folder.rmdir()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{group.folder} still has processes")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Domains that differ in what they are judged by."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number, file in enumerate(sorted(facts.path("domains").glob("*.xml"))):
        text = file.read_text(encoding="utf-8")
        for copy in range(3):
            inserted = "<input type='keyboard' bus='virtio'/>" * copy
            (folder / f"{number:02}-{copy}.xml").write_text(text.replace("</devices>", f"{inserted}</devices>"))
    return folder


def below(process: int) -> Iterator[int]:
    """The processes that a process has started, and those that these have."""
    found = ""
    with contextlib.suppress(OSError):
        found = " ".join(file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children"))
    for child in found.split():
        yield int(child)
        yield from below(int(child))


def content_of(folder: Path) -> dict[str, bytes]:
    """The tables of a dataset; how an audit was divided into parts depends on what was lost."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "parts.jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(files)}


def audit(inputs: Path, out: Path, group: Group | None = None, relief: bool = False) -> tuple[int, str]:
    """The exit code and the messages of an audit whose workers, but not itself, are in a group; with ``relief`` the
    group gets plenty of memory once a worker was killed."""
    command = [sys.executable, "-m", "virtkit", "audit", str(inputs), "-o", str(out), "--jobs", "2"]
    with open(f"{out}.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
    while group is not None and process.poll() is None:
        for child in below(process.pid):
            group.take(child)
        if relief and group.killed():
            group.allow(PLENTY)
        time.sleep(0.002)
    return process.wait(timeout=120), Path(f"{out}.log").read_text(encoding="utf-8")


def test_workers_that_never_have_enough_memory_end_the_audit_with_one_line(
    inputs: Path, tmp_path: Path, group: Group
) -> None:
    """The line names the cause, the inputs and a remedy; the same command with more memory gives the whole result."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    expected = audit(inputs, whole)[0]
    group.allow(SCARCE)
    code, said = audit(inputs, out, group)
    assert group.killed() > 1
    assert code == 1
    assert not out.exists()
    lines = said.splitlines()
    assert lines[-2] == f"virtkit: -o {out}: not finished; the same command continues it"
    assert "out of memory" in lines[-1]
    assert "fewer --jobs" in lines[-1]
    assert "Traceback" not in said
    assert audit(inputs, out)[0] == expected
    assert content_of(out) == content_of(whole)


def test_a_worker_killed_for_want_of_memory_costs_no_row(inputs: Path, tmp_path: Path, group: Group) -> None:
    """The audit starts new workers, and its dataset is that of an audit without the loss."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    expected = audit(inputs, whole)[0]
    group.allow(SCARCE)
    code, _ = audit(inputs, out, group, relief=True)
    assert group.killed() > 0
    assert code == expected
    assert content_of(out) == content_of(whole)
