"""The lines of virtkit that inputs reach."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import virtkit

__all__ = ["traced"]

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
