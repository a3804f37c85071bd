"""The slots of a machine where a device can be put by writing an address, and what must hold for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import UsageError
from virtkit.virtio.interface import LOCATIONS, Interface

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AUTO", "ManualSlot", "manual_slot", "select_placements", "slot_condition"]

#: The placement that libvirt chooses.
AUTO = "auto"

_PLACEMENTS = tuple(name for name in LOCATIONS if name != "conventional")
_WORDS = re.compile(r"[,\s]+")
_END = re.compile(r"/>$|</\w+>$")


@dataclass(frozen=True, slots=True)
class ManualSlot:
    """A slot of one class on one machine family.

    ``controllers`` is the XML of the PCI controllers that it needs, ``address`` that of the device's address.
    ``condition`` says what must hold for a device that libvirt would put elsewhere.
    """

    location: str
    controllers: str
    address: str
    condition: str
    source: str

    def insert(self, device: str) -> str:
        """The controllers, then the XML of ``device`` (one element) with the address in it."""
        end = _END.search(device)
        if end is None:
            raise ValueError(f"expected one XML element, got {device!r}")
        if end[0] == "/>":
            tag = device[1 : re.search(r"[\s/>]", device).start()]  # type: ignore[union-attr]
            return f"{self.controllers}{device[: end.start()]}>{self.address}</{tag}>"
        return f"{self.controllers}{device[: end.start()]}{self.address}{end[0]}"


@cache
def manual_slot(family: str, location: str) -> ManualSlot | None:
    """The slot of class ``location`` on a machine family, None when the family has no such slot.

    Source: data/libvirt/manual-slots.csv.
    """
    for row in facts.table("libvirt/manual-slots.csv"):
        if row["location"] == location and family in row["families"].split():
            models = row["controllers"].split()
            controllers = "".join(
                f"<controller type='pci' index='{index}' model='{model}'/>" for index, model in enumerate(models, 1)
            )
            address = f"<address type='pci' domain='0x0000' bus='{row['bus']}' slot='{row['slot']}' function='0x0'/>"
            return ManualSlot(location, controllers, address, row["condition"], row["source"])
    return None


def select_placements(selection: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The placements that a selection names: "auto" (also for None), "all", or classes of slots. Raises UsageError."""
    if selection is None:
        return (AUTO,)
    words = [word for word in _WORDS.split(selection) if word] if isinstance(selection, str) else list(selection)
    if "all" in words:
        return _PLACEMENTS
    for word in words:
        if word not in (AUTO, *_PLACEMENTS):
            raise UsageError(f"no placement {word!r}; expected {AUTO}, all, {', '.join(_PLACEMENTS)}")
    return tuple(name for name in (AUTO, *_PLACEMENTS) if name in words) or (AUTO,)


def slot_condition(slot: ManualSlot, machine: str, interface: Interface | None) -> str:
    """What must hold for a device in ``slot`` of ``machine`` that offers ``interface`` there.

    A device with port I/O behind a port or bridge needs a window of port I/O space.
    Source: data/libvirt/manual-slots.csv, data/qemu/port-io-windows.csv.
    """
    from virtkit.topology.port_io import limit_of

    limit, _ = limit_of(machine, "bios")
    if limit is None or interface not in (Interface.LEGACY, Interface.TRANSITIONAL) or not slot.controllers:
        return slot.condition
    holder = "each such device" if slot.location == "pcie-port" else "the bridge"
    return f"{slot.condition}; {holder} takes one of {limit} windows of port I/O space (SeaBIOS)"
