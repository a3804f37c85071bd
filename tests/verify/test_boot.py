"""What a real Linux guest was seen driving, against the rules; and the tool that makes half a driver."""

from __future__ import annotations

import os
import shutil
import struct
from collections import Counter
from pathlib import Path

import pytest

from virtkit import facts
from virtkit.cli import main
from virtkit.errors import VerifyError
from virtkit.verify import boot

ROWS = facts.table("evidence/boot.csv")


def test_evidence_covers_the_ground() -> None:
    """Old and new pc and q35, every location, model and driver half, and every kind."""
    assert {row["machine"] for row in ROWS} == {"pc-i440fx-2.6", "pc-q35-2.6", "pc-i440fx-7.2", "pc-q35-7.2"}
    assert Counter(row["guest"] for row in ROWS) == dict.fromkeys(boot.GUESTS, 90)
    assert len({(row["location"], row["model"], row["kind"]) for row in ROWS}) == 4 * 3 * 3


@pytest.mark.parametrize("guest", boot.GUESTS)
def test_rules_say_what_was_seen(guest: str) -> None:
    """Every device was driven, and through the interface, that the rules predict."""
    for row in ROWS:
        if row["guest"] == guest:
            seen = boot.Seen(
                row["machine"],
                row["location"],
                row["kind"],
                row["model"],
                guest,
                row["device_id"],
                row["driven"] == "yes",
                row["interface"],
            )
            assert boot.predicted(seen, (7, 2)) == (seen.driven, seen.interface), row


def _module(code: bytes, relocated: int = -1) -> bytes:
    """A 64-bit ELF file with one function "probe" of ``code``, and a relocation at an offset in it if any."""
    names = b"\0probe\0"
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 2, 0, 1, 0, len(code))
    rela = struct.pack("<QQq", relocated, 0, 0) if relocated >= 0 else b""
    parts, offset = [code, symbols, names, rela], 64
    places = []
    for part in parts:
        places.append((offset, len(part)))
        offset += len(part)
    kinds = [(1, 0, 0), (2, 3, 0), (3, 0, 0), (4, 2, 1)]
    table = bytes(64) + b"".join(
        struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, place, size, link, info, 0, 0)
        for (kind, link, info), (place, size) in zip(kinds, places, strict=True)
    )
    head = b"\x7fELF\x02\x01" + bytes(10) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, offset, 0, 64, 0, 0, 64, 5, 3)
    return head + b"".join(parts) + table


@pytest.mark.parametrize("start", [b"", b"\xe8\0\0\0\0", b"\xf3\x0f\x1e\xfa\xe8\0\0\0\0"])
def test_half_a_driver_returns_at_once(start: bytes) -> None:
    """The function's first instructions become "no such device", after what the loader fills in."""
    module = _module(start + b"\x90" * 20)
    changed = boot.half(module, "probe")
    assert changed == module.replace(start + b"\x90" * 6, start + b"\xb8\xed\xff\xff\xff\xc3", 1)


def test_a_signature_is_taken_off() -> None:
    """A changed module's signature would be rejected."""
    module = _module(b"\x90" * 20)
    signed = module + b"SIGNATURE" + bytes(8) + struct.pack(">I", 9) + b"~Module signature appended~\n"
    assert boot.half(signed, "probe") == boot.half(module, "probe")


def test_what_cannot_be_changed_is_refused() -> None:
    """Another format, a missing function, a short one, one that the loader fills in."""
    with pytest.raises(VerifyError, match="expected a little-endian 64-bit ELF"):
        boot.half(b"\x1f\x8b", "probe")
    with pytest.raises(VerifyError, match="no function other"):
        boot.half(_module(b"\x90" * 20), "other")
    with pytest.raises(VerifyError, match="too short"):
        boot.half(_module(b"\x90\xc3"), "probe")
    with pytest.raises(VerifyError, match="the loader fills in"):
        boot.half(_module(b"\x90" * 20, relocated=2), "probe")


def test_missing_kernel_is_named(tmp_path: Path) -> None:
    """Without a kernel, its modules or busybox, the message says which package has it."""
    with pytest.raises(VerifyError, match="linux-image-amd64"):
        boot.find_kernel(tmp_path)
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "vmlinuz-6.1").touch()
    with pytest.raises(VerifyError, match=r"no module virtio_ring\.ko"):
        boot.find_kernel(tmp_path)


@pytest.mark.parametrize(
    "words", [["--machines", ""], ["--guests", ","], ["--limit", "0"], ["--guests", "new"]], ids=" ".join
)
def test_wrong_usage(words: list[str], tmp_path: Path) -> None:
    """Nothing to boot, no time to do it in, and unknown guests are wrong usage, said before a kernel is looked for."""
    assert main(["verify", "boot", "--root", str(tmp_path), *words]) == 2


def test_other_machines_are_not_booted() -> None:
    """A machine type without the buses of a pc or q35 is refused by name."""
    with pytest.raises(VerifyError, match="microvm: only pc and q35"):
        list(boot.devices("microvm"))


@pytest.mark.live
def test_live_boot() -> None:
    """Where a kernel, busybox and QEMU are installed, a legacy-only guest drives what the rules say.

    VIRTKIT_KERNEL_ROOT names a folder into which the packages were unpacked, in place of /.
    """
    if shutil.which("qemu-system-x86_64") is None:
        pytest.skip("no qemu-system-x86_64")
    try:
        kernel = boot.find_kernel(Path(os.environ.get("VIRTKIT_KERNEL_ROOT", "/")))
    except VerifyError as problem:
        pytest.skip(str(problem))
    seen = boot.boot(kernel, "q35", "legacy")
    assert [(one.driven, one.interface) for one in seen] == [boot.predicted(one, (7, 2)) for one in seen]
