"""The lines of virtkit that inputs reach, and those that there are."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import virtkit

__all__ = ["all_lines", "traced"]

_HOME = str(Path(virtkit.__file__).parent)


@contextmanager
def traced() -> Iterator[set[tuple[str, int]]]:
    """The lines of virtkit that run inside this context, as they are reached: file below virtkit/ and number."""
    found: set[tuple[str, int]] = set()

    def of_call(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_HOME):
            return None
        short = name[len(_HOME) + 1 :]

        def of_line(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                found.add((short, frame.f_lineno))
            return of_line

        return of_line

    before = sys.gettrace()
    sys.settrace(of_call)
    try:
        yield found
    finally:
        sys.settrace(before)


def all_lines(*packages: str) -> set[tuple[str, int]]:
    """The lines of the functions of some packages of virtkit, such as ``readers``; those of docstrings and signatures
    are not among them."""
    found: set[tuple[str, int]] = set()
    for package in packages:
        module = importlib.import_module(f"virtkit.{package}")
        names = [module.__name__]
        if hasattr(module, "__path__"):
            names += [one.name for one in pkgutil.walk_packages(module.__path__, f"virtkit.{package}.")]
        for name in names:
            file = Path(str(importlib.import_module(name).__file__))
            code = compile(file.read_bytes(), str(file), "exec")
            short = str(file)[len(_HOME) + 1 :]
            found |= {(short, line) for inner in _functions(code) for line in _lines(inner)}
    return found


def _functions(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            if "__qualname__" not in one.co_names:  # the body of a class runs on import
                yield one
            yield from _functions(one)


def _lines(code: CodeType) -> set[int]:
    return {line for *_, line in code.co_lines() if line is not None and line != code.co_firstlineno}
