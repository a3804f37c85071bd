"""The PCI devices of a paused QEMU: parent, slot, function, ids and BARs, also behind bridges.

No firmware has run, so bridges have no bus numbers and query-pci shows root buses only. The place of every device is
read by QOM; ids and BARs of what lies deeper stand in the device tree of the human monitor, which no QMP command has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from virtkit.host.qmp import Ask
from virtkit.virtio.interface import Interface

__all__ = ["Seen", "look"]

_VIRTIO_VENDOR = 0x1AF4
_FIRST_MODERN = 0x1040
#: The BAR of the modern half, by 7.2.22 and 11.1.2; BAR 0 is the legacy half's port I/O.
_MODERN_BAR = 4
#: Lines of ``info qtree``, by 7.2.22 and 11.1.2: a device, a bus, and what a PCI device says of itself.
_DEVICE = re.compile(r"\s*dev: [^,]+(?:, id \"([^\"]*)\")?")
_BUS = re.compile(r"\s*bus: ")
_ID = re.compile(r".*pci id ([0-9a-f]{4}):([0-9a-f]{4})")
_BAR = re.compile(r"\s*bar ([0-9]+): ")


@dataclass(frozen=True, slots=True)
class Seen:
    """One device as QEMU shows it; ``device_id`` and ``interface`` are None when they could not be read."""

    bus: str
    slot: int
    function: int
    device_id: str | None
    interface: Interface | None
    driver: str


@dataclass(slots=True)
class _Ids:
    """Vendor and device id of a PCI device, and the numbers of its BARs."""

    vendor: int
    device: int
    bars: set[int]


async def look(ask: Ask, ids: Mapping[str, str]) -> dict[str, Seen]:
    """The devices named in ``ids`` (id -> driver) by id; devices that are not on PCI are omitted."""
    shown = _tree(str(await ask("human-monitor-command", {"command-line": "info qtree"}))) | await _flat(ask)
    found = {}
    for name in ids:
        place = f"/machine/peripheral/{name}"
        properties = {row["name"] for row in await ask("qom-list", {"path": place})}
        if "addr" not in properties or "parent_bus" not in properties:
            continue
        kind = str(await ask("qom-get", {"path": place, "property": "type"}))
        parent = str(await ask("qom-get", {"path": place, "property": "parent_bus"}))
        devfn = int(await ask("qom-get", {"path": place, "property": "addr"}))
        entry = shown.get(name)
        device_id = None if entry is None else f"{entry.device:04x}"
        interface = None if entry is None else _interface(entry)
        found[name] = Seen(parent.rpartition("/")[2], devfn >> 3, devfn & 7, device_id, interface, kind)
    return found


def _interface(ids: _Ids) -> Interface | None:
    """The interface that ids and BARs show; None for a device that is not virtio."""
    if ids.vendor != _VIRTIO_VENDOR or not 0x1000 <= ids.device < 0x1080:
        return None
    if ids.device >= _FIRST_MODERN:
        return Interface.MODERN
    return Interface.TRANSITIONAL if _MODERN_BAR in ids.bars else Interface.LEGACY


async def _flat(ask: Ask) -> dict[str, _Ids]:
    """The devices on root buses, which query-pci lists."""
    return {
        row["qdev_id"]: _Ids(
            row["id"]["vendor"], row["id"]["device"], {int(region["bar"]) for region in row["regions"]}
        )
        for bus in await ask("query-pci")
        for row in bus["devices"]
        if row["qdev_id"]
    }


def _tree(text: str) -> dict[str, _Ids]:
    """The PCI devices with an id in what ``info qtree`` prints."""
    found: dict[str, _Ids] = {}
    name: str | None = None
    for line in text.splitlines():
        if device := _DEVICE.match(line):
            name = device[1]
        elif _BUS.match(line):
            name = None
        elif name and (ids := _ID.match(line)):
            found[name] = _Ids(int(ids[1], 16), int(ids[2], 16), set())
        elif name in found and (bar := _BAR.match(line)):
            found[name].bars.add(int(bar[1]))
    return found
