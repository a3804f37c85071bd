"""Drivers of a virtio-win release that is stated to be installed."""

from __future__ import annotations

import pytest

from virtkit import facts
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.guests.overrides import support


@pytest.mark.parametrize(
    ("release", "guest", "kind", "legacy", "modern"),
    [
        ("0.1.285", "win10", "block", True, True),
        ("0.1.285", "winxp", "block", True, False),
        ("0.1.285", "winxp", "scsi", False, False),
        ("0.1.285", "win2k8", "rng", True, True),
        ("0.1.103", "win7", "net", True, False),
        ("0.1.126", "win7", "input", False, True),
        ("0.1.103", "win7", "input", False, False),
        ("0.1.285", "win11", "vsock", True, True),
        ("0.1.271", "win11", "vsock", False, False),
        ("0.1.262", "win10", "mem", False, True),
        ("0.1.248", "win10", "mem", False, False),
        ("0.1.285", "win7", "fs", False, False),
        ("0.1.285", "win11", "9p", False, False),
    ],
)
def test_a_release_has_the_drivers_of_its_time(release: str, guest: str, kind: str, legacy: bool, modern: bool) -> None:
    """A driver is there from its first release on, for the versions of Windows that it has binaries for."""
    answer = support(catalogue().with_virtio_win(release).find(guest), kind)
    assert (answer.legacy, answer.modern, answer.unknown) == (legacy, modern, False)


def test_a_system_that_is_newer_than_the_release_is_unknown() -> None:
    """Older binaries may run on a newer Windows; no source says."""
    assert support(catalogue().with_virtio_win("0.1.160").find("win11"), "net").unknown


def test_what_else_is_needed_stays_a_condition() -> None:
    """virtiofs needs WinFsp besides its driver."""
    answer = support(catalogue().with_virtio_win("0.1.285").find("win11"), "fs")
    assert answer.modern_condition == "WinFsp is installed"


def test_other_systems_are_as_before() -> None:
    """A virtio-win release changes nothing for guests that are not Windows."""
    with_drivers = catalogue().with_virtio_win("0.1.285")
    assert support(with_drivers.find("rhel6.10"), "net") == support(catalogue().find("rhel6.10"), "net")


@pytest.mark.parametrize("kind", ["mem", "vsock"])
def test_without_a_release_memory_and_sockets_are_a_condition(kind: str) -> None:
    """Windows 10 and 11 have drivers for memory devices and sockets in current releases of virtio-win."""
    for guest in ("win10", "win11"):
        answer = support(catalogue().find(guest), kind)
        assert answer.modern_addon
        assert answer.modern_condition.startswith("virtio-win 0.1.2")


@pytest.mark.parametrize("text", ["285", "0.1", "1.9.0", "0.1.60", "latest"])
def test_an_unknown_release_is_refused(text: str) -> None:
    """A release of another form, or one older than the oldest known, is refused."""
    with pytest.raises(UsageError, match="--virtio-win: "):
        catalogue().with_virtio_win(text)


def test_the_option_turns_a_condition_into_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """check --virtio-win says works where check says works-with-condition."""
    domain = str(facts.samples() / "win10-q35.xml")
    main(["check", domain])
    assert "works-with-condition" in capsys.readouterr().out
    main(["check", domain, "--virtio-win", "0.1.285"])
    found = capsys.readouterr().out
    assert "works-with-condition" not in found
    assert "virtio-win 0.1.285" in found


def test_the_tables_name_the_same_systems() -> None:
    """Every system of a driver has a row that says since when there are binaries for it."""
    systems = {row["guest"] for row in facts.table("guests/virtio-win-systems.csv")}
    for driver in facts.records("guests/virtio-win.toml", "driver"):
        assert set(driver["guests"]) <= systems
        assert set(driver.get("legacy_only", ())) <= set(driver["guests"])
