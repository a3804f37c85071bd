"""The folder of reports: run folders, the link to the last good run, retention, and one lock that guards them.

A live run holds a lock on ``.running`` in its folder. A record that says "running" without that lock belongs to a run
that crashed. ``.spare`` reserves disk space, which is freed before the record is written, so that a run that fills the
disk can still record the failure.
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
from pathlib import Path
from typing import IO, Any

from virtkit.errors import ReportError
from virtkit.outputs import replacing

__all__ = ["RECORD", "Store", "write_atomically"]

RECORD = "run.json"
LATEST = "latest"
_RUN = re.compile(r"\d{8}T\d{6}Z(-\d+)?")
_RUNNING = ".running"
_SPARE = ".spare"
_SPARE_SIZE = 512 * 1024  # bytes: enough for a record and an index of several hundred runs


def _start_order(name: str) -> tuple[str, int]:
    """A key that sorts names of runs by their start."""
    stamp, _, number = name.partition("-")
    return stamp, int(number or 1)


def write_atomically(file: Path, text: str) -> None:
    """Write a file so that a reader sees either the old text or the new one, never a part of it. Raises OSError."""
    with replacing(file) as (scratch,):
        scratch.write_text(text, encoding="utf-8")


class Store:
    """The runs in the folder ``root``, which is created when missing. Raises ReportError when it cannot be."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._alive: dict[Path, IO[str]] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"the reports folder {root} cannot be created: {error.strerror}") from None

    def open_run(self, now: datetime) -> Path:
        """Create a run folder, named by the UTC time and a number when several runs start in the same second.

        Names grow with every run: after the clock was set back, a run takes the time of the newest one, and a number.
        The run counts as running until ``release``. Raises ReportError when the folder cannot be written.
        """
        try:
            with self.locked():
                known = [_start_order(path.name) for path in self.root.iterdir() if _RUN.fullmatch(path.name)]
                stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
                newest, number = max(known, default=("", 0))
                if newest >= stamp:
                    stamp = f"{newest}-{number + 1}"
                folder = self.root / stamp
                folder.mkdir()
                self._alive[folder] = handle = (folder / _RUNNING).open("w")
                fcntl.flock(handle, fcntl.LOCK_EX)
                (folder / _SPARE).write_bytes(bytes(_SPARE_SIZE))
        except OSError as error:
            raise ReportError(f"the reports folder {self.root} is not writable: {error.strerror}") from None
        return folder

    def free_spare(self, run: Path) -> None:
        """Free the disk space that was reserved for the record."""
        with suppress(OSError):
            (run / _SPARE).unlink()

    def release(self, run: Path) -> None:
        """End the run; its record is final from now on."""
        self.free_spare(run)
        with suppress(OSError):
            (run / _RUNNING).unlink()
        handle = self._alive.pop(run, None)
        if handle is not None:
            handle.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock on the index, the link and the set of runs."""
        with (self.root / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def latest(self) -> Path | None:
        """The folder of the last run in which every notebook passed; None when there is none."""
        link = self.root / LATEST
        return link.resolve() if link.is_symlink() and link.exists() else None

    def set_latest(self, run: Path) -> None:
        """Point the link ``latest`` to ``run`` atomically, unless it points to a run that started later."""
        good = self.latest()
        if good is not None and _start_order(good.name) > _start_order(run.name):
            return
        beside = self.root / f".{LATEST}.{os.getpid()}"
        with suppress(FileNotFoundError):
            beside.unlink()
        beside.symlink_to(run.name)
        beside.replace(self.root / LATEST)

    def write(self, run: Path, record: Mapping[str, Any]) -> None:
        """Write the record of a run."""
        write_atomically(run / RECORD, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """The records of all runs, newest first.

        A record that says "running" for a run that has died, or that cannot be read, gets the status "abandoned".
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
        return sorted(found, key=lambda record: _start_order(str(record["id"])), reverse=True)

    def mark_abandoned(self) -> None:
        """Write the status "abandoned" into the record of each run that has died."""
        for record in self.records():
            if record["status"] == "abandoned":
                with suppress(OSError):
                    (self.root / record["id"] / _RUNNING).unlink(missing_ok=True)
                    self.write(self.root / record["id"], record)

    def _dead(self, run: Path) -> bool:
        """Whether no live process holds the lock of the run."""
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
        """Remove all but the ``keep`` newest finished runs, and never the last good one or a running one.

        Returns the names of the removed runs.
        """
        good = self.latest()
        finished = [record["id"] for record in self.records() if record.get("status") != "running"]
        gone = [name for name in finished[max(keep, 1) :] if good is None or name != good.name]
        for name in gone:
            shutil.rmtree(self.root / name, ignore_errors=True)
        return gone
