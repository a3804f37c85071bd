"""One guest operating system: its names, dates, devices and drivers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from virtkit.display import Displayable
from virtkit.guests import kinds
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AddOn", "Guest", "Listing", "Support", "fits", "listed_support", "version_key"]

_Q35 = "qemu.org/chipset/x86/q35"
# No version has longer numbers, and int() refuses thousands of digits.
_NUMBER = re.compile(r"[0-9]{1,18}")
_RELEASE = re.compile(r"\d+(\.\d+)+")


@lru_cache(maxsize=4096)
def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version, for comparison: "6.10" gives (6, 10), "unknown" gives ()."""
    return tuple(int(number) for number in _NUMBER.findall(version))


def fits(name: str, pattern: str) -> bool:
    """Whether a short id fits a pattern of shell wildcards. Most patterns are a name, or its beginning and ``*``."""
    if pattern.isalnum():
        return name == pattern
    beginning = pattern.rstrip("*")
    if not ("*" in beginning or "?" in beginning or "[" in beginning):
        return name == pattern or (beginning != pattern and name.startswith(beginning))
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


@dataclass(frozen=True, slots=True)
class AddOn:
    """Drivers that can be installed in a guest: a ``<driver>`` element of the database.

    ``devices`` are device ids; ``pre_installable`` says whether the guest's installer can use the drivers.
    """

    arch: str
    location: str
    pre_installable: bool
    signed: bool
    devices: frozenset[str]

    @property
    def title(self) -> str:
        """The name of the drivers, taken from their location: "spice-guest-tools 0.141"."""
        parts = [part for part in self.location.split("/") if part]
        for name, version in pairwise(parts):
            if _RELEASE.fullmatch(version):
                return f"{name} {version}"
        return "/".join(parts[-2:])


@dataclass(frozen=True, slots=True)
class Support:
    """The drivers that a guest has for one kind of device.

    ``legacy`` and ``modern`` are in-box drivers; ``legacy_addon`` and ``modern_addon`` can be installed.
    ``condition`` says what must hold for the legacy driver, ``modern_condition`` for the modern one: for an add-on
    that it is installed, for an in-box driver usually nothing (""). ``unknown`` is true when no source says which
    drivers the guest has for this kind; it does not mean "no". ``legacy_only`` is true when a driver, if there is
    one, cannot support virtio 1.0, because the guest's kernel is older than that. ``evidence`` is "db" or
    "override", ``source`` the document, ``remark`` an explanation.
    """

    legacy: bool
    modern: bool
    legacy_addon: bool = False
    modern_addon: bool = False
    unknown: bool = False
    legacy_only: bool = False
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
    """One operating system of the guest database.

    ``id`` is libosinfo's short id (rhel6.10), ``uri`` its full id (http://redhat.com/rhel/6.10). Dates are
    ISO text, "" when the database gives none; ``status`` is released, prerelease, snapshot or rolling.
    ``devices`` are the ids of the devices that it supports, after inheritance, without the leading "http://";
    ``addons`` its own driver elements, which are not inherited. ``database`` names the version that was read.
    ``kernel`` is the Linux release by which the guest is judged, "" for a guest of the database; ``virtio_win`` is
    the release of the virtio-win drivers that are installed in it, "" when that is not stated. ``note`` says how a
    name was understood that is not the guest's own; it does not take part in comparisons. ``flavour`` is the kernel by
    which it is judged (debian12:cloud-amd64), "" for none. ``nics`` are the ids of the supported devices of class
    "net", in the order in which libosinfo returns them. A catalogue has the guests: ``catalogue().find(NAME)``.

    >>> import virtkit as vk
    >>> guest = vk.catalogue().find("rhel6.10")
    >>> guest
    <Guest rhel6.10 (Red Hat Enterprise Linux 6.10): 8 devices listed>
    >>> guest.virtio_ids
    ('1000', '1001', '1003')
    >>> guest.q35
    True
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
    kernel: str = ""
    virtio_win: str = ""
    flavour: str = ""
    nics: tuple[str, ...] = ()
    note: str = field(default="", compare=False)

    def __repr__(self) -> str:
        return f"<Guest {self.id} ({self.name}): {counted(self.listed, 'device')} listed>"

    @property
    def listed(self) -> int:
        """The number of devices that the database lists; 0 means that its drivers are unknown."""
        return len(self.devices)

    @property
    def q35(self) -> bool:
        """Whether the database lists the q35 chipset. It lists pc for no guest, because pc works for all."""
        return _Q35 in self.devices

    @property
    def virtio_ids(self) -> tuple[str, ...]:
        """The PCI device ids of the listed virtio devices, such as ("1000", "1041")."""
        return tuple(sorted(d[-4:] for d in self.devices if d.startswith(kinds.VIRTIO)))

    def lists(self, vendor: str, device: str) -> bool:
        """Whether the PCI device ``vendor``:``device`` (four hexadecimal digits each) is listed."""
        return f"pcisig.com/pci/{vendor}/{device}" in self.devices

    def support(self, kind: str) -> Support:
        """The database's own answer for ``kind`` (one of kinds.KINDS, or a kind without an id in the database).

        The answer is ``unknown`` for a guest without listed devices, and for a kind without ids.
        Source: osinfo-db ``<devices>`` after inheritance, ``<driver>`` for the add-ons.
        """
        found = self.supports().get(kind)
        return found or Support(False, False, unknown=True, source=self.database, remark="no id in osinfo-db")

    def supports(self) -> Mapping[str, Support]:
        """The answers of ``support`` by kind, for the kinds that have an id in the database."""
        return listed_support(self.listing)

    @property
    def listing(self) -> Listing:
        """What the database's answers on virtio devices rest on."""
        return Listing(_virtio_of(self.devices), not self.devices, self.addons, self.database)


@lru_cache(maxsize=4096)
def _virtio_of(devices: frozenset[str]) -> frozenset[str]:
    """The virtio devices among some devices; guests with equal lists share the answer, and its hash."""
    return devices & kinds.device_ids()


class Listing(NamedTuple):
    """The virtio devices that a database lists for a guest; ``nothing`` if it lists no devices at all."""

    devices: frozenset[str]
    nothing: bool
    addons: tuple[AddOn, ...]
    database: str


@lru_cache(maxsize=1024)
def listed_support(listing: Listing) -> Mapping[str, Support]:
    """The database's answers by kind for the guests with this listing."""
    added = {device: addon for addon in listing.addons for device in addon.devices}
    found = {}
    for kind in kinds.kinds().values():
        legacy, modern = kind.legacy_id, kind.modern_id
        extra = added.get(legacy) or added.get(modern)
        condition = f"{extra.title} is installed" if extra else ""
        found[kind.name] = Support(
            legacy=legacy in listing.devices,
            modern=modern in listing.devices,
            legacy_addon=legacy in added,
            modern_addon=modern in added,
            unknown=listing.nothing and extra is None,
            condition=condition,
            modern_condition=condition,
            source=listing.database,
        )
    return MappingProxyType(found)
