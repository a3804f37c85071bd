"""What to use in place of a virtio device that a guest cannot drive."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.guests.hardware import State, driven, hardware
from virtkit.guests.overrides import support

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.guests import Guest
    from virtkit.guests.hardware import Hardware

__all__ = ["emulated_nic", "fallback", "is_optional", "virtio_disk"]


def emulated_nic(guest: Guest, family: str) -> str:
    """The emulated NIC model to give a guest: the first listed one that the machine family has, else its usual one.

    "" for a machine family without any. Source: data/guests/nics.csv.
    """
    rows = facts.table("guests/nics.csv")
    listed = (row["model"] for row in rows if row["device"] in guest.devices and family in row["families"].split())
    usual = (row["model"] for row in rows if family in row["default"].split())
    return next(listed, "") or next(usual, "")


def fallback(kind: str, guest: Guest, family: str) -> str:
    """What to write in place of a virtio device that the guest drives with no model; "" where nothing replaces it.

    ``family`` is a machine family (``Resolved.family``). A disk never goes to a controller that the guest is known to
    lack a driver for; one on virtio-scsi goes to virtio before that.
    Sources: data/guests/fallbacks.csv, data/guests/emulated.toml.
    """
    for n, row in enumerate(_rows(kind, family)):
        if row["hardware"] and driven(guest, _controllers()[row["hardware"]]).state is State.ABSENT:
            continue
        return (virtio_disk(guest, family) if n and kind == "scsi" else "") or row["advice"].replace(
            "{nic}", emulated_nic(guest, family)
        )
    return virtio_disk(guest, family) if kind == "scsi" else ""


def _rows(kind: str, family: str) -> list[Mapping[str, str]]:
    rows = (row for row in facts.table("guests/fallbacks.csv") if kind in row["kinds"].split())
    return [row for row in rows if not row["families"] or family in row["families"].split()]


@cache
def _controllers() -> dict[str, Hardware]:
    return {one.name: one for one in hardware().values()}


def virtio_disk(guest: Guest, family: str, *, overrides: bool = True) -> str:
    """How to write a disk that the guest's virtio-blk driver serves, with its condition; "" without such a driver."""
    answer = support(guest, "block", overrides=overrides)
    modern = answer.modern or answer.modern_addon
    if not modern and not (answer.legacy or answer.legacy_addon):
        return ""
    advice = "put the disk on bus='virtio' (target dev='vda')"
    if not modern and family == "q35":
        advice += ", model='virtio-transitional'"
    condition = answer.modern_condition if modern else answer.condition
    return f"{advice}; it works if {condition}" if condition else advice


@cache
def is_optional(kind: str) -> bool:
    """Whether a guest runs as well without a device of this kind. Source: data/guests/fallbacks.csv."""
    rows = facts.table("guests/fallbacks.csv")
    return any(kind in row["kinds"].split() and row["optional"] == "yes" for row in rows)
