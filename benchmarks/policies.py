"""All policies on all guests, and the rollout of model names over 10,000 domains. Peers: one policy; lxml's parser."""

from __future__ import annotations

import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from benchmarks.fleets import Fleet, write
from benchmarks.processes import measured
from benchmarks.timing import Figure, best

__all__ = ["figures"]

_DOMAINS = 10_000


def figures() -> Iterator[Figure]:
    """The comparison in this process; the rollout as a whole command, beside lxml's parser on the same archive."""
    from virtkit.policy import comparison, document

    policies = [document.builtin(name) for name in document.names()]
    found = [comparison.evaluate(policies[:1], "rhel6.10")]

    def compare() -> None:
        found[0] = comparison.evaluate(policies, machines=("pc", "q35"))

    seconds = best(compare, 3)
    single = best(lambda: comparison.evaluate(policies[:1], machines=("pc", "q35")), 3)
    what = f"{len(policies)} policies on all guests, pc and q35"
    yield Figure(what, seconds, "one policy", single, f"{len(found[0]):,} cells")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "domains.tar"
        write(Fleet(_DOMAINS, 100), str(archive), "tar")
        parsing = best(lambda: _parse(archive), 1)
        for subject in ("nic-model", "all"):
            command = [sys.executable, "-m", "virtkit", "--quiet", "policy", "rollout", subject, str(archive)]
            run = measured([*command, "-o", str(Path(folder) / "rollout.txt")])
            what = f"rollout {subject} of {_DOMAINS:,} domains, one process"
            yield Figure(what, run.seconds, "lxml parsing alone", parsing, f"{run.peak:,.0f} MiB peak")


def _parse(archive: Path) -> None:
    with tarfile.open(archive, "r|*") as members:
        for member in members:
            stream = members.extractfile(member)
            if stream is not None:
                etree.fromstring(stream.read())
