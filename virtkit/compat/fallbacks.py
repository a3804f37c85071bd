"""What to use in place of a virtio device that a guest cannot drive."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts

if TYPE_CHECKING:
    from virtkit.guests import Guest

__all__ = ["emulated_nic", "fallback", "is_optional"]


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

    ``family`` is a machine family (``Resolved.family``). Source: data/guests/fallbacks.csv.
    """
    for row in facts.table("guests/fallbacks.csv"):
        if kind in row["kinds"].split() and (not row["families"] or family in row["families"].split()):
            return row["advice"].replace("{nic}", emulated_nic(guest, family))
    return ""


@cache
def is_optional(kind: str) -> bool:
    """Whether a guest runs as well without a device of this kind. Source: data/guests/fallbacks.csv."""
    rows = facts.table("guests/fallbacks.csv")
    return any(kind in row["kinds"].split() and row["optional"] == "yes" for row in rows)
