"""Answers that are kept for the next time: a bounded number of them, or one with each object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

__all__ = ["Lazy", "keep"]

K = TypeVar("K")
V = TypeVar("V")


class Lazy(Generic[V]):
    """A property that is computed when it is first asked for, and kept with its object.

    Unlike ``functools.cached_property`` of Python 3.11 it takes no lock: two threads may both compute the value.
    """

    def __init__(self, compute: Callable[[Any], V]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, holder: None, of: type) -> Lazy[V]: ...
    @overload
    def __get__(self, holder: object, of: type) -> V: ...
    def __get__(self, holder: object, of: type) -> Lazy[V] | V:
        if holder is None:
            return self
        value = holder.__dict__[self._name] = self._compute(holder)
        return value


def keep(memo: dict[K, V], key: K, value: V, most: int) -> V:
    """Enter a value into a memo, which is emptied first when it holds ``most`` of them. Returns the value.

    Threads may share a memo: a value that is lost is found again.
    """
    if len(memo) >= most:
        memo.clear()
    memo[key] = value
    return value
