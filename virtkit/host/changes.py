"""Changes of libvirt whose exact release is not known, because only a release before and one after were observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from virtkit import facts
from virtkit.releases import Release, dotted, is_uncertain

__all__ = ["Uncertain", "remark", "uncertain"]

#: For each table of ``data/libvirt`` with releases: what a row changes, and how the row is called.
_TABLES = (
    ("behaviours.csv", "behaviour", "{name}"),
    ("accepted-values.csv", "value", "{element}/@{attribute}={value}"),
    ("connect-types.csv", "slot type", "{kind} {variant}"),
    ("default-machines.csv", "default machine type", "{arch}"),
    ("constraints.csv", "refusal", "{elements}: {when}"),
    ("machine-features.csv", "refusal", "features/{feature}"),
    ("needed-drivers.csv", "refusal", "{kind} {model}"),
    ("option-values.csv", "option", "{elements}: {options}"),
)


class Uncertain(NamedTuple):
    """A change that a release may or may not have.

    ``subject`` is what changed ("behaviour", "machine family", "refusal", …), ``name`` says which one; ``since`` is the
    range: "11.3..12.8" is absent in 11.3 and present in 12.8.
    """

    subject: str
    name: str
    since: str


def uncertain(at: Release) -> tuple[Uncertain, ...]:
    """The changes that libvirt ``at`` may or may not have, each once; empty when every change was observed.

    >>> from virtkit.releases import DEFAULT
    >>> uncertain(DEFAULT)
    ()
    """
    found: dict[tuple[str, str], Uncertain] = {}
    for table, subject, name in _TABLES:
        for row in facts.table(f"libvirt/{table}"):
            if is_uncertain(row, at):
                one = Uncertain(subject, name.format_map(row), _range(row))
                found.setdefault(one[:2], one)
    for family in facts.records("libvirt/machines.toml", "family"):
        for change in (family, *family.get("change", ())):
            if is_uncertain(change, at):
                found.setdefault(
                    ("machine family", family["name"]), Uncertain("machine family", family["name"], change["since"])
                )
    return tuple(found.values())


def remark(at: Release) -> str:
    """One sentence that names the changes libvirt ``at`` may or may not have; "" when there are none."""
    groups: dict[str, list[str]] = {}
    for one in uncertain(at):
        groups.setdefault(one.subject, []).append(one.name)
    if not groups:
        return ""
    parts = [
        f"{subject} ({', '.join(names)})" if subject in ("behaviour", "machine family") else f"{subject} ({len(names)})"
        for subject, names in groups.items()
    ]
    return (
        f"it is unknown whether libvirt {dotted(at)} has these changes, so each is answered as in the nearest release "
        f"where it was observed: {', '.join(parts)}"
    )


def _range(row: Mapping[str, str]) -> str:
    return next(row[column] for column in ("since", "until") if ".." in row.get(column, ""))
