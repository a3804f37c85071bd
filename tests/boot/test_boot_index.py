"""The boot index as a remedy: disks that the boot needs and that the firmware does not start or hides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import virtkit as vk
from tests.boot.test_power_on import many_disks, resolved
from virtkit.boot.domain_firmware import boot_order
from virtkit.boot.firmware_choice import firmware_of
from virtkit.boot.power_on import power_on
from virtkit.boot.remedies import remedy
from virtkit.cli import main
from virtkit.errors import UsageError

_ISO = "<disk type='file' device='cdrom'><source file='/i.iso'/><target dev='sda' bus='sata'/>{}</disk>"


def with_order(xml: str, *targets: str) -> str:
    """The domain with boot orders 1, 2, … for the disks with these targets."""
    for number, target in enumerate(targets, 1):
        place = f"<target dev='{target}' bus='virtio'/>"
        assert place in xml
        xml = xml.replace(place, f"{place}<boot order='{number}'/>")
    return xml


def order(xml: str) -> list[str]:
    """The labels of the devices that have a boot index, in their order."""
    return [one.label for one in boot_order(resolved(xml))]


@pytest.mark.parametrize("firmware", ["", " firmware='efi'"])
def test_disks_that_the_boot_loader_reads(firmware: str) -> None:
    """A named disk without a boot index fails, and the remedy gives an index to it and to no other disk."""
    before = resolved(many_disks(4, firmware))
    found = power_on(before, needed=("vda", "vdc"))
    assert [(disk.result, disk.needed) for disk in found.disks] == [
        ("boots", True), ("hidden", False), ("hidden", True), ("hidden", False),
    ]  # fmt: skip
    assert not found.ok
    changed = remedy(before, None, needed=("vda", "vdc"))
    assert changed is not None
    assert changed.steps == ("disk vda: <boot order='1'/>", "disk vdc: <boot order='2'/>")
    after = power_on(resolved(changed.text), needed=("vda", "vdc"))
    assert after.ok
    assert [disk.result for disk in after.disks] == ["boots", "hidden", "boots", "hidden"]


def test_the_rest_of_the_text_stays() -> None:
    """The remedy removes <os><boot>, adds <boot order> where it is needed, and leaves every other byte as it was."""
    text = many_disks(2, "").replace("</os>", "\n  <boot dev='hd'/>\n  <bootmenu enable='no'/>\n</os>")
    text = text.replace("/>", " />")
    changed = remedy(resolved(text), None, needed=("vda", "virtio-disk1"))
    assert changed is not None
    assert "<boot dev" not in changed.text
    without = text.replace("\n  <boot dev='hd' />", "")
    for number in (1, 2):
        assert f"<boot order='{number}'/>" in changed.text
    assert changed.text.replace("<boot order='1'/>", "").replace("<boot order='2'/>", "") == without
    assert "<boot dev='hd'/> removed" in changed.steps[-1]


def test_another_system_disk() -> None:
    """SeaBIOS tries the first hard disk only, so a system disk after it gets a lower index; CD-ROMs stay before it."""
    text = with_order(many_disks(3, ""), "vda", "vdb").replace("order='2'", "order='5'")
    text = text.replace("</devices>", _ISO.format("<boot order='3'/>") + "</devices>").replace("order='1'", "order='4'")
    assert order(text)[0].startswith("disk sda")
    before = power_on(resolved(text), needed=("vdb",))
    assert [disk.result for disk in before.disks if disk.needed] == ["not-tried"]
    assert "SeaBIOS tries one hard disk only, disk vda" in before.text()
    changed = remedy(resolved(text), None, needed=("vdb",))
    assert changed is not None
    assert [label.split()[1] for label in order(changed.text)] == ["sda", "vdb", "vda"]
    assert power_on(resolved(changed.text), needed=("vdb",)).ok


def test_ovmf_goes_on_to_the_next_disk() -> None:
    """OVMF tries every disk with an index, so a system disk in second place is started; one without an index is not."""
    text = with_order(many_disks(3), "vda", "vdb")
    assert power_on(resolved(text), needed=("vdb",)).ok
    lost = power_on(resolved(text), needed=("vdc",))
    assert not lost.ok
    assert "no boot index, so OVMF does not start it" in lost.text()


def test_sixteen_disks() -> None:
    """INT 13h has room for 16 hard disks in the order of their indices, wherever they stand in the domain."""
    model = "virtio-non-transitional"
    names = [f"vd{chr(97 + n)}" for n in range(18)]
    text = with_order(many_disks(18, "", model), *reversed(names))
    found = {disk.label.split()[1]: disk.result for disk in power_on(resolved(text)).disks}
    assert [found[name] for name in names] == ["hidden"] * 2 + ["boots"] * 16
    changed = remedy(resolved(text), None, needed=(names[-1], names[0]))
    assert changed is not None
    after = power_on(resolved(changed.text), needed=(names[-1], names[0]))
    assert after.ok
    assert after.starts == "SeaBIOS starts disk vdr"


@pytest.mark.parametrize("boot", ["<boot dev='cdrom'/>", "<boot dev='network'/>"])
def test_no_hard_disk_has_an_index(boot: str) -> None:
    """Where only a CD-ROM or the network has an index, a note says so, and the remedy appends the first disk."""
    nic = "<interface type='user'><model type='virtio'/></interface>"
    text = many_disks(2, "").replace("</os>", f"{boot}</os>").replace("</devices>", f"{_ISO.format('')}{nic}</devices>")
    found = power_on(resolved(text))
    assert found.ok
    assert any("starts from no hard disk, because none has a boot index" in note for note in found.notes)
    changed = remedy(resolved(text), None)
    assert changed is not None
    assert [label.split()[0] for label in order(changed.text)] == ["disk" if "cdrom" in boot else "interface", "disk"]
    assert order(changed.text)[1].startswith("disk vda")
    assert not power_on(resolved(changed.text)).notes


def test_a_seed_that_comes_first() -> None:
    """A seed of cloud-init that is the first hard disk gives a hint that names the option and the other disk."""
    found = power_on(resolved(many_disks(2, "").replace("/1.img", "/vm-cidata.img")))
    assert found.ok
    assert any("is a seed of cloud-init by its file name" in one and "--boot-disks vdb" in one for one in found.notes)


def test_a_disk_that_the_domain_lacks() -> None:
    """A name that no disk has is refused, and the message lists the disks."""
    with pytest.raises(UsageError, match=r"many: expected a disk, vda or vdb, got 'vdz'"):
        power_on(resolved(many_disks(2)), needed=("vdz",))


def test_check_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check --boot-disks fails for a hidden disk, and with --fix writes a domain with which it ends with 0."""
    file, out = tmp_path / "two.xml", tmp_path / "out.xml"
    file.write_text(many_disks(2, ""))
    options = ["--guest", "debian12", "--boot-disks", "vda,vdb"]
    assert main(["check", str(file), *options]) == 1
    assert "NO disk vdb [virtio-disk1]: a boot loader cannot read it" in capsys.readouterr().out
    assert main(["check", str(file), *options, "--fix", "-o", str(out)]) == 0
    assert main(["check", str(out), *options, "--format", "json"]) == 0
    captured = capsys.readouterr().out
    (answer,) = json.loads(captured[captured.index("[\n {") :])
    assert [disk["result"] for disk in answer["boot"]["disks"]] == ["boots", "boots"]


