"""Verdicts on emulated disks and network cards, and on NICs that carry QEMU's names."""

from __future__ import annotations

import pytest

from tests.writing import domain, resolved
from virtkit import check, read, resolve
from virtkit.compat.emulated import judge_emulated
from virtkit.compat.review import Finding, Review
from virtkit.compat.verdict import Verdict
from virtkit.guests import find
from virtkit.guests.hardware import State, driven, hardware


def review(devices: str, guest: str, machine: str = "pc") -> Review:
    """The review of a domain with these devices."""
    xml = (
        "<domain type='kvm'><name>one</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )
    return check(resolve(read(xml.encode())), guest)


SCSI = "<disk type='file' device='disk'><source file='/d'/><target dev='sda' bus='scsi'/></disk>"
SATA = "<disk type='file' device='{device}'><source file='/d'/><target dev='sda' bus='sata'/></disk>"
NIC = "<interface type='user'><model type='{model}'/></interface>"


@pytest.mark.parametrize("guest", ["centos8", "rhel8.2", "rhel8.10", "rhel9.7", "almalinux9", "rhel7.6"])
def test_the_default_scsi_controller_is_unknown_to_rhel(guest: str) -> None:
    """A SCSI disk without a controller is attached to lsilogic, for which RHEL 7.1 and later has no driver."""
    found = review(SCSI, guest)
    (disk,) = found.emulated
    assert (disk.label, disk.model, disk.verdict) == ("disk sda", "lsilogic", "fails")
    assert disk.change.startswith("<controller type='scsi' model='virtio-scsi'/>")
    assert not found.ok


def test_the_remedy_of_a_windows_disk_names_its_condition() -> None:
    """What no source states about Windows is not judged, and it is no failure."""
    found = review(SCSI, "win10")
    assert (found.emulated[0].verdict, found.ok) == ("unknown", True)
    assert found.emulated[0].reason.startswith("Not judged: no source says whether this guest drives the LSI 53C895A")
    assert "unknown\n      Not judged" in found.text()


@pytest.mark.parametrize(
    ("model", "guest", "verdict"),
    [
        ("e1000", "winxp", "works"),
        ("e1000e", "win10", "works"),
        ("e1000", "rhel9.2", "works"),
        ("pcnet", "rhel8.4", "fails"),
        ("pcnet", "rhel7.5", "works"),
        ("pcnet", "centos7.0", "unknown"),
        ("ne2k_pci", "freebsd13.1", "fails"),
        ("ne2k_pci", "freebsd12.1", "works"),
        ("rtl8139", "win11", "unknown"),
        ("vmxnet3", "win10", "works-with-condition"),
        ("vmxnet3", "win2k22", "unknown"),
        ("e1000", "openbsd7.5", "works"),
        ("rtl8139", "netbsd9.3", "works"),
        ("vmxnet3", "netbsd8.0", "unknown"),
        ("vmxnet3", "debian12", "works"),
        ("igb", "rhel9.0", "works"),
        ("usb-net", "rhel9.0", "unknown"),
        ("e1000", "linux-5.10", "unknown"),
    ],
)
def test_network_cards(model: str, guest: str, verdict: str) -> None:
    """A card works if the database lists it or a fact says so, fails by a fact only, and is unknown otherwise."""
    (nic,) = review(NIC.format(model=model), guest, "q35").emulated
    assert (nic.kind, nic.model, nic.verdict) == ("net", model, verdict)


def test_an_unmaintained_driver_is_named() -> None:
    """A driver that the vendor no longer maintains works, and the reason says so."""
    (nic,) = review(NIC.format(model="e1000"), "rhel9.2").emulated
    assert "no longer maintains" in nic.reason


def test_a_missing_driver_of_a_removable_disk_is_harmless() -> None:
    """A guest runs without its CD-ROM, so an unknown or failing CD-ROM is no failure of the domain."""
    (drive,) = review(SATA.format(device="cdrom"), "debian12", "q35").emulated
    assert drive.harmless
    assert not review(SATA.format(device="disk"), "debian12", "q35").emulated[0].harmless


def test_a_disk_on_virtio_scsi_is_judged_by_its_controller() -> None:
    """There is one verdict for a virtio SCSI controller and none for its disks."""
    found = review("<controller type='scsi' model='virtio-scsi'/>" + SCSI, "rhel9.2")
    assert not found.emulated
    assert any(finding.kind == "scsi" for finding in found.findings)


def test_without_corrections_only_the_database_counts() -> None:
    """Switching the corrections off leaves the devices that the database lists, and the rest unknown."""
    known = hardware()
    assert driven(find("rhel9.2"), known["pcnet"], overrides=False).state is State.UNKNOWN
    assert driven(find("freebsd13.1"), known["ne2k_pci"], overrides=False).state is State.PRESENT


@pytest.mark.parametrize(
    ("name", "model", "interface"),
    [
        ("virtio-net", "virtio", "modern"),
        ("virtio-net-pci", "virtio", "modern"),
        ("virtio-net-pci-non-transitional", "virtio-non-transitional", "modern"),
    ],
)
def test_the_names_of_qemu_are_virtio(name: str, model: str, interface: str) -> None:
    """A NIC model that is QEMU's name of virtio-net is a virtio device behind a PCI Express port."""
    found = review(NIC.format(model=name), "rhel6.10", "q35")
    nic = next(finding for finding in found.findings if finding.kind == "net")
    assert (nic.model, nic.interface, nic.verdict, nic.better) == (model, interface, "fails", "virtio-transitional")
    assert not found.ok


def test_virtio_net_of_s390x_is_no_pci_device() -> None:
    """There, virtio-net is QEMU's name of virtio-net-ccw, which a PCI address does not suit (QEMU 7.2.22)."""
    found = resolved(domain(NIC.format(model="virtio-net"), "s390-ccw-virtio", "s390x"), "9.0")
    assert not any(device.kind == "net" for device in found.virtio_devices)
    (card,) = check(found, "rhel9.2").emulated
    assert card.reason == "QEMU does not start: Device 'virtio-net-ccw' can't go on PCI bus."


@pytest.mark.parametrize(("overrides", "model"), [(True, "virtio"), (False, "virtio-transitional")])
def test_a_model_that_qemu_refuses_has_the_advice_of_its_rule(overrides: bool, model: str) -> None:
    """The database alone states the legacy driver of FreeBSD 13.0; a correction adds the modern one."""
    found = resolved(domain(NIC.format(model="ne2k_isa")), "9.0")
    (card,) = check(found, "freebsd13.0", overrides=overrides, changes=False).emulated
    assert card.advice == f"use <model type='{model}'/>"


def test_virtio_vga_shows_a_picture_without_a_driver() -> None:
    """virtio-vga is a VGA card too, so a guest without virtio-gpu has a picture; virtio-gpu alone has none."""
    video = "<video><model type='virtio' heads='1'/></video>"
    (card,) = (one for one in review(video, "winxp").findings if one.kind == "gpu")
    assert (card.verdict, card.evidence) == ("works", "rule")
    second = "<video><model type='vga'/></video>" + video
    (card,) = (one for one in review(second, "winxp").findings if one.kind == "gpu")
    assert card.verdict == "fails"


def nic(model: str, machine: str, arch: str = "x86_64", guest: str | None = "rhel9.4") -> Finding:
    """The finding on the one NIC of a domain."""
    devices = NIC.format(model=model)
    xml = (
        "<domain type='kvm'><name>one</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        f"<os><type arch='{arch}' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )
    return next(one for one in check(resolve(read(xml.encode())), guest).devices if one.kind == "net")


@pytest.mark.parametrize(
    ("model", "machine", "arch", "message"),
    [
        ("foo", "pc", "x86_64", "'foo' is not a valid device model name"),
        ("virtio-pci", "q35", "x86_64", "'virtio-pci' is not a valid device model name"),
        ("virtio-net-ccw", "q35", "x86_64", "'virtio-net-ccw' is not a valid device model name"),
        ("virtio-net-ccw", "s390-ccw-virtio", "s390x", "Device 'virtio-net-ccw' can't go on PCI bus"),
        ("virtio-net", "s390-ccw-virtio", "s390x", "Device 'virtio-net-ccw' can't go on PCI bus"),
        ("virtio-net-device", "virt", "aarch64", "Device 'virtio-net-device' can't go on PCIE bus"),
        ("virtio-net-device", "pc", "x86_64", "Device 'virtio-net-device' can't go on PCI bus"),
        ("ne2k_isa", "q35", "x86_64", "Device 'ne2k_isa' can't go on PCIE bus"),
    ],
)
def test_a_nic_model_that_qemu_refuses_fails_in_its_words(model: str, machine: str, arch: str, message: str) -> None:
    """libvirt passes any name on as the model of a NIC; QEMU refuses a type that it lacks or that is not on PCI."""
    found = nic(model, machine, arch)
    assert (found.verdict, found.reason) == ("fails", f"QEMU does not start: {message}.")
    assert found.change.startswith("<model type='virtio'/>")
    assert " None" not in found.change
    assert nic(model, machine, arch, None).verdict == "fails"


@pytest.mark.parametrize(
    ("model", "machine", "arch"),
    [
        ("virtio-net", "q35", "x86_64"),
        ("virtio-net-pci", "s390-ccw-virtio", "s390x"),
        ("e1000-82540em", "pc", "x86_64"),
        ("i82551", "pc", "x86_64"),
        ("tulip", "pc", "x86_64"),
        ("usb-net", "pc", "x86_64"),
    ],
)
def test_other_names_of_device_types_are_accepted(model: str, machine: str, arch: str) -> None:
    """A type that QEMU has, by any of its names, is judged by the guest's drivers."""
    assert nic(model, machine, arch).verdict != "fails"


@pytest.mark.parametrize(
    ("controller", "guest", "verdict"),
    [
        ("lsisas1068", "win2k8r2", "works"),
        ("lsisas1068", "win11", "unknown"),
        ("vmpvscsi", "win2k12r2", "works-with-condition"),
        ("lsilogic", "openbsd7.7", "works"),
        ("lsilogic", "netbsd10.0", "works"),
        ("lsisas1078", "netbsd6.1", "works"),
        ("lsilogic", "netbsd5.1", "unknown"),
    ],
)
def test_scsi_controllers(controller: str, guest: str, verdict: str) -> None:
    """A SCSI disk is judged by its controller, from the kernel configurations of BSD and from documents on Windows."""
    found = review(f"<controller type='scsi' model='{controller}'/>{SCSI}", guest)
    (disk,) = (one for one in found.emulated if one.kind == "block")
    assert (disk.model, disk.verdict) == (controller, verdict)


def test_a_condition_is_not_a_driver_of_the_system() -> None:
    """A driver that comes with other software is a condition, and the reason says so."""
    (card,) = review(NIC.format(model="vmxnet3"), "win10").emulated
    assert card.condition == "the driver of VMware Tools is installed"
    assert card.reason == "The guest has a driver for the VMware VMXNET3 network card on this condition."


def test_windows_before_vista_finds_no_disk_on_ahci() -> None:
    """Windows XP includes no AHCI driver; on q35 a transitional virtio disk with a driver from virtio-win remains."""
    disk = review(SATA.format(device="disk"), "winxp", "q35").emulated[0]
    assert (disk.verdict, disk.condition) == ("fails", "")
    assert disk.advice.startswith("put the disk on bus='virtio' (target dev='vda'), model='virtio-transitional'; it ")
    assert review(SATA.format(device="disk"), "win10", "q35").emulated[0].verdict == "works"


def test_virtio_scsi_is_not_replaced_by_a_controller_that_the_guest_lacks() -> None:
    """The advice for virtio-scsi on Windows XP is virtio instead of SATA, for which XP has no driver."""
    found = review(f"<controller type='scsi' model='virtio-scsi'/>{SCSI}", "winxp", "q35")
    (advice,) = (one.advice for one in found.findings if one.kind == "scsi")
    assert advice.startswith("put the disk on bus='virtio'")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("bus:xen", "disks on the bus 'xen'"),
        ("scsi:buslogic", "SCSI controllers of model 'buslogic'"),
        ("scsi:unknown", "SCSI controllers of an unknown model"),
        ("rocker", "network cards of model 'rocker'"),
    ],
)
def test_a_model_without_facts_is_named_in_words(model: str, words: str) -> None:
    """It is not judged, and the reason says what no source describes."""
    judged = judge_emulated(None, model, find("debian12"), "", overrides=True)
    assert (judged.verdict, judged.reason) == (
        Verdict.UNKNOWN, f"Not judged: no source says which guests drive {words}.",
    )  # fmt: skip
