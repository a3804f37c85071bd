"""Which machine and models are recommended."""

from __future__ import annotations

import json

import pytest

from virtkit.cli import main
from virtkit.compat.recommend import recommend, recommend_machine
from virtkit.guests import find


@pytest.mark.parametrize(
    ("guest", "machine"),
    [
        ("rhel6.10", "pc"),
        ("rhel7.1", "pc"),
        ("rhel9.4", "q35"),
        ("ubuntu16.04", "q35"),
        ("win10", "q35"),
        ("winxp", "pc"),
        ("freebsd12.4", "pc"),
        ("freebsd14.0", "q35"),
        ("msdos6.22", "pc"),
    ],
)
def test_machine(guest: str, machine: str) -> None:
    """Legacy drivers go on pc, modern ones on q35."""
    assert recommend_machine(find(guest))[0] == machine


@pytest.mark.parametrize(
    ("guest", "machine", "model"),
    [
        ("rhel6.10", "pc", "virtio"),
        ("rhel6.10", "q35", "virtio-transitional"),
        ("fedora42", "q35", "virtio"),
        ("win2k", "q35", ""),
    ],
)
def test_disk_model(guest: str, machine: str, model: str) -> None:
    """The plainest model that works; another device where none does."""
    (choice,) = recommend(find(guest), machine, kinds=["block"]).choices
    assert choice.model == model
    assert choice.xml


def test_drivers_to_add_are_a_condition() -> None:
    """Windows 10 takes plain virtio once virtio-win is there."""
    (choice,) = recommend(find("win10"), "q35", kinds=["block"]).choices
    assert (choice.model, choice.verdict) == ("virtio", "works-with-condition")
    assert "virtio-win" in choice.condition


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, JSON and XML; an unknown guest is refused."""
    assert main(["recommend", "--guest", "rhel6.10", "--machine", "q35", "--kinds", "net", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["best_machine"], found["choices"][0]["model"]) == ("pc", "virtio-transitional")
    assert main(["recommend", "--guest", "rhel6.10", "--machine", "q35", "--format", "xml"]) == 0
    assert "<disk type='file' device='disk' model='virtio-transitional'>" in capsys.readouterr().out
    assert main(["recommend", "--guest", "xyzzy"]) == 1
    assert main(["recommend", "--guest", "rhel6.10", "--machine", "nonesuch"]) == 2


@pytest.mark.parametrize(
    ("guest", "known"), [("rhel-unknown", "rhel10.2"), ("rocky-unknown", "rocky10-unknown"), ("fedora-unknown", "")]
)
def test_a_guest_for_later_releases_names_one_with_devices(
    guest: str, known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """osinfo-db lists no device for rhel-unknown, any later RHEL; the message names the newest release with devices."""
    assert main(["recommend", "--guest", guest, "--kinds", "net"]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if "no device is listed" in line]
    said = f"virtkit: note: no device is listed for {guest}, any later release; {known} is the newest with devices"
    assert notes == ([said] if known else [])
