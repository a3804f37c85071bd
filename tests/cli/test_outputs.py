"""Where results go: when ``-o`` is a file, when it is a folder, and what the results are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.writing import domain
from virtkit.cli import main

pytestmark = pytest.mark.slow

NIC = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two domains and a folder that holds one of them."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.xml", "b.in.xml", "in/a.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(domain(NIC))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["resolve", "a.xml", "-o", "out.xml"], ["out.xml"]),
        (["resolve", "a.xml", "-o", "out.json"], ["out.json"]),
        (["resolve", "a.xml", "-o", "out"], ["out/a.xml"]),
        (["resolve", "a.xml", "-o", "in"], ["in/a.xml"]),
        (["resolve", "a.xml", "b.in.xml", "-o", "out.xml"], ["out.xml/a.xml", "out.xml/b.xml"]),
        (["resolve", "in", "-o", "out.xml"], ["out.xml/a.xml"]),
        (["resolve", "in/*.xml", "-o", "out.xml"], ["out.xml/a.xml"]),
        (["resolve", "a.xml", "--format", "json", "-o", "out"], ["out/a.json"]),
        (["args", "a.xml", "-o", "out"], ["out/a.args"]),
        (["args", "a.xml", "-o", "out.args"], ["out.args"]),
        (["args", "a.xml", "--format", "json", "-o", "out.json"], ["out.json"]),
        (["check", "a.xml", "-o", "out.txt"], ["out.txt"]),
        (["check", "a.xml", "b.in.xml", "-o", "out"], ["out/a.txt", "out/b.txt"]),
        (["check", "a.xml", "b.in.xml", "--format", "json", "-o", "out"], ["out/a.json", "out/b.json"]),
        (["check", "a.xml", "--fix", "-o", "out.xml"], ["out.xml"]),
        (["check", "a.xml", "--fix", "-o", "out/"], ["out/a.xml"]),
        (["check", "a.xml", "b.in.xml", "--fix", "-o", "out"], ["out/a.xml", "out/b.xml"]),
    ],
    ids=lambda value: " ".join(value) if value[0] in ("resolve", "args", "check") else None,
)
def test_a_file_or_a_folder(words: list[str], written: list[str], here: Path) -> None:
    """-o is a folder when it is one or for several inputs, and a file for one input and a name with an ending."""
    assert main(words) == 0
    for name in written:
        text = (here / name).read_text()
        assert text.startswith({".xml": "<domain", ".args": "-device", ".txt": "case", ".json": "{"}[Path(name).suffix])


def test_several_results_as_json_are_one_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on standard output is one value: an object for one domain, a list for several."""
    for command in ("resolve", "args"):
        assert main([command, "a.xml", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == "case"
        assert main([command, "a.xml", "b.in.xml", "a.xml", "--format", "json"]) == 0
        assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["case"] * 3


def test_a_refused_domain_writes_no_file(here: Path) -> None:
    """A refused domain leaves no result under the name that -o gives."""
    (here / "a.xml").write_bytes(domain("<rng/>"))
    assert main(["resolve", "a.xml", "-o", "out.xml"]) == 1
    assert not (here / "out.xml").exists()


def test_a_list_needs_a_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several domains of one input cannot go to one file."""
    other = domain(NIC).replace(b"<name>case", b"<name>other")
    (here / "two.xml").write_bytes(domain(NIC) + other)
    assert main(["resolve", "two.xml", "-o", "out.xml"]) == 1
    assert "has several domains; with -o, name a folder in place of out.xml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["topology", "a.xml"], {"name", "machine"}),
        (["topology", "a.xml", "--capacity"], {"rooms", "spare_ports"}),
        (["args", "a.xml"], {"name", "arguments"}),
        (["domcaps"], {"arch", "machine", "devices"}),
        (["moves", "a.xml", "b.in.xml"], {"moves"}),
        (["attach", "a.xml", "disk"], {"steps"}),
        (["audit", "a.xml", "--jobs", "1"], {"file", "verdict"}),
        (["check", "a.xml"], {"domain", "ok"}),
        (["explain", "a.xml"], {"device", "text"}),
        (["guests", "rhel6.10"], set()),
        (["recommend", "--guest", "rhel6.10"], set()),
        (["policy", "list"], {"policy", "rules"}),
        (["policy", "show", "recommended"], {"name", "rules", "warnings"}),
        (["policy", "check", "libvirt", "a.xml"], set()),
        (["data", "hosts"], {"host", "libvirt"}),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_json_of_every_command(
    words: list[str], keys: set[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--format json gives one JSON value, with the facts of the text in it."""
    main([*words, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    one = found[0] if isinstance(found, list) and found else found
    assert keys <= set(one)


@pytest.mark.parametrize("command", ["interface", "names", "firmware"])
def test_json_of_tables(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of keys are completed as a list of objects."""
    heads = {
        "interface": "arch,machine,kind,model,location\nx86_64,pc-q35-8.2,net,virtio,pcie-port\n",
        "names": "qemu,machine,variant,place,nic,systemd,scheme,sysfs_path\n",
        "firmware": "firmware,firmware_version,qemu,arch,machine,device,interface,place\n",
    }
    (here / "keys.csv").write_text(heads[command])
    assert main([command, "keys.csv", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == (command == "interface")


def test_formats_that_contradict_the_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A format that is not that of the name of -o is wrong usage."""
    for command, file in (("topology", "t.txt"), ("audit", "t.csv")):
        assert main([command, "a.xml", "--format", "json", "-o", file]) == 2
        assert "leave one of them out" in capsys.readouterr().err


def test_inputs_that_no_option_fits(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--live needs a connection, an address of a file in a network is no input, and a policy is checked first."""
    assert main(["check", "a.xml", "--live"]) == 2
    assert "--live: expected a libvirt connection" in capsys.readouterr().err
    assert main(["topology", "https://host.example/a.xml"]) == 2
    assert "https://host.example/a.xml: expected a file or a libvirt URI" in capsys.readouterr().err
    assert main(["audit", "a.xml", "--policy", "none"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no policy 'none'; expected one of " in captured.err


def test_a_domain_by_its_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check --domain reports one domain of an input; a name that is not there is an error."""
    other = domain(NIC).replace(b"<name>case", b"<name>other")
    (here / "two.xml").write_bytes(domain(NIC) + other)
    assert main(["check", "two.xml", "--domain", "other"]) == 0
    assert capsys.readouterr().out.startswith("other: ")
    assert main(["check", "two.xml", "--domain", "none"]) == 1
    assert "no domain 'none' in two.xml; expected " in capsys.readouterr().err
