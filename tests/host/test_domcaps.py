"""Domain capabilities: what libvirt would report, read from documents, and compared."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.writing import NEW, OLD, RELEASES
from virtkit.commands import domcaps as command
from virtkit.errors import CapabilityError, Unsupported
from virtkit.host import Host
from virtkit.host.domcaps import differences, read
from virtkit.host.domcaps_report import report

pytestmark = pytest.mark.slow

CONFORMANCE = Path(
    os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[3] / "shared" / "conformance")
)
BHYVE = b"""<domainCapabilities>
  <path>/usr/sbin/bhyve</path><domain>bhyve</domain><arch>x86_64</arch>
  <devices>
    <disk supported='yes'><enum name='bus'><value>sata</value><value>virtio</value></enum></disk>
    <rng supported='no'/>
  </devices>
</domainCapabilities>"""


def values(libvirt: str, arch: str, machine: str | None, element: str, enum: str) -> tuple[str, ...]:
    """One enumeration of the report."""
    found = report(Host.default(libvirt), arch, machine)
    return next(dict(one.enums)[enum] for one in found.devices if one.name == element)


def test_transitional_models_are_reported_for_disks_and_rngs() -> None:
    """On every machine, s390x included: it reflects that QEMU has the drivers."""
    three = ("virtio", "virtio-transitional", "virtio-non-transitional")
    assert values(OLD, "s390x", None, "disk", "model") == three
    assert values(NEW, "x86_64", "q35", "rng", "model") == three


def test_buses_follow_machine_and_release() -> None:
    """ide on pc only, floppies no more off x86, nvme everywhere."""
    assert values(OLD, "x86_64", "pc", "disk", "bus") == ("ide", "fdc", "scsi", "virtio", "usb", "sata")
    assert values(NEW, "x86_64", "q35", "disk", "bus") == ("fdc", "scsi", "virtio", "usb", "sata", "nvme")
    assert values(NEW, "s390x", None, "disk", "bus") == ("scsi", "virtio", "usb", "nvme")


def test_an_element_without_values_is_not_supported() -> None:
    """s390x has no TPM; no enumeration is shown then."""
    found = {one.name: one for one in report(Host.default(), "s390x").devices}
    assert (found["tpm"].supported, dict(found["tpm"].enums)) == (False, {})


def test_elements_are_supported_by_any_value() -> None:
    """A binary without virtio-rng keeps the back ends; one without a TPM device keeps nothing."""
    host = Host.default()
    bare = host.emulator("s390x")
    assert bare is not None
    bare = replace(bare, devices=bare.devices - {name for name in bare.devices if "rng" in name})
    found = {one.name: one for one in report(Host(host.libvirt, host.qemu, [bare]), "s390x").devices}
    assert (found["rng"].supported, found["rng"].enums["model"]) == (True, ())
    assert found["rng"].enums["backendModel"] == ("random", "egd", "builtin")


def test_spice_and_displays_follow_the_build(tmp_path: Path) -> None:
    """A capability cache without the flags has neither; a list of device types does not say."""
    file = tmp_path / "x86_64.xml"
    text = "<qemuCaps><selfvers>12008000</selfvers><flag name='{}'/><version>11001002</version><arch>x86_64</arch>"
    text += "<machine type='tcg' name='pc-q35-11.1' alias='q35'/></qemuCaps>"
    kinds = {}
    for flag in ("spice", "sdl"):
        file.write_text(text.format(flag))
        found = {one.name: one for one in report(Host.from_file(file), "x86_64", "q35").devices}
        kinds[flag] = (found["graphics"].enums["type"], found["channel"].enums["type"])
    assert kinds == {
        "spice": (("vnc", "spice"), ("pty", "unix", "spicevmc")),
        "sdl": (("sdl", "vnc"), ("pty", "unix")),
    }
    file.unlink()
    (tmp_path / "x86_64.json").write_text('[{"name": "qxl", "parent": "pci-device"}]')
    unknown = report(Host.from_file(tmp_path), "x86_64", "q35").unknown
    assert "graphics type spice" in unknown
    assert "video modelType cirrus" not in unknown


def test_what_a_source_does_not_tell_is_named(tmp_path: Path) -> None:
    """A value that depends on an unknown driver is left out and listed as unknown."""
    (tmp_path / "x86_64.json").write_text('[{"name": "pc-q35-9.1", "cpu-max": 1}]')
    found = report(Host.from_file(tmp_path), "x86_64", "pc-q35-9.1")
    assert "video modelType qxl" in found.unknown
    assert "qxl" not in found.xml()


def test_the_xml_reads_back_the_same() -> None:
    """Written and read again there is no difference."""
    found = report(Host.default(), "x86_64", "q35")
    again = read(found.xml().encode(), "again")
    assert differences(found, again) == []
    assert (again.machine, again.arch, again.domain) == ("pc-q35-11.1", "x86_64", "qemu")


def test_other_drivers_reports_are_read_and_compared() -> None:
    """bhyve's report has no machine type, and other buses."""
    theirs = read(BHYVE, "bhyve.xml")
    lines = differences(report(Host.default(), "x86_64"), theirs)
    assert (theirs.domain, theirs.machine) == ("bhyve", "")
    assert "disk bus: only in the first: ide" in lines
    assert "rng: supported=yes in the first, no in the second" in lines
    assert "graphics: only in the first" in lines


