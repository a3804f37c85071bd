"""Device types that QEMU loads from modules, which distributions ship in separate packages."""

from __future__ import annotations

from dataclasses import dataclass

from virtkit import facts
from virtkit.host.emulator import Emulator

__all__ = ["Module", "not_installed"]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of QEMU's build: its name, the types it brings, and the Debian packages that hold it.

    ``debian`` is empty when the module comes with every emulator.
    """

    name: str
    types: tuple[str, ...]
    debian: tuple[str, ...]

    def __str__(self) -> str:
        package = f", Debian package {' or '.join(self.debian)}" if self.debian else ""
        return f"module {self.name} ({' '.join(self.types)}{package})"


def not_installed(found: Emulator, known: Emulator) -> tuple[Module, ...]:
    """The modules that ``known`` has and ``found`` lacks, each with the types that are missing.

    ``known`` is an emulator of the same release and architecture with all modules, such as the shipped one.
    Source: ``data/qemu/modules.csv``.
    """
    missing = known.devices - found.devices
    modules = []
    for row in facts.table("qemu/modules.csv"):
        types = tuple(name for name in row["types"].split() if name in missing)
        if types:
            modules.append(Module(row["module"], types, tuple(row["debian"].split())))
    return tuple(modules)
