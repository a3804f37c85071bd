"""The verdict on each virtio device, disk and network card of a resolved domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.compat.boot_disk import boot_device
from virtkit.compat.emulated import replacement
from virtkit.compat.nic_models import refused_model
from virtkit.compat.review import Finding
from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Disk, Nic
from virtkit.errors import GuestError
from virtkit.guests.record import Guest
from virtkit.values import maker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from virtkit.compat.judges import Judge
    from virtkit.compat.verdict import Judgement
    from virtkit.domain.devices import Device
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.resolved import Resolved

__all__ = ["emulated_findings", "find_guest", "findings"]

_made = maker(Finding)
#: Media that a guest does without.
_REMOVABLE = frozenset({"cdrom", "floppy"})


def find_guest(domain: Domain, guest: str | Guest | None, known: Catalogue) -> tuple[Guest | None, str]:
    """The guest OS of a domain, or None and the reason why it is not known.

    A ``guest`` that the caller names goes before the libosinfo id in the domain's metadata. Raises GuestError when
    the catalogue has no guest of the name that the caller gives.
    """
    if isinstance(guest, Guest):
        return guest, ""
    if guest:
        return known.find(guest), ""
    if not domain.osinfo_id:
        return None, "Unknown: the domain has no libosinfo metadata, and no guest OS was named."
    try:
        return known.find(domain.osinfo_id), ""
    except GuestError as problem:
        return None, f"Unknown: {problem}."


def findings(resolved: Resolved, judge: Judge, clashes: Mapping[str, Judgement]) -> tuple[Finding, ...]:
    """The verdict on each virtio device, in order; ``clashes`` is what ``clashing_index`` gives."""
    boot, found = boot_device(resolved), []
    for device in resolved.virtio_devices:
        said, name = judge.virtio(device), device.id
        judgement = clashes.get(name, said.judgement) if clashes else said.judgement
        harmless = said.optional or (device.kind == "scsi" and not _uses_scsi(resolved))
        found.append(
            _made(
                name, device.label, said.kind, device.model, device.address, device.location or device.transport,
                said.offered, said.device_id, device.line or None, judgement.verdict, judgement.reason,
                judgement.condition, judgement.evidence, judgement.source, harmless, "", "", False, "",
                judge.boot(said.kind) if device.device is boot and judgement.good else "",
            )
        )  # fmt: skip
    return tuple(found)


def emulated_findings(resolved: Resolved, judge: Judge, clashes: Mapping[str, Judgement]) -> tuple[Finding, ...]:
    """The verdict on every disk and NIC that is no virtio device, in libvirt's order; ``clashes`` as for ``findings``.

    A disk is judged by the controller that it is attached to. A disk on a virtio controller has the verdict of that
    controller, and host devices are left out. Source: data/guests/emulated.toml, osinfo-db.
    """
    found, family = [], resolved.family
    for device, model in _emulated_devices(resolved):
        judgement, advice = judge.emulated(model, family)
        refusal = refused_model(resolved, device) if isinstance(device, Nic) else None
        if refusal is not None:
            judgement, advice = refusal, replacement("net", judge.guest, family, judge.overrides)
        if device.id in clashes:
            judgement, advice = clashes[device.id], ""
        kind, harmless = ("block", device.device in _REMOVABLE) if isinstance(device, Disk) else ("net", False)
        found.append(
            _made(
                device.id, device.label, kind, model.removeprefix("bus:").removeprefix("scsi:"),
                "" if device.address is None else str(device.address), "", "emulated", "", device.line or None,
                judgement.verdict, judgement.reason, judgement.condition, judgement.evidence, judgement.source,
                harmless, "", "", False, advice, "",
            )
        )  # fmt: skip
    return tuple(found)


def _emulated_devices(resolved: Resolved) -> Iterator[tuple[Device, str]]:
    """Each emulated disk and NIC with its name in emulated-hardware.csv."""
    virtio = {device.id for device in resolved.virtio_devices}
    inventory = resolved.inventory
    for device in [one for one in (*inventory.disks, *inventory.nics) if one.id not in virtio]:
        if isinstance(device, Disk):
            model = _scsi_model(resolved, device) if device.bus == "scsi" else f"bus:{device.bus}"
            if device.bus != "fdc" and not model.startswith("scsi:virtio"):
                yield device, model
        elif isinstance(device, Nic) and device.type not in ("hostdev", "vdpa") and device.model:
            yield device, device.model


def _scsi_model(resolved: Resolved, disk: Disk) -> str:
    number = disk.address.controller if isinstance(disk.address, DriveAddress) else 0
    models = (
        device.model
        for device in resolved.inventory.controllers
        if device.type == "scsi" and device.index == number
    )
    return f"scsi:{next(models, None) or 'unknown'}"


def _uses_scsi(resolved: Resolved) -> bool:
    """Whether a disk or a host device is on a SCSI bus."""
    inventory = resolved.inventory
    return any(disk.bus == "scsi" for disk in inventory.disks) or any(one.type == "scsi" for one in inventory.hostdevs)
