"""Which words libvirt takes where: the accepted values of one release, from ``data/libvirt/accepted-values.csv``."""

from __future__ import annotations

from functools import cache

from virtkit import facts
from virtkit.releases import Release, in_release

__all__ = ["accepted", "is_listed", "known_nic"]


@cache
def accepted(at: Release) -> dict[tuple[str, str], frozenset[str]]:
    """For (element, attribute) the values that libvirt of that release takes."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in facts.table("libvirt/accepted-values.csv"):
        if in_release(row, at):
            found.setdefault((row["element"], row["attribute"]), set()).update(row["value"].split())
    return {key: frozenset(values) for key, values in found.items()}


def is_listed(element: str, attribute: str) -> bool:
    """Whether some release takes values of an attribute."""
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
    """libvirt's own spelling of a NIC model it lists, whatever the case; any other name as it is."""
    return _nics().get(name.lower(), name)
