"""Questions that people ask in public, each as a small domain, with the answer that is known to be right."""

from __future__ import annotations

from pathlib import Path

import pytest

import virtkit as vk
from virtkit.cli import main
from virtkit.compat.review import Finding, Review
from virtkit.errors import GuestError, Refused

NAMES = {
    "rhel6.9": "redhat.com/rhel/6.9",
    "rhel7.9": "redhat.com/rhel/7.9",
    "rhel8.4": "redhat.com/rhel/8.4",
    "centos8": "centos.org/centos/8",
    "debian12": "debian.org/debian/12",
    "fedora40": "fedoraproject.org/fedora/40",
    "win10": "microsoft.com/win/10",
    "win2k19": "microsoft.com/win/2k19",
    "win7": "microsoft.com/win/7",
}
IOMMU = "<driver iommu='on'/>"


def domain(devices: str, machine: str = "q35", guest: str = "", rest: str = "", arch: str = "x86_64") -> str:
    """The XML of a domain with these devices; ``rest`` is what follows ``<os>``."""
    namespace = "http://libosinfo.org/xmlns/libvirt/domain/1.0"
    system = f"<o:libosinfo xmlns:o='{namespace}'><o:os id='http://{NAMES[guest]}'/></o:libosinfo>" if guest else ""
    return (
        f"<domain type='kvm'><name>q</name><metadata>{system}</metadata><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os>{rest}<devices>{devices}</devices></domain>"
    )


def disk(target: str = "vda", bus: str = "virtio", inside: str = "", device: str = "disk") -> str:
    """A disk element."""
    return (
        f"<disk type='file' device='{device}'>{inside}<source file='/images/{target}'/>"
        f"<target dev='{target}' bus='{bus}'/></disk>"
    )


def nic(model: str = "virtio", inside: str = "") -> str:
    """A NIC element."""
    return f"<interface type='network'><source network='default'/><model type='{model}'/>{inside}</interface>"


def check(xml: str, guest: str | None = None) -> Review:
    """The review of a domain."""
    return vk.check(vk.resolve(vk.read(xml)), guest)


def finding(review: Review, label: str) -> Finding:
    """The finding on the device whose label begins so."""
    return next(one for one in review.devices if one.label.startswith(label))


@pytest.mark.parametrize(
    ("machine", "family", "arch"),
    [
        ("pc-q35-rhel8.2.0", "q35", "x86_64"),
        ("pc-i440fx-rhel7.3.0", "i440fx", "x86_64"),
        ("pc-q35-jammy", "q35", "x86_64"),
        ("pc-i440fx-xenial", "i440fx", "x86_64"),
        ("pc-q35-3.1", "q35", "x86_64"),
        ("pc-i440fx-1.7", "i440fx", "x86_64"),
        ("virt-rhel8.6.0", "aarch64-virt", "aarch64"),
        ("s390-ccw-virtio-rhel8.4.0", "s390-ccw", "s390x"),
    ],
)
def test_machine_types_of_other_hosts_are_answered(machine: str, family: str, arch: str) -> None:
    """A machine type that the default host lacks is answered for the nearest host that has it, with a note."""
    resolved = vk.resolve(vk.read(domain(disk() + nic(), machine, arch=arch)))
    assert resolved.family == family
    (note,) = (one.text for one in vk.check(resolved, "rhel9.4").remarks if "assumed host" in one.text)
    assert "virsh capabilities > host.xml" in note


@pytest.mark.parametrize(
    ("devices", "label"),
    [
        (disk(inside=IOMMU), "disk"),
        (nic(inside=IOMMU), "interface"),
        (f"<rng model='virtio'>{IOMMU}<backend model='random'>/dev/urandom</backend></rng>", "rng"),
        (f"<controller type='scsi' model='virtio-scsi'>{IOMMU}</controller>", "controller scsi"),
        (f"<controller type='virtio-serial'>{IOMMU}</controller>", "controller virtio-serial"),
        (f"<memballoon model='virtio'>{IOMMU}</memballoon>", "memballoon"),
    ],
)
def test_iommu_on_a_device_with_a_legacy_interface_is_refused(devices: str, label: str) -> None:
    """QEMU does not start with iommu='on' on a transitional device; on pc the remedy is the non-transitional model."""
    found = finding(check(domain(devices, "pc", "debian12")), label)
    assert found.verdict == "fails"
    assert "VIRTIO_F_IOMMU_PLATFORM" in found.reason
    assert found.better == "virtio-non-transitional"


