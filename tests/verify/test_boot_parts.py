"""Boots that prove what the firmware starts and how NICs are named: images, random machines, and the boots."""

from __future__ import annotations

import csv
import io
import shutil
import struct
import zlib
from pathlib import Path

import pytest

import virtkit as vk
from tests.boot.test_power_on import many_disks
from virtkit import facts
from virtkit.boot.remedies import remedy
from virtkit.errors import VerifyError
from virtkit.host import Host
from virtkit.verify import boot_plug
from virtkit.verify.boot_firmware import evidence, start
from virtkit.verify.boot_images import MARK, bios_image, efi_image, u_boot_image
from virtkit.verify.boot_machine import command, find_ovmf, find_u_boot, serial_of
from virtkit.verify.boot_names import find_udev
from virtkit.verify.boot_plug import PLUGS, Plugged
from virtkit.verify.boot_random import random_machines

_QEMU = shutil.which("qemu-system-x86_64")


def has_ovmf() -> bool:
    """Whether OVMF is installed."""
    try:
        find_ovmf(Path("/"))
    except VerifyError:
        return False
    return True


def has_u_boot() -> bool:
    """Whether U-Boot for a PC is installed."""
    try:
        find_u_boot(Path("/"))
    except VerifyError:
        return False
    return True


def test_boot_sector() -> None:
    """The BIOS image has a signed boot sector with an active partition, and the name of its disk."""
    image = bios_image("vdq")
    assert image[510:512] == b"\x55\xaa"
    assert image[446] == 0x80
    assert f"{MARK}vdq".encode() in image[:512]


def test_efi_image() -> None:
    """The UEFI image is a FAT12 volume that holds EFI/BOOT/BOOTX64.EFI, a PE32+ program for x86_64."""
    image = efi_image("vdq")
    assert (image[54:62], len(image)) == (b"FAT12   ", 2880 * 512)
    for name in (b"EFI        ", b"BOOT       ", b"BOOTX64 EFI"):
        assert name in image
    start_of_program = image.index(b"MZ")
    (header,) = struct.unpack_from("<I", image, start_of_program + 0x3C)
    assert image[start_of_program + header :][:6] == b"PE\0\0\x64\x86"
    assert f"{MARK}vdq".encode() in image


def test_u_boot_image() -> None:
    """The image for U-Boot has a partition with a FAT12 volume that holds boot.scr, whose two checksums fit."""
    image = u_boot_image("vdq")
    volume = image[512:]
    assert (image[446], image[510:512], volume[54:62]) == (0x80, b"\x55\xaa", b"FAT12   ")
    assert b"BOOT    SCR" in volume
    at = volume.index(b"\x27\x05\x19\x56")
    head = volume[at : at + 64]
    own, size, checksum = struct.unpack_from(">4xI4xI8xI", head)
    data = volume[at + 64 : at + 64 + size]
    assert zlib.crc32(head[:4] + bytes(4) + head[8:]) == own
    assert (zlib.crc32(data), data[8:]) == (checksum, f"echo {MARK}vdq\npoweroff\nreset\n".encode())


def test_rows_of_plugs() -> None:
    """A plug gives a row in the form of data/evidence/hotplug.csv, with one more column for the prediction."""
    head = list(facts.table("evidence/hotplug.csv")[0])
    bars = ("virtio-pci virtio_blk", "modern", "none", "0xfe000000+0x1000")
    found = [Plugged(PLUGS[0], 0.21, 0.44, 6.5, *bars), Plugged(PLUGS[-1], None, None, None)]
    rows = list(csv.DictReader(io.StringIO(boot_plug.evidence(found, "test"))))
    assert list(rows[0]) == [*head, "differs"]
    assert (rows[0]["seen"], rows[0]["bound"], rows[0]["removal"], rows[0]["memory"]) == ("0.2", "0.4", "6.5", bars[3])
    assert (rows[1]["seen"], rows[1]["removed"], rows[1]["differs"]) == ("never", "", "no")
    assert {plug.place for plug in PLUGS} <= {row["place"] for row in facts.table("evidence/hotplug.csv")}


