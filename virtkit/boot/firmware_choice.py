"""Which firmware starts a domain: by its loader, its architecture and machine type, or by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.boot.firmware import Firmware, firmware_for
from virtkit.host.emulator import emulator_arch
from virtkit.releases import dotted

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.resolved import Resolved

__all__ = ["firmware_of"]

_LOADERS = "boot/loaders.csv"
_KERNEL = "QEMU loads the kernel itself, so the firmware reads no disk"
_NONE = "the domain names no firmware, and the machine type has none of its own"


def firmware_of(resolved: Resolved, named: str = "") -> tuple[Firmware | None, str]:
    """The firmware of a domain, or None and why it does not matter or is not known.

    ``named`` replaces what the domain says: a name or a family, with or without a release ("OVMF", "UEFI",
    "U-Boot arm64 2023.01"). Raises UsageError for an unknown name.
    Source: libvirt, Domain XML format, <os firmware>, <loader>, <kernel>; data/boot/loaders.csv; QEMU's default
    firmware of each machine type.
    """
    arch = emulator_arch(resolved.arch)
    if named:
        name, _, version = named.strip().rpartition(" ")
        found = firmware_for(name, arch, version) if name and version[:1].isdigit() else firmware_for(named, arch)
        return found, "" if found else f"unknown: no boot was observed with {named.strip()} on {arch}"
    system = resolved.context.root.find("os")
    if (kernel := _path(system, "kernel")) or (system is not None and system.find("kernel") is not None):
        held = _held("kernel", kernel)
        return _known(held, arch) if held else (None, _KERNEL)
    loader = _path(system, "loader")
    held = _held("loader", loader)
    if not held and system is not None and (system.get("firmware") == "efi" or _is_flash(system)):
        held = "UEFI"
    if held:
        return _known(held, arch)
    if loader:
        return None, f"unknown: no boot was observed with the loader {loader}"
    return _default(resolved, arch)


def _path(system: Element | None, name: str) -> str:
    found = None if system is None else system.find(name)
    return "" if found is None else (found.text or "").strip()


def _is_flash(system: Element) -> bool:
    loader = system.find("loader")
    return loader is not None and loader.get("type") == "pflash"


def _held(element: str, path: str) -> str:
    """The name or family of the firmware that a file holds, "" when no source says it."""
    text = path.lower()
    for row in facts.table(_LOADERS):
        if row["element"] == element and any(word in text for word in row["words"].split()):
            return row["firmware"]
    return ""


def _known(name: str, arch: str) -> tuple[Firmware | None, str]:
    found = firmware_for(name, arch)
    return found, "" if found else f"unknown: no boot was observed with {name} on {arch}"


def _default(resolved: Resolved, arch: str) -> tuple[Firmware | None, str]:
    """QEMU's own firmware for a domain that names none."""
    if resolved.machine == "microvm":
        return None, "unknown: no boot was observed on microvm"
    if arch in ("x86_64", "i386"):
        return _known("BIOS", arch)
    if arch == "s390x":
        return firmware_for("s390-ccw", arch, dotted(resolved.host.qemu)), ""
    if resolved.machine.startswith("pseries"):
        return _known("SLOF", arch)
    return None, _NONE