@pytest.mark.parametrize("guest", ["rhel6.10", "debian12"])
def test_fewer_ports(guest: str) -> None:
    """Sixteen transitional disks in ports stop SeaBIOS; those of a guest with legacy drivers go behind one bridge."""
    before = resolved(many_disks(16, ""))
    known = vk.catalogue().find(guest)
    changed = remedy(before, known)
    assert changed is not None
    assert ("one conventional bridge takes all of them" in changed.steps[-1]) == (guest == "rhel6.10")
    after = power_on(resolved(changed.text), known)
    assert after.ok
    interfaces = {str(one.shown.interface) for one in resolved(changed.text).virtio_devices if one.shown}
    assert interfaces == ({"transitional"} if guest == "rhel6.10" else {"modern"})


def test_u_boot_and_bridges() -> None:
    """U-Boot for x86 starts with 11 bridges and not with 12; of newer releases this is not known."""
    # libvirt adds a port that is free for hotplug.
    assert power_on(resolved(many_disks(10, "", "virtio-non-transitional")), firmware="U-Boot").ok
    more = resolved(many_disks(11, "", "virtio-non-transitional"))
    assert "more than 11 bridges; this has 12" in power_on(more, firmware="U-Boot 2023.01").disks[0].reason
    assert power_on(more, firmware="U-Boot 2025.01").ok


