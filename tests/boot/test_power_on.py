"""From power-on to a login: what check and topology say of a domain, and what --fix changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import virtkit as vk
from virtkit.boot.firmware_choice import firmware_of
from virtkit.boot.power_on import power_on
from virtkit.boot.remedies import remedy
from virtkit.cli import main


def many_disks(count: int, firmware: str = " firmware='efi'", model: str = "virtio-transitional") -> str:
    """A q35 domain with disks of one model, each in a root port of its own, in the order of the slots."""
    ports = "".join(
        f"<controller type='pci' index='{n}' model='pcie-root-port'>"
        f"<address type='pci' domain='0' bus='0' slot='{n + 1}' function='0'/></controller>"
        for n in range(1, count + 1)
    )
    disks = "".join(
        f"<disk type='file' device='disk' model='{model}'><source file='/{n}.img'/>"
        f"<target dev='vd{chr(96 + n)}' bus='virtio'/>"
        f"<address type='pci' domain='0' bus='{n}' slot='0' function='0'/></disk>"
        for n in range(1, count + 1)
    )
    return (
        f"<domain type='kvm'><name>many</name><memory>1048576</memory><os{firmware}>"
        f"<type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>"
        f"<devices>{ports}{disks}<memballoon model='none'/></devices></domain>"
    )


def resolved(xml: str) -> vk.Resolved:
    """The resolved domain."""
    return vk.resolve(vk.read(xml.encode()))


def test_ten_transitional_disks_under_ovmf() -> None:
    """Of ten transitional disks in ports, OVMF loses the first, which is the boot disk, and finds all others."""
    found = power_on(resolved(many_disks(10)))
    assert not found.ok
    assert [disk.result for disk in found.disks] == ["not-found", *["hidden"] * 9]
    assert "10 bridges need a 4 KiB window of port I/O, but OVMF has room for 9" in found.disks[0].reason
    assert "OVMF cannot start disk vda" in found.text()


@pytest.mark.parametrize(("guest", "step"), [("debian12", "virtio-non-transitional"), ("rhel6.10", "places exchanged")])
def test_remedy(guest: str, step: str) -> None:
    """A guest with a modern driver gets the modern-only model for the boot disk; an older one gets another place."""
    known = vk.catalogue().find(guest)
    before = resolved(many_disks(11))
    found = remedy(before, known)
    assert found is not None
    assert step in found.steps[0]
    assert power_on(resolved(found.text), known).ok


def test_no_remedy_for_a_good_domain() -> None:
    """A domain whose boot disk is found is left alone."""
    assert remedy(resolved(many_disks(9)), vk.catalogue().find("debian12")) is None


def test_seabios_does_not_start() -> None:
    """Fifteen transitional ports stop SeaBIOS, so no disk is found; modern ones do not matter."""
    stopped = power_on(resolved(many_disks(15, "")))
    assert {disk.result for disk in stopped.disks} == {"not-found"}
    assert "does not start the machine" in stopped.disks[-1].reason
    assert power_on(resolved(many_disks(15, "", "virtio-non-transitional"))).ok


def test_disks_without_a_boot_index() -> None:
    """Under SeaBIOS and OVMF, a boot loader cannot read disks without a boot index; of others no boot showed it."""
    for firmware, why in (("", "-boot strict=on keeps"), (" firmware='efi'", "OVMF does not connect")):
        found = power_on(resolved(many_disks(3, firmware)))
        assert [disk.result for disk in found.disks] == ["boots", "hidden", "hidden"]
        assert "2 disks have no boot index, so a boot loader cannot read them" in found.text()
        assert why in found.disks[1].reason
        assert found.ok
    arm = many_disks(3).replace("x86_64", "aarch64").replace("q35", "virt")
    assert [disk.result for disk in power_on(resolved(arm)).disks] == ["boots"] * 3


def test_boot_order() -> None:
    """The disk with the lowest <boot order> is the one that is started, wherever it stands."""
    target = "<target dev='vdc' bus='virtio'/>"
    xml = many_disks(3, "").replace(target, f"{target}<boot order='1'/>")
    found = power_on(resolved(xml))
    assert [disk.first for disk in found.disks] == [False, False, True]
    assert found.starts == "SeaBIOS starts disk vdc"


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>", "OVMF"),
        ("<os><type arch='x86_64' machine='pc'>hvm</type></os>", "SeaBIOS"),
        ("<os firmware='efi'><type arch='aarch64' machine='virt'>hvm</type></os>", "AAVMF"),
        ("<os><type arch='ppc64' machine='pseries'>hvm</type></os>", "SLOF"),
        ("<os><type arch='s390x' machine='s390-ccw-virtio'>hvm</type></os>", "s390-ccw"),
        ("<os><loader>/usr/lib/u-boot/qemu-x86/u-boot.rom</loader><type machine='pc'>hvm</type></os>", "U-Boot x86"),
    ],
)
def test_firmware_of_a_domain(system: str, name: str) -> None:
    """The firmware follows from <os>, the architecture and the machine type."""
    emulated = "<features><acpi/></features>" if "efi" in system else ""
    xml = f"<domain type='qemu'><name>d</name><memory>1048576</memory>{system}{emulated}<devices/></domain>"
    found, _ = firmware_of(resolved(xml))
    assert found is not None
    assert found.name == name


def test_direct_kernel_boot() -> None:
    """With <kernel>, QEMU loads the kernel itself and the firmware does not matter."""
    xml = many_disks(10).replace("<os firmware='efi'>", "<os><kernel>/vmlinuz</kernel>")
    found = power_on(resolved(xml))
    assert (found.firmware, found.disks, found.ok) == ("", (), True)
    assert found.why == "QEMU loads the kernel itself, so the firmware reads no disk"


def test_named_firmware() -> None:
    """A named firmware replaces that of the domain: U-Boot finds no disk on a virtio-scsi controller."""
    xml = (
        "<domain type='qemu'><name>d</name><memory>1048576</memory>"
        "<os><type arch='aarch64' machine='virt'>hvm</type></os><devices>"
        "<controller type='scsi' index='0' model='virtio-scsi'/>"
        "<disk type='file' device='disk'><source file='/a.img'/><target dev='sda' bus='scsi'/></disk>"
        "</devices></domain>"
    )
    found = power_on(resolved(xml), firmware="U-Boot arm64 2023.01")
    assert [disk.reason for disk in found.disks] == ["U-Boot arm64 2023.01 has no driver for virtio-scsi"]
    assert power_on(resolved(xml), firmware="AAVMF").ok


def test_check_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check fails when the boot disk is lost, says why in text and JSON, and --fix writes a domain that starts."""
    file, out = tmp_path / "many.xml", tmp_path / "fixed.xml"
    file.write_text(many_disks(10))
    assert main(["check", str(file), "--guest", "debian12"]) == 1
    assert "NO disk vda [virtio-disk0]: OVMF does not find it" in capsys.readouterr().out
    assert main(["check", str(file), "--guest", "debian12", "--format", "json"]) == 1
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["boot"]["disks"][0]["result"]) == (False, "not-found")
    assert main(["check", str(file), "--guest", "debian12", "--fix", "-o", str(out)]) == 0
    assert "boot: OVMF starts disk vda" in capsys.readouterr().out
    assert power_on(resolved(out.read_text())).ok


