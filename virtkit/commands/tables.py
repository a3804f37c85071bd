"""Small tables on the command line: aligned text, CSV or JSON, to standard output or a file."""

from __future__ import annotations

import csv
import io
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.inputs import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["emit", "render", "say"]


def _cell(value: object) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def render(head: Sequence[str], rows: Sequence[Sequence[object]], form: str) -> str:
    """The table as text: ``form`` is table (aligned columns), csv, or json (a list of objects)."""
    if form == "json":
        objects = [dict(zip(head, row, strict=True)) for row in rows]
        return json.dumps(objects, indent=1, ensure_ascii=False) + "\n"
    cells = [[_cell(value) for value in row] for row in rows]
    if form == "csv":
        stream = io.StringIO()
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(head)
        out.writerows(cells)
        return stream.getvalue()
    widths = [max([len(title), *(len(row[i]) for row in cells)]) for i, title in enumerate(head)]
    lines = [[*head], ["-" * width for width in widths], *cells]
    padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(line.rstrip() + "\n" for line in padded)


def emit(text: str, output: str | None) -> None:
    """Writes the result to ``output``, or to standard output."""
    if output and output != "-":
        write_text(Path(output), text)
    else:
        sys.stdout.write(text)


def say(text: str) -> None:
    """A message for the person at the terminal, on standard error, unless --quiet was given."""
    logging.getLogger("virtkit").info("%s", text)
