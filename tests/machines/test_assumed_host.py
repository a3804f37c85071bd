"""Domains whose machine type the default host lacks: the host that is assumed, and the note that says so."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from virtkit import Host, check, read, resolve, survey
from virtkit.cli import main
from virtkit.errors import Refused, Unsupported
from virtkit.host import shipped
from virtkit.host.emulator import emulator_arch
from virtkit.host.machine_types import interface_version, machine_version
from virtkit.host.other_types import removed_types, vendor_types
from virtkit.releases import PAIRS, SUPPORTED, dotted

#: libvirt's name of the architecture that the tests take for each of QEMU's.
ARCH = {"x86_64": "x86_64", "i386": "i686", "aarch64": "aarch64", "ppc64": "ppc64le", "s390x": "s390x"}
COMMAND = "virsh capabilities > host.xml; virtkit check --qemu host.xml"


def domain(machine: str, arch: str = "x86_64", devices: str = "") -> str:
    """A domain with one virtio disk and one virtio NIC."""
    disk = "<disk type='file'><source file='/d.qcow2'/><target dev='vda' bus='virtio'/></disk>"
    nic = "<interface type='network'><source network='default'/><model type='virtio'/></interface>"
    return (
        f"<domain type='kvm'><name>d</name><memory>1048576</memory>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os><devices>{disk}{nic}{devices}</devices></domain>"
    )


@pytest.fixture
def noble(tmp_path: Path) -> Path:
    """A file with a domain of Ubuntu 24.04."""
    file = tmp_path / "noble guest.xml"
    file.write_text(domain("pc-q35-noble"), encoding="utf-8")
    return file


def interfaces(machine: str, arch: str = "x86_64") -> set[str | None]:
    """The virtio interfaces of the disk and the NIC."""
    resolved = resolve(read(domain(machine, arch).encode()))
    return {one.shown.interface if one.shown else None for one in resolved.virtio_devices if one.kind in ("blk", "net")}


@pytest.mark.parametrize(
    ("machine", "arch", "releases", "family", "substitute"),
    [
        ("pc-q35-rhel9.6.0", "x86_64", ("11.3", "10.0"), "q35", "pc-q35-9.1"),
        ("pc-i440fx-rhel7.6.0", "x86_64", ("7.0", "5.2"), "i440fx", "pc-i440fx-2.12"),
        ("pc-q35-noble", "x86_64", ("11.3", "10.0"), "q35", "pc-q35-8.2"),
        ("pc-i440fx-focal", "x86_64", ("7.0", "5.2"), "i440fx", "pc-i440fx-4.0"),
        ("pc-q35-4.2", "x86_64", ("7.0", "5.2"), "q35", ""),
        ("pc-1.3", "x86_64", ("7.0", "5.2"), "i440fx", ""),
        ("pc-0.12", "x86_64", ("7.0", "5.2"), "i440fx", "pc-1.0"),
        ("pc-q35-2.1", "x86_64", ("7.0", "5.2"), "q35", "pc-q35-2.4"),
        ("rhel6.6.0", "x86_64", ("7.0", "5.2"), "i440fx", "pc-i440fx-1.5"),
        ("rhel6.6.0", "i686", ("7.0", "5.2"), "i440fx", "pc-i440fx-1.5"),
        ("virt-rhel9.6.0", "aarch64", ("11.3", "10.0"), "aarch64-virt", "virt-9.1"),
        ("pseries-rhel8.6.0", "ppc64le", ("9.0", "7.2"), "pseries", "pseries-6.2"),
        ("s390-ccw-virtio-rhel9.6.0", "s390x", ("11.3", "10.0"), "s390-ccw", "s390-ccw-virtio-9.1"),
        ("pc-q35-rhel9.8.0", "x86_64", ("12.8", "11.1"), "q35", "pc-q35-10.1"),
    ],
)
def test_the_closest_host_is_assumed(
    machine: str, arch: str, releases: tuple[str, str], family: str, substitute: str
) -> None:
    """Of the hosts with the type, or with the upstream type behind it, the one nearest to its release answers."""
    resolved = resolve(read(domain(machine, arch).encode(), "/srv/a b.xml"))
    assert (resolved.machine, resolved.family) == (machine, family)
    assert (dotted(resolved.host.libvirt), dotted(resolved.host.qemu)) == releases
    assert resolved.assumption is not None
    assert resolved.assumption.substitute == substitute
    assert f"machine='{machine}'" in resolved.xml()
    note = resolved.assumption.note
    assert f"libvirt {releases[0]} with QEMU {releases[1]}" in note
    assert note.endswith(f"{COMMAND} '/srv/a b.xml'")


@pytest.mark.slow
def test_every_vendor_type_resolves() -> None:
    """A recorded type gives the devices, models and addresses of its upstream type on the assumed host."""
    assert vendor_types()
    for name, record in sorted(vendor_types().items()):
        for arch in sorted(record.arches):
            resolved = resolve(read(domain(name, ARCH[arch]).encode()))
            assert resolved.assumption is not None, name
            substitute = resolved.assumption.substitute
            assert record.upstream in (substitute, *removed_types()), name
            host = Host(resolved.host.libvirt, resolved.host.qemu)
            plain = resolve(read(domain(substitute, ARCH[arch]).encode()), host)
            assert resolved.xml() == plain.xml().replace(f"machine='{substitute}'", f"machine='{name}'"), name
            assert machine_version(name) == machine_version(record.upstream), name


def test_every_removed_type_resolves() -> None:
    """A type that every known QEMU has dropped is answered by the oldest one, and its virtio devices are legacy."""
    assert removed_types()
    for name in sorted(removed_types()):
        resolved = resolve(read(domain(name).encode()))
        assert resolved.host.libvirt == SUPPORTED[0], name
        assert interfaces(name) == {"legacy"}, name


@pytest.mark.slow
def test_every_upstream_type_of_a_known_release_resolves() -> None:
    """A versioned type that any supported release has needs no option."""
    for qemu in PAIRS.values():
        for arch in ("x86_64", "aarch64", "ppc64", "s390x"):
            emulator = shipped.load(qemu, arch)
            assert emulator is not None
            for name in emulator.names:
                if machine_version(name)[1] is not None:
                    assert resolve(read(domain(name, ARCH[arch]).encode())).machine == name


@pytest.mark.parametrize(
    ("machine", "shown"),
    [
        ("pc-q35-rhel7.3.0", {"modern"}),
        ("pc-i440fx-rhel7.3.0", {"transitional"}),
        ("pc-q35-rhel7.2.0", {"legacy"}),
        ("pc-i440fx-rhel7.2.0", {"legacy"}),
        ("rhel6.0.0", {"legacy"}),
        ("pc-q35-2.6", {"legacy"}),
        ("pc-q35-yakkety", {"legacy"}),
        ("pc-q35-zesty", {"modern"}),
        ("pc-1.3", {"legacy"}),
    ],
)
def test_the_virtio_interface_follows_the_vendor(machine: str, shown: set[str]) -> None:
    """RHEL 7.3 has the modern interface although it is based on QEMU 2.6; RHEL 6 and 7.2 have the legacy one only."""
    assert interfaces(machine) == shown


def test_only_the_switches_move_the_interface_version() -> None:
    """The version behind a name stays that of upstream; the version for the interface rules follows the switches."""
    assert machine_version("pc-q35-rhel7.3.0") == ("pc-q35", (2, 6))
    assert interface_version("pc-q35-rhel7.3.0") == ("pc-q35", (2, 7))
    assert interface_version("pc-q35-rhel7.4.0") == ("pc-q35", (2, 9))
    assert interface_version("rhel6.6.0") == ("pc-i440fx", (1, 5))
    assert machine_version("pc-q35-plucky") == ("pc-q35-plucky", None)


@pytest.mark.parametrize(
    ("machine", "near"),
    [
        ("pc-q35-plucky", "pc-q35-11.1, pc-q35-11.0, pc-q35-10.2"),
        ("pc-q35-99.0", "pc-q35-11.1, pc-q35-11.0, pc-q35-10.2"),
        ("pc-q35-rhel99.0.0", "pc-q35-11.1, pc-q35-11.0, pc-q35-10.2"),
        ("rhel5.3.0", ""),
    ],
)
def test_an_unrecorded_name_stays_refused(machine: str, near: str) -> None:
    """Nothing is assumed for a name whose upstream type no source shows; the newest of its family are suggested."""
    with pytest.raises(Unsupported, match=f"does not support machine type '{machine}'.*{near}"):
        resolve(read(domain(machine).encode()))


def test_a_vendor_type_of_another_architecture_is_refused() -> None:
    """pc-q35-noble does not exist on aarch64."""
    with pytest.raises(Unsupported, match="does not support machine type"):
        resolve(read(domain("pc-q35-noble", "aarch64").encode()))


@pytest.mark.parametrize(
    "host", [Host.default("12.8"), Host.default(qemu="7.2"), Host.default(strict=True), Host.named(libvirt="9.0")]
)
def test_a_named_host_decides(host: Host) -> None:
    """A host that is named, or strict, refuses a type that it lacks, with the nearest of the family."""
    with pytest.raises(Unsupported, match=r"does not support machine type 'pc-q35-noble'; nearest known: pc-q35-\d"):
        resolve(read(domain("pc-q35-noble").encode()), host)


def test_a_newer_host_is_assumed_where_the_closest_refuses() -> None:
    """A domain on pc-q35-4.2 with a device that came in libvirt 7.9 cannot be of libvirt 7.0."""
    memory = "<memory model='virtio-mem'><target><size unit='MiB'>512</size><node>0</node>"
    memory += "<block unit='MiB'>2</block><requested unit='MiB'>512</requested></target></memory>"
    text = domain("pc-q35-4.2", devices=memory).replace(
        "<os>", "<maxMemory slots='4' unit='MiB'>4096</maxMemory><vcpu>2</vcpu><cpu><numa>"
        "<cell id='0' cpus='0-1' memory='1048576'/></numa></cpu><os>",
    )  # fmt: skip
    resolved = resolve(read(text.encode()))
    assert resolved.host.libvirt > SUPPORTED[0]
    assert resolved.assumption is not None


def test_a_refusal_names_the_assumed_host() -> None:
    """When every host refuses the domain, the message is that of the closest one and says that it was assumed."""
    with pytest.raises(Refused, match=r"assumed host: libvirt 11\.3 with QEMU 10\.0"):
        resolve(read(domain("pc-q35-noble", devices="<controller type='pci' model='no-such'/>").encode()))


def test_the_default_host_answers_where_it_can() -> None:
    """Nothing is assumed for a type that the default host has, by name, by alias or by default."""
    for machine in ("pc-q35-9.1", "q35", "pc"):
        assert resolve(read(domain(machine).encode())).assumption is None


def test_what_is_derived_keeps_the_note(noble: Path) -> None:
    """A domain with the changes of its review is resolved for the same assumed host, with the same note."""
    found = check(resolve(read(noble)), "rhel6.10")
    assert [remark.level for remark in found.remarks if COMMAND in remark.text] == ["note"]
    (item,) = survey(str(noble.parent), "rhel6.10").items
    repair = item.repaired()
    assert repair is not None
    assert repair.review is not None
    assert [remark.text for remark in repair.review.remarks].count(item.review.remarks[0].text) == 1


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("check", "out"), ("check --format json", "out"), ("topology", "out"), ("explain", "out"),
        ("explain --device vda --format json", "out"), ("explain --format csv", "out"), ("resolve", "err"),
        ("resolve --format json", "out"), ("args", "err"), ("audit --jobs 1", "out"),
        ("topology --diff-machine q35", "err"),
        ("topology --capacity", "err"), ("policy check recommended", "err"), ("moves --machine :q35", "err"),
    ],
)  # fmt: skip
def test_every_answer_carries_the_note(
    noble: Path, command: str, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command says which host was assumed, in its result or beside it."""
    words = command.split()
    at = 3 if words[0] == "policy" else 1
    main([*words[:at], str(noble), *words[at:]])
    found = capsys.readouterr()
    text = getattr(found, where)
    assert COMMAND in text
    assert "assumed host: libvirt 11.3 with QEMU 10.0" in text


