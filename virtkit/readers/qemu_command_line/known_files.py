"""Configuration files that other software ships for ``-readconfig``, from ``data/proxmox/boards.csv``."""

from __future__ import annotations

from functools import cache

from virtkit import facts
from virtkit.readers.qemu_command_line.options import Group

__all__ = ["known_devices"]

_KEYS = ("driver", "bus", "addr", "multifunction", "masterbus", "firstport", "port", "chassis", "chassis_nr")


@cache
def _files() -> dict[str, tuple[dict[str, str], ...]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in facts.table("proxmox/boards.csv"):
        values = {"id": row["id"]} | {key: row[key] for key in _KEYS if row[key]}
        found.setdefault(row["board"], []).append(values)
    return {name: tuple(rows) for name, rows in found.items()}


def known_devices(name: str, line: int) -> list[Group]:
    """The devices of a file with that name, in order, with a line for each; none for a file that is not known."""
    return [Group("device", dict(values), line) for values in _files().get(name, ())]
