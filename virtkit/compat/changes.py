"""The smallest changes that make failing virtio devices work, and the domain with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from virtkit.compat.conversion.models import models_of, resolve_with_models, text_with_models
from virtkit.compat.fallbacks import fallback
from virtkit.compat.judges import judge_of
from virtkit.compat.qemu_options import LARGEST_INDEX, option_refusal, turned_on
from virtkit.compat.verdict import Verdict, offered
from virtkit.errors import Refused
from virtkit.guests.overrides import support
from virtkit.topology.port_io import budget
from virtkit.virtio.interface import Interface
from virtkit.virtio.kinds import MODELS

if TYPE_CHECKING:
    from collections.abc import Collection

    from virtkit.compat.review import Finding, Review
    from virtkit.guests import Guest
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["fixed", "with_emulated_remedies", "with_remedies"]

_OWN_INDEX = f"give each device its own <acpi index='…'/>, from 1 to {LARGEST_INDEX}"


def with_remedies(
    resolved: Resolved,
    guest: Guest,
    findings: tuple[Finding, ...],
    overrides: bool,
    clashes: Collection[str],
) -> tuple[Finding, ...]:
    """The findings; each failing one with the first model that makes the device work, or with other advice.

    Every model is tried by resolving the domain with it. ``clashes`` are the devices of ``clashing_index``.
    """
    if not clashes and Verdict.FAILS not in [one.verdict for one in findings]:
        return findings
    result = [replace(one, advice=_OWN_INDEX) if one.device in clashes else one for one in findings]
    for model in MODELS:
        _try_model(resolved, guest, result, model, overrides)
    _save_port_io(resolved, guest, result, overrides)
    for n, finding in enumerate(result):
        if finding.verdict is Verdict.FAILS and not finding.better and not finding.advice:
            advice = _advice(finding, guest, resolved.family, overrides)
            advice = _on_options(resolved.virtio_devices[n], finding, guest, overrides) or advice
            result[n] = replace(finding, advice=advice)
    return tuple(result)


def with_emulated_remedies(
    resolved: Resolved, guest: Guest, findings: tuple[Finding, ...], overrides: bool
) -> tuple[Finding, ...]:
    """The findings on emulated devices; each NIC and SCSI disk that fails with the virtio model that makes it work.

    Every model is tried by resolving the domain with it.
    """
    result = list(findings)
    for n, finding in enumerate(result):
        if finding.verdict is not Verdict.FAILS or not finding.advice.startswith("use "):
            continue
        for model in ("virtio", "virtio-transitional"):
            change = _emulated_change(resolved, guest, finding, model, overrides)
            if change:
                result[n] = replace(finding, change=change, better=model, advice="")
                break
    return tuple(result)


def _emulated_change(resolved: Resolved, guest: Guest, finding: Finding, model: str, overrides: bool) -> str:
    """The change of a NIC, or of the SCSI controller of a disk, to ``model`` in words; "" where it does not help."""
    try:
        tried = resolve_with_models(resolved, {}, emulated={finding.device: model})
    except Refused:
        return ""
    before = {device.id for device in resolved.virtio_devices}
    kind = "net" if finding.kind == "net" else "scsi"
    for device in tried.virtio_devices:
        if device.kind != kind or (device.id in before):
            continue
        said = judge_of(guest, "", overrides).virtio(device)
        judgement = said.judgement
        if not judgement.good:
            return ""
        spelled = "virtio-scsi" if kind == "scsi" and model == "virtio" else model
        change = f"<controller type='scsi' model='{spelled}'/>" if kind == "scsi" else f"<model type='{spelled}'/>"
        needs = f"; it works if {judgement.condition}" if judgement.condition else ""
        return f"{change} (the device then offers {offered(Interface(said.offered))}, at {_place(device)}{needs})"
    return ""


def _try_model(resolved: Resolved, guest: Guest, result: list[Finding], model: str, overrides: bool) -> None:
    """Notes ``model`` as the remedy of those failing devices that work with it."""
    devices = resolved.virtio_devices
    candidates = [
        n
        for n, finding in enumerate(result)
        if finding.verdict is Verdict.FAILS
        and not finding.better
        and not finding.advice
        and finding.model != model
        and model in models_of(devices[n])
    ]
    judge = judge_of(guest, "", overrides)
    # No placement helps a device that the guest does not drive with this model anywhere.
    on_pci = not resolved.domain.by_hand.settings and all(devices[n].transport == "pci" for n in candidates)
    if not candidates or (on_pci and not any(judge.may_drive(devices[n].kind, model) for n in candidates)):
        return
    try:
        tried = resolve_with_models(resolved, dict.fromkeys(candidates, model))
    except Refused:
        return
    if len(tried.virtio_devices) != len(devices):
        return
    for n in candidates:
        device = tried.virtio_devices[n]
        said = judge.virtio(device)
        if said.judgement.good:
            result[n] = _changed(result[n], device, model, said.offered)


def _changed(finding: Finding, device: VirtioDevice, model: str, interface: str, moved: bool = False) -> Finding:
    """The finding with the change of its model to that of ``device``, and the change in words."""
    spelled = "virtio-scsi" if model == "virtio" and device.kind == "scsi" else model
    change = f"<model type='{spelled}'/>" if device.kind == "net" else f"model='{spelled}'"
    change += ", without <address>" if moved else ""
    change += f" (the device then offers {offered(Interface(interface))}, at {_place(device)})"
    return replace(finding, change=change, better=model, moved=moved)


def _place(device: VirtioDevice) -> str:
    """The class of the device's slot, or its address on another transport than PCI."""
    return device.location or device.address or device.transport