def test_a_machine_type_of_another_driver_is_none_of_qemu_s(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """libxl's xenfv is compared with the default machine type, or with the one that is named."""
    file = tmp_path / "libxl.xml"
    libxl = BHYVE.replace(b"<domain>bhyve</domain>", b"<domain>xen</domain><machine>xenfv</machine>")
    file.write_bytes(libxl)
    for words, machine in (((), "pc-i440fx-11.1"), (("--machine", "q35"), "pc-q35-11.1")):
        assert run("--compare", str(file), *words) == 1
        out = capsys.readouterr().out
        assert f"first: virtkit, x86_64 {machine} (qemu)" in out
        assert "(xen)" in out


def test_unknown_machines_and_architectures_are_refused() -> None:
    """As libvirt refuses them."""
    with pytest.raises(Unsupported, match=r"'pc-i440fx-1\.0'"):
        report(Host.default(), "x86_64", "pc-i440fx-1.0")
    with pytest.raises(Unsupported, match="'vax'"):
        report(Host.default(), "vax")


def test_a_foreign_document_is_refused() -> None:
    """The message names what it is."""
    with pytest.raises(CapabilityError, match="got <domain>"):
        read(b"<domain/>", "x.xml")


def run(*words: str) -> int:
    """The command as the command line runs it."""
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    args = parser.parse_args(["domcaps", *words])
    return int(args.run(args))


def test_the_command_compares_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No difference to its own report; exit code 1 and one line each for bhyve's."""
    own, bhyve = tmp_path / "own.xml", tmp_path / "bhyve.xml"
    assert run("--machine", "q35", "-o", str(own)) == 0
    assert run("--compare", str(own)) == 0
    bhyve.write_bytes(BHYVE)
    assert run("--compare", str(own), str(bhyve)) == 1
    assert "second: " in capsys.readouterr().out
    assert run("--format", "table", "--arch", "s390x") == 0
    assert "virtio-non-transitional" in capsys.readouterr().out


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the conformance corpora are not at hand")
@pytest.mark.parametrize("release", RELEASES)
def test_real_reports_are_shown_in_full(release: str) -> None:
    """Every enumeration of every document, from shipped facts and from libvirt's own caches."""
    folder = CONFORMANCE / f"libvirt-{release}"
    for host in (Host.default(release), Host.from_file(folder / "qemucaps")):
        wrong = {}
        for file in sorted((folder / "domcaps").glob("*.xml")):
            theirs = read(file.read_bytes(), str(file))
            lines = differences(report(host, theirs.arch, file.stem.partition(".")[2]), theirs)
            if lines:
                wrong[file.name] = lines
        assert wrong == {}
