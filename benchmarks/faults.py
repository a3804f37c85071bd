"""Audits that are disturbed: a worker that is killed, and one broken file. Peer: the same audit without it.

A process of a pool and a worker of a Dask cluster on this machine are killed when half of the parts are written.
``VIRTKIT_FLEET_SCALE=0.1`` makes the fleets smaller.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from hashlib import file_digest
from pathlib import Path

from benchmarks.fleet import audit, scaled
from benchmarks.fleets import Fleet, write
from benchmarks.processes import Killer, Run, measured
from benchmarks.timing import Figure
from virtkit.fleet.manifest import parts_of

__all__ = ["figures"]

_BROKEN = "<domain type='kvm'><name>cut off"


def figures() -> Iterator[Figure]:
    """All faults in a folder of 100,000 domains."""
    count = scaled(100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = folder / "in"
        write(Fleet(count, 300), str(inputs), "folder")
        whole = measured(audit(inputs, folder / "whole"))
        half = len(list((folder / "whole" / "domains").iterdir())) // 2
        killer = Killer(_reached(folder / "killed", half))
        killed = measured(audit(inputs, folder / "killed"), at=killer)
        note = _compared(folder / "whole", folder / "killed", whole, killed, killer)
        yield Figure(f"{count:,} domains, one process killed", killed.seconds, "undisturbed", whole.seconds, note)
        yield from _with_dask(folder, half, count, whole)
        (inputs / f"vm-{count // 2:07}.xml").write_text(_BROKEN)
        broken = measured(audit(inputs, folder / "broken"))
        note = f"{_rows(folder / 'broken', 'domains'):,} domains, {_rows(folder / 'broken', 'rejected')} rejected, "
        note += f"exit code {broken.code}"
        yield Figure(f"{count:,} files, one of them broken", broken.seconds, "undisturbed", whole.seconds, note)


def _with_dask(folder: Path, half: int, count: int, whole: Run) -> Iterator[Figure]:
    """The audit by two workers of a Dask cluster, of which one is killed."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
        ) as cluster,
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        victim = min(client.run(os.getpid).values())
        killer = Killer(_reached(folder / "dask", half), lambda _: victim)
        command = [one for one in audit(folder / "in", folder / "dask") if one not in ("--jobs", "2")]
        run = measured([*command, "--scheduler", cluster.scheduler_address], at=killer)
    note = _compared(folder / "whole", folder / "dask", whole, run, killer)
    yield Figure(f"{count:,} domains, one Dask worker killed", run.seconds, "undisturbed pool", whole.seconds, note)


def _reached(output: Path, parts: int) -> Callable[[], bool]:
    """Whether an audit has written so many parts of its dataset."""
    growing = output.with_name(f".{output.name}.part")
    return lambda: len(parts_of(growing)) >= max(1, parts)


def _compared(whole: Path, other: Path, first: Run, second: Run, killer: Killer) -> str:
    same = "equal" if _content(whole) == _content(other) else "NOT EQUAL"
    killed = "killed" if killer.killed is not None else "NOT KILLED"
    return f"{killed}; datasets {same}, exit codes {first.code} and {second.code}"


def _content(folder: Path) -> dict[str, str]:
    """The digests of the files of a dataset, by name."""
    found = {}
    for path in sorted(folder.rglob("*.parquet")):
        with path.open("rb") as stream:
            found[str(path.relative_to(folder))] = file_digest(stream, "sha256").hexdigest()
    return found


def _rows(folder: Path, table: str) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(path).num_rows for path in (folder / table).glob("*.parquet"))
