"""Tiny disk images that report over the serial port that they were started: for a BIOS, UEFI on x86_64, and U-Boot.

All hold code made here. That for a BIOS and UEFI writes a text to the first serial port and ends QEMU through its
isa-debug-exit device; that for U-Boot is a script. Sources: IBM PC boot sector convention; UEFI specification, PE32+
images and the FAT boot path; Microsoft FAT specification; U-Boot documentation, boot.scr and legacy image format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

__all__ = ["EXIT_PORT", "MARK", "bios_image", "efi_image", "u_boot_image"]

#: What the code writes before the name of its disk.
MARK = "VIRTKIT-BOOTED-"
#: The port of the isa-debug-exit device.
EXIT_PORT = 0xF4
_SERIAL = 0x3F8
_SECTOR = 512
#: A FAT12 volume: 1.44 MB floppy layout, which every UEFI reads from a hard disk, too.
_SECTORS = 2880
_CLUSTER = 1
_FAT_SECTORS = 9
_ROOT_ENTRIES = 224


def bios_image(name: str) -> bytes:
    """A disk image whose boot sector writes ``name`` and ends QEMU."""
    code = bytes.fromhex("31c08ed8fc") + b"\xbe%b" % struct.pack("<H", 0x7C00 + 0x80)
    code += b"\xba%b" % struct.pack("<H", _SERIAL)  # mov dx, serial
    code += bytes.fromhex("ac08c07403eeebf8")  # lodsb; or al, al; jz +3; out dx, al; jmp -8
    code += b"\xba%b" % struct.pack("<H", EXIT_PORT) + bytes.fromhex("b000eefaf4ebfd")
    text = f"{MARK}{name}\r\n".encode() + b"\0"
    # One active partition, because some BIOSes skip a disk without a partition table.
    entry = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", 0x0C, b"\0\2\0", 1, 2047)
    sector = (code.ljust(0x80, b"\0") + text).ljust(446, b"\0") + entry + bytes(48) + b"\x55\xaa"
    return sector + bytes(2047 * _SECTOR)


def efi_image(name: str) -> bytes:
    """A disk image with a FAT volume whose EFI/BOOT/BOOTX64.EFI writes ``name`` and ends QEMU."""
    program = _program(name)
    clusters = (
        _dots(2, 0) + _entry("BOOT", "", 3, 0, folder=True),
        _dots(3, 2) + _entry("BOOTX64", "EFI", 4, len(program)),
        program,
    )
    return _volume(_entry("EFI", "", 2, 0, folder=True), clusters)


def u_boot_image(name: str) -> bytes:
    """A disk image with a partition whose FAT volume holds boot.scr, a script that writes ``name`` and ends QEMU."""
    script = _script(f"echo {MARK}{name}\npoweroff\nreset\n")
    volume = _volume(_entry("BOOT", "SCR", 2, len(script)), (script,))
    partition = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", 0x01, b"\0\2\0", 1, _SECTORS)
    return bytes(446) + partition + bytes(48) + b"\x55\xaa" + volume + bytes(64 * _SECTOR)


def _script(text: str) -> bytes:
    """A script in U-Boot's legacy image format; reset ends QEMU where there is no poweroff (-no-reboot)."""
    data = struct.pack(">II", len(text), 0) + text.encode()
    kinds = (5, 2, 6, 0)  # Linux, ARM (not looked at for a script), script, not compressed
    head = struct.pack(">IIIIIIIBBBB32s", 0x27051956, 0, 0, len(data), 0, 0, zlib.crc32(data), *kinds, b"virtkit")
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + data


