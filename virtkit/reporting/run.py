"""The driver: notebooks side by side in processes of their own, one record, and a link that moves only to success."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from virtkit import facts
from virtkit.errors import ReportError, UsageError
from virtkit.reporting import index, printing, provenance
from virtkit.reporting.compare import by_table, sentences
from virtkit.reporting.execute import NOTEBOOK, PAGE, Job, Outcome
from virtkit.reporting.notebook import answered
from virtkit.reporting.parameters import declared, distribute, title
from virtkit.reporting.render import changed
from virtkit.reporting.store import RECORD, Store, write_whole
from virtkit.reporting.workers import Tell, work

__all__ = ["Result", "notebooks", "run"]

_LONG = 1000  # signs of an answer that a record keeps


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: its folder, its status (passed, failed or interrupted) and what became of each notebook.

    ``failures`` are what went wrong, by notebook.
    """

    folder: Path
    status: str
    outcomes: tuple[Outcome, ...]
    failures: Mapping[str, str]


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
    pdf: bool = False,
    tell: Tell | None = None,
) -> Result:
    """Run notebooks into a new folder under ``out``.

    ``given`` as for ``parameters.distribute``; ``limit`` is seconds for each cell; ``changed_only`` takes a notebook
    over from the last good run when nothing that goes into it changed; ``pdf`` prints each page too; ``tell`` is
    called with what goes on. Raises UsageError for wrong parameters and for ``pdf`` without chromium, before
    anything is started, and ReportError when the folder cannot be written. What happened is in ``run.json`` of the
    run's folder and in ``status.json``, also when it was interrupted or the disk is full.
    """
    if not chosen:
        raise UsageError("no notebook to run")
    parameters = distribute(given, chosen)
    if pdf:
        printing.program()
    store = Store(out)
    started = datetime.now(UTC)
    folder = store.open_run(started)
    clock = time.monotonic()
    record: dict[str, Any] = {
        "id": folder.name,
        "status": "running",
        "started": started.isoformat(timespec="seconds"),
        "parameters": parameters,
    }
    outcomes: list[Outcome] = []
    status, error = "interrupted", ""
    try:
        record.update(provenance.identity())
        store.write(folder, record)
        plan = _Plan(chosen, parameters, folder, limit, record)
        record["inputs"] = plan.inputs
        outcomes, interrupted = work(plan.jobs, max(1, jobs), plan.unchanged(store, changed_only), tell)
        if not interrupted:
            failed = any(outcome.status == "failed" for outcome in outcomes)
            _compare(store, folder, [outcome.name for outcome in outcomes if outcome.status != "failed"], record)
            if pdf:
                record["pdf"] = printing.pages(folder, [outcome.name for outcome in outcomes])
                failed = failed or any(record["pdf"].values())
            status = "failed" if failed else "passed"
        store.make_room(folder)
        record["notebooks"] = [plan.entry(outcome) for outcome in outcomes]
        _finish(store, folder, _ended(record, status, clock), keep)
    except KeyboardInterrupt:
        status = "interrupted"
        _give_up(store, folder, _ended(record, status, clock))
    except OSError as problem:
        status, error = "failed", f"the run cannot be written: {problem.strerror or problem}"
        _give_up(store, folder, {**_ended(record, status, clock), "error": error})
    finally:
        store.release(folder)
    if error:
        raise ReportError(f"{folder}: {error}")
    return Result(folder, status, tuple(outcomes), index.failures(record))


def _ended(record: dict[str, Any], status: str, clock: float) -> dict[str, Any]:
    return {**record, "status": status, "seconds": round(time.monotonic() - clock, 2)}


