"""Every row of the tables under data/qemu keeps its table's form and says where it is from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.writing import RELEASES
from virtkit import facts
from virtkit.host import Host

TABLES = (
    "watched", "capability-flags", "domcaps", "interface-rules", "interface-refusals", "port-io",
    "modules", "port-io-windows",
)  # fmt: skip
VERSION = re.compile(r"(\d+\.\d+(\.\.\d+\.\d+)?)?")
ARCHES = {"aarch64", "arm", "i386", "loongarch64", "ppc64", "riscv32", "riscv64", "s390x", "x86_64"}


def known_devices() -> set[str]:
    """Every device type of every shipped emulator."""
    found: set[str] = set()
    for libvirt in RELEASES:
        host = Host.default(libvirt)
        for arch in host.architectures:
            emulator = host.emulator(arch)
            assert emulator is not None
            found |= emulator.devices
    return found


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_a_source(name: str) -> None:
    """And the README names the table."""
    rows = facts.table(f"qemu/{name}.csv")
    assert rows
    assert [row for row in rows if not row["source"].strip()] == []
    assert f"`{name}.csv`" in facts.path("qemu/README.md").read_text()


@pytest.mark.parametrize("name", TABLES)
def test_bounds_are_versions_and_architectures_are_qemu_s(name: str) -> None:
    """since, until and the like are MAJOR.MINOR or empty."""
    for row in facts.table(f"qemu/{name}.csv"):
        for column in ("since", "until", "machine_first", "machine_last", "qemu_since", "qemu_before"):
            assert VERSION.fullmatch(row.get(column, ""))
        assert set(row.get("arches", "").split()) <= ARCHES
        assert set(row.get("arch", "").replace("*", "").split()) <= ARCHES


def test_device_types_exist() -> None:
    """A driver that no shipped QEMU has is a misspelling."""
    known = known_devices()
    rows = [
        *(driver for row in facts.table("qemu/capability-flags.csv") for driver in row["drivers"].split()),
        *(driver for row in facts.table("qemu/domcaps.csv") for driver in row["needs"].split()),
        *(row["driver"] for row in facts.table("virtio/kinds.csv")),
        *(name for row in facts.table("qemu/modules.csv") for name in row["types"].split()),
    ]
    # vt82c686b-usb-uhci lives in QEMU's mips builds only.
    assert sorted(set(rows) - known - {"vt82c686b-usb-uhci"}) == []


def test_no_row_stands_twice() -> None:
    """Same flag and architecture, same domcaps value with the same bounds."""
    for name, key in (
        ("capability-flags", ("flag", "drivers", "property")),
        ("domcaps", ("element", "enum", "value", "since", "until")),
        ("watched", ("property",)),
        ("port-io", ("driver",)),
    ):
        keys = [tuple(row[column] for column in key) for row in facts.table(f"qemu/{name}.csv")]
        assert len(keys) == len(set(keys)), name


@pytest.mark.parametrize("file", sorted(facts.root().rglob("*.toml")), ids=lambda file: file.name)
def test_records_are_read_as_toml_says(file: Path) -> None:
    """Each file of records has the plain form that is read quickly, and gives what a TOML parser gives."""
    text = file.read_text(encoding="utf-8")
    assert facts._plain_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "[[a]]\nb = 1\nb = 2\n", "[[a]]\nb = {c = 1}\n", "[[a]]\nb = [\n1]\n", "[[a.b]]\n", "[a]\n", "[[a]]\nb = 'c'\n",
        "a = 1\n[[a]]\n", "[[a]]\nb=1\n", "[[a]]\nb = 1 # c\n", "[[a]]\nb = NaN\n",
    ],
)  # fmt: skip
def test_other_toml_is_left_to_the_parser(text: str) -> None:
    """Text that is not of the plain form, or is not TOML, is not read quickly."""
    assert facts._plain_toml(text) is None