def _volume(root: bytes, clusters: Iterable[bytes]) -> bytes:
    """A FAT12 volume with entries in its root folder, and what the clusters hold, from cluster 2 on.

    All but the last content take one cluster.
    """
    fat = bytearray(_FAT_SECTORS * _SECTOR)
    fat[:3] = b"\xf0\xff\xff"
    root_sectors = _ROOT_ENTRIES * 32 // _SECTOR
    data = bytearray((_SECTORS - 1 - 2 * _FAT_SECTORS - root_sectors) * _SECTOR)
    for number, content in enumerate(clusters, 2):
        _store(data, fat, number, content)
    return _boot_sector() + bytes(fat) + bytes(fat) + root.ljust(root_sectors * _SECTOR, b"\0") + bytes(data)


def _boot_sector() -> bytes:
    """The first sector of the FAT12 volume."""
    head = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"VIRTKIT ", _SECTOR, _CLUSTER, 1, 2, _ROOT_ENTRIES, _SECTORS, 0xF0,
        _FAT_SECTORS, 18, 2, 0, 0,
    )  # fmt: skip
    head += struct.pack("<BBBI11s8s", 0, 0, 0x29, 0x564B, b"VIRTKIT    ", b"FAT12   ")
    return head.ljust(510, b"\0") + b"\x55\xaa"


def _entry(name: str, ending: str, cluster: int, size: int, *, folder: bool = False) -> bytes:
    """A directory entry with a short name."""
    short = name.encode().ljust(8) + ending.encode().ljust(3)
    return short + struct.pack("<B14xHI", 0x10 if folder else 0x20, cluster, size)


def _dots(own: int, parent: int) -> bytes:
    """The entries . and .. of a directory."""
    return _entry(".", "", own, 0, folder=True) + _entry("..", "", parent, 0, folder=True)


def _store(data: bytearray, fat: bytearray, cluster: int, content: bytes) -> None:
    """Puts content into consecutive clusters and chains them."""
    count = -(-len(content) // _SECTOR)
    start = (cluster - 2) * _SECTOR
    data[start : start + len(content)] = content
    for n in range(count):
        _chain(fat, cluster + n, cluster + n + 1 if n + 1 < count else 0xFFF)


def _chain(fat: bytearray, cluster: int, value: int) -> None:
    """Writes a 12 bit entry of the FAT."""
    at = cluster * 3 // 2
    old = int.from_bytes(fat[at : at + 2], "little")
    new = (old & 0x000F) | value << 4 if cluster % 2 else (old & 0xF000) | value
    fat[at : at + 2] = new.to_bytes(2, "little")


def _program(name: str) -> bytes:
    """A PE32+ image for the UEFI subsystem of applications: one section with the code and its text."""
    text = f"{MARK}{name}\r\n".encode() + b"\0"
    code = bytes.fromhex("fc488d35") + struct.pack("<i", 0x40 - 8)  # cld; lea rsi, [rip + text]
    code += b"\x66\xba" + struct.pack("<H", _SERIAL)  # mov dx, serial
    code += bytes.fromhex("ac84c07403eeebf8")  # lodsb; test al, al; jz +3; out dx, al; jmp -8
    code += b"\x66\xba" + struct.pack("<H", EXIT_PORT) + bytes.fromhex("b000eefaf4ebfd")
    section = (code.ljust(0x40, b"\x90") + text).ljust(_SECTOR, b"\0")
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x022E)
    optional = struct.pack("<HBBIIIII", 0x20B, 0, 0, _SECTOR, 0, 0, 0x1000, 0x1000)
    sizes = (0x400000, 0x1000, _SECTOR, *(0,) * 7, 0x2000, _SECTOR, 0, 10, 0)
    optional += struct.pack("<QIIHHHHHHIIIIHH", *sizes)
    optional += struct.pack("<QQQQII", 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    table = struct.pack("<8sIIIIIIHHI", b".text", _SECTOR, 0x1000, _SECTOR, _SECTOR, 0, 0, 0, 0, 0xE0000020)
    stub = b"MZ" + bytes(58) + struct.pack("<I", 0x40)
    head = stub + b"PE\0\0" + coff + optional + table
    return head.ljust(_SECTOR, b"\0") + section
