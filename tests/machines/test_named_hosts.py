"""Hosts by the name of a distribution, releases between the known ones, and releases older than all of them."""

from __future__ import annotations

import csv
import io

import pytest

from tests.writing import domain, host
from virtkit import Host, check, facts, read, resolve
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.host import shipped
from virtkit.host.distribution import chosen, distribution, distributions
from virtkit.host.machine_types import machine_version
from virtkit.releases import DEFAULT, OLDEST, PAIRS, dotted, nearest
from virtkit.resolution.introduced import newer_than

SAMPLE = str(facts.path("domains/winxp-pc.xml"))
Q35 = str(facts.path("domains/rhel6-q35-virtio.xml"))


@pytest.mark.parametrize("name", list(distributions()))
def test_every_named_host_resolves(name: str) -> None:
    """A domain without a machine type gets the default type of the distribution, and q35 its newest q35 type."""
    named = distribution(name).host()
    assert named.libvirt == distribution(name).libvirt
    assert named.qemu == nearest(distribution(name).qemu, shipped.releases())
    assert bool(named.notice) == (named.qemu != distribution(name).qemu or distribution(name).vendor == "RHEL")
    for machine in ("pc", "q35"):
        resolved = resolve(read(domain(machine=machine)), named)
        version = machine_version(resolved.machine)[1]
        assert version is not None
        assert version <= distribution(name).qemu
        assert resolved.assumption is None


@pytest.mark.parametrize(
    ("name", "written", "machine"),
    [
        ("rhel-9.6", "q35", "pc-q35-rhel9.6.0"),
        ("rhel-9.6", "pc", "pc-i440fx-rhel7.6.0"),
        ("rhel-8.10", "q35", "pc-q35-rhel8.6.0"),
        ("rhel-7.9", "pc", "pc-i440fx-rhel7.0.0"),
        ("rhel-10.2", "pc", "pc-i440fx-rhel10.0.0"),
        ("ubuntu-24.04", "pc-q35-noble", "pc-q35-noble"),
        ("ubuntu-24.04", "pc-i440fx-focal", "pc-i440fx-focal"),
        ("ubuntu-24.04", "q35", "pc-q35-8.2"),
        ("debian-13", "q35", "pc-q35-10.0"),
        ("fedora-44", "q35", "pc-q35-10.2"),
    ],
)
def test_a_named_host_has_its_own_machine_types(name: str, written: str, machine: str) -> None:
    """An alias is the newest type of the distribution's QEMU; RHEL's own types take the place of upstream's."""
    assert resolve(read(domain(machine=written)), distribution(name).host()).machine == machine


