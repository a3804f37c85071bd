"""Waiting for events. A time limit of a test only ends what hangs: a machine with other work is ten times as slow."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["HANGING", "until"]

HANGING = 900
"""Seconds after which a program counts as hanging."""


def until(condition: Callable[[], bool], running: Callable[[], bool] = lambda: True) -> None:
    """Wait until a condition holds. Fails when what would make it true runs no more, or hangs."""
    end = time.monotonic() + HANGING
    while not condition():
        assert running() or condition(), "the program ended before"
        assert time.monotonic() < end, f"not within {HANGING} s"
        time.sleep(0.02)
