"""Answers that are kept for the next time, a bounded number of them."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["keep"]

K = TypeVar("K")
V = TypeVar("V")


def keep(memo: dict[K, V], key: K, value: V, most: int) -> V:
    """Enter a value into a memo, which is emptied first when it holds ``most`` of them. Returns the value.

    Threads may share a memo: a value that is lost is found again.
    """
    if len(memo) >= most:
        memo.clear()
    memo[key] = value
    return value
