"""A home folder that must stay unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder with a kernel, a start-up file and settings that would each break a report; checked at the end.

    Caches are not compared: any program may write one, and matplotlib creates its settings folder.
    """
    files = {
        ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "User"}',
        ".ipython/profile_default/startup/00.py": "raise SystemExit(\"the user's start-up file was run\")",
        ".jupyter/jupyter_config.py": "raise SystemExit(\"the user's settings were read\")",
    }
    base = tmp_path / "home"
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True)
        (base / name).write_text(text)
    yield base
    found = (file.relative_to(base) for file in base.rglob("*") if file.is_file())
    assert {str(file): (base / file).read_text() for file in found if file.parts[0] != ".cache"} == files
