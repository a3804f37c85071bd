"""Members of tar archives are found as ``tarfile`` finds them, and nothing of a damaged archive is lost in silence."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.writing import domain
from virtkit.fleet.archives import gather, requested
from virtkit.fleet.requests import Section, contents
from virtkit.fleet.tar import ArchiveError, members

if TYPE_CHECKING:
    from typing import BinaryIO

LONG = "a-long-name/" * 30 + "guest.xml"
KINDS = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE)
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


class OneWay(io.BytesIO):
    """A stream that cannot seek, such as a pipe."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


def packed(form: int, names: list[str], headers: dict[str, str] | None = None) -> bytes:
    """An archive with a file of each name, and something of each other kind before it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, pax_headers=headers) as archive:
        for number, name in enumerate(names):
            for kind in KINDS:
                other = tarfile.TarInfo(f"{number}-{kind.decode()}.xml")
                other.type, other.linkname = kind, "elsewhere"
                archive.addfile(other)
            member = tarfile.TarInfo(name)
            member.size = number * 300
            archive.addfile(member, io.BytesIO(bytes([65 + number]) * member.size))
    return out.getvalue()


def found(stream: BinaryIO) -> list[tuple[str, int, bytes]]:
    return [(one.name, one.size, one.opened().read(1 << 24)) for one in members(stream) if one.regular]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("headers", [None, {"comment": "for all"}])
def test_members_are_those_of_tarfile(form: str, headers: dict[str, str] | None) -> None:
    """Short and long names, names outside ASCII, empty files, links, folders and devices; read once or with seek."""
    names = ["a.xml", "dir/b.xml", "ä/ö.xml", "c.xml", "n" * 99 + "/" + "m" * 95 + ".xml"]
    names += [LONG] if form != "ustar" else []
    data = packed(FORMATS[form], names, headers)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [
            (one.name, one.size, cast("io.BufferedReader", archive.extractfile(one)).read())
            for one in archive
            if one.isfile()
        ]
    assert len(expected) == len(names)
    assert found(io.BytesIO(data)) == expected
    assert found(OneWay(data)) == expected


def test_members_of_a_file_are_read_where_they_are_examined(tmp_path: Path) -> None:
    """An audit gets the places of members, whose bytes and names are those of a whole reading."""
    file = tmp_path / "all.tar"
    file.write_bytes(packed(tarfile.GNU_FORMAT, ["a.xml", LONG, "b.xml"]))
    places = list(requested([str(file)]))
    assert all(isinstance(one, Section) for one in places)
    whole = [(one.name, one.label, one.read()) for one in gather([str(file)])]
    assert [(one.name, one.label, one.read()) for one in contents(places)] == whole
    file.write_bytes(file.read_bytes()[:3000])
    assert "all.tar became shorter meanwhile" in str(getattr(contents(places)[-1], "reason", ""))


def test_a_damaged_header_is_reported() -> None:
    """Members before it are found, and the message says where the header is."""
    data = bytearray(packed(tarfile.USTAR_FORMAT, ["a.xml", "b.xml"]))
    data[7 * 512] ^= 1
    seen = []
    with pytest.raises(ArchiveError, match="the header at byte 3,584 is damaged"):
        seen += [one.name for one in members(io.BytesIO(bytes(data)))]


@pytest.mark.parametrize("kind", [io.BytesIO, OneWay])
def test_an_archive_that_is_cut_off_anywhere_is_reported(kind: type[io.BytesIO]) -> None:
    """Also between two members, where only the mark of the end is missing."""
    data = packed(tarfile.PAX_FORMAT, ["a.xml", "ö.xml", "b.xml", LONG])
    end = len(data.rstrip(b"\0"))
    for size in range(0, end - end % 512 + 1, 512 if kind is OneWay else 256):
        with pytest.raises(ArchiveError, match=r"end of data|mark of its end|empty file|damaged|truncated"):
            found(kind(data[:size]))


def test_what_is_no_archive_is_reported(tmp_path: Path) -> None:
    """A file that only has the name of an archive, and one inside a compressed archive."""
    (tmp_path / "text.tar").write_bytes(b"no archive" * 100)
    (tmp_path / "empty.tar").write_bytes(b"")
    with gzip.open(tmp_path / "cut.tar.gz", "wb") as out:
        out.write(packed(tarfile.USTAR_FORMAT, ["a.xml", "b.xml"])[:6 * 512])
    said = [getattr(one, "reason", "") for one in requested([str(tmp_path / "*.tar*")])]
    assert [one.removeprefix("the rest of the archive cannot be read: ") for one in said if one] == [
        "it ends without the mark of its end, so that members may be missing",
        "empty file",
        "the header at byte 0 is damaged: invalid header",
    ]


def test_hostile_sizes_end_an_archive() -> None:
    """A size that is negative, or larger than the archive, reads nothing beyond it."""
    for size in (b"777777777777", b"\xff" * 12, b"\x80" + b"\xff" * 11):
        header = bytearray(tarfile.TarInfo("a.xml").tobuf(tarfile.GNU_FORMAT))
        header[124:136] = size
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        with pytest.raises(ArchiveError):
            found(io.BytesIO(bytes(header) + domain("")))


def test_a_chain_of_extended_headers_ends_an_archive() -> None:
    """Each of them is about the next, without end."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1
    with pytest.raises(ArchiveError, match="the header at byte 0 is damaged"):
        found(io.BytesIO((header.tobuf(tarfile.GNU_FORMAT) + b"a" + bytes(511)) * 5000))


@pytest.mark.skipif(not shutil.which("tar"), reason="needs the program tar")
@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_files_are_read_whole(form: str, tmp_path: Path) -> None:
    """The content of a sparse file is not what follows its header."""
    with (tmp_path / "a.xml").open("wb") as file:
        file.write(domain(""))
        file.seek(1 << 20, os.SEEK_CUR)
        file.write(b" ")
    (tmp_path / "b.xml").write_bytes(domain(""))
    names = ["a.xml", "b.xml"]
    subprocess.run(["tar", "-S", f"--format={form}", "-cf", "all.tar", *names], cwd=tmp_path, check=True)
    archive = tmp_path / "all.tar"
    assert [one.read() for one in gather([str(archive)])] == [(tmp_path / name).read_bytes() for name in names]
    assert [one.read() for one in contents(list(requested([str(archive)])))] == [
        (tmp_path / name).read_bytes() for name in names
    ]
    assert [data for _, _, data in found(OneWay(archive.read_bytes()))] == [
        (tmp_path / name).read_bytes() for name in names
    ]
