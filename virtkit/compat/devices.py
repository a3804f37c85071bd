"""The verdict on each virtio device, disk and network card of a resolved domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.compat.boot_disk import boot_device
from virtkit.compat.emulated import replacement
from virtkit.compat.fallbacks import is_optional
from virtkit.compat.nic_models import refused_models
from virtkit.compat.review import Finding
from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Disk, Nic
from virtkit.errors import GuestError
from virtkit.guests.kinds import database_kind
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
    from virtkit.virtio.devices import VirtioDevice

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
    machine, boot = resolved.machine, boot_device(resolved)
    found = []
    for device in resolved.virtio_devices:
        judgement, interface = judge.virtio(device, machine)
        judgement = clashes.get(device.id, judgement)
        kind = database_kind(device.kind)
        found.append(
            _finding(
                device,
                judgement,
                kind=kind,
                model=device.model,
                address=device.address,
                location=device.location or device.transport,
                interface=interface,
                device_id=device.shown.device_id if device.shown else "",
                boot=judge.boot(kind) if device.device is boot and judgement.good else "",
                harmless=is_optional(kind) or (device.kind == "scsi" and not _uses_scsi(resolved)),
            )
        )
    return tuple(found)


def emulated_findings(resolved: Resolved, judge: Judge, clashes: Mapping[str, Judgement]) -> tuple[Finding, ...]:
    """The verdict on every disk and NIC that is no virtio device, in libvirt's order; ``clashes`` as for ``findings``.

    A disk is judged by the controller that it is attached to. A disk on a virtio controller has the verdict of that
    controller, and host devices are left out. Source: data/guests/emulated.toml, osinfo-db.
    """
    devices = list(_emulated_devices(resolved))
    if not devices:
        return ()
    found, family = [], resolved.family
    refusals = refused_models(resolved)
    for device, model in devices:
        judgement, advice = judge.emulated(model, family)
        if device.id in refusals:
            judgement = refusals[device.id]
            advice = replacement("net", judge.guest, family, judge.overrides)
        if device.id in clashes:
            judgement, advice = clashes[device.id], ""
        found.append(
            _finding(
                device,
                judgement,
                kind="block" if isinstance(device, Disk) else "net",
                model=model.removeprefix("bus:").removeprefix("scsi:"),
                address="" if device.address is None else str(device.address),
                interface="emulated",
                harmless=isinstance(device, Disk) and device.device in _REMOVABLE,
                advice=advice,
            )
        )
    return tuple(found)


def _finding(
    device: Device | VirtioDevice,
    judgement: Judgement,
    *,
    kind: str,
    model: str,
    address: str,
    interface: str,
    harmless: bool,
    location: str = "",
    device_id: str = "",
    advice: str = "",
    boot: str = "",
) -> Finding:
    """The finding that a judgement on a device makes; the names are those of Finding."""
    return _made(
        device.id, device.label, kind, model, address, location, interface, device_id, device.line or None,
        judgement.verdict, judgement.reason, judgement.condition, judgement.evidence, judgement.source, harmless,
        "", "", False, advice, boot,
    )  # fmt: skip


def _emulated_devices(resolved: Resolved) -> Iterator[tuple[Device, str]]:
    """Each emulated disk and NIC with its name in emulated-hardware.csv."""
    virtio = {device.id for device in resolved.virtio_devices}
    inventory = resolved.inventory
    for device in (*inventory.disks, *inventory.nics):
        if device.id in virtio:
            continue
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