def test_random_machines_repeat() -> None:
    """The same seed gives the same machines, another seed gives others; all of them are resolved."""
    host = Host.named("7.2")
    first, again, other = ([one.xml() for one in random_machines(3, seed, "names", host)] for seed in (5, 5, 6))
    assert first == again
    assert first != other
    disks = next(random_machines(1, 5, "firmware", host))
    assert sum(one.kind == "disk" for one in disks.devices) > 0


def test_command_line(tmp_path: Path) -> None:
    """The command line has the devices of the domain, the image of each disk, strict boot, and no OVMF for a BIOS."""
    resolved = vk.resolve(vk.read(many_disks(2, "").encode()))
    words = command(resolved, "qemu", tmp_path, tmp_path, {"virtio-disk0": tmp_path / "a.img"})
    assert words[words.index("-boot") :][:2] == ["-boot", "strict=on"]
    assert f"driver=raw,node-name=node-virtio-disk0,file.driver=file,file.filename={tmp_path}/a.img" in words
    assert any(word.startswith("driver=null-co,node-name=node-virtio-disk1") for word in words)
    assert not any("pflash" in word for word in words)


def test_what_is_missing(tmp_path: Path) -> None:
    """A missing OVMF, udev or QEMU is named with the package that has it."""
    uefi = vk.resolve(vk.read(many_disks(2).encode()))
    with pytest.raises(VerifyError, match=r"install or unpack Debian's ovmf"):
        command(uefi, "qemu", tmp_path, tmp_path, {})
    with pytest.raises(VerifyError, match=r"install or unpack Debian's u-boot-qemu"):
        command(uefi, "qemu", tmp_path, tmp_path, {}, "U-Boot")
    with pytest.raises(VerifyError, match=r"install or unpack Debian's udev"):
        find_udev(tmp_path)
    with pytest.raises(VerifyError, match=r"no such program"):
        serial_of([str(tmp_path / "qemu")], 1.0)


@pytest.mark.live
@pytest.mark.skipif(_QEMU is None, reason="QEMU is not installed")
def test_seabios_starts_the_predicted_disk() -> None:
    """SeaBIOS starts the disk with the lowest boot index and no other."""
    target = "<target dev='vdc' bus='virtio'/>"
    xml = many_disks(3, "").replace("machine='q35'", "machine='pc-q35-5.2'")
    resolved = vk.resolve(vk.read(xml.replace(target, f"{target}<boot order='1'/>").encode()), Host.named("7.2"))
    found = start(resolved, Path("/"), limit=120.0)
    assert (found.boot_disk, found.observed, found.differs) == ("vdc", "vdc", False)
    assert "SeaBIOS,vdc,vdc,vdc,no" in evidence([found], "test")


@pytest.mark.live
@pytest.mark.skipif(_QEMU is None or not has_u_boot(), reason="QEMU or U-Boot is not installed")
def test_u_boot_starts_the_first_disk_by_place() -> None:
    """U-Boot starts the disk in the lowest slot, although another one has the lowest boot index."""
    disks = "".join(
        f"<disk type='file' device='disk'><source file='/{name}.img'/><target dev='vd{name}' bus='virtio'/>"
        f"<boot order='{order}'/><address type='pci' bus='0' slot='{slot}'/></disk>"
        for name, order, slot in (("a", 1, 9), ("b", 2, 6))
    )
    xml = many_disks(0, "").replace("'q35'", "'pc-q35-7.2'").replace("<memballoon", f"{disks}<memballoon")
    found = start(vk.resolve(vk.read(xml.encode()), Host.named("7.2")), Path("/"), limit=360.0, named="U-Boot")
    assert (found.boot_disk, found.observed, found.differs) == ("vdb", "vdb", False)


@pytest.mark.live
@pytest.mark.skipif(_QEMU is None or not has_ovmf(), reason="QEMU or OVMF is not installed")
def test_the_remedy_boots() -> None:
    """OVMF does not start the first of ten transitional disks, and starts it after the remedy."""
    lost = vk.resolve(vk.read(many_disks(10).replace("'q35'", "'pc-q35-7.2'").encode()), Host.named("7.2"))
    found = start(lost, Path("/"), limit=240.0)
    assert (found.predicted, found.differs) == (False, False)
    changed = remedy(lost, vk.catalogue().find("debian12"))
    assert changed is not None
    after = start(vk.resolve(vk.read(changed.text.encode()), lost.host), Path("/"), limit=240.0)
    assert (after.predicted, after.observed) == (True, "vda")
