"""What is known of one guest operating system, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from virtkit.display import Displayable
from virtkit.guests import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AddOn", "Guest", "Support", "version_key"]

_Q35 = "qemu.org/chipset/x86/q35"
# No version has longer numbers; int() refuses some thousand digits.
_NUMBER = re.compile(r"[0-9]{1,18}")
_RELEASE = re.compile(r"\d+(\.\d+)+")


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparing: "6.10" is (6, 10), "unknown" is ()."""
    return tuple(int(number) for number in _NUMBER.findall(version))


@dataclass(frozen=True, slots=True)
class AddOn:
    """Drivers that can be added to an OS: a ``<driver>`` element of the database.

    ``devices`` are device ids (vendor's host name, then path), ``pre_installable`` says whether they can be
    given to the installer.
    """

    arch: str
    location: str
    pre_installable: bool
    signed: bool
    devices: frozenset[str]

    @property
    def title(self) -> str:
        """What the drivers are called, from the place they come from: "spice-guest-tools 0.141"."""
        parts = [part for part in self.location.split("/") if part]
        for name, version in pairwise(parts):
            if _RELEASE.fullmatch(version):
                return f"{name} {version}"
        return "/".join(parts[-2:])


@dataclass(frozen=True, slots=True)
class Support:
    """Which drivers an OS has for one kind of device.

    ``legacy`` and ``modern`` are in-box drivers, ``legacy_addon`` and ``modern_addon`` can be added.
    ``condition`` says what must hold for the legacy driver, ``modern_condition`` for the modern one: for an
    add-on that it is added, for an in-box driver usually nothing (""). ``unknown`` is true when nothing is
    known of the OS for this kind, which is not "no".
    ``evidence`` is "db" or "override"; ``source`` names the row or document; ``remark`` explains.
    """

    legacy: bool
    modern: bool
    legacy_addon: bool = False
    modern_addon: bool = False
    unknown: bool = False
    condition: str = ""
    modern_condition: str = ""
    evidence: str = "db"
    source: str = ""
    remark: str = ""

    @property
    def any(self) -> bool:
        """Whether there is an in-box driver of either interface."""
        return self.legacy or self.modern


@dataclass(frozen=True, slots=True, repr=False)
class Guest(Displayable):
    """One operating system of the guest OS database.

    ``id`` is libosinfo's short id (rhel6.10), ``uri`` its full id (http://redhat.com/rhel/6.10). Dates are
    ISO text, "" when the database gives none; ``status`` is released, prerelease, snapshot or rolling.
    ``devices`` are the ids of the devices that it supports, after inheritance, without the leading "http://";
    ``addons`` its own driver elements, which are not inherited. ``database`` names the version that was read.
    """

    id: str
    uri: str
    name: str
    version: str
    vendor: str
    family: str
    distro: str
    release: str
    eol: str
    status: str
    aliases: tuple[str, ...]
    devices: frozenset[str]
    addons: tuple[AddOn, ...] = ()
    database: str = ""

    def __repr__(self) -> str:
        return f"<Guest {self.id} ({self.name}): {self.listed} devices listed>"

    @property
    def listed(self) -> int:
        """How many devices the database lists for this OS; 0 means that nobody has said anything."""
        return len(self.devices)

    @property
    def q35(self) -> bool:
        """Whether the q35 chipset is listed. That a pc works is implied for every OS and never listed."""
        return _Q35 in self.devices

    @property
    def virtio_ids(self) -> tuple[str, ...]:
        """The PCI device ids of the listed virtio devices, such as ("1000", "1041")."""
        return tuple(sorted(d[-4:] for d in self.devices if d.startswith(kinds.VIRTIO)))

    def lists(self, vendor: str, device: str) -> bool:
        """Whether the PCI device ``vendor``:``device`` (four hexadecimal digits each) is listed."""
        return f"pcisig.com/pci/{vendor}/{device}" in self.devices

    def support(self, kind: str) -> Support:
        """The database's own answer for ``kind`` (one of kinds.KINDS, or a kind it has no id for).

        An OS with no listed device at all, and a kind without ids in the database, give ``unknown``.
        Source: osinfo-db ``<devices>`` after inheritance, ``<driver>`` for the add-ons.
        """
        ids = kinds.kinds().get(kind)
        if ids is None:
            return Support(False, False, unknown=True, source=self.database, remark="no id in osinfo-db")
        legacy, modern = ids.legacy_id, ids.modern_id
        added: Mapping[str, AddOn] = {device: addon for addon in self.addons for device in addon.devices}
        extra = added.get(legacy) or added.get(modern)
        return Support(
            legacy=legacy in self.devices,
            modern=modern in self.devices,
            legacy_addon=legacy in added,
            modern_addon=modern in added,
            unknown=not self.devices and extra is None,
            condition=f"drivers are added: {extra.title}" if extra else "",
            modern_condition=f"drivers are added: {extra.title}" if extra else "",
            source=self.database,
        )
