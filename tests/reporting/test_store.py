"""The folder of reports: names, retention, the link, and runs that died."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from virtkit.errors import ReportError
from virtkit.reporting.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A reports folder below a file is an error that names the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot be created"):
        Store(tmp_path / "file" / "reports")


def test_two_runs_in_one_second_have_two_folders(tmp_path: Path) -> None:
    """Runs that start in the same second get different folders."""
    store = Store(tmp_path)
    made = [store.open_run(NOW) for _ in range(2)]
    assert [folder.name for folder in made] == ["20260102T030405Z", "20260102T030405Z-2"]
    for folder in made:
        store.release(folder)
        assert list(folder.iterdir()) == []


def test_retention_keeps_the_last_good_run(tmp_path: Path) -> None:
    """Pruning removes the oldest finished runs, never the last good one nor one that is still running."""
    store = Store(tmp_path)
    made = []
    for status in ("passed", "running", "failed", "failed", "failed"):
        folder = store.open_run(NOW)
        store.write(folder, {"id": folder.name, "status": status, "started": NOW.isoformat()})
        if status != "running":
            store.release(folder)
        made.append(folder)
    store.set_latest(made[0])
    assert sorted(store.prune(1)) == [made[2].name, made[3].name]
    assert [folder.exists() for folder in made] == [True, True, False, False, True]
    assert store.latest() == made[0]
    store.release(made[1])


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """A run that starts after the clock was set back counts as the newest: it gets the link, and is not removed."""
    store = Store(tmp_path)
    for now in (NOW, NOW - timedelta(days=400), NOW - timedelta(days=500)):
        folder = store.open_run(now)
        store.write(folder, {"id": folder.name, "status": "passed", "started": now.isoformat()})
        store.release(folder)
        store.set_latest(folder)
        assert store.latest() == folder
        store.prune(1)
        assert [path.name for path in tmp_path.glob("2*")] == [folder.name]
    assert folder.name == "20260102T030405Z-3"


def test_a_run_that_died_is_abandoned(tmp_path: Path) -> None:
    """A record that says running holds while its process lives and is corrected afterwards, as is an unreadable one."""
    store = Store(tmp_path)
    folders = [store.open_run(NOW) for _ in range(2)]
    store.write(folders[0], {"id": folders[0].name, "status": "running", "started": NOW.isoformat()})
    (folders[1] / "run.json").write_text("{")
    assert [record["status"] for record in Store(tmp_path).records()] == ["running", "running"]
    for folder in folders:
        store._alive.pop(folder).close()  # as the kernel does when a process ends
    other = Store(tmp_path)
    assert [record["status"] for record in other.records()] == ["abandoned", "abandoned"]
    other.mark_abandoned()
    for folder in folders:
        assert json.loads((folder / "run.json").read_text())["status"] == "abandoned"


def test_the_link_never_goes_back(tmp_path: Path) -> None:
    """A run that started earlier and ended later does not replace the link to a newer one."""
    store = Store(tmp_path)
    early, late = store.open_run(NOW), store.open_run(NOW)
    for folder in (late, early):
        store.set_latest(folder)
        store.release(folder)
    assert store.latest() == late
