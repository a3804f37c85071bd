"""An audit of 10,000 domains by two processes, and its peak memory. Peer: the same audit by one process."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import Figure
from virtkit import facts

__all__ = ["archived", "figures", "peak"]

DOMAINS = 10_000


def figures() -> Iterator[Figure]:
    """Whole commands on an archive of repeated sample domains."""
    with tempfile.TemporaryDirectory() as folder:
        archive = archived(Path(folder))
        times = {}
        for jobs in (1, 2):
            command = [sys.executable, "-m", "virtkit", "--quiet", "audit", str(archive)]
            start = time.perf_counter()
            mib = peak([*command, "--jobs", str(jobs), "-o", str(Path(folder) / "audit.parquet")])
            times[jobs] = time.perf_counter() - start
        note = f"{mib:,.0f} MiB peak in the process that reads and writes"
        yield Figure(f"audit of {DOMAINS:,} domains, two processes", times[2], "one process", times[1], note)


def archived(folder: Path) -> Path:
    """An archive in ``folder`` of DOMAINS domains, which repeat the sample domains."""
    archive = folder / "domains.tar.gz"
    samples = sorted(facts.path("domains").glob("*.xml"))
    with tarfile.open(archive, "w:gz", compresslevel=1) as out:
        for number in range(DOMAINS):
            out.add(samples[number % len(samples)], f"{number:05}.xml")
    return archive


#: A small process starts the command, because a process inherits the peak size of the one that starts it.
_STARTER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak(command: list[str]) -> float:
    """Run a command; the result is its peak resident size in MiB."""
    done = subprocess.run([sys.executable, "-c", _STARTER, *command], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout) / 1024
