"""Drivers of Linux guests that the guest database does not list."""

from __future__ import annotations

import pytest

from virtkit import facts
from virtkit.compat.verdict import judge
from virtkit.guests import KINDS, catalogue
from virtkit.guests.hardware import hardware
from virtkit.guests.kernels import configured
from virtkit.guests.overrides import support
from virtkit.virtio.interface import Interface

find = catalogue().find


@pytest.mark.parametrize(
    ("guest", "kind", "legacy", "modern"),
    [
        ("rhel6.2", "scsi", False, False),
        ("rhel6.3", "scsi", True, False),
        ("rhel6.0", "rng", True, False),
        ("rhel7.2", "gpu", False, False),
        ("rhel7.3", "gpu", False, True),
        ("rhel7.1", "input", False, False),
        ("rhel8.8", "mem", False, False),
        ("rhel8.9", "mem", False, True),
        ("rhel8.5", "sound", False, False),
        ("rhel9.0", "sound", False, True),
        ("slackware13.0", "net", True, False),
        ("slackware14.1", "scsi", True, False),
        ("slackware14.2", "rng", True, True),
        ("ubuntu22.04", "sound", False, True),
        ("sles12sp5", "fs", False, False),
    ],
)
def test_the_configuration_of_the_kernel_decides(guest: str, kind: str, legacy: bool, modern: bool) -> None:
    """Where the database lists no driver, the configuration of the guest's kernel says whether there is one."""
    answer = support(find(guest), kind)
    assert (answer.legacy, answer.modern, answer.unknown) == (legacy, modern, False)
    assert answer.evidence == "override"
    assert "kernel configuration" in answer.source or "source/k/" in answer.source


@pytest.mark.parametrize(
    ("guest", "kind"),
    [
        ("alpinelinux3.20", "gpu"),
        ("slackware12.2", "net"),
        ("slackware12.2", "block"),
        ("manjaro", "vsock"),
        ("linux2024", "mem"),
        ("fedora23", "vsock"),
        ("ubuntu14.04", "gpu"),
    ],
)
def test_absence_in_the_database_is_not_no(guest: str, kind: str) -> None:
    """A driver that Linux had while the system lived, and that no source denies, is unknown."""
    answer = support(find(guest), kind)
    assert answer.unknown
    assert "no source says whether the kernel" in answer.remark


@pytest.mark.parametrize(
    ("guest", "kind"),
    [("debian7", "input"), ("debian9", "mem"), ("debian8", "vsock"), ("fedora3", "net"), ("mandriva2007", "gpu")],
)
def test_a_driver_that_is_younger_than_the_system_is_absent(guest: str, kind: str) -> None:
    """A system whose kernel, or whose whole life, is older than a driver does not have it."""
    answer = support(find(guest), kind)
    assert not answer.any
    assert not answer.unknown


@pytest.mark.parametrize(
    ("guest", "kind", "condition"),
    [
        ("centos7.0", "vsock", "7.4"),
        ("rocky8", "mem", "4.18.0-513"),
        ("ubuntu20.04", "mem", "hardware enablement kernel 5.15"),
        ("debian12", "gpu", "cloud-amd64"),
    ],
)
def test_an_id_that_stands_for_several_kernels_gives_a_condition(guest: str, kind: str, condition: str) -> None:
    """Where only some kernels of a system have a driver, the answer says which."""
    answer = support(find(guest), kind)
    assert answer.modern
    assert condition in answer.modern_condition


def test_without_corrections_the_database_alone_answers() -> None:
    """The strict rule does not read kernel configurations."""
    assert not support(find("rhel8.9"), "mem", overrides=False).modern
    assert not support(find("slackware14.1"), "net", overrides=False).unknown


def test_configurations_name_known_guests_and_options() -> None:
    """Every row is about guests of the database and options that some device asks for."""
    options = {row["option"].removeprefix("CONFIG_") for row in facts.table("guests/kernels.csv")}
    options |= {one.option for one in hardware().values()}
    for row in facts.table("guests/kernel-configs.csv"):
        assert all(find(guest).id == guest for guest in row["guests"].split())
        assert set(f"{row['has']} {row['lacks']}".split()) <= options
        assert not set(row["has"].split()) & set(row["lacks"].split())


def test_firm_answers_agree_with_the_configurations() -> None:
    """No correction and no entry of the database says yes where the configuration of the kernel says no."""
    options = {row["kind"]: row["option"].removeprefix("CONFIG_") for row in facts.table("guests/kernels.csv")}
    wrong = [
        (guest.id, kind)
        for guest in catalogue()
        if guest.family == "linux"
        for kind in KINDS
        if (found := configured(guest.id, options[kind])) and not found[0] and support(guest, kind).any
    ]
    assert wrong == []


def test_a_kernel_before_virtio_1_fails_on_a_modern_device_whatever_its_configuration() -> None:
    """Slackware 12.2 has Linux 2.6.27: a device with virtio 1.0 only fails, and a transitional one is unknown."""
    answer = support(find("slackware12.2"), "net")
    assert answer.unknown
    assert answer.legacy_only
    modern, both = (judge(answer, "net", one) for one in (Interface.MODERN, Interface.TRANSITIONAL))
    assert (modern.verdict, both.verdict) == ("fails", "unknown")
    assert modern.reason == "The device offers only virtio 1.0, which the guest's kernel is too old to support."
    assert not support(find("mandriva2007"), "net").legacy_only


def test_a_series_of_kernels_is_judged_by_its_first_release() -> None:
    """"linux-6" stands for Linux 6.0, whose drivers every later release of the series has; the note says so."""
    guest = find("linux-6")
    assert (guest.kernel, find("Kernel 5.x").kernel) == ("6.0", "5.0")
    assert guest.note.startswith("'linux-6' names no release and is taken as its first; the guest is judged by")
