"""KubeVirt releases with their patch level, and the PCI topology that each gives a virtual machine."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from virtkit import facts
from virtkit.errors import UsageError

__all__ = ["NEWEST", "Topology", "topology_of_release"]

NEWEST = "1.9"
"""The release that virtkit's rules were checked against."""

_FORM = re.compile(r"v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?(?:-[A-Za-z0-9.]+)?")
_ANY_PATCH = 1_000_000


class Topology(StrEnum):
    """How KubeVirt keeps ports free for hotplug; ``NONE`` is the domain before it reserves any."""

    NONE = "none"
    V1 = "v1"
    V2 = "v2"
    V3 = "v3"


def topology_of_release(text: str) -> tuple[Topology, tuple[str, ...]]:
    """The topology of a release such as 1.6.3, and notes on what is assumed of one that is not named in full.

    A release without a patch level stands for its newest patch release. Raises UsageError for what is no release.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--kubevirt: expected a release such as 1.9 or 1.6.3, got {text!r}")
    major, minor = int(found[1]), int(found[2])
    patch = _ANY_PATCH if found[3] is None else int(found[3])
    rows = [row for row in _rows() if row[0] <= (major, minor, patch)]
    topology, since = rows[-1][1], rows[-1][0]
    notes = []
    if found[3] is None and since[:2] == (major, minor) and since[2]:
        first = ".".join(map(str, since))
        notes.append(
            f"KubeVirt {major}.{minor} is taken as its newest patch release, which uses PCI topology {topology} "
            f"({first} was the first with it); name the patch level if it is older"
        )
    newest = tuple(map(int, NEWEST.split(".")))
    if (major, minor) != newest:
        notes.append(
            f"devices are converted as KubeVirt {NEWEST} converts them; of KubeVirt {major}.{minor} "
            "only the PCI topology is known to differ"
        )
    return topology, tuple(notes)


@cache
def _rows() -> tuple[tuple[tuple[int, int, int], Topology], ...]:
    """For each row of the table its first release and its topology, in order."""
    found = []
    for row in facts.table("kubevirt/topologies.csv"):
        major, minor, patch = (int(part) for part in (row["since"] or "0.0.0").split("."))
        found.append(((major, minor, patch), Topology(row["topology"])))
    return tuple(found)
