"""Where Proxmox VE places devices: its tables of addresses (``data/proxmox/addresses.csv``), and further root ports."""

from __future__ import annotations

from functools import cache

from virtkit import facts
from virtkit.readers.qemu_command_line.known_files import known_devices
from virtkit.readers.qemu_command_line.options import Group

__all__ = ["address", "further_port"]


@cache
def _addresses() -> dict[tuple[str, str], tuple[str, str]]:
    return {(row["table"], row["device"]): (row["bus"], row["slot"]) for row in facts.table("proxmox/addresses.csv")}


def address(device: str, table: str = "pci", *, arm: bool = False) -> dict[str, str]:
    """Bus and addr of a device, by its name in the configuration; nothing for one that has no fixed place.

    On Arm the root bus is ``pcie.0``; the buses of bridges keep their names.
    """
    found = _addresses().get((table, device))
    if found is None:
        return {}
    bus, slot = found
    return {"bus": "pcie.0" if arm and bus == "pci.0" else bus, "addr": slot}


def further_port(number: int, line: int) -> list[Group]:
    """The root port that a passed-through device N gets when it is not among the first four."""
    name = f"ich9-pcie-port-{number + 1}"
    return [group for group in known_devices("further-ports", line) if group.get("id") == name]
