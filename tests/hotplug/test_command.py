"""``virtkit attach``, ``detach``, ``moves`` and ``topology --capacity``, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hotplug.plugging import q35
from virtkit import read, resolve
from virtkit.cli import main


@pytest.fixture
def guest(tmp_path: Path) -> str:
    """The file of a q35 domain with four root ports."""
    file = tmp_path / "guest.xml"
    file.write_text(q35(4), encoding="utf-8")
    return str(file)


def test_attach_says_where_a_device_goes(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each device is listed with its place on each side."""
    assert main(["attach", guest, "disk"]) == 0
    said = capsys.readouterr().out
    assert "disk vda: attached" in said
    assert "running domain: disk vda at 0000:01:00.0" in said
    assert "definition: disk vda at 0000:01:00.0" in said
    assert "nothing moves" in said


def test_a_refusal_comes_with_its_reason_and_remedy(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Too many devices are refused with libvirt's words, and the number of ports to add; the exit code is 1."""
    assert main(["attach", guest, "--live", "7*nic"]) == 1
    said = capsys.readouterr().out
    assert "internal error: No more available PCI slots" in said
    refused = said.count("refused for the running domain")
    assert f"--spare-ports {refused}" in said


def test_json_has_the_form_of_a_program(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON holds one object for each step, with an error only where it is refused."""
    assert main(["attach", guest, "rng", "sound", "--live", "--format", "json"]) == 1
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert steps[0] == {
        "ok": True,
        "live": [["+", "rng", "virtio", "type=pci domain=0x0000 bus=0x01 slot=0x00 function=0x0"]],
        "config": [],
    }
    assert steps[1]["error"].startswith("Operation not supported: live attach of device 'sound'")


def test_steps_come_from_a_file(guest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of steps is done in its order, each to its side."""
    rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    file = tmp_path / "steps.json"
    steps = [{"do": "attach", "to": "live", "xml": rng}, {"do": "detach", "to": "live", "xml": rng}]
    file.write_text(json.dumps(steps), encoding="utf-8")
    assert main(["attach", guest, "--steps", str(file), "--format", "json"]) == 0
    signs = [step["live"][0][0] for step in json.loads(capsys.readouterr().out)["steps"]]
    assert signs == ["+", "-"]


def test_both_domains_are_written(guest: str, tmp_path: Path) -> None:
    """With -o, the running domain and its definition are written, and resolve to themselves."""
    out = tmp_path / "out"
    main(["attach", guest, "--live", "disk", "-o", str(out)])
    live, config = (resolve(read(out / f"guest.{side}.xml")) for side in ("live", "config"))
    assert [disk.target for disk in live.inventory.disks] == ["vda"]
    assert config.inventory.disks == []


def test_a_definition_of_its_own(guest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --inactive, the definition starts from another file."""
    other = tmp_path / "defined.xml"
    other.write_text(q35(4, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"), "utf-8")
    assert main(["attach", guest, "disk", "--inactive", str(other)]) == 0
    said = capsys.readouterr().out
    assert "definition: disk vda at 0000:02:00.0" in said
    assert "moved" in said


def test_the_guest_is_judged_where_it_is_known(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For a guest OS that was booted, the verdict says so; for one with a legacy driver only, it fails."""
    main(["attach", guest, "disk", "--guest", "debian12"])
    said = capsys.readouterr().out
    assert "guest: works: " in said
    assert "this guest was seen using a device plugged in here" in said
    main(["attach", guest, "disk", "--guest", "rhel6.10"])
    assert "guest: fails" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [[], ["tape"], ["0*disk"], ["scsi-disk:x"], ["missing.xml"], ["disk:a'b"]])
def test_wrong_usage_is_said(guest: str, wrong: list[str]) -> None:
    """No device, an unknown form, a count of 0, a value that a form does not take and a missing file end with 2."""
    assert main(["attach", guest, *wrong]) == 2


def test_moves_lists_what_a_guest_notices(guest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A NIC on another port is listed with what the guest notices."""
    nic = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"
    rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    at = "<address type='pci' domain='0' bus='3' slot='0' function='0'/>"
    one, other = tmp_path / "one.xml", tmp_path / "other.xml"
    one.write_text(q35(4, nic + rng), "utf-8")
    other.write_text(q35(4, nic.replace("<model", f"{at}<model") + rng), "utf-8")
    assert main(["moves", str(one), str(other), "--format", "json"]) == 0
    moved = {move["device"]: move for move in json.loads(capsys.readouterr().out)["moves"]}
    found = moved["NIC virtio 52:54:00:00:00:01"]
    assert (found["before"], found["after"]) == ("0000:01:00.0", "0000:03:00.0")
    assert "its name changes" in found["notices"][0]


def test_moves_needs_two_of_something(guest: str) -> None:
    """One input without a pair of values is wrong usage."""
    assert main(["moves", guest]) == 2
    assert main(["moves", guest, "--machine", "q35:pc"]) in (0, 1)


def test_capacity_is_shown(guest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """topology --capacity lists each kind with the number that is taken, and the ports to ask for."""
    assert main(["topology", guest, "--capacity", "6"]) == 0
    said = capsys.readouterr().out
    assert "virtio disk" in said
    assert "for 6 more PCI Express devices: add 2 spare ports" in said


@pytest.fixture
def filled(tmp_path: Path) -> str:
    """The file of a q35 domain with a disk, two NICs, a channel and two generators of random numbers."""
    nic = "<interface type='user'><mac address='52:54:00:00:00:0{0}'/><model type='virtio'/></interface>"
    rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
    disk = "<disk type='file' device='disk'><source file='/a.raw'/><target dev='vda' bus='virtio'/></disk>"
    channel = "<channel type='unix'><target type='virtio' name='org.example.0'/></channel>"
    file = tmp_path / "filled.xml"
    file.write_text(q35(9, disk + nic.format(1) + nic.format(2) + channel + rng * 2), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("vda", "vda"),
        ("virtio-disk0", "vda"),
        ("52:54:00:00:00:02", "52:54:00:00:00:02"),
        ("net0", "52:54:00:00:00:01"),
        ("0000:02:00.0", "52:54:00:00:00:02"),
        ("org.example.0", "virtio org.example.0"),
        ("rng1", "virtio"),
    ],
)
def test_a_device_is_detached_by_its_name(
    filled: str, name: str, identity: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A target, an id, a MAC address, a PCI address and the name of a channel each mean one device."""
    assert main(["detach", filled, name, "--config", "--format", "json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    assert [(sign, found) for sign, _, found, _ in step["config"]] == [("-", identity)]


def test_of_two_equal_devices_the_named_one_goes(filled: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two generators of random numbers differ in their address alone, and the id tells them apart."""
    gone = []
    for name in ("rng0", "rng1"):
        main(["detach", filled, name, "--config", "--format", "json"])
        gone.append(json.loads(capsys.readouterr().out)["steps"][0]["config"][0][3])
    assert len(set(gone)) == 2


def test_a_name_that_no_device_has_is_said_with_those_that_exist(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown name is wrong usage, and the message lists the names of the domain."""
    assert main(["detach", filled, "vdz"]) == 2
    said = capsys.readouterr().err
    assert "vda" in said
    assert "52:54:00:00:00:01" in said


@pytest.mark.parametrize("wrong", [["-o", "both.xml"], ["-o", "-"], ["--live", "-o", "plain"]])
def test_an_output_that_cannot_hold_the_result_is_refused_first(
    guest: str, wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file for two domains, standard output and an existing other file are wrong usage, and nothing is printed."""
    monkeypatch.chdir(tmp_path)
    Path("plain").touch()
    assert main(["attach", guest, "rng", *wrong]) == 2
    assert capsys.readouterr().out == ""


def test_one_side_goes_to_a_file(guest: str, tmp_path: Path) -> None:
    """With --config, -o may be a file, which holds the definition."""
    out = tmp_path / "new" / "defined.xml"
    assert main(["attach", guest, "disk", "--config", "-o", str(out)]) == 0
    assert [disk.target for disk in resolve(read(out)).inventory.disks] == ["vda"]


def test_an_empty_list_of_steps_is_done(guest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No step is no error, and another form than a list is one."""
    steps = tmp_path / "steps.json"
    steps.write_text("[]")
    assert main(["attach", guest, "--steps", str(steps), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"steps": []}
    steps.write_text('{"steps": []}')
    assert main(["attach", guest, "--steps", str(steps)]) == 2
    assert "expected a list of steps, got dict" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["-1", "129"])
def test_capacity_asks_for_a_number_that_fits(guest: str, wrong: str) -> None:
    """No command adds more than 128 spare ports, so no more can be asked for."""
    assert main(["topology", guest, "--capacity", wrong]) == 2
