"""``virtkit guests`` as a person or a script calls it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from virtkit.cli import main


def _run(*words: str) -> int:
    return main(["guests", *words])


def test_drivers_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The long table has a row for each OS and kind, with the fixed columns."""
    assert _run("--drivers", "--overrides", "off", "--format", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 959 * 12
    assert list(rows[0]) == ["guest", "kind", "legacy", "modern", "legacy_addon", "modern_addon", "source"]
    (net,) = (row for row in rows if row["guest"] == "rhel6.10" and row["kind"] == "net")
    assert (net["legacy"], net["modern"]) == ("true", "false")
    assert net["source"] == "osinfo-db 20260517"
    assert {row["source"] for row in rows if row["guest"] == "msdos6.22"} == {"osinfo-db 20260517 (unknown)"}


def test_search_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Search finds by words; JSON keeps booleans."""
    assert _run("--search", "windows xp", "--format", "json") == 0
    captured = capsys.readouterr()
    (row,) = json.loads(captured.out)
    assert (row["id"], row["q35"]) == ("winxp", False)
    assert "1 of 959 operating systems in osinfo-db 20260517" in captured.err


def test_unknown_guest(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown guest is an error that names near ones."""
    assert _run("rhel6.11") == 1
    assert "nearest: " in capsys.readouterr().err
