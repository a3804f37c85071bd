"""The full compatibility matrix, its CSV, and the guest OS database that it rests on.

The matrix covers every guest OS, every x86 machine type, three models and twelve kinds. No other program computes it;
its peer is the writing of the same frame with pandas. The peer of its CSV is pandas' ``to_csv``, and that of the
database is libosinfo, which lists every device of every OS.
"""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Iterator

from benchmarks.timing import Figure, best, process

__all__ = ["figures"]

_LIBOSINFO = """
import gi
gi.require_version("Libosinfo", "1.0")
from gi.repository import Libosinfo
loader = Libosinfo.Loader.new()
loader.process_default_path()
systems = loader.get_db().get_os_list()
for n in range(systems.get_length()):
    devices = systems.get_nth(n).get_all_devices(None)
    for m in range(devices.get_length()):
        devices.get_nth(m).get_id()
"""
_PEER = ("/usr/bin/python3", "-I", "-c", _LIBOSINFO)


def figures() -> Iterator[Figure]:
    """Time and memory of the full matrix."""
    import virtkit as vk

    start = time.perf_counter()
    frame = vk.matrix(guests="all", machines="all", models="all", kinds="all")
    seconds = time.perf_counter() - start
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    small = frame.iloc[:100_000]
    peer = best(lambda: small.to_csv(index=False), 1) * len(frame) / len(small)
    note = f"{len(frame):,} rows, {mib:,.0f} MiB peak"
    yield Figure("the full matrix", seconds, "pandas to_csv of its rows, from a part", peer, note)

    from virtkit.commands.longtable import csv_pieces

    def drained() -> None:
        for _ in csv_pieces(frame):
            pass

    yield Figure("the full matrix as CSV", best(drained, 1), "pandas to_csv, from a part", peer)
    yield from _database()


def _database() -> Iterator[Figure]:
    """Reading osinfo-db with inheritance; the peer is libosinfo where it is installed."""
    from virtkit.errors import GuestError
    from virtkit.guests import catalogue, osinfo

    try:
        folders = osinfo.system_folders()
        peer = process(_PEER, 3)
    except (GuestError, OSError, subprocess.CalledProcessError):
        yield Figure("the shipped guest OS facts", best(catalogue), note="osinfo-db or libosinfo is not installed")
        return
    ours = best(lambda: catalogue(*folders), 3)
    yield Figure("osinfo-db, every device of every OS", ours, "libosinfo, whole process", peer)
