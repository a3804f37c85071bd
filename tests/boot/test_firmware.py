"""What a firmware does with disks and NICs, for machines that no table of observations holds."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from virtkit.boot.firmware import Candidate, Window, firmware_named, found, lost_windows, window_limit
from virtkit.boot.firmware_keys import KEY, key_result
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.virtio.interface import Interface

_OVMF = "OVMF 2022.11"
_SEABIOS = "SeaBIOS 1.16.2"


def key(firmware: str, device: str, interface: str, place: str, **more: str) -> dict[str, str]:
    """A row of keys for QEMU 7.2 on q35, where ``more`` names no other; ``firmware`` is a name and a release."""
    name, _, version = firmware.rpartition(" ")
    row = {"firmware": name, "firmware_version": version, "qemu": "7.2", "arch": "x86_64", "machine": "pc-q35-5.2"}
    return row | {"device": device, "interface": interface, "place": place} | more


_BAD = "disks, bootable: #4, bootindex:"
_ARM = {"arch": "aarch64", "machine": "virt"}
_PC = {"machine": "pc-i440fx-4.2"}


@pytest.mark.parametrize(
    ("row", "result"),
    [
        (key(_OVMF, "virtio-blk x11", "legacy-only", "first of 11 root-port"), "not-found"),
        (key(_OVMF, "virtio-blk x11", "legacy-only", "last of 11 root-port"), "boots"),
        (key(_OVMF, "virtio-scsi x9", "transitional", "first of 9 root-port"), "boots"),
        (key(_OVMF, "virtio-blk x11", "modern-only", "first of 11 root-port"), "boots"),
        (key(_OVMF, "virtio-blk x11", "auto", "first of 11 root-port"), "boots"),
        (key(_OVMF, "virtio-blk x11", "auto", "first of 11 root-port", machine="pc-q35-2.5"), "not-found"),
        (key(_OVMF, "virtio-blk x2", "transitional", "last of 2 root-port io-reserve=0"), "not-found"),
        (key("AAVMF 2026.08", "virtio-blk x17", "transitional", "first of 17 root-port", **_ARM), "not-found"),
        (key("AAVMF 2026.08", "virtio-blk x17", "transitional", "last of 17 root-port", **_ARM), "boots"),
        (key(_SEABIOS, "virtio-blk x18", "transitional", "last of 18 root-port"), "not-found"),
        (key(_SEABIOS, "virtio-blk x18", "modern-only", "last of 18 root-port"), "boots"),
        (key(_SEABIOS, "virtio-blk x3", "legacy-only", "last of 3 root-port io-reserve=0"), "not-found"),
        (key(_SEABIOS, "virtio-blk x3", "transitional", "last of 3 root-port io-reserve=0"), "boots"),
        (key(_SEABIOS, "virtio-blk x5", "auto", f"5 {_BAD} all, strict=on", **_PC), "not-found"),
        (key(_SEABIOS, "virtio-blk x5", "auto", f"5 {_BAD} good, strict=on", **_PC), "boots"),
        (key(_SEABIOS, "virtio-scsi x5", "auto", "5 disks, bootable: #1, bootindex: first, strict=on", **_PC), "boots"),
        (key(_OVMF, "virtio-blk x5", "auto", f"5 {_BAD} all, strict=on", **_PC), "boots"),
        (key(_SEABIOS, "virtio-blk", "modern-only", "pci-bridge x2", machine="pc-i440fx-1.5"), "refused"),
        (key(_SEABIOS, "virtio-scsi", "modern-only", "pci.0", machine="pc-i440fx-1.5"), "boots"),
        (key("U-Boot x86 2025.01", "virtio-blk", "modern-only", "pcie.0 slot 1"), "not-found"),
        (key("U-Boot x86 2025.01", "virtio-blk", "modern-only", "pcie.0 slot 9"), "boots"),
        (key("U-Boot arm64 2025.01", "virtio-scsi", "modern-only", "root-port", **_ARM), "not-found"),
        (key("U-Boot arm64 2025.01", "virtio-blk", "modern-only", "pxb-pcie root-port", **_ARM), "not-found"),
        (key("edk2-riscv64 2026.08", "nvme", "-", "pxb-pcie root-port", arch="riscv64", machine="virt"), "refused"),
        (key("SLOF 20220719", "nvme", "-", "pci-bridge", arch="ppc64", machine="pseries"), "not-found"),
        (key("SeaBIOS+iPXE 1", "virtio-net", "auto", "switch", firmware_version="1.16.2 (romfile=x.rom)"), "boots"),
        (key(_SEABIOS, "virtio-net", "auto", "pcie.0", firmware_version="1.16.2 (romfile=x.rom)"), "not-found"),
        (key(_OVMF, "virtio-balloon", "auto", "pcie.0 (control: nvme)"), "not-found"),
        (key("OVMF 2026.08", "virtio-keyboard", "auto", "pcie.0 (control: nvme)", qemu="11.1"), "seen"),
    ],
)  # fmt: skip
def test_result_of_a_place(row: dict[str, str], result: str) -> None:
    """A firmware boots from, sees, misses or never reaches a device as its rules say."""
    assert key_result(row).result == result


def test_s390_boots_pci_disks_since_11() -> None:
    """s390-ccw of QEMU 11.1 starts from a PCI disk with a modern interface, that of 7.2 from none."""
    row = {"arch": "s390x", "machine": "s390-ccw-virtio", "qemu": "11.1"}
    for interface, result in (("auto", "boots"), ("modern-only", "boots"), ("legacy-only", "not-found")):
        assert key_result(key("s390-ccw 11.1.0", "virtio-blk-pci", interface, "pci", **row)).result == result
    assert key_result(key("s390-ccw 7.2.9", "virtio-blk-pci", "auto", "pci", **row)).result == "not-found"


def test_the_lowest_slots_lose() -> None:
    """The bridges in the lowest slots lose their windows, and one that needs two windows gets both or none."""
    windows = [Window(5, 0), Window(2, 1), Window(2, 0), Window(9, 0, 2)]
    assert lost_windows(windows, 4) == (Window(2, 0),)
    assert lost_windows(windows, 3) == (Window(2, 0), Window(2, 1))
    assert lost_windows(windows, 9) == ()
    assert lost_windows(windows, 1) == tuple(sorted(windows, key=lambda one: (one.slot, one.function)))


def test_unmeasured_room() -> None:
    """Where the room for port I/O was not measured, there is no number."""
    assert window_limit(firmware_named("OVMF"), "pc-i440fx-7.2")[0] is None
    assert window_limit(firmware_named("edk2-riscv64"), "virt")[0] is None


def test_which_half_is_driven() -> None:
    """Without port I/O, edk2 loses a transitional disk and SeaBIOS drives its modern half."""
    disk = Candidate("blk", Interface.TRANSITIONAL, window=False)
    assert found(firmware_named("OVMF"), disk).result == "not-found"
    assert "no port I/O" in found(firmware_named("OVMF"), disk).reason
    assert found(firmware_named("SeaBIOS"), disk).result == "boots"


def test_unknown_firmware() -> None:
    """An unknown firmware is refused, and the message lists the known ones."""
    with pytest.raises(UsageError, match=r"expected a firmware, SeaBIOS, OVMF, .* got 'coreboot'"):
        firmware_named("coreboot")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command adds result and reason, and names line, column and value of a row that is in error."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, KEY)
    writer.writeheader()
    writer.writerow(key(_OVMF, "virtio-blk x13", "transitional", "first of 13 root-port"))
    writer.writerow(key(_OVMF, "virtio-blk", "transitional", "on the moon"))
    keys = tmp_path / "keys.csv"
    keys.write_text(stream.getvalue())
    assert main(["firmware", str(keys)]) == 1
    out, err = capsys.readouterr()
    first, second = csv.DictReader(io.StringIO(out))
    assert (first["result"], second["result"]) == ("not-found", "")
    assert "OVMF 2022.11 drives its legacy interface only" in first["reason"]
    assert f"{keys}:3: place: expected a bus" in err
    assert "got 'on the moon'" in err
