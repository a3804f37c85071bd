"""Remarks of a review, advice and repairs, word for word and with their sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

import virtkit as vk
from tests.writing import NO_BALLOON, NO_USB, domain, host, resolved
from virtkit import facts
from virtkit.compat.changes import fixed
from virtkit.compat.repairs import repaired
from virtkit.compat.review import Remark
from virtkit.errors import FactsError, Refused
from virtkit.resolution.addresses import connect_types

DISK = "<disk type='file'><source file='/d'/><target dev='vda' bus='virtio'/></disk>"
FROM_KUBEVIRT = (
    "<metadata><v:machine xmlns:v='urn:virtkit:kubevirt' kind='VirtualMachine' namespace='n' name='m' topology='v3'/>"
    "</metadata>"
)


@pytest.mark.parametrize(
    ("guest", "more", "wanted"),
    [("rhel6.10", FROM_KUBEVIRT, True), ("rhel6.10", "", False), ("debian12", FROM_KUBEVIRT, False)],
)
def test_a_kubevirt_machine_is_changed_by_its_own_field(guest: str, more: str, wanted: bool) -> None:
    """The note names the field where a transitional model helps, and only for domains from KubeVirt."""
    text = (
        "set domain.devices.useVirtioTransitional to true in the spec of the KubeVirt machine: it makes every virtio "
        "device transitional"
    )
    review = vk.check(vk.resolve(vk.read(domain(DISK, more=more))), guest)
    assert (Remark("note", text, "KubeVirt API: Devices") in review.remarks) is wanted
    assert any("useVirtioTransitional" in one.text for one in review.remarks) is wanted


def test_an_option_past_libvirt_is_a_warning_with_its_source() -> None:
    """What qemu:commandline does to an answer is said with libvirt's page on it."""
    by_hand = (
        "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-device'/>"
        "<qemu:arg value='virtio-net-pci,bus=pcie.0,addr=9'/></qemu:commandline>"
    )
    data = domain(DISK).replace(b"</domain>", f"{by_hand}</domain>".encode())
    found = [one for one in vk.check(vk.resolve(vk.read(data)), "rhel9.2").remarks if "qemu:commandline" in one.text]
    source = "libvirt, Advanced QEMU features: qemu:commandline and qemu:override"
    assert [(one.level, one.source) for one in found] == [("warning", source)]


def test_a_controller_without_disks_is_not_needed() -> None:
    """An unused SCSI controller that the guest cannot drive is harmless, and the advice says why."""
    port = "<controller type='pci' index='1' model='pcie-root-port'/>"
    place = "<address type='pci' bus='0x01' slot='0x00' function='0x0'/>"
    device = f"<controller type='scsi' index='0' model='virtio-scsi'>{place}</controller>"
    review = vk.check(vk.resolve(vk.read(domain(port + device + NO_BALLOON))), "win2k")
    (found,) = [one for one in review.findings if one.kind == "scsi"]
    assert (found.verdict, found.harmless) == ("fails", True)
    assert found.advice == "not needed: this guest has no driver for it; remove the controller"


def test_a_scsi_host_device_needs_its_controller() -> None:
    """A controller with a host device is not harmless, one beside a USB host device is."""
    controller = "<controller type='scsi' index='0' model='virtio-scsi'/>"
    source = "<source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source>"
    scsi = f"<hostdev mode='subsystem' type='scsi'>{source}</hostdev>"
    usb = "<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/><product id='0x2'/></source></hostdev>"
    for device, harmless in ((scsi, False), (usb, True)):
        review = vk.check(vk.resolve(vk.read(domain(controller + device + NO_BALLOON, "pc"))), "rhel5.4")
        assert [one.harmless for one in review.findings] == [harmless]


def test_ide_disks_of_q35_are_repaired_in_two_steps() -> None:
    """The IDE controller goes, and its disk moves to SATA."""
    disk = "<disk type='file'><source file='/d'/><target dev='hda' bus='ide'/></disk>"
    broken = vk.read(domain(f"<controller type='ide' index='0'/>{disk}{NO_BALLOON}{NO_USB}"), "old.xml")
    with pytest.raises(Refused) as error:
        vk.resolve(broken)
    repair = repaired(broken, error.value)
    assert repair is not None
    assert repair.steps[0] == "controller ide: removed, the machine has none"
    assert len(repair.steps) == 2
    assert repair.domain.document.file == broken.document.file
    assert [disk.bus for disk in vk.resolve(repair.domain).inventory.disks] == ["sata"]


def test_without_changes_only_the_verdicts_are_given() -> None:
    """No remedy is tried, and the text of the domain stays."""
    resolved = vk.resolve(vk.read(domain(DISK)))
    plain, full = vk.check(resolved, "rhel6.10", changes=False), vk.check(resolved, "rhel6.10")
    assert [one.better for one in plain.findings] == ["", ""]
    assert full.findings[0].better == "virtio-transitional"
    assert fixed(resolved, plain) == resolved.domain.document.text
    assert vk.check(resolved, "rhel6.10", notes=False).remarks == ()


