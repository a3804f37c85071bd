"""Tables on the command line: fitted to a terminal, aligned text elsewhere, CSV or JSON on request."""

from __future__ import annotations

import io
import json
import logging
import sys
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands import terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    Cells = Sequence[Sequence[str]]

__all__ = ["JsonStream", "emit", "fitted", "render", "say", "show", "write"]

_GAP = 2
#: Columns of words are wrapped down to this width before any identifier is shortened.
_WORDS = 12
#: Identifiers are not shortened below this width: a narrower terminal gets a list in place of a table.
_SHORT = 6
#: Rows beyond which a table is written as plain text, because rich takes long for it.
_MANY = 5000
_STYLES = {"fails": "red", "works": "green", "works-with-condition": "yellow", "unknown": "magenta"}


def show(head: Sequence[str], rows: Sequence[Sequence[object]], form: str, output: str | None = None) -> None:
    """Writes a table to the file ``output``, or to standard output: there it fits the width of a terminal.

    ``form`` is table, csv, or json (a list of objects). Raises InputError when the file cannot be written.
    """
    write(fitted(head, rows, output) if form == "table" else render(head, rows, form), output)


def fitted(head: Sequence[str], rows: Sequence[Sequence[object]], output: str | None = None) -> str:
    """The table as text for where it goes: fitted to the width of a terminal, or whole for a file or a pipe."""
    width = None if output and output != "-" else terminal.width(sys.stdout)
    if width is None:
        return render(head, rows, "table")
    head, cells = _without_empty_columns(head, [[_text(value) for value in row] for row in rows])
    widths = _fit(head, cells, width)
    if any(size < min(_SHORT, _longest(column)) for size, column in zip(widths, _columns(head, cells), strict=True)):
        return _records(head, cells, width)
    coloured = _with_rich(head, cells, widths, width) if len(rows) <= _MANY else None
    return _wrapped(head, cells, widths) if coloured is None else coloured


def render(head: Sequence[str], rows: Sequence[Sequence[object]], form: str) -> str:
    """The whole table as text: ``form`` is table (aligned columns), csv, or json (a list of objects)."""
    if form == "json":
        objects = [dict(zip(head, row, strict=True)) for row in rows]
        return json.dumps(objects, indent=1, ensure_ascii=False) + "\n"
    if form == "csv":
        import csv

        stream = io.StringIO()
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(head)
        out.writerows([_cell(value) for value in row] for row in rows)
        return stream.getvalue()
    cells = [[_text(value) for value in row] for row in rows]
    return _aligned(head, cells, [_longest(column) for column in _columns(head, cells)])


def emit(text: str, output: str | None) -> None:
    """Writes text to the file ``output``, or to standard output, to a terminal without control characters."""
    to_file = bool(output) and output != "-"
    write(text if to_file or terminal.width(sys.stdout) is None else terminal.printable(text), output)


def write(text: str, output: str | None) -> None:
    """Writes text as it is to the file ``output``, or to standard output."""
    if output and output != "-":
        from virtkit.outputs import write_text

        write_text(Path(output), text)
    else:
        sys.stdout.write(text)


class JsonStream:
    """JSON values on standard output: the only one as it is, several as a list. No more than one is kept."""

    def __init__(self) -> None:
        self._first: str | None = None
        self._count = 0

    def add(self, text: str) -> None:
        """Write one value, or keep it while it is the only one."""
        self._count += 1
        if self._count == 1:
            self._first = text.rstrip("\n")
        elif self._count == 2:
            emit(f"[\n{self._first},\n{text.rstrip(chr(10))}", None)
        else:
            emit(f",\n{text.rstrip(chr(10))}", None)

    def close(self) -> None:
        """Write what is left."""
        if self._count:
            emit(f"{self._first}\n" if self._count == 1 else "\n]\n", None)


def say(text: str) -> None:
    """Writes a message to standard error, unless --quiet was given."""
    logging.getLogger("virtkit").info("%s", text)


def _cell(value: object) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def _text(value: object) -> str:
    """A cell as one line of printable text."""
    return terminal.printable(" ".join(_cell(value).splitlines()))


def _columns(head: Sequence[str], cells: Cells) -> list[tuple[str, ...]]:
    return list(zip(head, *cells, strict=True))


def _longest(column: Sequence[str]) -> int:
    return max(map(len, column))


def _without_empty_columns(head: Sequence[str], cells: Cells) -> tuple[Sequence[str], Cells]:
    """The table without columns that are empty in every row: they only take room."""
    kept = [n for n in range(len(head)) if any(row[n] for row in cells) or not cells]
    return [head[n] for n in kept], [[row[n] for n in kept] for row in cells]


def _fit(head: Sequence[str], cells: Cells, width: int) -> list[int]:
    """Widths of columns that fit the terminal: columns of words give way first, identifiers last."""
    columns = _columns(head, cells)
    widths = [_longest(column) for column in columns]
    whole = [max(map(len, " ".join(column).split()), default=1) for column in columns]
    words = [n for n, column in enumerate(columns) if any(" " in cell for cell in column)]
    room = width - _GAP * (len(head) - 1)
    # At first no word is broken, then words of more than _WORDS characters, and at last anything.
    for shrinking, least in (
        (words, [max(size, _WORDS) for size in whole]),
        (words, [_WORDS] * len(head)),
        (range(len(head)), [1] * len(head)),
    ):
        while sum(widths) > room:
            wide = [n for n in shrinking if widths[n] > least[n]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _with_rich(head: Sequence[str], cells: Cells, widths: Sequence[int], width: int) -> str | None:
    """The table as rich writes it to this terminal; None where rich is not installed."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ModuleNotFoundError:
        return None
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for title, size, column in zip(head, widths, _columns(head, cells), strict=True):
        identifiers = not any(" " in cell for cell in column)
        table.add_column(
            Text(title), width=size, no_wrap=identifiers, overflow="ellipsis" if identifiers else "fold"
        )
    for row in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    # Text objects are never read as markup, whatever a domain is called.
    console = Console(file=sys.stdout, width=width, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _wrapped(head: Sequence[str], cells: Cells, widths: Sequence[int]) -> str:
    """The table as plain text whose cells are wrapped to ``widths``; words longer than that are shortened."""
    import textwrap

    lines: list[tuple[str, ...]] = []
    for row in cells:
        wrapped = [
            textwrap.wrap(cell, size, break_on_hyphens=False)
            if " " in cell or len(cell) <= size
            else [f"{cell[: size - 1]}…"]
            for cell, size in zip(row, widths, strict=True)
        ]
        lines += zip_longest(*wrapped, fillvalue="") if any(wrapped) else [("",) * len(widths)]
    return _aligned([title[:size] for title, size in zip(head, widths, strict=True)], lines, widths)


def _records(head: Sequence[str], cells: Cells, width: int) -> str:
    """The rows one below the other, one cell a line, for a terminal that is too narrow for columns."""
    import textwrap

    blocks = (
        "".join(
            textwrap.fill(f"{title}: {cell}", max(width, 8), subsequent_indent="  ", break_on_hyphens=False) + "\n"
            for title, cell in zip(head, row, strict=True)
            if cell
        )
        for row in cells
    )
    return "\n".join(blocks)


def _aligned(head: Sequence[str], cells: Cells, widths: Sequence[int]) -> str:
    lines = [head, ["-" * width for width in widths], *cells]
    gap = " " * _GAP
    padded = (gap.join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(line.rstrip() + "\n" for line in padded)
