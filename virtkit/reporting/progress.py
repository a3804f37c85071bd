"""The progress of a run: a bar on a terminal, one message for each notebook elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

from virtkit.reporting.execute import Outcome
from virtkit.reporting.workers import Event, Listener

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["bar", "lines"]

_GLYPH = {"passed": "✓", "failed": "✗", "unchanged": "="}


def _sentence(outcome: Outcome) -> str:
    words = f"{outcome.name}: {outcome.status}"
    if outcome.status != "unchanged":
        words += f" in {outcome.seconds:.1f} s"
    return f"{words}: {outcome.error}" if outcome.error else words


def lines() -> Listener:
    """A listener that writes one message for each notebook that ends."""
    log = logging.getLogger("virtkit")

    def listen(event: Event) -> None:
        if event.outcome is not None:
            log.info("%d/%d %s", event.done, event.total, _sentence(event.outcome))

    return listen


@contextmanager
def bar(stream: TextIO, columns: int) -> Iterator[Listener]:
    """A listener that keeps a bar with the running notebooks in the terminal's last line.

    A line for each notebook that ended stands above it; the bar is removed at the end. ``columns`` is the width of the
    terminal.
    """
    with ExitStack() as stack:
        shown: Progress | None = None

        def listen(event: Event) -> None:
            nonlocal shown
            if shown is None:
                # rich is imported once the run has begun, not before it.
                shown = stack.enter_context(_progress(stream, columns, event.total))
            if event.outcome is not None:
                glyph = _GLYPH.get(event.outcome.status, "?")
                shown.console.print(f"{glyph} {_sentence(event.outcome)}", markup=False, soft_wrap=True)
            running = ", ".join(event.running)
            shown.update(shown.task_ids[0], completed=event.done, description=running, refresh=True)

        yield listen


def _progress(stream: TextIO, columns: int, total: int) -> Progress:
    """A bar with a count, the seconds where there is room, and a description in what is left of the line."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    seconds = (TimeElapsedColumn(),) if columns > 30 else ()
    progress = Progress(
        BarColumn(min(24, columns // 4)),
        MofNCompleteColumn(),
        *seconds,
        TextColumn("{task.description}", markup=False, table_column=rest),
        console=Console(file=stream, width=columns, force_terminal=True, highlight=False),
        auto_refresh=False,  # no thread of its own: the processes of a run are forked from this one
        transient=True,
        expand=True,
    )
    progress.add_task("", total=total)
    return progress
