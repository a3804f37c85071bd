"""How a benchmark times things, and how it says a figure beside its peer's."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Figure", "best", "process", "show"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: what, how long (seconds), and the same of a peer where there is one."""

    what: str
    seconds: float
    peer: str = ""
    peer_seconds: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster than the peer."""
        return None if self.peer_seconds is None else self.peer_seconds / self.seconds


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """The shortest of several runs, in seconds: what the machine can do when nothing else disturbs it."""
    shortest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def process(command: Sequence[str], rounds: int = 7) -> float:
    """The shortest of several runs of a whole process, in seconds: byte code is kept, as it is for whoever runs it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return best(lambda: subprocess.run(command, check=True, capture_output=True, env=kept), rounds)


def show(figure: Figure) -> None:
    """Print one line."""
    line = f"{figure.what:<58} {figure.seconds * 1000:10.3f} ms"
    if figure.peer_seconds is not None:
        line += f"   {figure.peer}: {figure.peer_seconds * 1000:.3f} ms   {figure.ratio:.1f} times faster"
    if figure.note:
        line += f"   {figure.note}"
    print(line, flush=True)
