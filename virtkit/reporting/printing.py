"""Pages printed to PDF by the installed Chromium, with a temporary profile and without downloads."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from virtkit.errors import UsageError
from virtkit.reporting.execute import PAGE

__all__ = ["PDF", "find_chromium", "print_pages"]

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


def find_chromium() -> str:
    """The path of Chromium. Raises UsageError when it is not installed."""
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    raise UsageError("--pdf needs chromium, which is not installed; on Debian: apt-get install chromium")


def print_pages(run: Path, names: Sequence[str]) -> dict[str, str]:
    """Print ``NAME/index.html`` of a run to ``NAME/index.pdf``. Returns the error of each name, "" when there is none.

    A notebook without a page is left out.
    """
    chosen = find_chromium()
    return {
        name: _print(chosen, run / name / PAGE, run / name / PDF) for name in names if (run / name / PAGE).is_file()
    }


def _print(chosen: str, page: Path, out: Path) -> str:
    # As root, Chromium runs only without its sandbox. It opens one of our own pages, which may fetch nothing.
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
            return f"chromium could not be started: {error.strerror}"
    if out.is_file() and out.stat().st_size:
        return ""
    message = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"chromium wrote no PDF and ended with exit code {done.returncode}: {message[:300]}"