@pytest.mark.parametrize(
    ("name", "machine"),
    [
        ("rhel-9.6", "pc-q35-9.1"),
        ("rhel-9.6", "pc-q35-rhel9.8.0"),
        ("rhel-9.6", "pc-i440fx-rhel7.5.0"),
        ("rhel-9.6", "pc-q35-noble"),
        ("ubuntu-22.04", "pc-q35-noble"),
        ("ubuntu-24.04", "pc-q35-9.0"),
        ("debian-12", "pc-q35-rhel9.2.0"),
    ],
)
def test_a_named_host_lacks_other_machine_types(name: str, machine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Types of other vendors, of later releases and removed ones are refused; nothing is assumed."""
    assert main(["resolve", SAMPLE, "--host", name, "--machine", machine]) == 1
    assert f"does not support machine type '{machine}'" in capsys.readouterr().err


def test_a_vendor_leaves_devices_out() -> None:
    """RHEL 9 has no lsilogic, so libvirt chooses virtio-scsi for a SCSI disk; igb came with RHEL 9.4."""
    disk = "<disk type='file'><source file='/d'/><target dev='sda' bus='scsi'/></disk>"
    rhel = resolve(read(domain(disk, machine="pc")), distribution("rhel-9.6").host())
    debian = resolve(read(domain(disk, machine="pc")), distribution("debian-13").host())
    models = [{one.model for one in found.inventory.controllers if one.type == "scsi"} for found in (rhel, debian)]
    assert models == [{"virtio-scsi"}, {"lsilogic"}]
    emulators = [distribution(name).host().emulator("x86_64") for name in ("rhel-9.3", "rhel-9.6")]
    assert [one.has("igb") for one in emulators if one] == [False, True]


def test_hosts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """virtkit data hosts has one row for each, with the QEMU release whose facts are used."""
    assert main(["data", "hosts", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["host"] for row in rows] == list(distributions())
    found = {row["host"]: (row["libvirt"], row["qemu"], row["facts of qemu"]) for row in rows}
    assert found["rhel-9.6"] == ("10.10", "9.1", "10.0")
    observed = {(parse_row["libvirt"], parse_row["qemu"]) for parse_row in facts.table("releases.csv")}
    assert observed <= {pair[:2] for pair in found.values()} | {(dotted(DEFAULT), dotted(PAIRS[DEFAULT]))}


def test_wrong_host_options(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name lists those of the same distribution; a host and a release cannot both be named."""
    assert main(["check", SAMPLE, "--host", "rhel-9.9"]) == 2
    message = capsys.readouterr().err
    assert "rhel-9.6" in message
    assert "debian-12" not in message
    assert main(["check", SAMPLE, "--host", "debian-12", "--qemu", "7.2"]) == 2
    assert "--host names both releases" in capsys.readouterr().err
    with pytest.raises(UsageError):
        chosen("debian-12", libvirt="9.0")


@pytest.mark.parametrize(
    ("qemu", "facts_of", "q35"),
    [
        ("8.2", "7.2", "pc-q35-8.2"),
        ("9.1", "10.0", "pc-q35-9.1"),
        ("10.2", "11.1", "pc-q35-10.2"),
        ("4.2", "5.2", "pc-q35-4.2"),
        ("2.11", "5.2", "pc-q35-2.11"),
        ("12.0", "11.1", "pc-q35-11.1"),
    ],
)
def test_the_nearest_qemu_answers(qemu: str, facts_of: str, q35: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A QEMU release without facts is no error: the nearest answers, with the machine types of the named one."""
    assert main(["resolve", Q35, "--qemu", qemu, "--machine", "q35"]) == 0
    found = capsys.readouterr()
    assert f"machine='{q35}'" in found.out
    assert f"--qemu {qemu}: no facts of QEMU {qemu} are shipped; those of QEMU {facts_of}, the nearest" in found.err
    named = Host.named(qemu)
    assert dotted(named.qemu) == facts_of
    assert named.fixed


def test_a_known_qemu_gives_no_notice(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written beside the answer for a release whose facts are shipped."""
    assert main(["resolve", SAMPLE, "--qemu", "7.2", "--machine", "pc"]) == 0
    assert capsys.readouterr().err == ""
    assert Host.named("7.2").notice == ""


NEWER = {
    "<controller type='pci' index='1' model='pcie-root-port'/>"
    "<controller type='pci' index='2' model='pcie-to-pci-bridge'/>": ("pcie-to-pci-bridge", "4.3", "refuses"),
    "<vsock model='virtio'/>": ("a vsock device", "4.4", "ignores"),
    "<disk type='file'><driver name='qemu' packed='on'/><source file='/d'/><target dev='vdz' bus='virtio'/></disk>": (
        "packed='on'",
        "6.3",
        "ignores",
    ),
    "<video><model type='bochs'/></video>": ("video model 'bochs'", "5.6", "refuses"),
}


@pytest.mark.parametrize("device", list(NEWER))
def test_what_is_newer_than_an_old_libvirt(device: str) -> None:
    """For a libvirt older than every known one, check says since when a thing exists that the domain uses."""
    thing, since, verb = NEWER[device]
    data = domain(device, machine="pc-q35-4.0")
    review = check(resolve(read(data), Host.default("4.0")))
    (remark,) = [one for one in review.remarks if thing in one.text]
    assert remark.text.startswith(f"libvirt 4.0 {verb} ")
    assert remark.text.endswith(f"; libvirt {since} and later have it")
    assert remark.level == ("error" if verb == "refuses" else "warning")
    major, minor = map(int, since.split("."))
    assert [one for one in newer_than(read(data).document.root, (major, minor)) if thing in one.thing] == []
    assert list(newer_than(read(data).document.root, OLDEST)) == []


def test_named_models_exist_since_5_2(capsys: pytest.CaptureFixture[str]) -> None:
    """resolve says so too, on standard error; the message of check stays its own."""
    file = str(facts.path("domains/rhel6-q35-transitional.xml"))
    assert main(["resolve", file, "--libvirt", "5.1", "--machine", "pc-q35-4.0"]) == 0
    assert "libvirt 5.1 refuses virtio model 'virtio-transitional'" in capsys.readouterr().err
    assert main(["resolve", file, "--libvirt", "5.2", "--machine", "pc-q35-4.0"]) == 0
    assert "virtio model" not in capsys.readouterr().err


def test_every_path_is_an_xpath() -> None:
    """Each row of introduced.csv selects elements or attributes, and is older than the oldest known release."""
    root = read(domain()).document.root
    for row in facts.table("libvirt/introduced.csv"):
        assert isinstance(root.xpath(row["path"]), list)
        major, minor = map(int, row["since"].split("."))
        assert (major, minor) < OLDEST


def test_the_shared_host_is_fixed() -> None:
    """Host.default() is open to an assumption, and a host of named releases is not."""
    assert not Host.default().fixed
    assert host("12.8").fixed
    assert Host.default(strict=True).fixed


def test_a_misspelt_host_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """The message on an unknown host names the one that is spelled most like it."""
    assert main(["check", str(facts.path("domains/winxp-pc.xml")), "--host", "debain-12"]) == 2
    assert "did you mean 'debian-12'? expected one of" in capsys.readouterr().err
