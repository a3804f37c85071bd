"""Pages printed to PDF by a Chromium that is installed; nothing is downloaded, and no user's profile is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from virtkit.errors import UsageError
from virtkit.reporting.execute import PAGE

__all__ = ["PDF", "pages", "program"]

PDF = "index.pdf"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 180
_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def program() -> str:
    """The Chromium of this machine. Raises UsageError when there is none."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise UsageError("--pdf: chromium is not installed, and it prints the pages; on Debian: apt-get install chromium")


def pages(run: Path, names: Sequence[str]) -> dict[str, str]:
    """Print ``NAME/index.html`` of a run to ``NAME/index.pdf``; what went wrong by name, "" where it went well.

    A notebook that left no page has nothing to print and is left out.
    """
    chosen = program()
    return {
        name: _print(chosen, run / name / PAGE, run / name / PDF) for name in names if (run / name / PAGE).is_file()
    }


def _print(chosen: str, page: Path, out: Path) -> str:
    # Chromium runs as root only without its sandbox; what it opens here is our own page, which may fetch nothing.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="vk-") as profile:
        words = [
            chosen,
            *_OPTIONS,
            *root,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={out}",
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return f"chromium did not print {page.parent.name} within {_SECONDS} s"
        except OSError as error:
            return f"chromium cannot be started: {error.strerror}"
    if out.is_file() and out.stat().st_size:
        return ""
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return f"chromium ended with exit code {done.returncode} and printed nothing: {said[:300]}"
