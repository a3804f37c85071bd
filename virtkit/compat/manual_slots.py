"""The places of a machine where a device can be put by hand, and what must hold for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.topology.port_io import limit_of
from virtkit.virtio.interface import LOCATIONS, Interface

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AUTO", "Place", "condition", "place_of", "select_places"]

#: The place that libvirt chooses by itself.
AUTO = "auto"

_NAMES = tuple(name for name in LOCATIONS if name != "conventional")
_WORDS = re.compile(r"[,\s]+")
_END = re.compile(r"/>$|</\w+>$")


@dataclass(frozen=True, slots=True)
class Place:
    """One class of slots of a machine family: the XML of the ``controllers`` that it needs, the ``address`` there, and
    the ``condition`` under which a device is there and not where libvirt would put it."""

    location: str
    controllers: str
    address: str
    condition: str
    source: str

    def put(self, device: str) -> str:
        """The XML of a device (one element), with the address in it, after the controllers."""
        end = _END.search(device)
        if end is None:
            raise ValueError(f"no device: {device!r}")
        if end[0] == "/>":
            tag = device[1 : re.search(r"[\s/>]", device).start()]  # type: ignore[union-attr]
            return f"{self.controllers}{device[: end.start()]}>{self.address}</{tag}>"
        return f"{self.controllers}{device[: end.start()]}{self.address}{end[0]}"


@cache
def place_of(family: str, location: str) -> Place | None:
    """The place ``location`` of a machine family (a name of data/libvirt/machines.toml), None when it has none such.

    Source: data/libvirt/manual-slots.csv.
    """
    for row in facts.table("libvirt/manual-slots.csv"):
        if row["location"] == location and family in row["families"].split():
            models = row["controllers"].split()
            controllers = "".join(
                f"<controller type='pci' index='{index}' model='{model}'/>" for index, model in enumerate(models, 1)
            )
            address = f"<address type='pci' domain='0x0000' bus='{row['bus']}' slot='{row['slot']}' function='0x0'/>"
            return Place(location, controllers, address, row["condition"], row["source"])
    return None


def select_places(selection: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The places that a selection names: "auto" (None: that alone), "all", or names. Raises UsageError."""
    if selection is None:
        return (AUTO,)
    words = [word for word in _WORDS.split(selection) if word] if isinstance(selection, str) else list(selection)
    if "all" in words:
        return _NAMES
    for word in words:
        if word not in (AUTO, *_NAMES):
            raise UsageError(f"no place {word!r}; known: {AUTO}, all, {', '.join(_NAMES)}")
    return tuple(name for name in (AUTO, *_NAMES) if name in words) or (AUTO,)


def condition(place: Place, machine: str, interface: Interface | None) -> str:
    """What must hold for a device at ``place`` of ``machine`` that shows ``interface`` there.

    A device with port I/O behind a port or bridge takes a window of the space there. Source:
    data/libvirt/manual-slots.csv, data/qemu/port-io-windows.csv.
    """
    limit, _ = limit_of(machine, "bios")
    if limit is None or interface not in (Interface.LEGACY, Interface.TRANSITIONAL) or not place.controllers:
        return place.condition
    whose = "each such device" if place.location == "pcie-port" else "the bridge"
    return f"{place.condition}; {whose} takes one of {limit} windows of port I/O space (SeaBIOS)"
