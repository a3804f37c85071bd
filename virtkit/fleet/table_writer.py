"""Tables written row by row, as CSV, JSON or Parquet, with bounded memory; a file is complete or absent."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from virtkit.errors import InputError, UsageError
from virtkit.wording import listed

if TYPE_CHECKING:
    from typing import TextIO

    from virtkit.fleet.tables import Group, Row

__all__ = ["SUFFIXES", "Tables"]

SUFFIXES = (".csv", ".json", ".parquet")

class _Writer(Protocol):
    def write(self, groups: Sequence[Group]) -> None: ...

    def close(self) -> None: ...


class Tables:
    """Several tables that grow together: the first in the file ``output``, another called ``t`` in ``OUT.t.SUFFIX``.

    ``columns`` maps each table to its columns, ``types`` maps a column to int or bool (text otherwise). Without an
    ``output`` the first table goes to standard output as CSV (``form`` json: a list of objects), and the others are
    dropped. A context manager: all files get their names at its end, or none of them when it ends with an exception.
    Raises UsageError for an output with another ending, InputError when a file cannot be written.
    """

    def __init__(
        self,
        output: str | None,
        columns: Mapping[str, Sequence[str]],
        types: Mapping[str, type[int | bool]],
        form: str = "csv",
    ) -> None:
        self._writers: dict[str, _Writer] = {}
        self._files: dict[Path, Path] = {}
        first = next(iter(columns))
        if output is None or output == "-":
            self._writers[first] = (_Json if form == "json" else _Csv)(sys.stdout, columns[first])
            return
        path = Path(output)
        if path.suffix not in SUFFIXES:
            expected = f"a file name that ends in {listed(SUFFIXES, 'or')}, or a folder ({output}/)"
            raise UsageError(f"-o {output}: expected {expected}")
        for name, names in columns.items():
            final = path if name == first else path.with_name(f"{path.stem}.{name}{path.suffix}")
            part = final.with_name(f".{final.name}.part")
            try:
                part.parent.mkdir(parents=True, exist_ok=True)
                if path.suffix == ".parquet":
                    from virtkit.fleet.parquet import ParquetTable

                    self._writers[name] = ParquetTable(part, names, types)
                else:
                    stream = part.open("w", encoding="utf-8", newline="")
                    self._writers[name] = (_Json if path.suffix == ".json" else _Csv)(stream, names, owned=True)
            except OSError as problem:
                for writer in self._writers.values():
                    writer.close()
                self._drop()
                raise InputError(f"cannot be written: {problem.strerror or problem}", str(final)) from None
            self._files[part] = final

    def write(self, groups: Mapping[str, Sequence[Group]]) -> None:
        """Append groups of rows to the tables that the keys name."""
        for name, writer in self._writers.items():
            writer.write(groups.get(name, ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for writer in self._writers.values():
                writer.close()
            if problem is not None:
                self._drop()
                return
            for part, final in self._files.items():
                os.replace(part, final)
        except OSError as failure:
            self._drop()
            raise InputError(f"cannot be written: {failure.strerror or failure}") from None

    def _drop(self) -> None:
        for part in self._files:
            part.unlink(missing_ok=True)


class _Csv:
    """Lines; the text of cells that many groups share is made once."""

    _KEPT = 10_000

    def __init__(self, stream: TextIO, columns: Iterable[str], *, owned: bool = False) -> None:
        self._stream, self._owned = stream, owned
        self._line = io.StringIO(newline="")
        self._out = csv.writer(self._line, lineterminator="\n")
        self._texts: dict[tuple[Row, ...], tuple[str, ...]] = {}
        self._stream.write(self._text(tuple(columns)) + "\n")

    def write(self, groups: Sequence[Group]) -> None:
        for beginning, rows in groups:
            texts = self._texts.get(rows)
            if texts is None:
                if len(self._texts) >= self._KEPT:
                    self._texts.clear()
                texts = tuple([f",{self._text(row)}\n" if row else "\n" for row in rows])
                self._texts[rows] = texts
            first = self._text(beginning)
            self._stream.write("".join([first + text for text in texts]))

    def _text(self, row: Row) -> str:
        self._line.seek(0)
        self._line.truncate()
        self._out.writerow([_cell(value) for value in row])
        return self._line.getvalue().removesuffix("\n")

    def close(self) -> None:
        if self._owned:
            self._stream.close()


class _Json:
    """A list of objects, one a line."""

    def __init__(self, stream: TextIO, columns: Sequence[str], *, owned: bool = False) -> None:
        self._stream, self._columns, self._owned = stream, columns, owned
        self._lead = "[\n"

    def write(self, groups: Sequence[Group]) -> None:
        for row in (beginning + row for beginning, rows in groups for row in rows):
            one = json.dumps(dict(zip(self._columns, row, strict=True)), ensure_ascii=False)
            self._stream.write(self._lead + one)
            self._lead = ",\n"

    def close(self) -> None:
        self._stream.write("[]\n" if self._lead == "[\n" else "\n]\n")
        if self._owned:
            self._stream.close()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
