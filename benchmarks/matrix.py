"""The full compatibility matrix: every guest OS, every x86 machine type, three models, twelve kinds."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

from benchmarks.timing import Figure

__all__ = ["figures"]


def figures() -> Iterator[Figure]:
    """Time and memory of the full matrix."""
    import virtkit as vk

    start = time.perf_counter()
    frame = vk.matrix(guests="all", machines="all", models="all", kinds="all")
    seconds = time.perf_counter() - start
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure("the full matrix", seconds, note=f"{len(frame):,} rows, {mib:,.0f} MiB at most")
