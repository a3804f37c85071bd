"""The machine of a command line: architecture, machine type, its properties, and the devices it has by default."""

from __future__ import annotations

import re
from dataclasses import dataclass

from virtkit import facts
from virtkit.readers.qemu_command_line.options import Group
from virtkit.readers.qemu_command_line.words import BINARY
from virtkit.releases import Release, parse

__all__ = ["Defaults", "Machine", "machine_of"]

_ARCHES = {"i386": "i686", "arm": "armv7l", "ppc64le": "ppc64"}
_FAMILY = re.compile(r"(pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-(\d+)\.(\d+)(?:[.-].*)?")
_X86 = frozenset({"x86_64", "i686"})
_ALIASES = {"pc": "pc-i440fx", "q35": "pc-q35"}


@dataclass(frozen=True, slots=True)
class Defaults:
    """What QEMU adds to a machine without ``-nodefaults``, and the interface of a ``-drive`` that names none."""

    display: str = ""
    nic: str = ""
    cdrom: bool = False
    floppy: bool = False
    drive: str = ""
    units: int = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine: libvirt's name of the architecture, the type as written, its family, and its properties.

    ``family`` is pc-i440fx, pc-q35, virt, pseries, s390-ccw-virtio or the type itself; ``version`` None for the
    newest. ``root`` is "pci", "pcie" or "" for a machine without a PCI bus that this reader knows.
    """

    arch: str
    type: str
    family: str
    version: Release | None
    properties: Group
    defaults: Defaults
    assumed: str = ""

    @property
    def root(self) -> str:
        """The kind of the root bus."""
        return {"pc-i440fx": "pci", "pseries": "pci", "pc-q35": "pcie", "virt": "pcie", "s390-ccw-virtio": "pci"}.get(
            self.family, ""
        )

    @property
    def x86(self) -> bool:
        """Whether it is a PC."""
        return self.arch in _X86


def machine_of(program: str, properties: Group) -> Machine | None:
    """The machine of a program and the merged settings of ``-machine``; None when neither names one."""
    match = BINARY.search(program.removesuffix(".exe"))
    qemu_arch = (match[1] if match else None) or ""
    assumed = ""
    if not qemu_arch:
        qemu_arch = "x86_64"
        assumed = f"{program.rpartition('/')[2]} names no architecture; x86_64 is assumed"
    if qemu_arch == "amd64":
        qemu_arch = "x86_64"
    # Proxmox adds its own revision to the name.
    name = re.sub(r"\+pve\d+$", "", properties.get("type"))
    if not name:
        rows = {row["arch"]: row["machine"] for row in facts.table("qemu/default-machine-types.csv")}
        name = rows.get(qemu_arch, "")
    if not name:
        return None
    family, version = _family(name)
    arch = _ARCHES.get(qemu_arch, qemu_arch)
    return Machine(arch, name, family, version, properties, _defaults(arch, family, version), assumed)


def _family(name: str) -> tuple[str, Release | None]:
    match = _FAMILY.fullmatch(name)
    if match:
        return match[1], (int(match[2]), int(match[3]))
    for row in facts.table("qemu/vendor-machines.csv"):
        if row["name"] == name and row["upstream"] != name:
            return _family(row["upstream"])
    if re.fullmatch(r"pc-[01]\.\d+", name):
        return "pc-i440fx", (1, 0)
    return _ALIASES.get(name, name), None


def _defaults(arch: str, family: str, version: Release | None) -> Defaults:
    for row in facts.table("qemu/default-devices.csv"):
        if row["family"] != family or arch not in row["arch"].split():
            continue
        first, last = row["machine_first"], row["machine_last"]
        if version is None and last:
            continue
        if version is not None and first and version < parse(first):
            continue
        if version is not None and last and version > parse(last):
            continue
        yes = {key: row[key] == "yes" for key in ("cdrom", "floppy")}
        return Defaults(row["display"], row["nic"], yes["cdrom"], yes["floppy"], row["drive"], int(row["units"]))
    return Defaults()
