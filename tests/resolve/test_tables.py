"""The tables of ``data/libvirt``: whole, sourced, and of one mind with each other. One test for each rule."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from re import findall
from typing import Any

import pytest

import virtkit
from virtkit import facts
from virtkit.domain.devices import (
    Chardev,
    Controller,
    Disk,
    Filesystem,
    Hostdev,
    Input,
    Memory,
    Nic,
    Video,
)
from virtkit.errors import FactsError
from virtkit.releases import NEWEST, OLDEST, PROBED, bounds, in_release
from virtkit.resolution.constraints.conditions import terms_of
from virtkit.resolution.constraints.options import NUMBERS, PATTERNS

TABLES = sorted(path.stem for path in facts.path("libvirt").glob("*.csv"))
SOURCES = ("observed: libvirt ", "observed: QEMU ", "libvirt", "QEMU ", "Proxmox VE, ", "the domain itself")
KEYS = {
    "behaviours": ["name"],
    "chipset-slots": ["chipset", "part"],
    "machine-features": ["feature"],
    "needed-drivers": ["kind", "model", "types"],
    "manual-slots": ["families", "location"],
    "pci-controllers": ["model"],
    "qemu-drivers": ["kind", "model"],
    "rules": ["rule"],
}


def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a table."""
    return facts.table(f"libvirt/{name}.csv")


def families() -> tuple[dict[str, Any], ...]:
    """The records of machine families."""
    return facts.records("libvirt/machines.toml", "family")


def accepted(element: str, attribute: str) -> set[str]:
    """Every value some release takes."""
    return {
        value
        for row in rows("accepted-values")
        if (row["element"], row["attribute"]) == (element, attribute)
        for value in row["value"].split()
    }


@pytest.mark.parametrize("name", TABLES)
def test_every_fact_has_a_source(name: str) -> None:
    """An observation with its release, a libvirt document, or QEMU's own answer."""
    for row in rows(name):
        assert row["source"].startswith(SOURCES), row


#: introduced.csv is about releases older than every known one; tests/machines checks it.
@pytest.mark.parametrize("name", [name for name in TABLES if "since" in rows(name)[0] and name != "introduced"])
def test_releases_are_in_order(name: str) -> None:
    """since comes before until."""
    for row in rows(name):
        cells = [bounds(row[column]) for column in ("since", "until") if row.get(column)]
        assert cells == sorted(cells), row
        for low, high in cells:
            assert OLDEST <= low <= high <= NEWEST, row
            assert low == high or {low, high} <= {*PROBED}, row


@pytest.mark.parametrize(("name", "key"), KEYS.items())
def test_no_fact_is_stated_twice(name: str, key: list[str]) -> None:
    """One row for one thing."""
    counts = Counter(tuple(row[part] for part in key) for row in rows(name))
    assert [one for one, count in counts.items() if count > 1] == []


def test_connect_types_are_known() -> None:
    """Each names a kind of slot; one row holds for each variant in any release."""
    spans: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows("connect-types"):
        assert row["type"].removesuffix("+") in ("conventional", "express", "machine", "virtio", "none"), row
        spans.setdefault((row["kind"], row["variant"]), []).append(row)
    for key, found in spans.items():
        for at in (*PROBED, (10, 0), (12, 0)):
            holding = [row for row in found if in_release(row, at)]
            assert len(holding) <= 1, (key, at)


def test_models_are_those_that_libvirt_takes() -> None:
    """Tables that name models name none that the reader would refuse."""
    assert {row["model"] for row in rows("pci-controllers")} == accepted("controller:pci", "model")
    for family in families():
        for record in (family, *family.get("change", ())):
            for field, element, attribute in (
                ("scsi", "controller:scsi", "model"),
                ("usb_model", "controller:usb", "model"),
                ("video", "video", "type"),
                ("balloon", "memballoon", "model"),
                ("watchdog", "watchdog", "model"),
                ("panic", "panic", "model"),
            ):
                found = record.get(field, [])
                names = set(found if isinstance(found, list) else [found]) - {"", "default"}
                assert names <= accepted(element, attribute), (family["name"], field)


def test_controllers_accept_what_some_device_plugs_in_as() -> None:
    """And every kind of plug has a place somewhere."""
    plugs = {row["plugs"] for row in rows("pci-controllers")} - {"none"} | {"conventional", "express"}
    taken = {word for row in rows("pci-controllers") for word in row["accepts"].split()}
    # A downstream port is a plug of its own model.
    assert taken == plugs
    for row in rows("pci-controllers"):
        assert 0 <= int(row["first"]) <= int(row["last"]) <= 31, row
        assert {row[column] for column in ("auto", "aggregates", "hotplug")} <= {"yes", "no"}, row


def test_families_are_named_alike_everywhere() -> None:
    """A feature of a machine family names one that is there, or an architecture."""
    known = {family["name"] for family in families()} | {arch for family in families() for arch in family["arch"]}
    for row in rows("machine-features"):
        assert set(row["families"].split()) <= known, row
        assert row["feature"].partition("/")[0].partition("@")[0] in accepted("features", "child"), row


DEVICES = {
    *("disk", "controller", "interface", "hostdev", "filesystem", "video", "graphics", "sound", "audio", "input"),
    *("serial", "parallel", "console", "channel", "smartcard", "redirdev", "redirfilter", "watchdog", "panic", "rng"),
    *("memballoon", "memory", "shmem", "tpm", "iommu", "vsock", "crypto", "pstore", "lease"),
}


def test_options_have_a_known_form() -> None:
    """Words have a list of them, numbers and patterns none; each is an attribute of a device."""
    for row in rows("option-values"):
        form = row["form"].removesuffix("-or-empty")
        assert form == "word" or form in NUMBERS or form in PATTERNS, row
        assert bool(row["values"]) == (form == "word"), row
        assert set(row["elements"].split()) <= DEVICES, row
        assert all("@" in option for option in row["options"].split()), row
        terms_of(row["when"])


def test_conditions_are_well_formed() -> None:
    """Each names devices, asks fields that they have, and says what it means."""
    fields = {
        name
        for kind in (Disk, Controller, Nic, Hostdev, Video, Chardev, Input, Filesystem, Memory)
        for name in (*kind.__dataclass_fields__, "form")
    }
    for row in rows("constraints"):
        assert set(row["elements"].split()) <= DEVICES, row
        assert row["category"] in ("XML error", "unsupported configuration", "internal error"), row
        assert row["refusal"], row
        for term in terms_of(row["when"]):
            assert not term.path.startswith(".") or term.path[1:] in fields, row
        for place in findall(r"\{([^}]+)\}", row["refusal"]):
            assert terms_of(place), row


@pytest.mark.parametrize("text", ["a b!", "^weather=fine", "=x", ""])
def test_a_malformed_term_is_reported(text: str) -> None:
    """A slip in the table is an error of the facts, not a condition that never holds."""
    if not text:
        assert terms_of(text) == ()
        return
    with pytest.raises(FactsError, match="not a term of a condition"):
        terms_of(text)


def test_behaviours_are_those_the_code_asks_for() -> None:
    """None is dead, none is missing."""
    names = {row["name"] for row in rows("behaviours")}
    asked: set[str] = set()
    words: set[str] = set()
    for file in Path(virtkit.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        asked |= set(findall(r'"([a-z0-9-]+)" (?:not )?in (?:self\.)?(?:setting\.)?behaves\b', text))
        words |= set(findall(r'"([a-z0-9-]+)"', text))
    assert asked - names == set()
    assert names - words == set()
