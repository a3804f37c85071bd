"""A user's home that must stay as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a user whose kernel, start-up file and settings would each break ours; found unchanged at the end.

    Caches are left out: any program may keep one, and matplotlib makes the folder of its settings.
    """
    files = {
        ".local/share/jupyter/kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "Theirs"}',
        ".ipython/profile_default/startup/00.py": "raise SystemExit('their start-up file was run')",
        ".jupyter/jupyter_config.py": "raise SystemExit('their settings were read')",
    }
    base = tmp_path / "home"
    for name, text in files.items():
        (base / name).parent.mkdir(parents=True)
        (base / name).write_text(text)
    yield base
    found = (file.relative_to(base) for file in base.rglob("*") if file.is_file())
    assert {str(file): (base / file).read_text() for file in found if file.parts[0] != ".cache"} == files
