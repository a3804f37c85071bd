"""What decides whether a guest starts from its boot disk, named on that disk only."""

from __future__ import annotations

import pytest

from virtkit import check, read, resolve
from virtkit.compat.review import Review

DISK = "<disk type='file' device='{device}'><source file='/{dev}'/><target dev='{dev}' bus='{bus}'/>{boot}</disk>"


def disk(dev: str, bus: str = "virtio", order: int = 0, device: str = "disk") -> str:
    """A disk element."""
    return DISK.format(dev=dev, bus=bus, device=device, boot=f"<boot order='{order}'/>" if order else "")


def review(devices: str, guest: str, machine: str = "q35") -> Review:
    """The review of a domain with these devices."""
    xml = (
        "<domain type='kvm'><name>one</name><memory unit='GiB'>1</memory><vcpu>1</vcpu>"
        f"<os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{devices}</devices></domain>"
    )
    return check(resolve(read(xml.encode())), guest)


def named(found: Review) -> list[str]:
    """The devices on which a condition of starting is named."""
    return [finding.label for finding in found.devices if finding.boot]


@pytest.mark.parametrize(
    ("guest", "text"),
    [
        ("win2k19", "viostor is boot-start"),
        ("win7", "stop 0x7B"),
        ("rhel7.9", "the initramfs holds virtio_blk; one that dracut made in host-only mode"),
        ("debian12", "the initramfs holds virtio_blk"),
    ],
)
def test_the_condition_of_the_boot_disk(guest: str, text: str) -> None:
    """Windows needs a boot-start driver, Linux a driver in its initramfs; the text names what and how."""
    found = review(disk("vda") + disk("vdb"), guest)
    assert text in found.findings[0].boot
    assert named(found) == ["disk vda"]
    assert "      boot: the system starts from this disk if" in found.text()


def test_the_boot_order_decides() -> None:
    """The disk with the lowest boot order is the boot disk, wherever it is written."""
    found = review(disk("vda", order=2) + disk("vdb", order=1), "rhel9.2")
    assert named(found) == ["disk vdb"]


@pytest.mark.parametrize(("first", "second"), [("2147483647", "2147483646"), ("010", "9"), ("+2", " 1")])
def test_a_boot_order_is_any_number_that_libvirt_accepts(first: str, second: str) -> None:
    """Orders of ten digits, with a leading zero or with a plus sign count as libvirt 9.0 reads them: as decimals."""
    devices = disk("vda", order=7) + disk("vdb", order=8)
    found = review(devices.replace("'7'", f"'{first}'").replace("'8'", f"'{second}'"), "rhel9.2")
    assert named(found) == ["disk vdb"]


def test_qemu_refuses_a_boot_order_that_libvirt_accepts() -> None:
    """QEMU 7.2 takes a boot index up to 2147483647, libvirt 9.0 a boot order up to 4294967295."""
    assert review(disk("vda", order=2147483647), "rhel9.2").ok
    found = review(disk("vda", order=2147483648), "rhel9.2")
    assert not found.ok
    assert "error: disk vda: QEMU does not start with boot order 2147483648" in found.text()


def test_a_cdrom_is_no_boot_disk() -> None:
    """An installation medium that starts first leaves the condition on the system disk."""
    found = review(disk("sda", "sata", order=1, device="cdrom") + disk("vda", order=2), "win11")
    assert named(found) == ["disk vda"]


def test_a_disk_on_virtio_scsi_names_it_on_the_controller() -> None:
    """The driver of the controller decides for a SCSI disk."""
    found = review("<controller type='scsi' model='virtio-scsi'/>" + disk("sda", "scsi"), "win2k22")
    scsi = next(finding for finding in found.findings if finding.kind == "scsi")
    assert "vioscsi is boot-start" in scsi.boot
    assert named(found) == [scsi.label]


def test_an_emulated_boot_disk_has_none() -> None:
    """A system disk on SATA needs no virtio driver to start, so a second virtio disk has no such condition."""
    assert named(review(disk("sda", "sata", order=1) + disk("vda", order=2), "win10")) == []


def test_a_failing_boot_disk_has_none() -> None:
    """Where the guest has no driver for the boot disk, there is nothing more to say about starting from it."""
    assert named(review(disk("vda"), "rhel6.10")) == []


def test_a_guest_of_another_family_has_none() -> None:
    """Nothing is stated for systems of which no source names a condition."""
    assert named(review(disk("vda"), "freebsd14.1")) == []