def test_a_class_of_devices_without_a_slot_is_an_error_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device class with PCI addresses needs a row that says which slot it takes."""
    table = facts.table
    rows = tuple(row for row in table("libvirt/connect-types.csv") if not row["kind"].startswith("watchdog"))
    monkeypatch.setattr(facts, "table", lambda name: rows if name == "libvirt/connect-types.csv" else table(name))
    with pytest.raises(FactsError, match=r"connect-types\.csv: no row for <watchdog>, which gets PCI addresses$"):
        connect_types._unlisted.__wrapped__()


def test_a_virtio_device_reads_as_its_driver_place_and_interface() -> None:
    """In Python it is shown with its id, label, driver, address and interface; a device off PCI without the last."""
    (disk,) = vk.resolve(vk.read(domain(DISK + NO_BALLOON + NO_USB)), host()).virtio_devices
    assert repr(disk) == "<VirtioDevice virtio-disk0 disk vda: virtio-blk-pci at 0000:01:00.0, modern>"
    (disk,) = vk.resolve(vk.read(domain(DISK + NO_BALLOON, "s390-ccw-virtio", "s390x")), host()).virtio_devices
    assert repr(disk) == "<VirtioDevice virtio-disk0 disk vda: virtio-blk-ccw at fe.0.0000>"


def test_what_the_reader_assumed_is_a_note() -> None:
    """Each note of the reader of a Proxmox configuration is a note of the review, with the input as its source."""
    source = vk.read(b"machine: q35\nname: web\nnet0: virtio=AA:BB:CC:00:00:01,bridge=vmbr0\n", "100.conf")
    assert source.notes
    remarks = vk.check(vk.resolve(source), "debian12").remarks
    assert remarks[: len(source.notes)] == tuple(Remark("note", note, "the input") for note in source.notes)


def test_what_an_older_libvirt_lacks_is_said_with_its_release() -> None:
    """libvirt 5.1 refuses the model virtio-transitional, 5.2 does not; both ignore packed='on', which came with 6.3."""
    devices = (
        "<memballoon model='virtio-transitional'/>"
        "<rng model='virtio'><backend model='random'>/d</backend><driver packed='on'/></rng>"
    )
    ignored = Remark(
        "warning",
        "libvirt {} ignores packed='on' of a virtio device (line 7); libvirt 6.3 and later have it",
        "libvirt 6.3.0 release notes",
    )
    refused = Remark(
        "error",
        "libvirt 5.1 refuses memballoon virtio-transitional: Unknown model type 'virtio-transitional'; libvirt 5.2 and "
        "later accept it",
        "libvirt 5.2.0 release notes",
    )
    for release, expected in (("5.1", (refused, ignored)), ("5.2", (ignored,))):
        remarks = vk.check(vk.resolve(vk.read(domain(devices)), vk.Host.default(release)), "rhel9.2").remarks
        assert remarks == tuple(replace(one, text=one.text.format(release)) for one in expected)


def test_an_option_of_a_device_that_qemu_refuses_has_no_remedy() -> None:
    """QEMU 7.2 refuses every balloon on PCI of s390x, so its iommu='on' is no cause and has no remedy."""
    balloon = "<memballoon model='virtio'><driver iommu='on'/><address type='pci' slot='0x05'/></memballoon>"
    review = vk.check(resolved(domain(balloon, "s390-ccw-virtio", "s390x"), "9.0"), "rhel9.2")
    (found,) = review.findings
    assert found.reason == "QEMU refuses the device: MSI-X support is mandatory in the S390 architecture."
    assert found.advice.startswith("not needed: the guest runs without it; use <memballoon model='none'/>")


NUMA = (
    "<maxMemory slots='4' unit='MiB'>4096</maxMemory>"
    "<cpu><numa><cell id='0' cpus='0' memory='512' unit='MiB'/></numa></cpu>"
)
DIMM = "<memory model='dimm'><target><size unit='MiB'>256</size><node>0</node></target></memory>"
VIRTIO_MEM = (
    "<memory model='virtio-mem'><target><size unit='MiB'>256</size><node>0</node><block unit='MiB'>2</block>"
    "<requested unit='MiB'>128</requested></target></memory>"
)


@pytest.mark.parametrize(
    ("guest", "devices", "named"),
    [
        ("debian12", DIMM, "memory dimm [dimm0]"),
        ("debian12", DIMM + VIRTIO_MEM, "memory dimm [dimm0] and memory virtio-mem [virtiomem0]"),
        ("debian11", VIRTIO_MEM, "memory virtio-mem [virtiomem0]"),
        ("debian12:cloud", VIRTIO_MEM, "memory virtio-mem [virtiomem0]"),
        ("debian12", "", ""),
        ("debian13", DIMM + VIRTIO_MEM, ""),
        # No source says what these do.
        ("debiantesting", DIMM, ""),
        ("debian10", DIMM, ""),
        ("fedora42", DIMM, ""),
        ("win10", DIMM, ""),
    ],
)
def test_memory_that_a_guest_leaves_unused(guest: str, devices: str, named: str) -> None:
    """A guest that is known to leave a DIMM or virtio-mem offline gets a warning with the option that helps."""
    review = vk.check(vk.resolve(vk.read(domain(devices, more=NUMA))), guest)
    found = [one for one in review.remarks if "offline" in one.text]
    assert [one.level for one in found] == ["warning"] * bool(named)
    assert all(one.text.startswith(f"{named}: Debian 1") for one in found)
    assert all("put memhp_default_state=online on the kernel's command line" in one.text for one in found)
