"""The driver: notebooks side by side in processes of their own, one record, and a link that moves only to success."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from virtkit import facts
from virtkit.errors import ReportError, UsageError
from virtkit.reporting import index, provenance
from virtkit.reporting.compare import differences
from virtkit.reporting.execute import OUTCOME, PAGE, Job, Outcome, perform
from virtkit.reporting.parameters import declared, distribute, title
from virtkit.reporting.store import Store, write_whole

__all__ = ["Result", "notebooks", "run"]

_TICK = 0.02
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: its folder, its status (passed, failed or interrupted) and what became of each notebook."""

    folder: Path
    status: str
    outcomes: tuple[Outcome, ...]


def notebooks(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks to run: those of the package in reading order, or those named (by path, name, or number).

    Notebooks without a ``parameters`` cell are for people only and run when they are named. Raises UsageError for a
    name that fits none.
    """
    package = Path(__file__).resolve().parents[1]
    folder = next((f for f in (package / "_notebooks", package.parent / "notebooks") if f.is_dir()), None)
    shipped = sorted(folder.glob("*.ipynb")) if folder else []
    if not names:
        return [path for path in shipped if declared(path)]
    found = []
    for name in names:
        path = Path(name)
        fitting = [known for known in shipped if known.stem == name or known.stem.split("-", 1)[0] == name]
        if path.suffix == ".ipynb" and path.is_file():
            found.append(path.resolve())
        elif fitting:
            found.append(fitting[0])
        else:
            known = ", ".join(path.stem for path in shipped)
            raise UsageError(f"no notebook {name!r}: neither a file nor one of {known}")
    stems = [path.stem for path in found]
    for stem in stems:
        if stems.count(stem) > 1:
            raise UsageError(f"two notebooks are called {stem!r}")
    return found


def run(
    chosen: Sequence[Path],
    given: Mapping[str, Any],
    out: Path,
    *,
    jobs: int = 2,
    keep: int | None = None,
    limit: int = 600,
    changed_only: bool = False,
    tell: Tell | None = None,
) -> Result:
    """Run notebooks into a new folder under ``out``.

    ``given`` as for ``parameters.distribute``; ``limit`` is seconds for each cell; ``changed_only`` takes a notebook
    over from the last good run when nothing that goes into it changed; ``tell`` is called with a sentence, how many
    notebooks are done and how many there are. Raises UsageError for wrong parameters, before anything is started,
    and ReportError when the folder cannot be written.
    """
    if not chosen:
        raise UsageError("no notebook to run")
    parameters = distribute(given, chosen)
    store = Store(out)
    started = datetime.now(UTC)
    folder = store.open_run(started)
    clock = time.monotonic()
    record: dict[str, Any] = {
        "id": folder.name,
        "status": "running",
        "started": started.isoformat(timespec="seconds"),
        "parameters": parameters,
        **provenance.identity(),
    }
    try:
        store.write(folder, record)
        work = _Work(chosen, parameters, folder, store.latest() if changed_only else None, limit, record, tell)
        outcomes, interrupted = work.all(max(1, jobs))
        status = "interrupted" if interrupted else "passed"
        if status == "passed" and any(outcome.status == "failed" for outcome in outcomes):
            status = "failed"
        record.update(
            status=status,
            seconds=round(time.monotonic() - clock, 2),
            inputs=work.inputs,
            notebooks=[work.entry(outcome) for outcome in outcomes],
        )
        _finish(store, folder, record, keep)
    except OSError as error:
        raise ReportError(f"{folder}: the run cannot be written: {error.strerror or error}") from None
    return Result(folder, status, tuple(outcomes))


def _finish(store: Store, folder: Path, record: dict[str, Any], keep: int | None) -> None:
    with store.locked():
        good = store.latest()
        if good is not None and record["status"] == "passed":
            record["changes"] = differences(good, folder)
        store.write(folder, record)
        if record["status"] == "passed":
            store.point(folder)
        if keep is not None:
            store.prune(keep)
        latest = store.latest()
        write_whole(store.root / "index.html", index.page(store.records(), latest.name if latest else None))
        state = {"last": record["id"], "status": record["status"], "latest": latest.name if latest else None}
        write_whole(store.root / "status.json", json.dumps(state, indent=1) + "\n")


class _Work:
    """The notebooks of one run and the processes that they are in."""

    def __init__(
        self,
        chosen: Sequence[Path],
        parameters: Mapping[str, dict[str, Any]],
        folder: Path,
        earlier: Path | None,
        limit: int,
        record: Mapping[str, Any],
        tell: Tell | None,
    ) -> None:
        self.folder = folder
        self.tell = tell
        self.total = len(chosen)
        self.inputs: dict[str, dict[str, str]] = {}
        self.keys: dict[str, str] = {}
        self.earlier = earlier
        footer = f"virtkit {record['packages'].get('virtkit', '')}, run {record['id']}, started {record['started']}"
        machinery = provenance.machinery()
        self.titles = {path.stem: title(path) for path in chosen}
        self.jobs = []
        for path in chosen:
            mine = dict(parameters[path.stem])
            known = declared(path)
            asked = {**known, **mine}
            if asked.get("domains") == "":
                asked["domains"] = str(facts.path("domains"))
            self.inputs[path.stem] = provenance.inputs_of(asked)
            if "output" in known:
                mine["output"] = "."  # the notebook's working directory is its folder
            key = [provenance.digest(path), machinery, self.inputs[path.stem], sorted(mine.items())]
            self.keys[path.stem] = sha256(json.dumps(key, default=str).encode()).hexdigest()
            self.jobs.append(
                Job(
                    path.stem, self.titles[path.stem], str(path.resolve()), str(folder / path.stem), mine, limit, footer
                )
            )

    def all(self, width: int) -> tuple[list[Outcome], bool]:
        """Run everything, ``width`` at a time, in order; says whether it was interrupted."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["virtkit.reporting.warm"])
        waiting = list(self.jobs)
        busy: dict[str, tuple[ForkServerProcess, Job, float]] = {}
        done: dict[str, Outcome] = {}
        interrupted = False
        try:
            while waiting or busy:
                while waiting and len(busy) < width:
                    job = waiting.pop(0)
                    taken = self._take_over(job)
                    if taken is not None:
                        self._say(done, taken)
                        continue
                    Path(job.folder).mkdir(exist_ok=True)
                    busy[job.name] = (self._start(context, job), job, time.monotonic())
                for name, (process, job, began) in list(busy.items()):
                    if not process.is_alive():
                        del busy[name]
                        self._say(done, _outcome(process, job, began))
                if busy:
                    time.sleep(_TICK)
        except KeyboardInterrupt:
            interrupted = True
            for name, (process, job, began) in busy.items():
                _end(process)
                done[name] = replace(_outcome(process, job, began), status="failed", error="interrupted")
        return [done[job.name] for job in self.jobs if job.name in done], interrupted

    @staticmethod
    def _start(context: ForkServerContext, job: Job) -> ForkServerProcess:
        process = context.Process(target=perform, args=(job,), name=job.name)
        process.start()
        return process

    def _take_over(self, job: Job) -> Outcome | None:
        """The notebook's folder of the last good run, when nothing that goes into it changed since."""
        if self.earlier is None:
            return None
        source = self.earlier / job.name
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads((self.earlier / "run.json").read_text(encoding="utf-8"))
            keys = {entry["name"]: entry["key"] for entry in record["notebooks"]}
            if keys.get(job.name) == self.keys[job.name] and (source / PAGE).is_file():
                shutil.copytree(source, job.folder)
                return Outcome(job.name, "unchanged", "", 0.0)
        return None

    def _say(self, done: dict[str, Outcome], outcome: Outcome) -> None:
        done[outcome.name] = outcome
        if self.tell is not None:
            text = f"{outcome.name}: {outcome.status} in {outcome.seconds:.1f} s"
            self.tell(f"{text}: {outcome.error}" if outcome.error else text, len(done), self.total)

    def entry(self, outcome: Outcome) -> dict[str, Any]:
        """What the record says of a notebook."""
        folder = self.folder / outcome.name
        files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (OUTCOME, "notebook.ipynb")]
        return {
            "name": outcome.name,
            "title": self.titles[outcome.name],
            "status": outcome.status,
            "error": outcome.error,
            "seconds": outcome.seconds,
            "key": self.keys[outcome.name],
            "files": provenance.digests(files, folder),
        }


def _outcome(process: ForkServerProcess, job: Job, began: float) -> Outcome:
    """What the process wrote down, or what its end tells when it wrote nothing."""
    process.join()
    file = Path(job.folder) / OUTCOME
    with suppress(OSError, ValueError, TypeError):
        found = Outcome(**json.loads(file.read_text(encoding="utf-8")))
        file.unlink()
        return found
    code = process.exitcode or 0
    how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code} and wrote no outcome"
    return Outcome(job.name, "failed", f"the notebook's process was {how}", round(time.monotonic() - began, 3))


def _end(process: ForkServerProcess) -> None:
    process.terminate()
    process.join(10)
    if process.is_alive():
        process.kill()
        process.join()
