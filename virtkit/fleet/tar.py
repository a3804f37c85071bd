"""The members of a tar archive, one header at a time: the usual headers are read here, the others by ``tarfile``.

``tarfile`` alone takes ten times as long, keeps every header, and passes over the rest of an archive in silence after a
header that is damaged. The format is that of POSIX.1-1988 (ustar) and of GNU tar, as ``tarfile`` reads them.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast
from zlib import adler32

if TYPE_CHECKING:
    from typing import IO, BinaryIO

__all__ = ["ArchiveError", "Content", "Member", "members"]

_BLOCK = tarfile.BLOCKSIZE
_ZERO = bytes(_BLOCK)
#: The largest extended header: names are far shorter.
_MAX_HEADER = 1 << 20
#: How many bytes are passed over at a time where a stream cannot seek.
_STEP = 1 << 20
#: Files, and what has no content: links, devices, folders, pipes.
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
_EMPTY = (
    tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE,
)  # fmt: skip
_CUT = "unexpected end of data"
#: adler32 gives the sum of all bytes, plus 1, modulo this number in its lower half.
_ADLER = 65521


class ArchiveError(Exception):
    """The rest of an archive cannot be read."""


class Content(Protocol):
    """What is in a member."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; none at the end."""


class _Header(tarfile.TarInfo):
    """A header of bounded size."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        found = super().frombuf(buf, encoding, errors)
        if found.type in b"xgXLK" and found.size > _MAX_HEADER:
            raise tarfile.ReadError(f"an extended header is larger than {_MAX_HEADER >> 20} MiB; this limit is fixed")
        return found


@dataclass(slots=True)
class Member:
    """A member: its name, size in bytes, whether it is a file, and where its content begins in the archive.

    ``whole`` says whether its content is ``size`` bytes at ``offset``.
    """

    name: str
    size: int
    regular: bool
    offset: int
    whole: bool
    _blocks: _Blocks
    _sparse: IO[bytes] | None = None

    def opened(self) -> Content:
        """Its content, to be read before the next member; ``read`` raises ArchiveError where it is cut off."""
        if self._sparse is not None:
            return _Sparse(self._sparse)
        self._blocks.seek(self.offset)
        return _Rest(self._blocks, self.size)


class _Sparse:
    """The content of a file with holes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except tarfile.TarError as error:
            raise ArchiveError(str(error)) from None


class _Rest:
    """What is left of a member."""

    def __init__(self, blocks: _Blocks, size: int) -> None:
        self._blocks, self._left = blocks, size

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self._left)
        data = self._blocks.read(wanted)
        if len(data) < wanted:
            raise ArchiveError(_CUT)
        self._left -= wanted
        return data


class _Blocks:
    """A stream that is read forwards, and seeks where it can; ``end`` is its size where that is known."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0
        self._ahead = b""
        self.end: int | None = None
        if stream.seekable():
            self.end = stream.seek(0, os.SEEK_END)
            stream.seek(0)

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            data = self._stream.read(size)
        self._at += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Give back what was read last."""
        self._ahead = data
        self._at -= len(data)

    def tell(self) -> int:
        return self._at

    def seek(self, place: int) -> None:
        step = place - self._at
        if step and self._ahead:
            self.read(len(self._ahead))
            step = place - self._at
        if self.end is None:
            if step < 0:
                raise ArchiveError("its parts are not in order")
            while step > 0:
                data = self.read(min(step, _STEP))
                if not data:
                    raise ArchiveError(_CUT)
                step -= len(data)
        elif place > self.end:
            raise ArchiveError(_CUT)
        elif step:
            self._stream.seek(step, os.SEEK_CUR)
            self._at = place


def members(stream: BinaryIO) -> Iterator[Member]:
    """The members of an archive in order. Raises ArchiveError where it is damaged or cut off."""
    blocks = _Blocks(stream)
    while True:
        begin = blocks.tell()
        block = blocks.read(_BLOCK)
        if block == _ZERO:
            return
        if len(block) < _BLOCK:
            raise ArchiveError(_cut(block, begin))
        found = _usual(block, begin, blocks)
        if found is not None:
            if blocks.end is not None and found.offset + found.size > blocks.end:
                raise ArchiveError(_CUT)
            yield found
            blocks.seek(begin + _BLOCK + (found.size + _BLOCK - 1) // _BLOCK * _BLOCK)
            continue
        blocks.unread(block)
        following = yield from _unusual(blocks, begin)
        if following is None:
            return
        blocks.seek(following)


def _unusual(blocks: _Blocks, begin: int) -> Generator[Member, None, int | None]:
    """The member of a header at ``begin`` that ``tarfile`` reads. Returns where the next header is.

    A global header holds for all members that follow: ``tarfile`` reads them as well, and None is returned.
    """
    try:
        archive = tarfile.TarFile(fileobj=cast("IO[bytes]", blocks), mode="r", tarinfo=_Header)
        info = archive.next()
        if info is None:
            raise ArchiveError(f"the header at byte {begin:,} is damaged")
        while info is not None:
            if info.size < 0 or archive.offset <= begin:
                raise ArchiveError(f"the header at byte {begin:,} has a wrong size")
            begin = archive.offset
            yield _read_by_tarfile(archive, info, blocks)
            # A tar file keeps every header that it has seen.
            cast("Any", archive).members = []
            if not archive.pax_headers:
                return begin
            info = archive.next()
        return None
    except (tarfile.TarError, ArithmeticError, RecursionError, ValueError) as error:
        raise ArchiveError(f"the header at byte {begin:,} is damaged: {error}") from None


def _read_by_tarfile(archive: tarfile.TarFile, info: tarfile.TarInfo, blocks: _Blocks) -> Member:
    regular, place = info.isfile(), info.offset_data
    if regular and info.issparse():
        return Member(info.name, info.size, regular, place, False, blocks, archive.extractfile(info))
    size = info.size if regular else 0
    if blocks.end is not None and place + size > blocks.end:
        raise ArchiveError(_CUT)
    return Member(info.name, size, regular, place, True, blocks)


def _cut(block: bytes, begin: int) -> str:
    if block:
        return _CUT
    return "it ends without the mark of its end, so that members may be missing" if begin else "empty file"


def _usual(block: bytes, begin: int, blocks: _Blocks) -> Member | None:
    """The member of a header that says everything itself; None for any other header, also a damaged one."""
    kind = block[156:157]
    regular = kind in _FILES
    if not (regular or kind in _EMPTY):
        return None
    try:
        checksum = int(block[148:156].strip(b"\0 "), 8)
        size = int(block[124:136].strip(b"\0 ") or b"0", 8)
    except ValueError:
        return None
    # The field of the checksum itself counts as eight spaces.
    total = (adler32(block) & 0xFFFF) - 1 - sum(block[148:156]) + 8 * 32
    if (total - checksum) % _ADLER or size < 0:
        return None
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if kind == tarfile.AREGTYPE and name.endswith(b"/"):
        return None
    text = (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")
    return Member(text, size if regular else 0, regular, begin + _BLOCK, True, blocks)