def _compare(store: Store, folder: Path, names: Sequence[str], record: dict[str, Any]) -> None:
    """Note what changed since the last good run, and say it on top of the pages of these notebooks."""
    with store.locked():
        good = store.latest()
        if good is None:
            return
        found = by_table(good, folder, names)
        record["changes"] = sentences(found)
        record["compared_with"] = good.name
        for name, files in found.items():
            told = files or {}
            for page in (folder / name).glob("*.html"):
                # The notebook's page tells all of it, a page beside it what changed in its own table.
                mine = told.values() if page.name == PAGE else [told.get(f"{page.stem}.csv", [])]
                before = page.read_text(encoding="utf-8")
                after = changed(before, [sentence for part in mine for sentence in part], good.name)
                if after != before:
                    write_whole(page, after)


def _finish(store: Store, folder: Path, record: dict[str, Any], keep: int | None) -> None:
    with store.locked():
        store.write(folder, record)
        if record["status"] == "passed":
            store.point(folder)
        store.settle()
        if keep is not None:
            store.prune(keep)
        _tell_all(store, record, keep)


def _give_up(store: Store, folder: Path, record: dict[str, Any]) -> None:
    """Write down as much as can still be written."""
    store.make_room(folder)
    with suppress(OSError):
        store.write(folder, record)
    with suppress(OSError), store.locked():
        _tell_all(store, record, None)


def _tell_all(store: Store, record: Mapping[str, Any], keep: int | None) -> None:
    """Bring the status file and the index up to date."""
    latest = store.latest()
    good = latest.name if latest else None
    state = {
        "last": record["id"],
        "status": record["status"],
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "failures": index.failures(record),
        "latest": good,
    }
    write_whole(store.root / "status.json", json.dumps(state, indent=1, ensure_ascii=False) + "\n")
    write_whole(store.root / "index.html", index.page(store.records(), good, keep))


class _Plan:
    """The notebooks of one run as jobs, and what goes into each."""

    def __init__(
        self,
        chosen: Sequence[Path],
        parameters: Mapping[str, dict[str, Any]],
        folder: Path,
        limit: int,
        record: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        self.inputs: dict[str, dict[str, str]] = {}
        self.keys: dict[str, str] = {}
        git = record.get("git") or {}
        revision = f" ({str(git['revision'])[:12]}{', with changes' if git.get('dirty') else ''})" if git else ""
        made = f"virtkit {record['packages'].get('virtkit', '')}{revision}"
        footer = f"{made}, run {record['id']}, started {record['started']}"
        machinery = [provenance.machinery(), record["python"], record["packages"]]
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
            place = folder / path.stem
            place.mkdir()
            self.jobs.append(
                Job(path.stem, self.titles[path.stem], str(path.resolve()), str(place), mine, limit, footer)
            )

    def unchanged(self, store: Store, wanted: bool) -> dict[str, Outcome]:
        """Outcomes of notebooks taken over from the last good run, because nothing that goes into them changed."""
        earlier = store.latest() if wanted else None
        if earlier is None:
            return {}
        keys: dict[str, str] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads((earlier / RECORD).read_text(encoding="utf-8"))
            keys = {entry["name"]: entry["key"] for entry in record["notebooks"]}
        found = {}
        for job in self.jobs:
            if keys.get(job.name) != self.keys[job.name] or not (earlier / job.name / PAGE).is_file():
                continue
            try:
                shutil.copytree(earlier / job.name, job.folder, dirs_exist_ok=True)
            except (OSError, shutil.Error):
                # It was removed meanwhile, or does not fit on the disk: run the notebook after all.
                shutil.rmtree(job.folder, ignore_errors=True)
                Path(job.folder).mkdir(exist_ok=True)
            else:
                found[job.name] = Outcome(job.name, "unchanged", "", 0.0)
        return found

    def entry(self, outcome: Outcome) -> dict[str, Any]:
        """What the record says of a notebook."""
        folder = self.folder / outcome.name
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != NOTEBOOK]
        return {
            "name": outcome.name,
            "title": self.titles[outcome.name],
            "answer": answered(folder)[:_LONG],
            "status": outcome.status,
            "error": outcome.error,
            "seconds": outcome.seconds,
            "key": self.keys[outcome.name],
            "files": provenance.digests(files, folder),
        }
