"""A million domains that are generated while they are audited: the memory of all processes stays flat.

``VIRTKIT_FLEET_SCALE=0.01`` makes the fleets smaller.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fleet import audit, scaled
from benchmarks.processes import measured
from benchmarks.timing import Figure

__all__ = ["figures"]


def figures() -> Iterator[Figure]:
    """The time and the peak of memory for 10,000, 100,000 and 1,000,000 domains of 300 templates."""
    for domains in (10_000, 100_000, 1_000_000):
        count = scaled(domains)
        with tempfile.TemporaryDirectory() as folder:
            run = measured([sys.executable, "-m", "benchmarks.fleets", str(count)], audit("-", Path(folder) / "fleet"))
            size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        note = f"{run.peak:,.0f} MiB in all processes, the generator included; dataset {size / 1e6:,.1f} MB"
        note += f"; {count / run.seconds:,.0f} domains a second; exit code {run.code}"
        yield Figure(f"{count:,} domains generated on the fly", run.seconds, note=note)
