"""Options that libvirt accepts and QEMU refuses or ignores."""

from __future__ import annotations

import pytest

from virtkit import check, convert, read, resolve
from virtkit.compat.changes import fixed
from virtkit.compat.review import Review
from virtkit.resolved import Resolved

DISK = (
    "<disk type='file' device='disk'{model}><driver name='qemu' {options}/><source file='/d'/>"
    "<target dev='vda' bus='virtio'/></disk>"
)
SHARE = (
    "<filesystem type='mount'><driver type='virtiofs' {options}/><source dir='/s'/><target dir='s'/></filesystem>"
)
NIC = "<interface type='user'><model type='{model}'/><acpi index='{index}'/></interface>"


def resolved(devices: str, machine: str) -> Resolved:
    """A resolved domain with these devices and shared memory."""
    xml = (
        "<domain type='kvm'><name>one</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )
    return resolve(read(xml.encode()))


def disk(options: str, machine: str, guest: str, model: str = "") -> tuple[Resolved, Review]:
    """A domain with one virtio disk, and its review."""
    found = resolved(DISK.format(options=options, model=model and f" model='{model}'"), machine)
    return found, check(found, guest)


@pytest.mark.parametrize(
    ("machine", "model", "refused"),
    [
        ("pc", "", True),
        ("pc", "virtio-transitional", True),
        ("pc", "virtio-non-transitional", False),
        ("q35", "", False),
        ("q35", "virtio-transitional", True),
    ],
)
def test_iommu_needs_a_device_without_legacy_interface(machine: str, model: str, refused: bool) -> None:
    """QEMU does not start with iommu='on' on a device that offers the legacy interface."""
    _, review = disk("iommu='on'", machine, "debian12", model)
    finding = review.findings[0]
    assert (finding.interface == "refused", finding.verdict == "fails") == (refused, refused)
    assert ("VIRTIO_F_IOMMU_PLATFORM" in finding.reason) is refused
    assert review.ok is not refused


def test_the_remedy_for_a_modern_guest_is_the_modern_model() -> None:
    """On pc, a guest with modern drivers keeps iommu='on' with virtio-non-transitional."""
    found, review = disk("iommu='on'", "pc", "debian12")
    assert review.findings[0].better == "virtio-non-transitional"
    assert check(resolve(read(fixed(found, review).encode())), "debian12").ok


@pytest.mark.parametrize("model", ["", "virtio-transitional"])
def test_a_legacy_guest_has_no_driver_at_all_with_iommu(model: str) -> None:
    """No model helps a guest with legacy drivers while iommu='on' stays, so no fix is written; the advice says why."""
    found, review = disk("iommu='on'", "q35", "rhel6.9", model)
    finding = review.findings[0]
    assert (finding.verdict, finding.better) == ("fails", "")
    assert finding.advice.startswith("remove iommu='on', and use virtio-transitional")
    assert "no block driver at all" in finding.advice
    assert "virtio-transitional" not in fixed(found, review).partition("<memballoon")[0].replace(f"model='{model}'", "")


def test_a_conversion_never_writes_a_transitional_device_with_iommu() -> None:
    """Moving a legacy guest with iommu='on' to q35 leaves the disk failing, with the reason."""
    found = resolved(DISK.format(options="iommu='on'", model=""), "pc")
    moved = convert(found, "q35", "rhel6.9")
    assert "virtio-transitional" not in moved.text.partition("<memballoon")[0]
    assert not moved.review.ok


@pytest.mark.parametrize(("options", "verdict"), [("", "works"), ("iommu='on'", "fails")])
def test_virtiofs_does_not_start_with_iommu(options: str, verdict: str) -> None:
    """virtiofsd does not offer the feature that iommu='on' asks for."""
    review = check(resolved(SHARE.format(options=options), "q35"), "rhel9.2")
    share = next(finding for finding in review.findings if finding.kind == "fs")
    assert share.verdict == verdict
    assert share.advice == ("remove iommu='on'" if options else "")


@pytest.mark.parametrize("model", ["virtio", "e1000e"])
def test_two_devices_with_one_acpi_index(model: str) -> None:
    """QEMU does not start when two devices have the same ACPI index; the second one is named, with the first."""
    review = check(resolved(NIC.format(model=model, index=3) + NIC.format(model=model, index=3), "q35"), "fedora40")
    nics = [finding for finding in review.devices if finding.kind == "net"]
    assert [nic.verdict == "fails" for nic in nics] == [False, True]
    assert "interface 0" in nics[1].reason
    assert "acpi-index = 3" in nics[1].reason
    assert (nics[1].better, review.ok) == ("", False)


@pytest.mark.parametrize(("index", "ok"), [(16383, True), (16384, False)])
def test_the_largest_acpi_index(index: int, ok: bool) -> None:
    """QEMU accepts an ACPI index up to 16383."""
    assert check(resolved(NIC.format(model="virtio", index=index), "q35"), "fedora40").ok is ok


@pytest.mark.parametrize(
    ("options", "machine", "note"),
    [
        ("ats='on'", "pc", "ats='on' has no effect, because the device is not behind a PCI Express port"),
        ("ats='on'", "q35", ""),
        ("packed='on'", "q35", ""),
    ],
)
def test_options_without_effect_get_a_note(options: str, machine: str, note: str) -> None:
    """An option that QEMU ignores where the device is gets a note, and no failure."""
    _, review = disk(options, machine, "debian12")
    assert any(note in remark.text for remark in review.remarks) if note else not review.remarks
    assert review.ok