def test_iommu_leaves_a_legacy_guest_without_driver() -> None:
    """No model helps a guest with legacy drivers while iommu='on' is there, and no fix writes one."""
    review = check(domain(disk(inside=IOMMU) + nic(inside=IOMMU), "q35", "rhel6.9"))
    for label in ("disk", "interface"):
        found = finding(review, label)
        assert found.verdict == "fails"
        assert found.better == ""
        assert "remove iommu='on'" in found.advice


def test_virtiofs_takes_no_iommu() -> None:
    """QEMU refuses virtiofs with iommu='on'."""
    share = (
        "<filesystem type='mount'><driver type='virtiofs' iommu='on'/><source dir='/srv'/><target dir='s'/>"
        "</filesystem>"
    )
    memory = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    found = finding(check(domain(share, "q35", "fedora40", memory)), "filesystem")
    assert (found.verdict, found.interface) == ("fails", "refused")
    assert "not supported by the device" in found.reason


@pytest.mark.parametrize("machine", ["pc", "q35"])
@pytest.mark.parametrize("guest", ["rhel7.9", "rhel8.4", "centos8"])
def test_the_default_scsi_controller_has_no_driver_in_rhel(guest: str, machine: str) -> None:
    """A disk on bus scsi without a controller sits on lsilogic, which RHEL 7 and later cannot drive."""
    review = check(domain(disk("sda", "scsi"), machine, guest))
    found = finding(review, "disk sda")
    assert (found.model, found.verdict, review.ok) == ("lsilogic", "fails", False)
    assert found.better == "virtio"
    assert "virtio-scsi" in found.change


@pytest.mark.parametrize(
    ("bus", "model"), [("scsi", "rtl8139"), ("sata", "vmxnet3"), ("usb", "e1000"), ("ide", "ne2k_pci")]
)
def test_every_disk_and_nic_is_judged_or_said_not_to_be(bus: str, model: str) -> None:
    """Each disk and NIC has a verdict, or a reason that begins with "Not judged"."""
    review = check(domain(disk("hda" if bus == "ide" else "sda", bus) + nic(model), "pc", "win10"))
    for label in ("disk", "interface"):
        found = finding(review, label)
        assert found.verdict != "unknown" or found.reason.startswith("Not judged")


@pytest.mark.parametrize(
    ("guest", "target", "bus", "says"),
    [
        ("win2k19", "vda", "virtio", "stop 0x7B"),
        ("win10", "sda", "scsi", "vioscsi is boot-start"),
        ("rhel7.9", "vda", "virtio", "dracut"),
        ("rhel8.4", "sda", "scsi", "virtio_scsi"),
        ("debian12", "vda", "virtio", "initramfs"),
    ],
)
def test_the_boot_disk_says_what_the_start_depends_on(guest: str, target: str, bus: str, says: str) -> None:
    """What decides whether the system starts is named once, on the boot disk."""
    controller = "<controller type='scsi' model='virtio-scsi'/>" if bus == "scsi" else ""
    review = check(domain(controller + disk(target, bus) + disk("vdz"), "q35", guest))
    said = [one.boot for one in review.devices if one.boot]
    assert len(said) == 1
    assert says in said[0]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("opnsense 19.1", "freebsd11.2"),
        ("OPNsense 24.7", "freebsd14."),
        ("pfSense", "pfsense"),
        ("truenas", "truenas"),
        ("vyos 1.4", "linux-6."),
        ("openwrt", "openwrt"),
        ("haos", "linux-"),
        ("VMware ESXi 8", "vmwareesxi"),
        ("routeros", "mikrotikrouteros"),
        ("macOS 10.14", "macos10.14"),
    ],
)
def test_an_appliance_is_judged_by_its_system_or_unknown(name: str, base: str) -> None:
    """An appliance stands for the system that it is built on, else its drivers are unknown; a note says which."""
    guest = vk.guests.find(name)
    assert guest.id.startswith(base)
    assert "built on" in guest.note or "unknown" in guest.note


@pytest.mark.parametrize(
    ("name", "guest"),
    [
        ("rhel8", "rhel8.10"),
        ("centos6", "centos6.10"),
        ("freebsd13", "freebsd13."),
        ("debian", "debian13"),
        ("windows10", "win10"),
        ("Windows Server 2022", "win2k22"),
        ("Windows 11 Pro", "win11"),
        ("ubuntu 22.04 LTS", "ubuntu22.04"),
        ("Rocky Linux 9", "rocky9"),
        ("Debian GNU/Linux 12 (bookworm)", "debian12"),
        ("Red Hat Enterprise Linux 9.4 (Plow)", "rhel9.4"),
        ("Windows 7 SP1", "win7"),
    ],
)
def test_guests_are_found_by_the_names_people_use(name: str, guest: str) -> None:
    """Names without a minor release, with blanks, or with an edition lead to a guest."""
    assert vk.guests.find(name).id.startswith(guest)


