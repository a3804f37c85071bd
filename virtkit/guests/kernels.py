"""The virtio drivers of a mainline Linux kernel, for guests that are named by their kernel."""

from __future__ import annotations

import re

from virtkit import facts
from virtkit.guests.kinds import kinds
from virtkit.guests.record import Guest, Support, version_key

__all__ = ["kernel_guest", "kernel_support"]

_NAME = re.compile(r"(?:linux|kernel)[\s_-]*v?([2-9]\.\d{1,3}(?:\.\d{1,3})?)")
_TABLE = "guests/kernels.csv"


def kernel_guest(name: str) -> Guest | None:
    """The guest that a name such as "linux-5.10" stands for; None when the name does not have this form."""
    found = _NAME.fullmatch(name.strip().lower())
    if found is None:
        return None
    version = found[1]
    return Guest(
        id=f"linux-{version}",
        uri=f"linux-{version}",
        name=f"Linux kernel {version}",
        version=version,
        vendor="",
        family="linux",
        distro="kernel",
        release="",
        eol="",
        status="",
        aliases=(),
        devices=frozenset(),
        database="mainline Linux",
        kernel=version,
        note=f"the guest is judged by its kernel, Linux {version}: whether the kernel is built with a driver is the "
        "distribution's choice",
    )


def kernel_support(kernel: str, kind: str) -> Support:
    """Which drivers mainline Linux ``kernel`` has for ``kind``. Source: data/guests/kernels.csv."""
    rows = {row["kind"]: row for row in facts.table(_TABLE)}
    row = rows.get(kind)
    if row is None:
        return Support(False, False, unknown=True, source=_TABLE, remark="No source says which kernels have it.")
    there, modern = _has(kernel, row), _has(kernel, rows["modern"])
    if there is None:
        since = f"It is known to be there since Linux {row['present']}."
        return Support(False, False, unknown=True, evidence="override", source=row["source"], remark=since)
    condition = f"the kernel is built with {row['option']}" if there else ""
    return Support(
        legacy=there and bool(kinds()[kind].legacy),
        modern=there and bool(modern),
        condition=condition,
        modern_condition=condition,
        evidence="override",
        source=row["source"],
    )


def _has(kernel: str, row: dict[str, str]) -> bool | None:
    version = version_key(kernel)
    if version >= version_key(row["present"]):
        return True
    # "4.7" stands for all releases of that series: 4.7.9 is not newer.
    absent = version_key(row["absent"])
    return False if absent and version[: len(absent)] <= absent else None
