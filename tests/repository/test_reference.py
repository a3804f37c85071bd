"""The reference says what the program does: its pages are generated from help, docstrings and real output."""

from __future__ import annotations

from pathlib import Path

import pytest

import virtkit
from tests.repository.reference import pages

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


@pytest.mark.slow
def test_every_page_is_current(request: pytest.FixtureRequest) -> None:
    """Each command and public name has a page that equals what its help, docstring and example give now."""
    expected = pages()
    if request.config.getoption("--regenerate"):
        for name, text in expected.items():
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
    present = {str(path.relative_to(FOLDER)): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.md")}
    assert set(present) == set(expected)
    assert [name for name, text in expected.items() if present[name] != text] == []


def test_every_name_has_an_example() -> None:
    """The docstring of each public name has an example: of a function its use, of a class how one gets an object."""
    assert [name for name in virtkit.__all__ if ">>> " not in (getattr(virtkit, name).__doc__ or "")] == []