@pytest.mark.parametrize(("name", "first"), [("rehl6", "rhel6"), ("ubunut22.04", "ubuntu22.04"), ("wn10", "win10")])
def test_a_misspelled_guest_gets_the_likeliest_suggestion_first(name: str, first: str) -> None:
    """Suggestions rank by distribution and release."""
    with pytest.raises(GuestError, match=f"nearest: {first}"):
        vk.guests.find(name)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-machine", "type=pc-q35-3.1,accel=kvm"), "machine type pc-q35-3.1"),
        (("-M", "q35"), "machine type q35"),
        (("-global", "virtio-pci.disable-modern=on"), "disable-modern=on"),
        (("-set", "device.net0.bus=pcie.0"), "sets bus=pcie.0"),
        (("-set", "device.net0.addr=0x9"), "sets addr=0x9"),
        (("-drive", "file=/x,if=virtio"), "adds a device"),
        (("-device", '{"driver":"virtio-rng-pci"}'), "adds the device virtio-rng-pci"),
        (("-global", "virtio-pci.iommu_platform=on"), "QEMU does not start"),
    ],
)
def test_what_is_handed_to_qemu_is_said(arguments: tuple[str, ...], says: str) -> None:
    """Arguments past libvirt that may falsify an answer are named in a warning."""
    namespace = "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
    words = "".join(f"<qemu:arg value='{word}'/>" for word in arguments)
    xml = domain(disk() + nic(), "pc", "rhel6.9")
    xml = xml.replace("<domain ", f"<domain {namespace} ").replace(
        "</domain>", f"<qemu:commandline>{words}</qemu:commandline></domain>"
    )
    assert any(one.level == "warning" and says in one.text for one in check(xml).remarks)


