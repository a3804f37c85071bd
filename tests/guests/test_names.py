"""The names that people use for guest operating systems: spellings, major releases, appliances, kernels."""

from __future__ import annotations

import subprocess
import sys

import pytest

from virtkit import facts, guests
from virtkit.errors import GuestError
from virtkit.guests import catalogue
from virtkit.guests.appliances import appliances
from virtkit.guests.kernels import kernel_guest
from virtkit.guests.overrides import support


@pytest.mark.parametrize(
    ("name", "guest"),
    [
        ("Windows Server 2022", "win2k22"),
        ("Microsoft Windows 11 Pro", "win11"),
        ("windows10", "win10"),
        ("Windows Server 2012 R2 Standard", "win2k12r2"),
        ("w2k19", "win2k19"),
        ("RHEL 8.6 (64-bit)", "rhel8.6"),
        ("Red Hat Enterprise Linux 7.9", "rhel7.9"),
        ("sles 15 sp4", "sle15sp4"),
        ("Leap 15.5", "opensuse15.5"),
        ("bookworm", "debian12"),
        ("ubuntu2204", "ubuntu22.04"),
        ("rhel_8_6", "rhel8.6"),
        ("windows2019srv_64Guest", "win2k19"),
        ("http://debian.org/debian/12", "debian12"),
    ],
)
def test_another_spelling_is_the_same_system(name: str, guest: str) -> None:
    """A spelling that names one system exactly needs no note."""
    found = guests.find(name)
    assert (found.id, found.note) == (guest, "")


@pytest.mark.parametrize(
    ("name", "guest"),
    [
        ("rhel8", "rhel8.10"),
        ("rhel9", "rhel9.7"),
        ("centos6", "centos6.10"),
        ("freebsd13", "freebsd13.4"),
        ("freebsd-13", "freebsd13.4"),
        ("debian", "debian13"),
        ("opensuse", "opensuse16.0"),
        ("rhel8_64Guest", "rhel8.10"),
        ("Ubuntu 22.04.3 LTS", "ubuntu22.04"),
        ("CentOS 7.9", "centos7.0"),
        ("windows", "win11"),
    ],
)
def test_an_inexact_name_says_what_it_was_taken_for(name: str, guest: str) -> None:
    """A major release, a distribution or an update is taken for the nearest record, and the note names it."""
    found = guests.find(name)
    assert found.id == guest
    assert f"'{name}'" in found.note
    assert guest in found.note
    assert found == guests.find(guest), "the note takes no part in comparisons"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("rehl6", "rhel6.10"),
        ("rhel99", "rhel10.1"),
        ("rhel 9.9", "rhel9.7"),
        ("http://redhat.com/rhel/9.9", "rhel9.7"),
        ("widnows 10", "win10"),
        ("ubunut 22.04", "ubuntu22.04"),
        ("debain", "debian13"),
        ("22.04", "ubuntu22.04"),
    ],
)
def test_the_first_suggestion_has_the_meaning(name: str, first: str) -> None:
    """Suggestions rank by distribution, then by release, then by age."""
    with pytest.raises(GuestError, match=f"nearest: {first}") as caught:
        guests.find(name)
    assert not name.startswith("rhel") or "rhl" not in str(caught.value)


def test_a_name_that_resembles_nothing_has_no_suggestion() -> None:
    """Nothing is suggested for a name that resembles none."""
    message = r"^no guest OS called 'xyzzy' in osinfo-db 20260517; virtkit guests lists them$"
    with pytest.raises(GuestError, match=message):
        guests.find("xyzzy")


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("OPNsense 19.1", "freebsd11.2"),
        ("opnsense-24.7.3", "freebsd14.1"),
        ("opnsense 20", "freebsd12.1"),
        ("pfsense 2.4.4-p3", "freebsd11.2"),
        ("vyos 1.3", "linux-5.4"),
        ("Home Assistant OS 13.2", "linux-6.6"),
    ],
)
def test_an_appliance_is_judged_by_its_system(name: str, base: str) -> None:
    """An appliance has the drivers of the system that it is built on, and the note names system and source."""
    found = guests.find(name)
    assert found.id == base
    assert "is built on" in found.note
    assert "source: " in found.note


@pytest.mark.parametrize(
    "name", ["pfsense 2.7", "truenas", "OpenWrt 23.05", "esxi", "routeros 7", "macos 14", "sonoma", "opnsense 99.1"]
)
def test_an_appliance_of_unknown_system_is_unknown(name: str) -> None:
    """Where no source names the system, every driver is unknown, and the note says how to get an answer."""
    found = guests.find(name)
    assert all(support(found, kind).unknown for kind in guests.KINDS)
    assert "are unknown" in found.note
    assert "name that as the guest" in found.note


def test_the_osinfo_id_of_a_newer_macos_is_that_appliance() -> None:
    """A domain's metadata for a macOS that the database lacks is not mistaken for another system."""
    found = guests.find("http://apple.com/macosx/10.14")
    assert found.name == "macOS 10.14"
    assert support(found, "net").unknown


@pytest.mark.parametrize(
    ("kernel", "kind", "legacy", "modern"),
    [
        ("linux-2.6.32", "net", True, False),
        ("linux-3.10", "scsi", True, False),
        ("linux-3.2", "scsi", False, False),
        ("linux-5.10", "net", True, True),
        ("linux-5.10", "mem", False, True),
        ("linux-4.4", "vsock", False, False),
        ("kernel 6.6.8", "gpu", False, True),
    ],
)
def test_a_kernel_has_the_drivers_of_mainline(kernel: str, kind: str, legacy: bool, modern: bool) -> None:
    """A driver of mainline counts on the condition that the kernel is built with it."""
    answer = support(guests.find(kernel), kind)
    assert (answer.legacy, answer.modern, answer.unknown) == (legacy, modern, False)
    assert answer.condition.startswith("the kernel is built with CONFIG_") is (legacy or modern)


@pytest.mark.parametrize(("kernel", "kind"), [("linux-5.6", "mem"), ("linux-4.2", "gpu"), ("linux-5.13", "sound")])
def test_a_kernel_between_two_known_ones_is_unknown(kernel: str, kind: str) -> None:
    """Where sources name only a kernel without and a later one with the driver, the kernels between are unknown."""
    assert support(guests.find(kernel), kind).unknown


def test_a_selection_takes_the_same_names() -> None:
    """Parts between commas may hold blanks when they name one guest; kernels come last."""
    chosen = catalogue().select("linux-5.10, Windows Server 2022, rhel6.1* win10")
    assert [guest.id for guest in chosen] == ["rhel6.1", "rhel6.10", "win10", "win2k22", "linux-5.10"]


def test_every_name_of_the_tables_leads_to_its_guest() -> None:
    """No row of names.csv is hidden by another rule, and no stem leads nowhere."""
    for row in facts.table("guests/names.csv"):
        for name in row["names"].split(";"):
            assert guests.find(name).id == row["guest"], name
    for row in facts.table("guests/stems.csv"):
        assert guests.find(row["name"] + " 15" if "sle" in row["stems"] else row["name"]).id, row["name"]


def test_every_base_of_an_appliance_is_known() -> None:
    """The base of an appliance is a guest of the database or a kernel."""
    for records in appliances().values():
        for record in records:
            assert not record.base or record.base in catalogue().names or kernel_guest(record.base), record


def test_guests_are_found_without_another_import() -> None:
    """``vk.guests.find`` works right after ``import virtkit``."""
    code = "import virtkit as vk; print(vk.guests.find('rhel8').id)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "rhel8.10\n"
