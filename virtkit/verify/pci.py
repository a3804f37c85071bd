"""The PCI devices of a paused QEMU as they are: parent, slot, function, ids and BARs, behind bridges too.

No firmware has run, so bridges have no bus numbers and query-pci shows nothing behind them. On x86 the numbers are
given here through the configuration ports; elsewhere QOM tells the place, and the switches of virtio devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from virtkit.host.qmp import Ask
from virtkit.models.interface import Interface

__all__ = ["Seen", "look"]

_X86 = frozenset({"x86_64", "i386"})
_CONFIG_ADDRESS, _CONFIG_DATA = 0xCF8, 0xCFC
_BUS_NUMBERS = 0x18
_VIRTIO_VENDOR = 0x1AF4
_FIRST_MODERN = 0x1040
#: The BAR of the modern half, by 7.2.22 and 11.1.2; BAR 0 is the legacy half's port I/O.
_MODERN_BAR = 4


@dataclass(frozen=True, slots=True)
class Seen:
    """One device as QEMU shows it; ``device_id`` and ``interface`` are None where they could not be read."""

    bus: str
    slot: int
    function: int
    device_id: str | None
    interface: Interface | None
    driver: str


async def look(ask: Ask, arch: str, ids: Mapping[str, str]) -> dict[str, Seen]:
    """The devices called ``ids`` (id -> driver) by id; one that is no PCI device is left out."""
    shown = await _by_ports(ask) if arch in _X86 else await _flat(ask)
    found = {}
    for name in ids:
        place = f"/machine/peripheral/{name}"
        properties = {row["name"] for row in await ask("qom-list", {"path": place})}
        if "addr" not in properties or "parent_bus" not in properties:
            continue
        kind = str(await ask("qom-get", {"path": place, "property": "type"}))
        parent = str(await ask("qom-get", {"path": place, "property": "parent_bus"}))
        devfn = int(await ask("qom-get", {"path": place, "property": "addr"}))
        row = shown.get(name)
        device_id = None if row is None else f"{row['id']['device']:04x}"
        interface = None if row is None else _interface(row)
        if interface is None and "disable-legacy" in properties:
            interface = await _by_switches(ask, place)
        found[name] = Seen(parent.rpartition("/")[2], devfn >> 3, devfn & 7, device_id, interface, kind)
    return found


def _interface(row: Mapping[str, Any]) -> Interface | None:
    """The interface that ids and BARs show; None for a device that is not virtio."""
    if row["id"]["vendor"] != _VIRTIO_VENDOR or not 0x1000 <= row["id"]["device"] < 0x1080:
        return None
    if row["id"]["device"] >= _FIRST_MODERN:
        return Interface.MODERN
    bars = {region["bar"] for region in row["regions"]}
    return Interface.TRANSITIONAL if _MODERN_BAR in bars else Interface.LEGACY


async def _by_switches(ask: Ask, place: str) -> Interface:
    """The interface by the realized switches: QEMU resolves disable-legacy=auto when it realizes the device."""
    legacy_off = await ask("qom-get", {"path": place, "property": "disable-legacy"}) == "on"
    modern_off = bool(await ask("qom-get", {"path": place, "property": "disable-modern"}))
    if legacy_off:
        return Interface.MODERN
    return Interface.LEGACY if modern_off else Interface.TRANSITIONAL


async def _flat(ask: Ask) -> dict[str, Mapping[str, Any]]:
    """What query-pci shows by itself: the devices on root buses."""
    return {row["qdev_id"]: row for bus in await ask("query-pci") for row in bus["devices"] if row["qdev_id"]}


async def _by_ports(ask: Ask) -> dict[str, Mapping[str, Any]]:
    """Every device, after bridges were numbered through the configuration ports (x86)."""
    while True:
        tree = await ask("query-pci")
        taken = {bus["bus"] for bus in tree}
        rows = [row for bus in tree for row in _walk(bus["devices"])]
        taken |= {row["pci_bridge"]["bus"]["secondary"] for row in rows if "pci_bridge" in row}
        fresh = [row for row in rows if "pci_bridge" in row and not row["pci_bridge"]["bus"]["secondary"]]
        if not fresh:
            return {row["qdev_id"]: row for row in rows if row["qdev_id"]}
        await _number(ask, fresh[0], tree, rows, taken)


async def _number(
    ask: Ask,
    bridge: Mapping[str, Any],
    tree: list[Mapping[str, Any]],
    rows: list[Mapping[str, Any]],
    taken: set[int],
) -> None:
    """Gives one bridge the next number and widens the ranges of the bridges above it."""
    above = {row["pci_bridge"]["bus"]["secondary"]: row for row in rows if "pci_bridge" in row}
    roots = sorted(bus["bus"] for bus in tree)
    root = bridge["bus"]
    chain = []
    while root in above and root not in roots:
        chain.append(above[root])
        root = above[root]["bus"]
    ceiling = min([one for one in roots if one > root] or [256])
    number = max(one for one in taken if one < ceiling) + 1
    await _write(ask, bridge, bridge["bus"], number, number)
    for row in chain:
        await _write(ask, row, row["bus"], row["pci_bridge"]["bus"]["secondary"], number)


async def _write(ask: Ask, bridge: Mapping[str, Any], primary: int, secondary: int, subordinate: int) -> None:
    place = 0x80000000 | bridge["bus"] << 16 | bridge["slot"] << 11 | bridge["function"] << 8 | _BUS_NUMBERS
    value = primary | secondary << 8 | subordinate << 16
    for port, word in ((_CONFIG_ADDRESS, place), (_CONFIG_DATA, value)):
        await ask("human-monitor-command", {"command-line": f"o/w {port:#x} {word:#x}"})


def _walk(rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found = []
    for row in rows:
        found.append(row)
        found += _walk(row.get("pci_bridge", {}).get("devices", []))
    return found