def _save_port_io(resolved: Resolved, guest: Guest, result: list[Finding], overrides: bool) -> None:
    """Also removes the written addresses when the changed models would need more port I/O windows than there are.

    libvirt then puts the devices on a bridge, where they share one window. Source: ``virtkit.topology.port_io``.
    """
    models = {n: finding.better for n, finding in enumerate(result) if finding.better}
    if not models or not budget(resolve_with_models(resolved, models).topology).exceeded:
        return
    tried = resolve_with_models(resolved, models, models)
    devices = tried.virtio_devices
    if len(devices) != len(result) or budget(tried.topology).exceeded:
        return
    judged = {n: judge_of(guest, "", overrides).virtio(devices[n]) for n in models}
    if all(said.judgement.good for said in judged.values()):
        for n, said in judged.items():
            result[n] = _changed(result[n], devices[n], models[n], said.offered, moved=True)


def _on_options(device: VirtioDevice, finding: Finding, guest: Guest, overrides: bool) -> str:
    """What to do about an option that leaves the guest without a driver; "" when no option is the cause."""
    shown = device.shown.interface if device.shown is not None else None
    refusal = None if shown is None else option_refusal(device, shown)
    answer = support(guest, finding.kind, overrides=overrides)
    old = (answer.legacy or answer.legacy_addon) and not (answer.modern or answer.modern_addon)
    if not old or turned_on(device.device, "iommu") != "on" or device.location is None:
        return "" if refusal is None else refusal[1]
    return (
        "remove iommu='on', and use virtio-transitional: with iommu='on' QEMU accepts only devices without the legacy "
        f"interface, and the guest has no {finding.kind} driver at all for those"
    )


def _advice(finding: Finding, guest: Guest, family: str, overrides: bool) -> str:
    """What else helps where no model does."""
    if not finding.harmless:
        return fallback(finding.kind, guest, family)
    answer = support(guest, finding.kind, overrides=overrides)
    driven = answer.any or answer.legacy_addon or answer.modern_addon
    why = "the guest runs without it" if driven else "this guest has no driver for it"
    remedy = "remove the controller" if finding.kind == "scsi" else fallback(finding.kind, guest, family)
    return f"not needed: {why}; {remedy}"


def fixed(resolved: Resolved, review: Review) -> str:
    """The text of a reviewed domain with the changes of its review, everything else character for character."""
    findings = list(enumerate(review.findings))
    models = {n: finding.better for n, finding in findings if finding.better}
    emulated = {finding.device: finding.better for finding in review.emulated if finding.better}
    return text_with_models(resolved, models, {n for n, finding in findings if finding.moved}, emulated)
