"""The driver: runs notebooks in parallel, writes one record, and moves the link ``latest`` when all of them passed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from virtkit import facts
from virtkit.errors import ReportError, UsageError
from virtkit.reporting import index, printing, provenance
from virtkit.reporting.compare import by_table, sentences
from virtkit.reporting.execute import NOTEBOOK, PAGE, Job, Outcome
from virtkit.reporting.notebook import read_answer, read_rejected
from virtkit.reporting.parameters import declared, distribute, heading
from virtkit.reporting.render import with_changes
from virtkit.reporting.store import RECORD, Store, write_atomically
from virtkit.reporting.workers import Listener, run_jobs

__all__ = ["Result", "notebooks", "run"]

_MOST_REJECTED = 100  # rejected domains that status.json lists
_ANSWER_LENGTH = 1000  # characters of an answer that a record keeps


@dataclass(frozen=True, slots=True)
class Result:
    """A finished run: its folder, its status (passed, failed or interrupted) and the outcome of each notebook.

    ``failures`` has the errors, keyed by notebook; ``rejected`` the messages on domains that could not be read, keyed
    by file. A run with rejected domains passes when all of its notebooks do.
    """

    folder: Path
    status: str
    outcomes: tuple[Outcome, ...]
    failures: Mapping[str, str]
    rejected: Mapping[str, str] = field(default_factory=dict)


def notebooks(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks to run: those named by path, name or number, or by default those of the package, in order.

    A notebook without a ``parameters`` cell is for interactive use and runs only when it is named. Raises UsageError
    for a name that matches no notebook, and for two notebooks of the same name.
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
        elif path.is_dir():
            remedy = "--domains names a folder of domains, -o the folder of runs"
            raise UsageError(f"expected a notebook, got the folder {name}; {remedy}")
        else:
            known = ", ".join(path.stem for path in shipped)
            raise UsageError(f"no notebook {name!r}: expected a file that ends in .ipynb, or one of {known}")
    stems = [path.stem for path in found]
    for stem in stems:
        if stems.count(stem) > 1:
            raise UsageError(f"two notebooks have the name {stem!r}; run them one at a time")
    return found


def run(
    chosen: Sequence[Path],
    given: Mapping[str, Any],
    out: Path,
    *,
    jobs: int = 2,
    keep: int | None = None,
    timeout: int = 600,
    changed_only: bool = False,
    pdf: bool = False,
    listener: Listener | None = None,
) -> Result:
    """Run notebooks and write their pages and tables into a new folder under ``out``.

    ``given`` has the parameters as for ``parameters.distribute``; ``timeout`` is the limit of a cell in seconds; with
    ``changed_only``, a notebook is copied from the last good run when none of its inputs changed; ``pdf`` prints each
    page as well; ``listener`` is called with the progress. ``run.json`` in the run's folder and ``status.json`` record
    the outcome, also when the run is interrupted or the disk is full. Raises UsageError for wrong parameters and for
    ``pdf`` without chromium before anything starts, and ReportError when the folder cannot be written.
    """
    if not chosen:
        raise UsageError("no notebook to run: name at least one")
    parameters = distribute(given, chosen)
    if pdf:
        printing.find_chromium()
    store = Store(out)
    started = datetime.now(UTC)
    clock = time.monotonic()
    outcomes: list[Outcome] = []
    status, error = "interrupted", ""
    folder = store.open_run(started)
    record: dict[str, Any] = {
        "id": folder.name,
        "status": "running",
        "started": started.isoformat(timespec="seconds"),
        "parameters": parameters,
    }
    try:
        record.update(provenance.versions())
        store.write(folder, record)
        plan = _Plan(chosen, parameters, folder, timeout, record)
        record["inputs"] = plan.inputs
        outcomes, interrupted = run_jobs(plan.jobs, max(1, jobs), plan.unchanged(store, changed_only), listener)
        if not interrupted:
            failed = any(outcome.status == "failed" for outcome in outcomes)
            _compare(store, folder, [outcome.name for outcome in outcomes if outcome.status != "failed"], record)
            if pdf:
                record["pdf"] = printing.print_pages(folder, [outcome.name for outcome in outcomes])
                failed = failed or any(record["pdf"].values())
            status = "failed" if failed else "passed"
        store.free_spare(folder)
        record["notebooks"] = [plan.entry(outcome) for outcome in outcomes]
        record["rejected"] = _rejected(folder, outcomes)
        _finish(store, folder, _ended(record, status, clock), keep)
    except KeyboardInterrupt:
        status = "interrupted"
        _record_failure(store, folder, _ended(record, status, clock))
    except OSError as problem:
        status, error = "failed", f"the run could not be written: {problem.strerror or problem}"
        _record_failure(store, folder, {**_ended(record, status, clock), "error": error})
    finally:
        store.release(folder)
    if error:
        raise ReportError(f"{folder}: {error}")
    return Result(folder, status, tuple(outcomes), index.failures(record), record.get("rejected", {}))


def _ended(record: dict[str, Any], status: str, clock: float) -> dict[str, Any]:
    return {**record, "status": status, "seconds": round(time.monotonic() - clock, 2)}


def _compare(store: Store, folder: Path, names: Sequence[str], record: dict[str, Any]) -> None:
    """Record what changed since the last good run, and write it into the pages of these notebooks."""
    with store.locked():
        good = store.latest()
        if good is None:
            return
        found = by_table(good, folder, names)
        record["changes"] = sentences(found)
        record["compared_with"] = good.name
        for name, files in found.items():
            changes = files or {}
            for page in (folder / name).glob("*.html"):
                # The notebook's page lists all changes, a page beside it those of its own table.
                mine = changes.values() if page.name == PAGE else [changes.get(f"{page.stem}.csv", [])]
                before = page.read_text(encoding="utf-8")
                after = with_changes(before, [sentence for part in mine for sentence in part], good.name)
                if after != before:
                    write_atomically(page, after)


def _rejected(folder: Path, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """The domains that any notebook could not read: the message for each file."""
    found: dict[str, str] = {}
    for outcome in outcomes:
        for file, message in read_rejected(folder / outcome.name).items():
            if message not in found.values():
                found.setdefault(file, message)
    return found


def _finish(store: Store, folder: Path, record: dict[str, Any], keep: int | None) -> None:
    with store.locked():
        store.write(folder, record)
        if record["status"] == "passed":
            store.set_latest(folder)
        store.mark_abandoned()
        if keep is not None:
            store.prune(keep)
        _publish(store, record, keep)


def _record_failure(store: Store, folder: Path, record: dict[str, Any]) -> None:
    """Write the record and the index as far as that is still possible."""
    store.free_spare(folder)
    with suppress(OSError):
        store.write(folder, record)
    with suppress(OSError), store.locked():
        _publish(store, record, None)


def _publish(store: Store, record: Mapping[str, Any], keep: int | None) -> None:
    """Update ``status.json`` and the index."""
    latest = store.latest()
    good = latest.name if latest else None
    state = {
        "last": record["id"],
        "status": record["status"],
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "failures": index.failures(record),
        "rejected": dict(islice(record.get("rejected", {}).items(), _MOST_REJECTED)),
        "rejected_count": len(record.get("rejected", {})),
        "latest": good,
    }
    write_atomically(store.root / "status.json", json.dumps(state, indent=1, ensure_ascii=False) + "\n")
    write_atomically(store.root / "index.html", index.page(store.records(), good, keep))


class _Plan:
    """The notebooks of a run as jobs, with the inputs of each."""

    def __init__(
        self,
        chosen: Sequence[Path],
        parameters: Mapping[str, dict[str, Any]],
        folder: Path,
        timeout: int,
        record: Mapping[str, Any],
    ) -> None:
        self.folder = folder
        self.inputs: dict[str, dict[str, str]] = {}
        self.keys: dict[str, str] = {}
        git = record.get("git") or {}
        revision = f" ({str(git['revision'])[:12]}{', modified' if git.get('dirty') else ''})" if git else ""
        made = f"virtkit {record['packages'].get('virtkit', '')}{revision}"
        footer = f"{made}, run {record['id']}, started {record['started']}"
        code = [provenance.code_digest(), record["python"], record["packages"]]
        self.headings = {path.stem: heading(path) for path in chosen}
        self.jobs = []
        for path in chosen:
            mine = dict(parameters[path.stem])
            known = declared(path)
            values = {**known, **mine}
            if values.get("domains") == "":
                values["domains"] = str(facts.path("domains"))
            self.inputs[path.stem] = provenance.input_digests(values)
            if "output" in known:
                mine["output"] = "."  # the notebook's working directory is its folder
            key = [provenance.digest(path), code, self.inputs[path.stem], sorted(mine.items())]
            self.keys[path.stem] = sha256(json.dumps(key, default=str).encode()).hexdigest()
            place = folder / path.stem
            place.mkdir()
            self.jobs.append(
                Job(path.stem, self.headings[path.stem].title, str(path.resolve()), str(place), mine, timeout, footer)
            )

    def unchanged(self, store: Store, wanted: bool) -> dict[str, Outcome]:
        """Copy notebooks whose inputs did not change from the last good run; returns their outcomes by name."""
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
                # The run was removed meanwhile, or the disk is full: run the notebook after all.
                shutil.rmtree(job.folder, ignore_errors=True)
                Path(job.folder).mkdir(exist_ok=True)
            else:
                found[job.name] = Outcome(job.name, "unchanged", "", 0.0)
        return found

    def entry(self, outcome: Outcome) -> dict[str, Any]:
        """The entry of a notebook in the record."""
        folder = self.folder / outcome.name
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != NOTEBOOK]
        return {
            "name": outcome.name,
            "title": self.headings[outcome.name].title,
            "part": self.headings[outcome.name].part,
            "context": self.headings[outcome.name].context,
            "answer": read_answer(folder)[:_ANSWER_LENGTH],
            "status": outcome.status,
            "error": outcome.error,
            "seconds": outcome.seconds,
            "key": self.keys[outcome.name],
            "files": provenance.digests(files, folder),
        }
