"""What a person's terminal needs: its width, text without control characters, and a line of progress."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from virtkit.errors import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

__all__ = ["Messages", "printable", "progress", "width"]

#: Classes of characters that change the direction of the text around them.
_DIRECTION = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def width(stream: TextIO) -> int | None:
    """The columns of the terminal that a stream writes to; None for a file or a pipe."""
    if not stream.isatty():
        return None
    from shutil import get_terminal_size

    if os.environ.get("COLUMNS", "").isdigit():
        return get_terminal_size().columns
    try:
        return os.get_terminal_size(stream.fileno()).columns or get_terminal_size().columns
    except (OSError, ValueError):
        return get_terminal_size().columns


def printable(text: str) -> str:
    """Text with control characters and marks of direction as escapes; line breaks and tabs stay.

    A terminal obeys such characters, and names in domain XML may hold them.
    """
    if text.isprintable():
        return text
    import unicodedata

    return "".join(
        repr(sign)[1:-1]
        if sign not in "\n\t" and (unicodedata.category(sign) == "Cc" or unicodedata.bidirectional(sign) in _DIRECTION)
        else sign
        for sign in text
    )


class Messages(logging.StreamHandler["TextIO"]):
    """Writes messages to standard error without control characters, above a line of progress where there is one."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error as it is now: a line of progress replaces it while it is shown."""
        return sys.stderr

    def format(self, record: logging.LogRecord) -> str:
        """The message in the form of its formatter, without secrets."""
        return masked(printable(super().format(record)))


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function that shows how far a command is, in the last line of the terminal; nothing where there is none."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    try:
        from rich.console import Console
        from rich.text import Text
    except ModuleNotFoundError:
        yield _overwrite
        _overwrite("")
        return
    with Console(stderr=True).status("") as status:
        yield lambda text: status.update(Text(text))


def _overwrite(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}")
    sys.stderr.flush()
