"""What fuzzing found: each input is now an error of one line, or read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from virtkit import facts, limits
from virtkit.errors import GuestError, InputError, VirtkitError
from virtkit.fleet.archives import gather
from virtkit.guests import osinfo
from virtkit.inputs import domains_in

GOOD = facts.path("domains/ubuntu24.04-q35.xml").read_bytes()
LINES = b"".join(json.dumps({"xml": GOOD.decode(), "n": number}).encode() + b"\n" for number in range(200))


def results(file: Path) -> tuple[int, list[str]]:
    """How many domains an archive gives, and the messages of what cannot be read."""
    found = [one for source in gather([str(file)]) for _, one in domains_in(source)]
    errors = [str(one) for one in found if isinstance(one, InputError)]
    return len(found) - len(errors), errors


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("data", [GOOD, LINES], ids=["xml", "lines"])
def test_broken_compressed_data_is_one_error(tmp_path: Path, pack: Callable[[bytes], bytes], data: bytes) -> None:
    """Compressed data with wrong bytes, or that end too early, give one error of one line."""
    packed = bytearray(pack(data))
    whole = tmp_path / "whole.bin"
    whole.write_bytes(packed)
    assert results(whole) == (1 if data is GOOD else 200, [])
    for number, broken in enumerate((packed[: len(packed) // 2], packed[:40] + bytes(30) + packed[70:])):
        file = tmp_path / f"broken-{number}.bin"
        file.write_bytes(broken)
        _, errors = results(file)
        assert len(errors) == 1
        assert errors[0].isprintable()


def test_a_broken_member_of_a_zip_archive_is_one_error(tmp_path: Path) -> None:
    """Members that are stored with LZMA and are broken are errors; the others are read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD, zipfile.ZIP_LZMA)
        archive.writestr("b.xml", GOOD)
    data = bytearray(out.getvalue())
    data[60:90] = bytes(30)
    (tmp_path / "a.zip").write_bytes(data)
    count, errors = results(tmp_path / "a.zip")
    assert count == 1
    assert len(errors) == 1
    assert errors[0].startswith(f"{tmp_path}/a.zip!a.xml: cannot be read: ")


@pytest.mark.parametrize("data", [b"", b"x" * 600, gzip.compress(b"x" * 600)[:-12], lzma.compress(b"y" * 9000)[:60]])
def test_what_is_no_tarball_is_one_line(tmp_path: Path, data: bytes) -> None:
    """An osinfo-db that is no tarball, or a broken one, is an error of one line."""
    (tmp_path / "db.tar").write_bytes(data)
    with pytest.raises(GuestError) as refused:
        osinfo.read(tmp_path / "db.tar")
    assert str(refused.value).startswith(f"{tmp_path}/db.tar: not ")
    assert str(refused.value).isprintable()


def test_a_gzipped_tarball_with_wrong_bytes_is_an_error(tmp_path: Path) -> None:
    """Wrong bytes inside the compressed data are an error as well."""
    data = bytearray(gzip.compress(GOOD * 20))
    data[200:260] = bytes(60)
    (tmp_path / "db.tar.gz").write_bytes(data)
    with pytest.raises(VirtkitError):
        osinfo.read(tmp_path / "db.tar.gz")


def test_a_compressed_zip_archive_that_ends_early_is_one_error(tmp_path: Path) -> None:
    """A zip archive inside gzip is copied first; where the copy fails, the archive is an error."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(range(256)) * 600)
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    assert results(file) == (1, [])
    file.write_bytes(gzip.compress(out.getvalue(), 0)[:140_000])
    _, errors = results(file)
    assert len(errors) == 1
    assert errors[0].startswith(f"{file}: the archive cannot be read: ")


def test_the_copy_of_a_zip_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed zip archive that unpacks to more than the limit is refused before it fills the disk."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(1 << 20))
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    monkeypatch.setattr(limits, "ARCHIVE_BYTES", replace(limits.ARCHIVE_BYTES, most=1 << 19))
    _, errors = results(file)
    assert errors == [f"{file}: the archive cannot be read: larger than 512 KiB, the largest size that is accepted; "
                      "the environment variable VIRTKIT_MAX_ARCHIVE_BYTES raises this limit"]  # fmt: skip
