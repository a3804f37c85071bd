"""Tables written row by row, as CSV, JSON or Parquet, with bounded memory; a file is complete or absent."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from virtkit.errors import UsageError
from virtkit.outputs import failure, replacing
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
        self._output = output or "-"
        self._replacing = ExitStack()
        first = next(iter(columns))
        if output is None or output == "-":
            self._writers[first] = (_Json if form == "json" else _Csv)(sys.stdout, columns[first])
            return
        path = Path(output)
        if path.suffix not in SUFFIXES:
            expected = f"a file name that ends in {listed(SUFFIXES, 'or')}, or a folder ({output}/)"
            raise UsageError(f"-o {output}: expected {expected}")
        finals = [path if name == first else path.with_name(f"{path.stem}.{name}{path.suffix}") for name in columns]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratches = self._replacing.enter_context(replacing(*finals))
            for scratch, (name, names) in zip(scratches, columns.items(), strict=True):
                self._writers[name] = _opened(scratch, path.suffix, names, types)
        except OSError as problem:
            self.__exit__(type(problem), problem, None)
            raise failure(problem, output) from None

    def write(self, groups: Mapping[str, Sequence[Group]]) -> None:
        """Append groups of rows to the tables that the keys name. Raises InputError when they cannot be written."""
        try:
            for name, writer in self._writers.items():
                writer.write(groups.get(name, ()))
        except OSError as problem:
            if self._output == "-":
                raise
            raise failure(problem, self._output) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if problem is not None:
            for writer in self._writers.values():
                with suppress(OSError):
                    writer.close()
            self._replacing.__exit__(kind, problem, trace)
            return
        try:
            with self._replacing:
                for writer in self._writers.values():
                    writer.close()
        except OSError as error:
            if self._output == "-":
                raise
            raise failure(error, self._output) from None


def _opened(scratch: Path, suffix: str, names: Sequence[str], types: Mapping[str, type[int | bool]]) -> _Writer:
    """The writer of one table, in the format of a suffix."""
    if suffix == ".parquet":
        from virtkit.fleet.parquet import ParquetTable

        return ParquetTable(scratch, names, types)
    # The name of a file may be no UTF-8.
    stream = scratch.open("w", encoding="utf-8", errors="backslashreplace", newline="")
    return (_Json if suffix == ".json" else _Csv)(stream, names, owned=True)


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
