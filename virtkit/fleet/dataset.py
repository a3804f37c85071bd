"""A dataset of an audit: a folder with Parquet files of devices, domains and rejected inputs, written part by part.

While it grows it lies beside its place, as ``.NAME.part``. An audit that was killed goes on there: complete parts whose
inputs did not change are kept. The folder takes its place at the end, so that a dataset is complete or absent.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from virtkit.errors import InputError, UsageError
from virtkit.fleet.answer import Answer, Totals
from virtkit.fleet.manifest import FORMAT, MANIFEST, PartRecord, append_part, manifest_of, parts_of
from virtkit.fleet.parquet import ParquetTable
from virtkit.fleet.tables import DATASET, TYPES
from virtkit.outputs import failure, replace_folder

if TYPE_CHECKING:
    from types import TracebackType

    from virtkit.fleet.tables import Group

__all__ = ["Dataset", "part_name"]

_QUESTION = "question.txt"
_LOCK = "lock"


def part_name(number: int) -> str:
    """The name of the file of a part in the folder of a table."""
    return f"part-{number:05}.parquet"


class Dataset:
    """A dataset that is being written to a folder; ``question`` is the fingerprint of what is asked.

    ``kept`` are the parts that an earlier run left behind, by number. A context manager: the dataset takes its place
    when it ends without an exception. Raises UsageError for a folder with other content, or one that another audit
    writes; InputError when something cannot be written.
    """

    def __init__(self, output: str, question: str, *, findings: bool = False) -> None:
        self.folder = Path(output)
        self._question = question
        self._tables = [name for name in DATASET if findings or name != "findings"]
        absolute = Path(os.path.abspath(output))
        self._growing = absolute.with_name(f".{absolute.name}.part")
        self._totals, self._part = Totals(), Totals()
        self._number = 0
        self._rows: dict[str, list[Group]] = {name: [] for name in self._tables}
        self._inputs: list[str] = []
        self._lock: Any = None
        self.kept: dict[int, PartRecord] = {}

    def __enter__(self) -> Self:
        if self.folder.exists() and not (self.folder.is_dir() and (_is_empty(self.folder) or manifest_of(self.folder))):
            found = "a folder with other files" if self.folder.is_dir() else "a file"
            raise UsageError(f"-o {self.folder}: expected a new folder or a dataset of virtkit audit, got {found}")
        try:
            self._growing.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._growing / _LOCK, self.folder)
            self._continue()
        except OSError as problem:
            raise self._failure(problem) from None
        return self

    def _continue(self) -> None:
        """Take over the parts of an earlier run that asked the same."""
        question = self._growing / _QUESTION
        if question.exists() and question.read_text(encoding="utf-8") == self._question:
            self.kept = parts_of(self._growing)
        else:
            for path in self._growing.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != _LOCK:
                    path.unlink()
            question.write_text(self._question, encoding="utf-8")
        for table in self._tables:
            (self._growing / table).mkdir(exist_ok=True)

    def write(self, answer: Answer) -> None:
        """Append the rows of a batch."""
        self._part.add(answer)
        self._inputs.append(answer.inputs)
        rows = answer.dataset_rows
        for table in self._tables:
            self._rows[table] += rows[table]

    def end_part(self) -> None:
        """Write the batches since the last part as one, whole or not at all."""
        try:
            for table in self._tables:
                self._write_table(table)
        except OSError as problem:
            raise self._failure(problem) from None
        append_part(self._growing, PartRecord(self._number, "".join(self._inputs), self._part.as_dict()))
        self._totals.include(self._part)
        self._next()

    def keep_part(self) -> Totals:
        """Keep the next part, which an earlier run wrote. Returns its counts."""
        found = Totals.from_dict(self.kept[self._number].totals)
        self._totals.include(found)
        self._next()
        return found

    def _next(self) -> None:
        self._number += 1
        self._part = Totals()
        self._inputs = []
        self._rows = {name: [] for name in self._tables}

    def _write_table(self, table: str, *, empty: bool = False) -> None:
        final = self._growing / table / part_name(self._number)
        final.unlink(missing_ok=True)
        if not self._rows[table] and not empty:
            return
        scratch = final.with_suffix(".tmp")
        out = ParquetTable(scratch, DATASET[table], TYPES)
        out.write(self._rows[table])
        out.close()
        os.replace(scratch, final)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if problem is None:
                self._finish()
        except OSError as error:
            raise self._failure(error) from None
        finally:
            if self._lock is not None:
                self._lock.close()

    def _finish(self) -> None:
        """Remove what is left of an earlier run, and put the dataset in its place."""
        for table in self._tables:
            names = {part_name(number) for number in range(self._number)}
            for path in (self._growing / table).iterdir():
                if path.name not in names:
                    path.unlink()
        self._number = 0
        for table in self._tables:
            if not any((self._growing / table).iterdir()):
                self._write_table(table, empty=True)
        found = {"format": FORMAT, "question": self._question, "totals": self._totals.as_dict()}
        (self._growing / MANIFEST).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (self._growing / _QUESTION).unlink()
        replace_folder(self._growing, self.folder)
        # Until here another audit finds the lock, and does not begin in a folder that is about to move.
        (self.folder / _LOCK).unlink(missing_ok=True)

    def _failure(self, problem: OSError) -> InputError:
        return failure(problem, problem.filename or self.folder)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _locked(path: Path, output: Path) -> Any:
    """An open file that one process has locked; it is released when that process ends. Raises UsageError."""
    stream = path.open("a")
    try:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ModuleNotFoundError:
        return stream
    except OSError:
        stream.close()
        raise _busy(output) from None
    if not path.exists() or not os.path.samestat(path.stat(), os.fstat(stream.fileno())):
        # Between the opening and the lock, another audit ended and moved the folder.
        stream.close()
        raise _busy(output)
    return stream


def _busy(output: Path) -> UsageError:
    return UsageError(f"-o {output}: another audit is writing this dataset; wait for it or choose another")
