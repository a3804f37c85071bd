"""Audits that are disturbed: a worker that is killed, and one broken file. Peer: the same audit without it.

``VIRTKIT_FLEET_SCALE=0.01`` makes the fleets smaller.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

from benchmarks.fleet import audit, scaled
from benchmarks.fleets import Fleet
from benchmarks.processes import kill_a_worker, measured
from benchmarks.timing import Figure

__all__ = ["figures"]

_BROKEN = "<domain type='kvm'><name>cut off"


def figures() -> Iterator[Figure]:
    """Both faults in a folder of 100,000 domains."""
    count = scaled(100_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for domain, data in Fleet(count, 300):
            (folder / "in" / f"{domain}.xml").write_bytes(data)
        whole = measured(audit(folder / "in", folder / "whole"))
        killed = measured(audit(folder / "in", folder / "killed"), at=kill_a_worker(whole.seconds / 2))
        same = "equal" if _content(folder / "whole") == _content(folder / "killed") else "NOT EQUAL"
        note = f"datasets {same}, exit codes {whole.code} and {killed.code}"
        yield Figure(f"{count:,} domains, one worker killed", killed.seconds, "undisturbed", whole.seconds, note)
        (folder / "in" / f"vm-{count // 2:07}.xml").write_text(_BROKEN)
        broken = measured(audit(folder / "in", folder / "broken"))
        note = f"{_rows(folder / 'broken', 'domains'):,} domains, {_rows(folder / 'broken', 'rejected')} rejected, "
        note += f"exit code {broken.code}"
        yield Figure(f"{count:,} files, one of them broken", broken.seconds, "undisturbed", whole.seconds, note)


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
