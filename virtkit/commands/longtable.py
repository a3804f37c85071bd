"""Long tables of categories, such as the matrix, as CSV or JSON in pieces: a million rows in seconds."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.outputs import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

__all__ = ["csv_pieces", "json_pieces", "write_parquet", "write_pieces"]

#: Rows joined at a time: about 10 MB of text.
_ROWS = 32768


def csv_pieces(frame: pd.DataFrame) -> Iterator[str]:
    """The text of ``frame.to_csv(index=False)``, for a frame whose columns all are categories of text."""
    yield ",".join(map(_csv_cell, frame.columns)) + "\n"
    separators = [*[","] * (len(frame.columns) - 1), "\n"]
    yield from _pieces(frame, lambda n, _, value: _csv_cell(value) + separators[n])


def json_pieces(frame: pd.DataFrame) -> Iterator[str]:
    """The rows as a list of objects, one on each line."""
    last = len(frame.columns) - 1

    def cell(number: int, name: str, value: str) -> str:
        opening = "," * (not number) + "\n {" * (not number)
        key, text = json.dumps(name), json.dumps(value, ensure_ascii=False)
        return f"{opening}{key}: {text}{'}' if number == last else ', '}"

    first = True
    yield "["
    for piece in _pieces(frame, cell):
        yield piece[1:] if first else piece
        first = False
    yield "\n]\n"


def write_pieces(pieces: Iterable[str], output: str | None) -> None:
    """Writes the pieces to the file ``output``, or to standard output. Raises InputError when it cannot be written."""
    if not output or output == "-":
        for piece in pieces:
            sys.stdout.write(piece)
        return
    with writing(Path(output)) as (scratch,), scratch.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(pieces)


def write_parquet(frame: pd.DataFrame, output: str) -> None:
    """Writes the frame as a Parquet file. Raises InputError when it cannot be written."""
    with writing(Path(output)) as (scratch,):
        frame.to_parquet(scratch, index=False)


def _csv_cell(value: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow([value, ""])
    return stream.getvalue()[:-1]


def _pieces(frame: pd.DataFrame, cell: Callable[[int, str, str], str]) -> Iterator[str]:
    """Rows as text: each category is formatted once, and the results are joined row by row."""
    columns: list[tuple[Sequence[str], object]] = []
    for number, name in enumerate(frame.columns):
        values = frame[name].cat
        columns.append(([cell(number, name, value) for value in values.categories], values.codes.to_numpy()))
    for start in range(0, len(frame), _ROWS):
        parts = [
            [forms[code] for code in codes[start : start + _ROWS].tolist()]  # type: ignore[index]
            for forms, codes in columns
        ]
        yield "".join(map("".join, zip(*parts, strict=True)))
