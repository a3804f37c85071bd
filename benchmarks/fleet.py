"""Audits of generated fleets by two processes. Peer: the audit of an earlier revision, in the same run.

The peer is the checkout that ``--baseline`` names, run by the Python of its ``.venv`` where it has one.
``VIRTKIT_FLEET_SCALE=0.01`` makes the fleets smaller.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fleets import Fleet, write
from benchmarks.processes import measured
from benchmarks.timing import Figure

__all__ = ["audit", "figures", "scaled"]

#: The number of domains, of templates (0: all different), and the ratio to the peer that is wanted.
_FLEETS = ((100_000, 300, 10.0), (20_000, 0, 2.5))


def figures() -> Iterator[Figure]:
    """Whole commands on an archive of generated domains."""
    base = os.environ.get("VIRTKIT_BASELINE", "")
    for domains, templates, wanted in _FLEETS:
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "fleet.tar"
            count = scaled(domains)
            write(Fleet(count, templates), str(archive), "tar")
            ours = measured(audit(archive, Path(folder) / "ours"))
            peer = None
            if base:
                out = Path(folder) / "peer.parquet"
                own = Path(base) / ".venv" / "bin" / "python"
                command = audit(archive, out, str(own) if own.exists() else sys.executable)
                peer = measured(command, cwd=Path(base)).seconds
            what = f"audit of {count:,} domains" + (f" of {templates} templates" if templates else ", all different")
            note = f"{count / ours.seconds:,.0f} domains a second, {ours.peak:,.0f} MiB in all processes"
            yield Figure(what, ours.seconds, "the earlier revision", peer, f"{note}; wanted: {wanted:g}")


def scaled(domains: int) -> int:
    """A number of domains in the scale of this run."""
    return max(10, int(domains * float(os.environ.get("VIRTKIT_FLEET_SCALE", "1"))))


def audit(source: str | Path, out: Path, python: str = sys.executable) -> list[str]:
    """The command that audits a source by two processes."""
    return [python, "-m", "virtkit", "--quiet", "audit", str(source), "--jobs", "2", "-o", str(out)]
