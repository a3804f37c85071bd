"""The host that a libvirt connection describes: machine types and devices from its capabilities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from virtkit.errors import CapabilityError
from virtkit.host import Emulator, Host, shipped
from virtkit.host.documents import document_of, merged
from virtkit.host.emulator import by_name
from virtkit.releases import Release

__all__ = ["described"]


def described(libvirt: Release, qemu: Release, documents: Iterable[bytes], name: str) -> Host:
    """The host of a libvirt and a QEMU release whose ``capabilities`` and ``domcapabilities`` these documents are.

    Machine types are those that the documents list. Devices are those of the shipped facts of that QEMU release, less
    those that the documents show to be absent; of a release without facts, those that the documents prove, and every
    other device is unknown. ``name`` is that of the documents in messages. Raises CapabilityError.
    """
    found: dict[str, Emulator] = {}
    for data in documents:
        for emulator in document_of(data, name).emulators:
            # The connection names its QEMU release; a guess by the names of machine types is not needed.
            own = replace(emulator, release=qemu)
            known = found.get(own.arch)
            found[own.arch] = merged(known, own, name) if known else own
    if not found:
        raise CapabilityError(f"{name}: the capabilities name no QEMU emulator; install one on that host")
    return Host(libvirt, qemu, [_completed(emulator) for emulator in found.values()])


def _completed(own: Emulator) -> Emulator:
    """An emulator with the shipped facts of its release on what its documents do not state."""
    known = shipped.load(own.release, own.arch) if own.release in shipped.releases() else None
    if known is None:
        return own
    machines = [
        replace(one, root=same.root, default=same.default) if (same := known.machines.get(one.name)) else one
        for one in dict.fromkeys(own.machines.values())
    ]
    names = {one.name for one in machines}
    return replace(
        known,
        machines=by_name(machines),
        default_machine=known.default_machine if known.default_machine in names else own.default_machine,
        devices=(known.devices - own.absent) | own.devices,
        absent=own.absent,
        all_machines=own.all_machines,
        source=f"{own.source}; {known.source}",
    )
