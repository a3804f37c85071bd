"""Runs a pipeline of commands and measures its time and the memory of all its processes together."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Killer", "Run", "measured"]

_EVERY = 0.5
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """How long a pipeline ran, in seconds; the most memory that its processes had together, in MiB, where pages that
    several share count once; the exit code of its last command; and what that wrote to standard error."""

    seconds: float
    peak: float
    code: int
    messages: str


def measured(
    *commands: Sequence[str], cwd: Path | None = None, at: Callable[[list[int], float], None] | None = None
) -> Run:
    """Run commands, the output of each as the input of the next. ``at`` is called twice a second with the ids of all
    processes of the last command and the seconds since its start."""
    environment = {**os.environ, **({"PYTHONPATH": str(cwd)} if cwd is not None else {})}
    start = time.perf_counter()
    processes: list[subprocess.Popen[str]] = []
    for command in commands:
        last = command is commands[-1]
        before = processes[-1].stdout if processes else None
        processes.append(
            subprocess.Popen(
                command,
                stdin=before,
                stdout=subprocess.DEVNULL if last else subprocess.PIPE,
                stderr=subprocess.PIPE if last else None,
                text=True,
                cwd=cwd,
                env=environment,
            )
        )
        if before is not None:
            before.close()
    peak = 0
    while processes[-1].poll() is None:
        trees = [_tree(process.pid) for process in processes]
        peak = max(peak, sum(_size(pid) for tree in trees for pid in tree))
        if at is not None:
            at(trees[-1], time.perf_counter() - start)
        time.sleep(_EVERY)
    seconds = time.perf_counter() - start
    messages = processes[-1].communicate()[1]
    for process in processes[:-1]:
        process.wait()
    return Run(seconds, peak / _MIB, processes[-1].returncode, messages)


@dataclass(slots=True)
class Killer:
    """Kills a process with SIGKILL, once, when ``when`` says so; for ``measured``.

    ``victim`` chooses it of the processes of the last command; None: a worker of a pool. ``killed`` is its id.
    """

    when: Callable[[], bool]
    victim: Callable[[list[int]], int | None] | None = None
    killed: int | None = None

    def __call__(self, tree: list[int], seconds: float) -> None:
        if self.killed is None and self.when():
            pid = (self.victim or _worker)(tree)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                self.killed = pid


def _worker(tree: list[int]) -> int | None:
    return next((pid for pid in reversed(tree) if b"spawn_main" in _command_line(pid)), None)


def _tree(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            found += [int(word) for word in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
    return found


def _size(pid: int) -> int:
    """The memory of a process in bytes: its share of each page."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
