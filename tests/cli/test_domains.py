"""The commands that resolve domains, as people and scripts call them: inputs, outputs, exit codes, messages."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

import virtkit
from tests.waiting import HANGING
from tests.writing import NEW, OLD, domain, places
from virtkit.cli import COMMANDS, main
from virtkit.releases import NEWEST, OLDEST, dotted, parse, qemu_for

NIC = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='{}'/></interface>"
GOOD = domain(NIC.format("virtio"))
BAD = domain("<rng/>")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two domains, one of them a folder deeper, and one that is refused."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.xml").write_bytes(GOOD)
    (tmp_path / "in" / "deep" / "b.in.xml").write_bytes(GOOD)
    (tmp_path / "in" / "bad.xml").write_bytes(BAD)
    return tmp_path


def call(*args: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    """The program in a process of its own."""
    command = [sys.executable, "-m", "virtkit", *args]
    return subprocess.run(command, capture_output=True, timeout=HANGING, check=False, **more)  # type: ignore[call-overload, no-any-return]


def test_one_file_to_standard_output(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, nothing on standard error."""
    assert main(["resolve", str(files / "in" / "a.xml")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "interface: 01:00.0" in places(out)


def test_a_folder_to_a_folder(files: Path) -> None:
    """NAME.xml for NAME.xml and NAME.in.xml; NAME.error with the message, and nothing else, for a rejected one."""
    out = files / "out"
    assert main(["resolve", str(files / "in"), "-o", str(out)]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.xml", "b.xml", "bad.error"]
    message = (out / "bad.error").read_text()
    assert (
        message
        == f"{files / 'in' / 'bad.xml'}:7: XML error: Missing required attribute 'model' in element 'rng' [rng]\n"
    )


def test_results_of_an_earlier_run_do_not_stay(files: Path) -> None:
    """A domain that is refused now leaves no old result behind, and the other way round."""
    out = files / "out"
    out.mkdir()
    (out / "bad.xml").write_text("old")
    (out / "a.error").write_text("old")
    assert main(["resolve", str(files / "in"), "-o", str(out)]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.xml", "b.xml", "bad.error"]


def test_two_inputs_of_one_name_do_not_overwrite_each_other(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second is turned down, with both named."""
    other = files / "other"
    other.mkdir()
    (other / "a.xml").write_bytes(domain(machine="pc"))
    out = files / "out"
    assert main(["resolve", str(files / "in" / "a.xml"), str(other / "a.xml"), "-o", str(out)]) == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.xml"]
    assert "machine='pc-q35" in (out / "a.xml").read_text()
    err = capsys.readouterr().err
    assert str(other / "a.xml") in err
    assert str(files / "in" / "a.xml") in err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``-`` reads it, and messages call it so."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD)))
    assert main(["resolve", "-"]) == 0
    assert "<domain" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BAD)))
    assert main(["resolve", "-"]) == 1
    assert capsys.readouterr().err.startswith("virtkit: standard input:7: XML error")


def test_json(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every device with its id, address and what its guest meets."""
    assert main(["resolve", "--format", "json", str(files / "in" / "a.xml")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["machine"], found["family"], found["libvirt"], found["qemu"]) == (
        "pc-q35-11.1",
        "q35",
        NEW,
        "11.1",
    )
    (nic,) = [device for device in found["devices"] if device["id"] == "net0"]
    assert nic["address"]["text"] == "0000:01:00.0"
    assert nic["virtio"]["interface"] == "modern"
    assert nic["line"] == 7
    assert not nic["added"]
    out = files / "out"
    assert main(["resolve", "--format", "json", str(files / "in" / "a.xml"), "-o", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["a.json"]


def test_releases_and_machine(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--libvirt, --qemu and --machine choose what it is resolved for."""
    path = str(files / "in" / "a.xml")
    for options, machine in (
        (["--libvirt", OLD], f"pc-q35-{dotted(qemu_for(parse(OLD)))}"),
        (["--qemu", "7.2"], "pc-q35-7.2"),
        (["--machine", "pc"], "pc-i440fx-11.1"),
        (["--machine", "pc-q35-8.0"], "pc-q35-8.0"),
    ):
        assert main(["resolve", path, *options]) == 0
        assert f"machine='{machine}'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--libvirt", "new"], 2, "new"),
        (["--qemu", "/nowhere/caps.xml"], 1, "/nowhere/caps.xml"),
        (["--machine", "pc-q35-99.0"], 1, "pc-q35-99.0"),
        (["--format", "yaml"], 2, "yaml"),
        (["--no-such-option"], 2, "--no-such-option"),
    ],
)
def test_wrong_options(
    files: Path, options: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names them; 2 for a wrong command line, 1 for a document that cannot be used."""
    try:
        found = main(["resolve", str(files / "in" / "a.xml"), *options])
    except SystemExit as leaving:
        found = int(str(leaving.code))
    out, err = capsys.readouterr()
    assert found == code
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("release", ["5.1", "13.0"])
def test_a_release_outside_the_facts_is_answered_by_the_nearest(
    release: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a warning."""
    assert main(["resolve", str(files / "in" / "a.xml"), "--libvirt", release]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"virtkit: --libvirt {release}: libvirt's behaviour is known from {dotted(OLDEST)} to ")
    assert f" to {dotted(NEWEST)};" in line


def test_an_output_folder_that_cannot_be(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of that name: wrong usage."""
    (files / "out").write_text("a file")
    assert main(["resolve", str(files / "in"), "-o", str(files / "out")]) == 2
    assert "out" in capsys.readouterr().err


def test_arguments(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One -device a line, JSON or the older syntax, in NAME.args with -o."""
    path = str(files / "in" / "a.xml")
    assert main(["args", path]) == 0
    lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert {words[0] for words in lines} == {"-device"}
    found = [json.loads(words[1]) for words in lines]
    net = {"driver": "virtio-net-pci", "id": "net0", "mac": "52:54:00:00:00:01", "bus": "pci.1", "addr": "0x0"}
    assert net in found
    assert main(["args", path, "--legacy-syntax"]) == 0
    assert "virtio-net-pci,id=net0,mac=52:54:00:00:00:01,bus=pci.1,addr=0x0" in capsys.readouterr().out
    assert main(["args", str(files / "in"), "-o", str(files / "out")]) == 1
    assert sorted(path.name for path in (files / "out").iterdir()) == ["a.args", "b.args", "bad.error"]


def test_explain(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text for people, JSON and CSV for programs; one device by id, by target, or all."""
    path = str(files / "in" / "a.xml")
    assert main(["explain", path]) == 0
    text = capsys.readouterr().out
    assert "net0: interface 0 (virtio) at 0000:01:00.0 (line 7)\n    " in text
    assert "first free address that accepts a PCI Express device: bus 1" in text
    assert "pci.1: controller pci 1 (pcie-root-port) at 0000:00:01.0 (added)" in text
    assert main(["explain", path, "--device", "net0", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["device"] for row in found} == {"net0"}
    (row,) = [row for row in found if row["rule"] == "pci.first-free"]
    assert row["address"] == "0000:01:00.0"
    assert row["source"].startswith("observed: libvirt")
    assert main(["explain", path, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {"device", "label", "added", "line", "address", "rule", "text", "source"} == set(rows[0])


def test_explain_an_unknown_device(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage; the message lists those that are there."""
    assert main(["explain", str(files / "in" / "a.xml"), "--device", "net7"]) == 2
    err = capsys.readouterr().err
    assert "has no device 'net7'; it has: " in err
    assert "net0" in err


def test_explain_takes_one_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a folder."""
    assert main(["explain", str(files / "in")]) == 2
    assert "expected one file, got the folder" in capsys.readouterr().err
    assert main(["explain", str(files / "in" / "bad.xml")]) == 1


@pytest.mark.slow
def test_topology(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Text to standard output; the ending of -o selects the format; --diff shows what changed."""
    path = str(files / "in" / "a.xml")
    assert main(["topology", path]) == 0
    assert "virtio-net" in capsys.readouterr().out
    for ending, start in ((".svg", b"<"), (".png", b"\x89PNG"), (".json", b"{"), (".txt", b"case")):
        out = files / f"picture{ending}"
        assert main(["topology", path, "-o", str(out)]) == 0
        assert out.read_bytes().startswith(start)
    other = files / "other.xml"
    other.write_bytes(domain(NIC.format("virtio-transitional")))
    capsys.readouterr()
    assert main(["topology", path, "--diff", str(other)]) == 0
    assert "pcie-to-pci-bridge" in capsys.readouterr().out
    assert main(["topology", path, "--diff", path]) == 0
    assert capsys.readouterr().out.startswith("no difference: case and case ")
    assert main(["topology", path, "-o", str(files / "picture.gif")]) == 2
    assert ".svg, .png, .txt or .json" in capsys.readouterr().err


def test_messages(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--quiet keeps to errors; --log-format json gives one object a line."""
    assert main(["resolve", str(files / "in"), "-o", str(files / "out"), "--quiet"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "bad.xml:7" in line
    assert main(["--log-format", "json", "resolve", str(files / "in"), "-o", str(files / "out")]) == 1
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["level"] for one in found] == ["error", "info"]
    assert found[1]["message"] == "2 domains resolved, 1 rejected"


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(files: Path) -> None:
    """``virtkit resolve … | head -1`` ends quietly."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "virtkit", "resolve", *[str(files / "in" / "a.xml")] * 40]
    try:
        done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, timeout=HANGING, check=False)
    finally:
        os.close(write_end)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.slow
def test_help_lists_every_command() -> None:
    """With one line each."""
    done = call("--help")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert all(f"\n    {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command is typed out below its options."""
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    _, _, examples = capsys.readouterr().out.partition("virtkit " + command)[2].lower().partition("example")
    assert f"virtkit {command}" in examples


@pytest.mark.parametrize(("typed", "meant"), [("chek", "check"), ("topologie", "topology")])
def test_a_misspelt_command(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the command that is most like it; exit code 2."""
    with pytest.raises(SystemExit) as leaving:
        main([typed, "guest.xml"])
    assert leaving.value.code == 2
    assert f"no command '{typed}'; did you mean '{meant}'?" in capsys.readouterr().err


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Help on standard error."""
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().err


def test_version() -> None:
    """As the package has it."""
    assert call("--version").stdout.decode() == f"virtkit {virtkit.__version__}\n"


@pytest.mark.slow
def test_help_imports_little() -> None:
    """``virtkit --help`` loads neither the XML parser nor rich."""
    code = "import sys, virtkit.cli\nvirtkit.cli.build()\nprint([n for n in ('lxml', 'rich') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGING, check=True)
    assert done.stdout.decode() == "[]\n"


@pytest.mark.slow
def test_importing_stays_light(files: Path) -> None:
    """Neither the package nor ``virtkit resolve`` loads what only reports and live comparisons need."""
    heavy = ["pandas", "matplotlib", "papermill", "nbformat", "pyarrow", "qemu", "yaml", "libvirt", "numpy", "rich"]
    code = (
        "import sys, virtkit, virtkit.cli\n"
        f"virtkit.cli.main(['resolve', {str(files / 'in' / 'a.xml')!r}, '-o', {str(files / 'out')!r}])\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=HANGING, check=True)
    assert done.stdout.decode() == "[]\n"
    assert etree.parse(files / "out" / "a.xml").getroot().tag == "domain"
