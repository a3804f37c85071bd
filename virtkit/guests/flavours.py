"""The kernels that a guest OS can run (generic, cloud, real-time) and its installer: which drivers each brings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import GuestError
from virtkit.guests.kinds import kinds
from virtkit.guests.record import Support
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.guests.record import Guest

__all__ = [
    "Flavour",
    "Option",
    "drives",
    "flavour_of",
    "flavour_support",
    "flavours",
    "module_place",
    "option",
    "split",
    "with_flavour",
]

_NAME = re.compile(r"([^:/\s][^:/]*):([a-z0-9][a-z0-9+._-]*)", re.I)
#: The installer loads the drivers of disks from packages (udeb) that it fetches over the network.
#: Source: data/guests/installer-modules.csv (absent from the RAM disk) and the manual of the Debian installer.
_LATER = frozenset({"block", "scsi"})
_DRIVERS = "guests/kernel-drivers.csv"


@dataclass(frozen=True, slots=True)
class Flavour:
    """One kernel of a guest OS: ``key`` is GUEST:FLAVOUR, ``alias`` a shorter name of the flavour, "" for none.

    ``linux`` is the kernel of an installer, "" for a kernel with a configuration of its own.
    """

    guest: str
    flavour: str
    alias: str
    arch: str
    package: str
    version: str
    linux: str
    source: str

    @property
    def key(self) -> str:
        """The full name, such as debian12:cloud-amd64."""
        return f"{self.guest}:{self.flavour}"

    @property
    def installer(self) -> bool:
        """Whether it is an installer, whose modules are those of its RAM disk."""
        return bool(self.linux)

    @property
    def title(self) -> str:
        """The package with its version."""
        return f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a kernel: ``value`` is y, m, n or - (the kernel does not have it).

    ``module`` is "present" or "absent" for an option that can be a module, "" where the package was not searched.
    """

    value: str
    module: str

    @property
    def there(self) -> bool:
        """Whether the kernel has what the option stands for."""
        return self.value == "y" or (self.value == "m" and self.module != "absent")


@cache
def flavours() -> Mapping[str, Flavour]:
    """Every kernel by its key. Source: data/guests/flavours.csv."""
    return MappingProxyType({one.key: one for one in (Flavour(**row) for row in facts.table("guests/flavours.csv"))})


def split(name: str) -> tuple[str, str]:
    """The guest and the flavour in a name such as "debian12:cloud"; the flavour is "" where none is named."""
    found = _NAME.fullmatch(name.strip())
    return (found[1], found[2].lower()) if found else (name, "")


def with_flavour(guest: Guest, text: str) -> Guest:
    """The guest with one of its kernels, by flavour or alias. Raises GuestError with the flavours that are known."""
    own = [one for one in flavours().values() if one.guest == guest.id]
    found = next((one for one in own if text in (one.flavour, one.alias)), None)
    if found is None:
        names = [one.alias or one.flavour for one in own]
        known = f"known: {listed(names)}" if names else f"no kernels of {guest.name} are known"
        raise GuestError(f"no flavour {text!r} of {guest.id}; {known}")
    name = f"{guest.name}, kernel {found.flavour}"
    return replace(guest, id=f"{guest.id}:{text}", uri=found.key, name=name, flavour=found.key, aliases=())


def flavour_of(guest: Guest) -> Flavour | None:
    """The kernel by which a guest is judged, None for one that names none."""
    return flavours().get(guest.flavour) if guest.flavour else None


def option(kernel: str, name: str) -> Option | None:
    """An option of a kernel (its key), without CONFIG_; None where no source states it.

    Source: data/guests/kernel-options.csv.
    """
    return _options().get(kernel, {}).get(name)


def module_place(installer: str, name: str) -> str | None:
    """Where an installer (its key) has a module: module, builtin or absent; None where no source states it.

    Source: data/guests/installer-modules.csv.
    """
    return _modules().get(installer, {}).get(name)


def drives(flavour: Flavour, name: str) -> tuple[bool, str] | None:
    """Whether a kernel has the driver of a kind of virtio device or of an emulated device, and the source.

    None where no source states it. Source: data/guests/kernel-drivers.csv.
    """
    row = _drivers().get(name)
    if row is None:
        return None
    if flavour.installer:
        places = {module: module_place(flavour.key, module) for module in row["modules"].split()}
        if None in places.values():
            return None
        text = ", ".join(f"{module}: {place}" for module, place in places.items())
        return "absent" not in places.values(), f"{flavour.title}: {text}"
    found = {one: option(flavour.key, one) for one in row["options"].split()}
    known = {one: value for one, value in found.items() if value is not None}
    if len(known) < len(found):
        return None
    text = ", ".join(_says(one, value) for one, value in known.items())
    return all(value.there for value in known.values()), f"{flavour.title}: {text}"


def _says(name: str, value: Option) -> str:
    return f"without CONFIG_{name}" if value.value == "-" else f"CONFIG_{name}={value.value}"


def flavour_support(guest: Guest, kind: str) -> Support | None:
    """Which drivers the kernel of a guest has for a kind of virtio device; None where no source states it."""
    flavour = flavour_of(guest)
    answer = None if flavour is None else drives(flavour, kind)
    if flavour is None or answer is None:
        return None
    there, source = answer
    condition = ""
    if not there and flavour.installer and kind in _LATER:
        net = drives(flavour, "net")
        there = net is not None and net[0]
        condition = "the installer reaches its package source over the network and loads the driver from there"
    known = kinds().get(kind)
    legacy = there and known is not None and bool(known.legacy) and _legacy(flavour)
    return Support(
        legacy=legacy,
        modern=there,
        condition=condition if there else "",
        modern_condition=condition if there else "",
        evidence="override",
        source=source,
        remark="" if there else f"The kernel of {flavour.flavour} is built without this driver.",
    )


def _legacy(flavour: Flavour) -> bool:
    """Whether the kernel drives the legacy interface."""
    if flavour.installer:
        return module_place(flavour.key, "virtio_pci_legacy_dev") in ("module", "builtin")
    found = option(flavour.key, "VIRTIO_PCI_LEGACY")
    return found is not None and found.there


@cache
def _drivers() -> Mapping[str, dict[str, str]]:
    return {row["name"]: row for row in facts.table(_DRIVERS)}


@cache
def _options() -> Mapping[str, Mapping[str, Option]]:
    found: dict[str, dict[str, Option]] = {}
    for row in facts.table("guests/kernel-options.csv"):
        one = Option(row["value"], row["module"])
        for kernel in row["kernels"].split():
            found.setdefault(kernel, {})[row["option"]] = one
    return found


@cache
def _modules() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in facts.table("guests/installer-modules.csv"):
        for kernel in row["kernels"].split():
            found.setdefault(kernel, {})[row["module"]] = row["where"]
    return found