def test_topology_shows_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """topology shows the NIC's name in text, in JSON and in the hover text of the picture, and its change on q35."""
    domain = str(vk.samples() / "rhel6-pc.xml")
    assert main(["topology", domain, "--guest", "debian12"]) == 0
    assert "name: interface 0 (virtio) [net0]: ens3" in capsys.readouterr().out
    assert main(["topology", domain, "--guest", "debian12", "--diff-machine", "q35"]) == 0
    assert "name: ens3 becomes enp1s0 (net0, 52:54:00:1e:54:b8)" in capsys.readouterr().out
    for ending in ("json", "svg"):
        assert main(["topology", domain, "--guest", "debian12", "-o", str(tmp_path / f"o.{ending}")]) == 0
    answer = json.loads((tmp_path / "o.json").read_text())
    assert answer["boot"]["names"][0]["name"]["name"] == "ens3"
    assert answer["boot"]["paths"] == {"virtio-disk0": "pci-0000:00:04.0"}
    assert "name in the guest: ens3" in (tmp_path / "o.svg").read_text()


def test_moves_shows_names(capsys: pytest.CaptureFixture[str]) -> None:
    """moves lists the names before and after; those of a guest that keeps names by MAC address stay."""
    domain = str(vk.samples() / "rhel6-pc.xml")
    assert main(["moves", domain, "--machine", "pc:q35", "--guest", "debian12"]) == 0
    assert "name: ens3 becomes enp1s0" in capsys.readouterr().out
    assert main(["moves", domain, "--machine", "pc:q35", "--format", "json"]) == 0
    (name,) = json.loads(capsys.readouterr().out)["names"]
    assert (name["before"], name["after"]) == ("eth0", "eth0")


@pytest.mark.parametrize(
    ("guest", "file", "hint"),
    [("debian12", "a-cidata.iso", True), ("debian12", "data.iso", False), ("debian12:cloud", "a-cidata.iso", False)],
)
def test_seed_of_cloud_init(guest: str, file: str, hint: bool) -> None:
    """A seed disk of cloud-init gives a hint at the cloud kernel, unless a kernel is named, and changes no verdict."""
    seed = f"<disk type='file' device='cdrom'><source file='/x/{file}'/><target dev='sda' bus='sata'/></disk>"
    found = power_on(resolved(many_disks(1).replace("</devices>", f"{seed}</devices>")), vk.catalogue().find(guest))
    assert found.ok
    assert [f"--guest {guest}:cloud" in note for note in found.notes] == [True] * hint
