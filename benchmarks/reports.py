"""Notebooks 02 and 07 on 1,000 generated domains: the time of the run, the largest page, and its first paint."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fleets import Fleet, write
from benchmarks.timing import Figure

__all__ = ["DOMAINS", "TEMPLATES", "figures"]

DOMAINS, TEMPLATES = 1000, 100


def figures() -> Iterator[Figure]:
    """Wall and processor time of ``virtkit report 02 07``, and the first paint of each page in headless Chromium."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "fleet", Path(place) / "reports"
        write(Fleet(DOMAINS, TEMPLATES), str(folder), "folder")
        command = [sys.executable, "-m", "virtkit", "--quiet", "report", "02", "07", "--domains", str(folder)]
        _adopt()
        before, start = _processor(), time.perf_counter()
        done = subprocess.run([*command, "-o", str(out)], capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if not (out / "latest").exists():
            sys.exit(f"the report failed: {done.stderr}")
        pages = sorted(out.glob("latest/*/index.html"))
        largest = max(page.stat().st_size for page in pages)
        note = f"{DOMAINS:,} domains of {TEMPLATES} templates; largest page {largest / 1e6:.2f} MB"
        yield Figure("virtkit report 02 07", seconds, note=f"{note}; processor time {_processor() - before:.1f} s")
        yield from _painted(pages)


#: An option of prctl(2): processes whose parent ends become children of this one, which counts their time.
_SUBREAPER = 36


def _adopt() -> None:
    """Count the time of kernels as well, which other processes start and leave behind."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _processor() -> float:
    """The processor time of all processes that this one has started, once they have ended, in seconds."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _painted(pages: list[Path]) -> Iterator[Figure]:
    from tests.browser import PROGRAM, browser

    if PROGRAM is None:
        print("first paint: chromium is not installed", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as place, browser() as page:
        word = Path(place) / "word.html"
        word.write_text("<!DOCTYPE html><title>word</title><p>word")
        for file in pages:
            page.open(word)
            least = page.painted()
            page.open(file)
            note = f"{file.stat().st_size / 1e6:.2f} MB"
            yield Figure(f"first paint of {file.parent.name}", page.painted(), "a page of one word", least, note)
