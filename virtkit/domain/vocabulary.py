"""The attribute values that a libvirt release accepts, from ``data/libvirt/accepted-values.csv``."""

from __future__ import annotations

from functools import cache

from virtkit import facts
from virtkit.releases import Release, in_release

__all__ = ["accepted", "is_listed", "known_nic"]


@cache
def accepted(at: Release) -> dict[tuple[str, str], frozenset[str]]:
    """For each (element, attribute) the values that a libvirt release accepts."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in facts.table("libvirt/accepted-values.csv"):
        if in_release(row, at):
            found.setdefault((row["element"], row["attribute"]), set()).update(row["value"].split())
    return {key: frozenset(values) for key, values in found.items()}


def is_listed(element: str, attribute: str) -> bool:
    """Whether any release accepts a value of an attribute."""
    rows = facts.table("libvirt/accepted-values.csv")
    return any((row["element"], row["attribute"]) == (element, attribute) for row in rows)


@cache
def _nics() -> dict[str, str]:
    return {
        row["variant"].lower(): row["variant"]
        for row in facts.table("libvirt/connect-types.csv")
        if row["kind"] == "interface" and row["variant"] != "*"
    }


def known_nic(name: str) -> str:
    """libvirt's spelling of a NIC model that it lists, compared without case; any other name is returned as it is."""
    return _nics().get(name.lower(), name)
