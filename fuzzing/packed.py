"""Archives as seeds, and mutations of their members, headers and compression."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from random import Random

from fuzzing.mutators import Mutator, bytes_mutator

__all__ = ["archive_mutator", "archive_seeds", "compressed", "tarred", "zipped"]

Members = list[tuple[str, bytes]]

_NAMES = (
    "a.xml", "b.in.xml", "c.yaml", "d.save", "e.cmdline", "f.txt", "../g.xml", "/h.xml", "i/j.xml", "k.xml/", "",
    ".xml", "é.xml", "\u202el.xml", "a" * 300 + ".xml", "m.json", "os/x.org/n.xml", "VERSION", "device/x.org/o.xml",
)  # fmt: skip

_KINDS = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)


def tarred(members: Members, kinds: Random | None = None) -> bytes:
    """A tar archive; with ``kinds``, some members are links, folders or devices, or have a format of their own."""
    out = io.BytesIO()
    forms = (tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)
    form = forms[0] if kinds is None else kinds.choice(forms)
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name or "x")
            member.size = len(data)
            if kinds is not None and kinds.random() < 0.1:
                member.type = kinds.choice(_KINDS)
                member.linkname = kinds.choice(_NAMES)
                member.size = 0
            try:
                archive.addfile(member, io.BytesIO(data))
            except ValueError:
                continue  # a name that this format cannot hold
    return out.getvalue()


def zipped(members: Members, kinds: Random | None = None) -> bytes:
    """A zip archive; with ``kinds``, members are stored in different ways."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        # A name that is there twice is intended.
        warnings.simplefilter("ignore", UserWarning)
        for name, data in members:
            ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            # A fixed date, so that the same members give the same bytes.
            member = zipfile.ZipInfo(name or "x")
            archive.writestr(member, data, ways[0] if kinds is None else kinds.choice(ways))
    return out.getvalue()


def compressed(data: bytes, way: str) -> bytes:
    """Data in one of the compressions that are read: gzip, bzip2, xz, or none for another name."""
    if way == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if way == "bzip2":
        return bz2.compress(data, 1)
    return lzma.compress(data, preset=0) if way == "xz" else data


def archive_seeds(members: Members) -> list[bytes]:
    """Archives of every form with these members."""
    return [
        tarred(members), zipped(members), *(compressed(tarred(members[:2]), way) for way in ("gzip", "bzip2", "xz")),
        compressed(zipped(members[:2]), "gzip"), compressed(members[0][1], "gzip"), members[0][1], tarred([]),
        zipped([]),
    ]  # fmt: skip


def archive_mutator(seeds: Sequence[bytes], of_member: Mutator) -> Mutator:
    """Mutations of archives: other members, other headers, another compression, or changed bytes.

    ``of_member`` mutates the content of a member.
    """
    raw = bytes_mutator(seeds)
    known = [member for seed in seeds for member in _members(seed)]

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.25:
            return raw(data, random)
        if random.random() < 0.25 and data[257:262] == b"ustar":
            return _header(data, random)
        members = _members(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            _change(members, known, of_member, random)
        packed = tarred(members, random) if random.random() < 0.6 else zipped(members, random)
        if random.random() < 0.2:
            packed = raw(packed, random)
        return compressed(packed, random.choice(("gzip", "bzip2", "xz", "", "", "")))

    return mutate


def _change(members: Members, known: Members, of_member: Mutator, random: Random) -> None:
    if not members:
        members.append(random.choice(known))
        return
    at = random.randrange(len(members))
    name, data = members[at]
    kind = random.randrange(6)
    if kind == 0 and len(members) > 1:
        del members[at]
    elif kind == 1 and len(members) < 40:
        members.insert(at, members[at])
    elif kind == 2:
        members[at] = (random.choice(_NAMES), data)
    elif kind == 3 and len(members) < 40:
        members.insert(at, random.choice(known))
    else:
        members[at] = (name, of_member(data, random)[:20_000])

#: Types of a member: long names, extended headers, sparse files.
_TYPES = (b"L", b"K", b"x", b"g", b"S")


def _header(data: bytes, random: Random) -> bytes:
    """A tar archive with another number in one header, whose checksum is right again."""
    at = 512 * random.randrange(max(len(data) // 512, 1))
    header = bytearray(data[at : at + 512])
    if header[257:262] != b"ustar" or len(header) < 512:
        return data[:at] + data[at + 512 :]
    place, size = random.choice(((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (345, 155)))
    odd = (b"", b"7" * size, b"\x80" + b"\xff" * (size - 1), b"-1", b"x" * size, b"0" * size, *_TYPES)
    header[place : place + size] = random.choice(odd)[:size].ljust(size, b"\0")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return data[:at] + bytes(header) + data[at + 512 :]


def _members(data: bytes) -> Members:
    """The members of an archive as far as they can be read; none of what is no archive."""
    try:
        for magic, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
            if data.startswith(magic):
                # What this module compressed is small.
                data = unpack(data)
        if data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                found = [(one.name, archive.extractfile(one)) for one in archive.getmembers()[:40] if one.isfile()]
                return [(name, stream.read(20_000)) for name, stream in found if stream is not None]
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                return [(one.filename, packed.open(one).read(20_000)) for one in packed.infolist()[:40]]
    except Exception:
        # Broken data raise errors of many kinds here. The reader under test gets the same data and is checked.
        return []
    return []
