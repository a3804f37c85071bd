"""The verdict on each virtio device of a resolved domain."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from virtkit.compat.boot_disk import boot_condition, boot_device
from virtkit.compat.boot_evidence import with_boot_evidence
from virtkit.compat.fallbacks import is_optional
from virtkit.compat.prober import shown_off_pci
from virtkit.compat.qemu_options import clashing_index, option_refusal
from virtkit.compat.review import Finding
from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge, qemu_refusal, refused
from virtkit.errors import GuestError
from virtkit.guests.kinds import database_kind
from virtkit.guests.overrides import support
from virtkit.guests.record import Guest
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

#: Kinds of graphics cards that are also standard VGA cards.
_VGA = frozenset({"vga", "vu-vga"})
_AS_VGA = "The guest is not known to drive virtio-gpu; as this device is also a VGA card, the guest has a picture."
_VGA_SOURCE = "QEMU documentation, virtio-gpu: virtio-vga is the variant with VGA compatibility"

__all__ = ["find_guest", "findings", "judge_device"]


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


def findings(resolved: Resolved, guest: Guest | None, why_unknown: str, overrides: bool) -> tuple[Finding, ...]:
    """The verdict on each virtio device, in order; ``why_unknown`` is the reason given when ``guest`` is None."""
    unused_scsi = not _uses_scsi(resolved)
    found = []
    boot = boot_device(resolved)
    clashes = clashing_index(resolved)
    for device in resolved.virtio_devices:
        judgement, interface = judge_device(device, resolved.machine, guest, why_unknown, overrides)
        judgement = clashes.get(device.id, judgement)
        kind = database_kind(device.kind)
        found.append(
            Finding(
                device=device.id,
                label=device.label,
                kind=kind,
                model=device.model,
                address=device.address,
                location=device.location or device.transport,
                interface=interface,
                device_id=device.shown.device_id if device.shown else "",
                line=device.line or None,
                verdict=judgement.verdict,
                reason=judgement.reason,
                condition=judgement.condition,
                evidence=judgement.evidence,
                source=judgement.source,
                boot=boot_condition(guest, kind) if guest and judgement.good and device.device is boot else "",
                harmless=is_optional(kind) or (device.kind == "scsi" and unused_scsi),
            )
        )
    return tuple(found)


def judge_device(
    device: VirtioDevice, machine: str, guest: Guest | None, why_unknown: str, overrides: bool
) -> tuple[Judgement, str]:
    """The verdict on one device and the interface that it offers, "refused" when QEMU refuses the device."""
    kind = database_kind(device.kind)
    shown = device.shown or shown_off_pci(device.transport, machine, device.kind, device.driver)
    if shown.interface is None:
        return refused(qemu_refusal(shown), Evidence.QEMU, shown.source), "refused"
    # A virtio-mmio transport serves drivers of both kinds: the rules of PCI do not apply there.
    mmio = device.transport == "virtio-mmio"
    interface = Interface.TRANSITIONAL if mmio else Interface(shown.interface)
    option = option_refusal(device, interface)
    if option is not None:
        return option[0], "refused"
    if guest is None:
        return Judgement(Verdict.UNKNOWN, why_unknown, "", Evidence.RULE, shown.source), interface.value
    judgement = judge(support(guest, kind, overrides=overrides), kind, interface, addons=overrides)
    if device.kind in _VGA and judgement.verdict in (Verdict.FAILS, Verdict.UNKNOWN):
        judgement = Judgement(Verdict.WORKS, _AS_VGA, "", Evidence.RULE, _VGA_SOURCE)
    judgement = replace(judgement, source=f"{judgement.source} | {shown.source}")
    location = device.location or ""
    return with_boot_evidence(judgement, guest.id, kind, machine, location, device.model), interface.value


def _uses_scsi(resolved: Resolved) -> bool:
    """Whether a disk or a host device is on a SCSI bus."""
    return any(
        (device.kind == "disk" and getattr(device, "bus", "") == "scsi")
        or (device.kind == "hostdev" and getattr(device, "type", "") == "scsi")
        for device in resolved.devices
    )
