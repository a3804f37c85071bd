"""The page of findings has what each script saw."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "findings"


def test_the_page_lists_every_script_with_its_record() -> None:
    """Each script has one row, and each value that the row says was seen is in the script or is one of its counts."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w-]+)\]\(([\w.-]+)\) \|.*\| ([^|]+) \|$", page, re.M)
    assert [file for _, file, _ in rows] == sorted(path.name for path in FOLDER.glob("*.sh"))
    for name, file, seen in rows:
        assert file == f"{name}.sh"
        script = (FOLDER / file).read_text(encoding="utf-8")
        recorded = re.findall(r"no longer as recorded: ([^\"]+)", script)
        assert recorded, file
        words = re.findall(r"[\w.-]+", " ".join(recorded if "$" not in recorded[0] else [script]))
        missing = [word for word in re.findall(r"[\w.-]+", seen) if word not in words]
        assert not missing, (file, missing)
