"""How benchmarks measure, and how they print a figure with the ratio to its peer."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Figure", "best", "process", "show"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement and, where there is one, the same measurement of a peer; both in seconds."""

    what: str
    seconds: float
    peer: str = ""
    peer_seconds: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The peer's time divided by ours; None without a peer."""
        return None if self.peer_seconds is None else self.peer_seconds / self.seconds


def best(work: Callable[[], object], rounds: int = 5) -> float:
    """The shortest of several runs, in seconds: the one that other work on the machine disturbed least."""
    shortest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def process(command: Sequence[str], rounds: int = 7) -> float:
    """The shortest of several runs of a whole process, in seconds; cached byte code is used, as for a user."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return best(lambda: subprocess.run(command, check=True, capture_output=True, env=kept), rounds)


def show(figure: Figure) -> None:
    """Print one line; a ratio of 2 means that the peer takes twice as long."""
    line = f"{figure.what:<58} {figure.seconds * 1000:10.3f} ms"
    if figure.peer_seconds is not None:
        line += f"   {figure.peer}: {figure.peer_seconds * 1000:.3f} ms   ratio {figure.ratio:.1f}"
    else:
        line += "   no peer"
    if figure.note:
        line += f"   {figure.note}"
    print(line, flush=True)
