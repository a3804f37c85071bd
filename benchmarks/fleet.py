"""An audit of 10,000 domains: by one process and by two, and the memory it takes at most."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Figure
from virtkit import facts

__all__ = ["figures"]

DOMAINS = 10_000


def figures() -> Iterator[Figure]:
    """Whole commands on an archive that holds the sample domains over and over."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "domains.tar.gz"
        samples = sorted(facts.path("domains").glob("*.xml"))
        with tarfile.open(archive, "w:gz", compresslevel=1) as out:
            for number in range(DOMAINS):
                out.add(samples[number % len(samples)], f"{number:05}.xml")
        times = {}
        for jobs in (1, 2):
            command = [sys.executable, "-m", "virtkit", "--quiet", "audit", str(archive)]
            start = time.perf_counter()
            mib = _peak([*command, "--jobs", str(jobs), "-o", str(Path(folder) / "audit.parquet")])
            times[jobs] = time.perf_counter() - start
        note = f"{mib:,.0f} MiB at most in the process that reads and writes"
        yield Figure(f"audit of {DOMAINS:,} domains, two processes", times[2], "one process", times[1], note)


def _peak(command: list[str]) -> float:
    """Runs a command; its largest resident size in MiB."""
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024
