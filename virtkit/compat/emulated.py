"""The verdict on an emulated disk or network card, and what to use in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.compat.fallbacks import fallback, virtio_disk
from virtkit.compat.verdict import Evidence, Judgement, Verdict
from virtkit.guests.hardware import State, driven
from virtkit.guests.overrides import support

if TYPE_CHECKING:
    from virtkit.guests import Guest
    from virtkit.guests.hardware import Driven, Hardware

__all__ = ["advice_for", "judge_driver", "judge_emulated", "replacement"]


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
        reason = f"Not judged: no source says which guests drive {_named(model)}."
        return Judgement(Verdict.UNKNOWN, reason, "", Evidence.DB, guest.database)
    return judge_driver(known, driven(guest, known, overrides=overrides))


def _named(model: str) -> str:
    """A model without facts in words: "bus:xen", "scsi:ncr53c90" (or "scsi:unknown"), or the model of a NIC."""
    prefix, _, name = model.rpartition(":")
    if prefix == "bus":
        return f"disks on the bus '{name}'"
    if prefix == "scsi":
        return "SCSI controllers of an unknown model" if name == "unknown" else f"SCSI controllers of model '{name}'"
    return f"network cards of model '{name}'"


def judge_driver(known: Hardware, found: Driven) -> Judgement:
    """The verdict on an emulated device of which ``found`` says whether the guest drives it."""
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


def advice_for(known: Hardware | None, guest: Guest | None, family: str, overrides: bool) -> str:
    """What to use in place of a device that the guest lacks a driver for."""
    if known is None:
        return ""
    kind = "net" if known.kind == "net" else "scsi" if known.name not in ("ide", "sata", "usb-storage") else "block"
    return replacement(kind, guest, family, overrides)


def replacement(kind: str, guest: Guest | None, family: str, overrides: bool) -> str:
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
