"""What the inputs of a run reached: the branches that libFuzzer counts, and the lines of virtkit."""

from __future__ import annotations

import re
from pathlib import Path

from fuzzing.attempt import attempt
from fuzzing.lines import traced
from fuzzing.targets import Target

__all__ = ["covered", "edges"]

_MOST_FILES = 400


def edges(log: Path) -> str:
    """The number of branches that a run reached, as libFuzzer counts them in its log; "-" without it."""
    found = re.findall(rb"cov: (\d+)", log.read_bytes()) if log.is_file() else []
    return found[-1].decode() if found else "-"


def covered(target: Target, folder: Path) -> int:
    """How many lines of virtkit the seeds and what a run kept reach.

    A corpus of more than 400 inputs is replayed in part: its smallest ones.
    """
    files = sorted(folder.glob("*/corpus/*"), key=lambda file: (file.stat().st_size, file.name))
    with traced() as lines:
        for data in (*target.seeds(), *(file.read_bytes() for file in files[:_MOST_FILES])):
            attempt(target, data, every=len(data) % 4 == 0)
    return len(lines)
