"""A pseudo-terminal for a command under test."""

from __future__ import annotations

import os
import pty
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from fcntl import ioctl

from tests.waiting import until

__all__ = ["on_terminal"]


def on_terminal(
    words: Sequence[str],
    columns: int,
    stop_when: Callable[[], bool] | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Run a command on a pseudo-terminal and type Ctrl-C once ``stop_when`` holds; returns its exit code and output."""
    # A size in the environment, as pytest's workers have it, would hide that of the terminal.
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], list(words), {**inherited, "TERM": "xterm-256color", **(environment or {})})  # noqa: S606
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    if stop_when is not None:
        until(stop_when)
        os.write(terminal, b"\x03")
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
