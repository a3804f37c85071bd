"""The full compatibility matrix, its CSV, and the guest OS database that it rests on.

The matrix covers every guest OS, every x86 machine type, three models and twelve kinds. No other program computes it;
its peers are the writing of the same frame with pandas, and an older checkout where ``--baseline`` names one. The peer
of its CSV is pandas' ``to_csv``, and that of the database is libosinfo, which lists every device of every OS.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

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
_ROUNDS = 7
# CPU seconds of the same matrix: by the whole process, in the first call, and in a repeated one.
_MATRIX = """
import json, time
import pandas
import virtkit
virtkit.matrix
def matrix():
    models = ("virtio", "virtio-transitional", "virtio-non-transitional")
    return len(virtkit.matrix(guests="all", machines="all", models=models, kinds="all"))
at = [time.process_time()]
rows = matrix()
at.append(time.process_time())
matrix()
at.append(time.process_time())
print(json.dumps({"whole process": at[1], "first call": at[1] - at[0], "repeated call": at[2] - at[1], "rows": rows}))
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
    yield from _beside_baseline()
    yield from _database()


def _beside_baseline() -> Iterator[Figure]:
    """CPU time of the matrix of three models in new processes, beside that of an older checkout, in turns."""
    older = os.environ.get("VIRTKIT_BASELINE")
    if not older:
        return
    checkouts = {"this": Path(__file__).parents[1], "baseline": Path(older).resolve()}
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in checkouts}
    for _ in range(_ROUNDS):
        for name, checkout in checkouts.items():
            found[name].append(_matrix_of(checkout))
    rows = {name: f"{answers[0]['rows']:,}" for name, answers in found.items()}
    for what in ("whole process", "first call", "repeated call"):
        least = {name: min(answer[what] for answer in answers) for name, answers in found.items()}
        note = f"CPU time; {rows['this']} rows, baseline {rows['baseline']}"
        yield Figure(f"the matrix of three models: {what}", least["this"], "baseline", least["baseline"], note)


def _matrix_of(checkout: Path) -> Mapping[str, float]:
    """CPU seconds of the matrix in a new process of a checkout."""
    own = checkout / ".venv" / "bin" / "python"
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [str(own) if own.exists() else sys.executable, "-c", _MATRIX]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=kept | {"PYTHONPATH": str(checkout)})
    found: Mapping[str, float] = json.loads(answer.stdout)
    return found


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
