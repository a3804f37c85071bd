"""The verdict on each emulated disk and network card of a resolved domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.compat.fallbacks import fallback, virtio_disk
from virtkit.compat.nic_models import refused_models
from virtkit.compat.qemu_options import clashing_index
from virtkit.compat.review import Finding
from virtkit.compat.verdict import Evidence, Judgement, Verdict
from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Controller, Disk, Nic
from virtkit.guests.hardware import State, driven, hardware
from virtkit.guests.overrides import support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.guests.hardware import Hardware
    from virtkit.resolved import Resolved

__all__ = ["emulated_findings", "judge_emulated"]

#: Media that a guest does without.
_REMOVABLE = frozenset({"cdrom", "floppy"})


def emulated_findings(
    resolved: Resolved, guest: Guest | None, why_unknown: str, overrides: bool
) -> tuple[Finding, ...]:
    """The verdict on every disk and NIC that is no virtio device, in libvirt's order.

    A disk is judged by the controller that it is attached to. A disk on a virtio controller has the verdict of that
    controller, and host devices are left out. Source: data/guests/emulated.toml, osinfo-db.
    """
    found = []
    clashes, refusals = clashing_index(resolved), refused_models(resolved)
    for device, model in _devices(resolved):
        known = hardware().get(model)
        judgement = judge_emulated(known, model, guest, why_unknown, overrides)
        advice = _advice(known, guest, resolved.family, overrides) if judgement.verdict is Verdict.FAILS else ""
        if device.id in refusals:
            judgement = refusals[device.id]
            advice = _replacement("net", guest, resolved.family, overrides)
        if device.id in clashes:
            judgement, advice = clashes[device.id], ""
        found.append(
            Finding(
                device=device.id,
                label=device.label,
                kind="block" if isinstance(device, Disk) else "net",
                model=model.removeprefix("bus:").removeprefix("scsi:"),
                address="" if device.address is None else str(device.address),
                location="",
                interface="emulated",
                device_id="",
                line=device.line or None,
                verdict=judgement.verdict,
                reason=judgement.reason,
                condition=judgement.condition,
                evidence=judgement.evidence,
                source=judgement.source,
                harmless=isinstance(device, Disk) and device.device in _REMOVABLE,
                advice=advice,
            )
        )
    return tuple(found)


def _devices(resolved: Resolved) -> Iterator[tuple[Device, str]]:
    """Each emulated disk and NIC with its name in emulated-hardware.csv."""
    virtio = {device.id for device in resolved.virtio_devices}
    for device in resolved.devices:
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
        for device in resolved.devices
        if isinstance(device, Controller) and device.type == "scsi" and device.index == number
    )
    return f"scsi:{next(models, None) or 'unknown'}"


def judge_emulated(
    known: Hardware | None, model: str, guest: Guest | None, why_unknown: str, overrides: bool
) -> Judgement:
    """The verdict on one emulated device; ``known`` is None for a model without facts, ``model`` its name in messages.

    ``why_unknown`` is the reason given when ``guest`` is None. Source: data/guests/emulated.toml, kernel-configs.csv,
    osinfo-db.
    """
    if guest is None:
        return Judgement(Verdict.UNKNOWN, why_unknown, "", Evidence.RULE, "")
    if known is None:
        reason = f"Not judged: no source says which guests drive {model.replace(':', ' ')}."
        return Judgement(Verdict.UNKNOWN, reason, "", Evidence.DB, guest.database)
    found = driven(guest, known, overrides=overrides)
    remark = f" {found.remark}" if found.remark else ""
    evidence = Evidence(found.evidence)
    if found.state is State.UNKNOWN:
        reason = f"Not judged: no source says whether this guest drives the {known.title}.{remark}"
        return Judgement(Verdict.UNKNOWN, reason, "", evidence, found.source)
    if found.state is State.ABSENT:
        return Judgement(
            Verdict.FAILS, f"The guest has no driver for the {known.title}.{remark}", "", evidence, found.source
        )
    warning = " Its vendor no longer maintains the driver." if found.state is State.UNMAINTAINED else ""
    on = " on this condition" if found.condition else ""
    reason = f"The guest has a driver for the {known.title}{on}.{warning}{remark}"
    verdict = Verdict.CONDITION if found.condition else Verdict.WORKS
    return Judgement(verdict, reason, found.condition, evidence, found.source)


def _advice(known: Hardware | None, guest: Guest | None, family: str, overrides: bool) -> str:
    """What to use in place of a device that the guest lacks a driver for."""
    if known is None:
        return ""
    kind = "net" if known.kind == "net" else "scsi" if known.name not in ("ide", "sata", "usb-storage") else "block"
    return _replacement(kind, guest, family, overrides)


def _replacement(kind: str, guest: Guest | None, family: str, overrides: bool) -> str:
    """The virtio device of a kind that the guest drives, else another one; "" when the guest is not known."""
    if guest is None:
        return ""
    if kind == "block":
        return virtio_disk(guest, family, overrides=overrides) or fallback(kind, guest, family)
    answer = support(guest, kind, overrides=overrides)
    modern = answer.modern or answer.modern_addon
    if not modern and not (answer.legacy or answer.legacy_addon):
        return fallback(kind, guest, family)
    plain = modern or family != "q35"
    if kind == "scsi":
        model = "virtio-scsi" if plain else "virtio-transitional"
        advice = f"use <controller type='scsi' model='{model}'/>"
    else:
        advice = f"use <model type='{'virtio' if plain else 'virtio-transitional'}'/>"
    condition = answer.modern_condition if modern else answer.condition
    return f"{advice}; it works if {condition}" if condition else advice
