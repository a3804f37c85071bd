"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TextIO

from virtkit.reporting.execute import Outcome
from virtkit.reporting.workers import Event, Tell

__all__ = ["bar", "lines"]

_WIDTH = 24
_GLYPH = {"passed": "✓", "failed": "✗", "unchanged": "="}


def _sentence(outcome: Outcome) -> str:
    words = f"{outcome.name}: {outcome.status}"
    if outcome.status != "unchanged":
        words += f" in {outcome.seconds:.1f} s"
    return f"{words}: {outcome.error}" if outcome.error else words


def _cut(begin: str, running: Sequence[str], room: int) -> str:
    """What runs now after ``begin``, in at most ``room`` signs: names, or their numbers where names are too long."""
    line = begin + ", ".join(running)
    if len(line) > room:
        line = begin + ", ".join(name.partition("-")[0] for name in running)
    return line if len(line) <= room else line[: max(room - 1, 0)] + "…"


def lines() -> Tell:
    """One message for each notebook that ends."""
    log = logging.getLogger("virtkit")

    def tell(event: Event) -> None:
        if event.outcome is not None:
            log.info("%d/%d %s", event.done, event.total, _sentence(event.outcome))

    return tell


def bar(stream: TextIO, columns: int) -> Tell:
    """A bar in the terminal's last line, with the notebooks that run now; those that ended stand above it."""
    start = time.monotonic()

    def tell(event: Event) -> None:
        stream.write("\r\033[K")
        if event.outcome is not None:
            stream.write(f"{_GLYPH.get(event.outcome.status, '?')} {_sentence(event.outcome)}\n")
        if event.done < event.total:
            width = min(_WIDTH, columns // 4)
            full = width * event.done // event.total
            begin = f"{'█' * full}{'░' * (width - full)} {event.done}/{event.total}  {time.monotonic() - start:.0f} s  "
            stream.write(_cut(begin, event.running, columns - 1))
        stream.flush()

    return tell