def test_ide_on_q35_is_refused_with_its_remedy(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """libvirt refuses IDE disks on q35; the error names bus sata, and --fix writes it and nothing else."""
    xml = domain(disk() + disk("hda", "ide", device="cdrom") + disk("sda", "sata"))
    with pytest.raises(Refused, match=r"IDE controllers are unsupported.*bus='sata'"):
        vk.resolve(vk.read(xml))
    file = tmp_path / "q.xml"
    file.write_text(xml)
    assert main(["check", "--fix", str(file)]) == 0
    written = capsysbinary.readouterr().out.decode()
    assert written == xml.replace("dev='hda' bus='ide'", "dev='sdb' bus='sata'")


def test_fix_takes_several_domains(tmp_path: Path) -> None:
    """--fix -o FOLDER writes each domain with its own changes."""
    (tmp_path / "a.xml").write_text(domain(disk("hda", "ide")))
    (tmp_path / "b.xml").write_text(domain(disk("sda", "scsi"), "pc", "centos8"))
    out = tmp_path / "out"
    assert main(["check", "--fix", str(tmp_path / "a.xml"), str(tmp_path / "b.xml"), "-o", f"{out}/"]) == 0
    assert "bus='sata'" in (out / "a.xml").read_text()
    assert "<controller type='scsi' index='0' model='virtio-scsi'/>" in (out / "b.xml").read_text()


PLACE = "<address type='pci' domain='0' bus='0' slot='0x0a' function='0'/>"


@pytest.mark.parametrize(
    ("devices", "machine", "names"),
    [
        (nic(inside=PLACE) + f"<memballoon model='virtio'>{PLACE}</memballoon>", "pc", ("interface 0", "memballoon")),
        (nic(inside=PLACE) + nic("e1000", PLACE), "q35", ("interface 0", "interface 1")),
        (
            "<input type='tablet' bus='usb'><address type='usb' bus='0' port='1'/></input>"
            "<input type='mouse' bus='usb'><address type='usb' bus='0' port='1'/></input>",
            "pc",
            ("input tablet", "input mouse"),
        ),
        (
            disk("hda", "ide", "<address type='drive' controller='0' bus='0' unit='0'/>")
            + disk("hdb", "ide", "<address type='drive' controller='0' bus='0' unit='0'/>"),
            "pc",
            ("disk hda", "disk hdb"),
        ),
    ],
)
def test_a_clash_of_addresses_names_both_devices(devices: str, machine: str, names: tuple[str, str]) -> None:
    """When two devices have one address, the refusal names the one and the other."""
    with pytest.raises(Refused) as refused:
        vk.resolve(vk.read(domain(devices, machine)))
    assert all(name in str(refused.value) for name in names)


def test_a_slot_beyond_the_bus_is_refused() -> None:
    """A PCI bus has no slot 0x30."""
    with pytest.raises(Refused, match="must be <= 0x1F"):
        vk.resolve(vk.read(domain(nic(inside=PLACE.replace("0x0a", "0x30")), "pc")))


@pytest.mark.parametrize("second", [nic(inside="<acpi index='1'/>"), nic("e1000e", "<acpi index='1'/>")])
def test_an_acpi_index_is_used_once(second: str) -> None:
    """Two devices with the same ACPI index end QEMU, though libvirt accepts them."""
    review = check(domain(nic(inside="<acpi index='1'/>") + second, "q35", "fedora40", "<features><acpi/></features>"))
    found = finding(review, "interface 1")
    assert found.verdict == "fails"
    assert "already exist" in found.reason


def test_an_acpi_index_of_a_host_device_counts() -> None:
    """A host device with the ACPI index of a NIC is an error, though host devices have no verdict."""
    host = (
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0' bus='3' slot='0' function='0'/>"
        "</source><acpi index='1'/></hostdev>"
    )
    review = check(domain(nic(inside="<acpi index='1'/>") + host, "q35", "fedora40", "<features><acpi/></features>"))
    assert not review.ok
    assert any(one.level == "error" and one.text.startswith("hostdev") for one in review.remarks)


@pytest.mark.parametrize("machine", ["q35", "pc"])
def test_uefi_needs_acpi(machine: str) -> None:
    """libvirt refuses UEFI without ACPI on x86."""
    xml = domain("", machine).replace("<os>", "<os firmware='efi'>")
    with pytest.raises(Refused, match="UEFI requires ACPI on this architecture"):
        vk.resolve(vk.read(xml))


@pytest.mark.parametrize("event", ["on_poweroff", "on_reboot"])
def test_preserve_is_refused(event: str) -> None:
    """libvirt's QEMU driver takes 'preserve' for crashes only."""
    with pytest.raises(Refused, match="'preserve'"):
        vk.resolve(vk.read(domain("", rest=f"<{event}>preserve</{event}>")))
    vk.resolve(vk.read(domain("", rest="<on_crash>preserve</on_crash>")))


@pytest.mark.parametrize("model", ["virtio-net", "virtio-net-pci", "virtio-net-pci-non-transitional"])
def test_qemus_names_of_virtio_net_count_as_virtio(model: str) -> None:
    """A NIC with QEMU's own name is a virtio NIC: behind a root port RHEL 6 has no network."""
    found = finding(check(domain(nic(model), "q35", "rhel6.9")), "interface")
    assert (found.interface, found.device_id, found.verdict) == ("modern", "1041", "fails")


def test_hotplug_counts_by_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """q35 has room for a PCI Express device and none for a conventional one, and the remedy is named."""
    file = tmp_path / "q.xml"
    file.write_text(domain(disk() + nic()))
    assert main(["topology", str(file)]) == 0
    (line,) = (one for one in capsys.readouterr().out.splitlines() if "can be hot-plugged" in one)
    assert "1 PCI Express device can be hot-plugged" in line
    assert "none of the conventional kind (rtl8139, e1000, virtio-transitional)" in line
    assert "pcie-to-pci-bridge" in line


def test_a_vga_compatible_virtio_device_gives_a_picture() -> None:
    """A guest without virtio-gpu has a picture on virtio-vga, which is a VGA card as well."""
    found = finding(check(domain("<video><model type='virtio'/></video>", "q35", "win7")), "video")
    assert found.verdict == "works"
    assert "VGA" in found.reason


def test_a_proxmox_configuration_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A configuration of a Proxmox guest is answered: its virtio devices are transitional, on q35 too."""
    file = tmp_path / "100.conf"
    file.write_text(
        "boot: order=scsi0\nmachine: q35\nnet0: virtio=AA:BB:CC:00:00:02,bridge=vmbr0\n"
        "ostype: l26\nscsi0: local:vm-100-disk-0,size=8G\nscsihw: virtio-scsi-pci\n"
    )
    assert main(["check", str(file), "--guest", "rhel6.10"]) == 0
    said = capsys.readouterr().out
    assert "interface 0 (virtio) [net0, virtio, transitional" in said
    assert "controller scsi 0 (virtio-scsi)" in said


def test_a_kubevirt_object_without_its_volume_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A KubeVirt object is recognised; the error names the disk that has no volume."""
    file = tmp_path / "vmi.yaml"
    file.write_text(
        "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata:\n  name: x\nspec:\n  domain:\n"
        "    devices:\n      disks:\n      - disk: {bus: virtio}\n        name: root\n"
    )
    assert main(["check", str(file)]) == 1
    assert "VirtualMachineInstance x: " in (said := capsys.readouterr().err)
    assert "no volume called 'root'" in said