def test_each_audited_row_carries_the_note(noble: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last column of the table holds it; it is empty for a domain of the default host."""
    plain = noble.with_name("plain.xml")
    plain.write_text(domain("pc-q35-9.1"), encoding="utf-8")
    assert main(["audit", str(noble.parent), "--jobs", "1"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(Path(row["file"]).name, COMMAND in row["assumption"]) for row in rows} == {
        (noble.name, True),
        (plain.name, False),
    }
    assert {row["assumption"] for row in rows if row["machine"] == "pc-q35-9.1"} == {""}


def test_json_names_the_assumption(noble: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """resolve --format json has the parts of the note; they are null where nothing was assumed."""
    assert main(["resolve", str(noble), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["libvirt"], found["qemu"]) == ("11.3", "10.0")
    assert {key: found["assumption"][key] for key in ("machine", "origin", "substitute")} == {
        "machine": "pc-q35-noble",
        "origin": "Ubuntu 24.04",
        "substitute": "pc-q35-8.2",
    }
    assert main(["resolve", str(noble), "--format", "json", "--machine", "q35"]) == 0
    assert json.loads(capsys.readouterr().out)["assumption"] is None


def test_strict_host_refuses(noble: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--strict-host gives no answer for a type that the default host lacks."""
    for command in ("check", "resolve", "args", "explain", "topology", "audit"):
        options = ["--jobs", "1"] if command == "audit" else []
        assert main([command, str(noble), "--strict-host", *options]) == 1
        assert "does not support machine type 'pc-q35-noble'" in capsys.readouterr().err


def test_machine_option_of_check(noble: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check --machine judges the domain on another machine type, and writes none."""
    assert main(["check", str(noble), "--machine", "pc-q35-9.0", "--guest", "debian12"]) == 0
    found = capsys.readouterr().out
    assert "on pc-q35-9.0" in found
    assert COMMAND not in found
    assert main(["check", str(noble), "--machine", "pc", "--fix", "--guest", "rhel6.10"]) == 2


def test_emulators_of_the_sources_exist() -> None:
    """Every architecture of a recorded type has an emulator whose facts are shipped."""
    named = {arch for one in vendor_types().values() for arch in one.arches}
    named |= {arch for one in removed_types().values() for arch in one.arches}
    assert named <= set(ARCH)
    assert all(shipped.load(PAIRS[SUPPORTED[0]], emulator_arch(ARCH[arch])) for arch in named)


@pytest.mark.parametrize(
    ("machine", "arch"),
    [("virt-rhel9.6.0", "aarch64"), ("pseries-rhel8.6.0", "ppc64"), ("s390-ccw-virtio-9.1", "s390x")],
)
def test_a_machine_of_another_architecture_names_it(machine: str, arch: str) -> None:
    """The refusal on x86_64 says with which architecture the machine type goes."""
    with pytest.raises(Unsupported, match=f"does not support machine type '{machine}'; expected arch='{arch}'"):
        resolve(read(domain(machine)))
