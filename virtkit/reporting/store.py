"""The folder of reports: run folders, the link to the last good run, retention, and one lock for all of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from virtkit.errors import ReportError

__all__ = ["Store", "write_whole"]

RECORD = "run.json"
LATEST = "latest"


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
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"the reports folder {root} cannot be made: {error.strerror}") from None

    def open_run(self, now: datetime) -> Path:
        """A new, empty run folder named by the UTC time, with a number where several start in one second."""
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        for number in range(1, 1000):
            folder = self.root / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise ReportError(f"the reports folder {self.root} cannot be written: {error.strerror}") from None
            return folder
        raise ReportError(f"{self.root}: too many runs named {stamp}")

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
        """Make ``latest`` lead to ``run``, in one step."""
        beside = self.root / f".{LATEST}.{os.getpid()}"
        with suppress(FileNotFoundError):
            beside.unlink()
        beside.symlink_to(run.name)
        beside.replace(self.root / LATEST)

    def write(self, run: Path, record: Mapping[str, Any]) -> None:
        """Write the record of a run."""
        write_whole(run / RECORD, json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """The records of all runs, newest first; a record that cannot be read is left out."""
        found = []
        for file in self.root.glob(f"*/{RECORD}"):
            if file.parent.is_symlink():
                continue
            with suppress(OSError, ValueError):
                record = json.loads(file.read_text(encoding="utf-8"))
                if isinstance(record, dict) and record.get("id") == file.parent.name:
                    found.append(record)
        return sorted(found, key=lambda record: (str(record.get("started")), str(record["id"])), reverse=True)

    def prune(self, keep: int) -> list[str]:
        """Remove all but the ``keep`` newest finished runs; the last good one and running ones always stay."""
        good = self.latest()
        finished = [record["id"] for record in self.records() if record.get("status") != "running"]
        gone = [name for name in finished[max(keep, 1) :] if good is None or name != good.name]
        for name in gone:
            shutil.rmtree(self.root / name, ignore_errors=True)
        return gone
