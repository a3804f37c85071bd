"""The folder of reports: run folders, the link to the last good run, retention, and one lock for all of it.

A run holds a lock on ``.running`` in its folder while it lives, so that a record which still says "running" after a
crash is told from one that is true. ``.spare`` keeps a little room on the disk, given back before the record is
written, so that a run which fills the disk can still say so.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import IO, Any

from virtkit.errors import ReportError

__all__ = ["RECORD", "Store", "write_whole"]

RECORD = "run.json"
LATEST = "latest"
_RUN = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_RUNNING = ".running"
_SPARE = ".spare"
_ROOM = 512 * 1024  # octets: a record and an index of some hundred runs


def _order(name: str) -> tuple[str, int]:
    """The key by which names of runs stand in the order of time."""
    stamp, _, number = name.partition("-")
    return stamp, int(number or 1)


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


class Store:
    """A folder of runs; ``root`` is made when it is missing. Raises ReportError when it cannot be written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._alive: dict[Path, IO[str]] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"the reports folder {root} cannot be made: {error.strerror}") from None

    def open_run(self, now: datetime) -> Path:
        """A new run folder named by the UTC time, with a number where several start in one second.

        It counts as running until ``release``. Raises ReportError when it cannot be written.
        """
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            with self.locked():
                names = (stamp if number == 1 else f"{stamp}-{number}" for number in count(1))
                folder = self.root / next(name for name in names if not (self.root / name).exists())
                folder.mkdir()
                self._alive[folder] = handle = (folder / _RUNNING).open("w")
                fcntl.flock(handle, fcntl.LOCK_EX)
                (folder / _SPARE).write_bytes(bytes(_ROOM))
        except OSError as error:
            raise ReportError(f"the reports folder {self.root} cannot be written: {error.strerror}") from None
        return folder

    def make_room(self, run: Path) -> None:
        """Give back the room that was kept for the record."""
        with suppress(OSError):
            (run / _SPARE).unlink()

    def release(self, run: Path) -> None:
        """The run is over: whatever its record says now is final."""
        self.make_room(run)
        with suppress(OSError):
            (run / _RUNNING).unlink()
        handle = self._alive.pop(run, None)
        if handle is not None:
            handle.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the index, the link or the set of runs meanwhile."""
        with (self.root / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def latest(self) -> Path | None:
        """The last run in which every notebook passed."""
        link = self.root / LATEST
        return link.resolve() if link.is_symlink() and link.exists() else None

    def point(self, run: Path) -> None:
        """Make ``latest`` lead to ``run``, in one step, unless it leads to one that was started later."""
        good = self.latest()
        if good is not None and _order(good.name) > _order(run.name):
            return
        beside = self.root / f".{LATEST}.{os.getpid()}"
        with suppress(FileNotFoundError):
            beside.unlink()
        beside.symlink_to(run.name)
        beside.replace(self.root / LATEST)

    def write(self, run: Path, record: Mapping[str, Any]) -> None:
        """Write the record of a run."""
        write_whole(run / RECORD, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """The records of all runs, newest first.

        One that says "running" although its run is dead, and one that cannot be read, is told as "abandoned".
        """
        found = []
        for folder in self.root.iterdir():
            if folder.is_symlink() or not folder.is_dir() or not _RUN.fullmatch(folder.name):
                continue
            record: Any = None
            with suppress(OSError, ValueError):
                record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            if not isinstance(record, dict) or record.get("id") != folder.name:
                record = {"id": folder.name, "status": "running", "started": ""}
            if record.get("status") == "running" and self._dead(folder):
                record["status"] = "abandoned"
            found.append(record)
        return sorted(found, key=lambda record: _order(str(record["id"])), reverse=True)

    def settle(self) -> None:
        """Write down of each run that died without a word that it did."""
        for record in self.records():
            if record["status"] == "abandoned":
                with suppress(OSError):
                    (self.root / record["id"] / _RUNNING).unlink(missing_ok=True)
                    self.write(self.root / record["id"], record)

    def _dead(self, run: Path) -> bool:
        """Whether no living process holds the run."""
        if run in self._alive:
            return False
        try:
            with (run / _RUNNING).open("r") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def prune(self, keep: int) -> list[str]:
        """Remove all but the ``keep`` newest finished runs; the last good one and running ones always stay."""
        good = self.latest()
        finished = [record["id"] for record in self.records() if record.get("status") != "running"]
        gone = [name for name in finished[max(keep, 1) :] if good is None or name != good.name]
        for name in gone:
            shutil.rmtree(self.root / name, ignore_errors=True)
        return gone
