"""The process of a command: signals that end it, and standard streams that are closed or full."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["FULL", "drop_output", "open_streams", "stoppable"]

FULL = frozenset({errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})
"""The errors of a standard output that takes no more text: closed, over a quota or a limit, or on a full disk."""


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """Make SIGTERM (a service manager) and SIGHUP (a closed terminal) end a command as Ctrl-C does.

    Gives the list of the signals that came. A signal that the caller ignores, as nohup does, stays ignored.
    """
    stops: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stops.append(number)
        raise KeyboardInterrupt

    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, stop)
    try:
        yield stops
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def open_streams() -> None:
    """Give this process the standard streams that its caller closed, so that no file takes their numbers.

    Standard input is then empty, and writing to standard output fails with EBADF. A file name that is no UTF-8 is
    written with escapes, where Python would raise an error.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            setattr(sys, name, os.fdopen(opened, "r" if number == 0 else "w", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def drop_output() -> None:
    """Discard what is still to be written to standard output, so that ending the process does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