def test_u_boot_reads_no_index() -> None:
    """U-Boot starts the first virtio disk by its place, root bus first, whatever the boot index says, and no other."""
    port = "<controller type='pci' index='1' model='pcie-root-port'><address type='pci' bus='0' slot='4'/></controller>"
    disk = (
        "<disk type='file' device='disk'><source file='/{0}.img'/><target dev='vd{0}' bus='virtio'/>"
        "<boot order='{1}'/><address type='pci' bus='{2}' slot='{3}'/></disk>"
    )
    places = (("a", 1, 1, 0), ("b", 2, 0, 9), ("c", 3, 0, 6))
    xml = many_disks(0, "").replace("<memballoon", port + "".join(disk.format(*one) for one in places) + "<memballoon")
    found = power_on(resolved(xml), firmware="U-Boot", needed=("vdc",))
    assert (found.starts, found.ok) == ("U-Boot x86 starts disk vdc", True)
    assert found.notes == ("U-Boot x86 reads no boot index and tries the disks by place, so disk vda is not the first",)
    lost = power_on(resolved(xml), firmware="U-Boot", needed=("vda",))
    assert not lost.ok
    assert "tries disk vdc only, the first by its PCI place" in lost.text()
    assert remedy(resolved(xml), None, "U-Boot", ("vda",)) is None


@pytest.mark.parametrize(
    ("rom", "model", "result"),
    [
        ("<rom file='/x.rom'/>", "virtio", "not-found"),
        ("<rom file='/x.rom'/>", "virtio-non-transitional", "boots"),
        ("<rom enabled='no'/>", "virtio-non-transitional", "not-found"),
        ("<rom bar='off'/>", "virtio", "unknown"),
        ("", "virtio", "boots"),
        ("", "e1000", "unknown"),
    ],
)
def test_network_boot(rom: str, model: str, result: str) -> None:
    """SeaBIOS starts from a NIC by its option ROM, and ignores a named file unless the NIC is modern."""
    nic = f"<interface type='user'><model type='{model}'/>{rom}<address type='pci' bus='0' slot='9'/></interface>"
    xml = many_disks(0, "").replace("</os>", "<boot dev='network'/></os>").replace("<memballoon", f"{nic}<memballoon")
    found = power_on(resolved(xml))
    assert [one.result for one in found.nics] == [result]
    assert found.ok == (result != "not-found")
    assert power_on(resolved(xml), firmware="UEFI").nics[0].result == ("unknown" if model == "e1000" else "boots")


@pytest.mark.parametrize(
    ("system", "arch", "name"),
    [
        ("<loader type='rom'>/usr/share/seabios/bios-256k.bin</loader>", "x86_64", "SeaBIOS"),
        ("<loader>/usr/share/qemu-efi-aarch64/QEMU_EFI.fd</loader>", "aarch64", "AAVMF"),
        ("<kernel>/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf</kernel>", "riscv64", "U-Boot riscv64 S-mode"),
        ("<loader>/usr/lib/u-boot/qemu-x86_64/u-boot.rom</loader>", "x86_64", "U-Boot x86_64"),
    ],
)
def test_firmware_by_file(system: str, arch: str, name: str) -> None:
    """The file that a domain names as loader, or as kernel, tells which firmware it is."""
    machine = "q35" if arch == "x86_64" else "virt"
    xml = f"<domain type='qemu'><name>d</name><memory>1048576</memory><os><type arch='{arch}' machine='{machine}'>hvm"
    found, why = firmware_of(resolved(f"{xml}</type>{system}</os><devices/></domain>"))
    assert (found and found.name, why) == (name, "")


def test_firmware_of_another_architecture() -> None:
    """A firmware that the architecture does not have is unknown, and the answer says so in place of a verdict."""
    found = power_on(resolved(many_disks(1)), firmware="SLOF")
    assert (found.why, found.disks) == ("unknown: no boot was observed with SLOF on x86_64", ())
    assert "boot: unknown: no boot was observed with SLOF" in found.text()
