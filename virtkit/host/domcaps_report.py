"""The domain capabilities that libvirt would report on a host, from the facts about its QEMU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from virtkit import facts, releases
from virtkit.errors import Unsupported
from virtkit.host.domcaps import DomainCapabilities, Element, row_applies
from virtkit.host.emulator import Emulator
from virtkit.host.host import Host
from virtkit.host.nearest import similar

__all__ = ["report"]

#: libvirt's names of architectures where QEMU's name differs.
_LIBVIRT_ARCH: Mapping[str, str] = MappingProxyType({"i386": "i686", "arm": "armv7l"})


def report(host: Host, arch: str, machine: str | None = None, domain: str = "qemu") -> DomainCapabilities:
    """The domain capabilities of ``machine`` (by default libvirt's default machine type) on ``host``.

    Raises Unsupported for an architecture without emulator and for a machine type that the emulator lacks. Source: the
    rows of ``data/qemu/domcaps.csv`` and the device types of the emulator.
    """
    emulator = host.emulator(arch)
    if emulator is None:
        known = ", ".join(host.architectures)
        what = f"the host has no emulator for architecture {arch!r}; expected one of {known}"
        raise Unsupported("invalid argument", what)
    wanted = machine or host.default_machine(arch)
    if wanted is None:
        raise Unsupported("invalid argument", f"{arch} has no default machine type; choose one with --machine")
    found = emulator.machine(wanted)
    if found is None and emulator.all_machines:
        near = similar(wanted, emulator) or emulator.names[-3:]
        what = f"the machine {wanted!r} is not supported by emulator of {arch}; nearest known: {', '.join(near)}"
        raise Unsupported("invalid argument", what)
    name = found.name if found else wanted
    collected: dict[str, dict[str, list[str]]] = {}
    unknown = []
    for row in facts.table("qemu/domcaps.csv"):
        uncertain = releases.is_uncertain(row, host.libvirt)
        if uncertain and row_applies(row, emulator.arch, name):
            unknown.append(f"{row['element']} {row['enum']} {row['value']}")
        if uncertain or not releases.in_release(row, host.libvirt):
            continue
        values = collected.setdefault(row["element"], {}).setdefault(row["enum"], [])
        if not row["value"] or not row_applies(row, emulator.arch, name):
            continue
        present = _present(row["needs"].split(), emulator)
        if present:
            values.append(row["value"])
        elif present is None:
            unknown.append(f"{row['element']} {row['enum']} {row['value']}")
    devices = []
    for element, enums in collected.items():
        supported = any(enums.values())
        shown = {key: tuple(values) for key, values in enums.items()} if supported else {}
        devices.append(Element(element, supported, MappingProxyType(shown)))
    return DomainCapabilities(
        path=f"/usr/bin/qemu-system-{emulator.arch}",
        domain=domain,
        machine=name,
        arch=_LIBVIRT_ARCH.get(arch, arch),
        devices=tuple(devices),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _present(needs: Iterable[str], emulator: Emulator) -> bool | None:
    """Whether the emulator has one of the drivers; True if none is needed, None if unknown."""
    answers = [emulator.has(driver) for driver in needs]
    if not answers or True in answers:
        return True
    return None if None in answers else False
