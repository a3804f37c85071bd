"""The drivers that a virtio-win release has for a version of Windows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.guests.record import Support, version_key

if TYPE_CHECKING:
    from virtkit.guests.record import Guest

__all__ = ["checked_release", "virtio_win_support"]

#: The oldest and the newest release whose drivers are known. Source: virtio-win-pkg-scripts, data/rpm_changelog.
OLDEST, NEWEST = "0.1.96", "0.1.285"
#: The first release whose drivers support virtio 1.0. Source: kvm-guest-drivers-windows, change of 2016-10-17.
_MODERN = "0.1.126"
_RELEASE = re.compile(r"0\.1\.\d{1,4}(-\d{1,3})?")


def checked_release(text: str) -> str:
    """A virtio-win release such as "0.1.285". Raises UsageError for another form, or one older than 0.1.96."""
    if not _RELEASE.fullmatch(text):
        raise UsageError(f"--virtio-win: expected a release such as {NEWEST}, got {text!r}")
    if version_key(text) < version_key(OLDEST):
        raise UsageError(f"--virtio-win: the drivers are known from {OLDEST} on, got {text}")
    return text


def virtio_win_support(guest: Guest, kind: str) -> Support | None:
    """Which drivers ``guest`` has when the virtio-win release ``guest.virtio_win`` is installed in it.

    None when the table does not know the guest. Source: data/guests/virtio-win.toml, virtio-win-systems.csv.
    """
    systems = {row["guest"]: row for row in facts.table("guests/virtio-win-systems.csv")}
    system = systems.get(guest.id)
    if system is None:
        return None
    release = guest.virtio_win
    for driver in facts.records("guests/virtio-win.toml", "driver"):
        if driver["kind"] == kind and guest.id in driver["guests"]:
            there = version_key(release) >= version_key(driver.get("first", OLDEST))
            if there and version_key(release) < version_key(system["since"]):
                remark = f"virtio-win has drivers for this system since {system['since']}."
                return Support(
                    False, False, unknown=True, evidence="override", source=system["source"], remark=remark
                )
            modern = there and version_key(release) >= version_key(_MODERN)
            condition = driver.get("needs", "") if there else ""
            return Support(
                legacy=there and kind not in ("input", "gpu", "fs", "mem"),
                modern=modern and guest.id not in driver.get("legacy_only", ()),
                condition=condition,
                modern_condition=condition,
                evidence="override",
                source=f"virtio-win {release}: {driver['source']}; {system['source']}",
            )
    return Support(False, False, evidence="override", source=f"virtio-win {release}: no such driver in util/filemap.py")
