"""Streams of bytes from files and standard input: decompressed, and recognised by how they begin."""

from __future__ import annotations

import io
import json
import lzma
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

from virtkit.errors import InputError

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["BROKEN", "form_of", "is_bundle", "opened", "stored_as"]

_HEAD = 1 << 16
#: How much of a file is read at a time.
_BUFFER = 1 << 18
#: How compressed data begins, and its name.
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
#: How a domain begins inside a JSON string; some writers escape "<".
_DOMAINS = (b"<domain", b"\\u003cdomain", b"<?xml", b"\\u003c?xml")

#: What broken data raise in Python's decompressors besides OSError, EOFError and ValueError.
BROKEN = (zlib.error, lzma.LZMAError)


class _Joined(io.RawIOBase):
    """The bytes that were read ahead, and then the rest of a stream or the error that ended it.

    ``inner`` is closed too: decompressors do not close what they read.
    """

    def __init__(
        self, head: bytes, rest: BinaryIO, problem: Exception | None = None, inner: BinaryIO | None = None
    ) -> None:
        self._inner = inner
        self._head = memoryview(head)
        self._rest = rest
        self._problem = problem

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        into = memoryview(buffer)
        data: bytes | memoryview = self._head[: len(into)]
        if data:
            self._head = self._head[len(data) :]
        elif self._problem is not None:
            raise self._problem
        else:
            try:
                data = self._rest.read(len(into))
            except BROKEN as problem:
                raise OSError(_broken(problem)) from None
        into[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._rest.close()
            if self._inner is not None:
                self._inner.close()
        super().close()


def stored_as(path: Path) -> str:
    """How a file is stored: "tar", "zip", "json-lines", "compressed" (one input) or "" for anything else.

    Raises InputError for a file that cannot be read or decompressed.
    """
    stream, packed, head = opened(path)
    stream.close()
    form = form_of(head, path.name)
    return form or ("compressed" if packed else "")


#: The endings of archives and JSON lines, which may be compressed.
_BUNDLES = (".tar", ".tgz", ".zip", ".jsonl", ".ndjson")
_PACKED = (".gz", ".bz2", ".xz", ".zst")


def is_bundle(name: str) -> bool:
    """Whether a file is an archive or JSON lines by its name."""
    ending = next((one for one in _PACKED if name.endswith(one)), "")
    return name.removesuffix(ending).endswith(_BUNDLES)


def form_of(head: bytes, name: str = "") -> str:
    """What bytes begin with: "tar", "zip", "json-lines" or "" for anything else."""
    # An empty archive and those of old formats have no magic number.
    if head[257:262] == b"ustar" or ".tar" in PurePath(name).suffixes or name.endswith(".tgz"):
        return "tar"
    if head.startswith(_ZIP) or (not head and name.endswith(".zip")):
        return "zip"
    if any(ending in name for ending in (".jsonl", ".ndjson")):
        return "json-lines"
    return "json-lines" if _is_json_line(head) else ""


def _is_json_line(head: bytes) -> bool:
    """Whether the first line is a whole JSON value that holds a domain, or is followed by a second one."""
    line, end, rest = head.lstrip().partition(b"\n")
    if not line.startswith((b"{", b'"<', b'"\\u003c')):
        return False
    if not end:
        return any(sign in line for sign in _DOMAINS)
    with suppress(ValueError):
        json.loads(line)
        return rest.lstrip().startswith(line[:1]) or any(sign in line for sign in _DOMAINS)
    return False


def opened(path: Path | None) -> tuple[BinaryIO, str, bytes]:
    """A file or (None) standard input as a stream without compression, the name of its compression ("" for none), and
    its first bytes. Raises InputError when it cannot be read, and ModuleNotFoundError for zstd without pyarrow."""
    try:
        raw = cast("BinaryIO", sys.stdin.buffer) if path is None else path.open("rb", buffering=_BUFFER)
        head = raw.read(_HEAD)
        found = next((name for magic, name in _COMPRESSED if head.startswith(magic)), "")
        if not found and path is not None and raw.seekable():
            raw.seek(0)
            return raw, "", head
        stream: BinaryIO = io.BufferedReader(_Joined(head, raw), _HEAD)
        if found:
            plain = _DECOMPRESSED[found](stream)
            head, problem = _ahead(plain)
            stream = io.BufferedReader(_Joined(head, plain, problem, stream), _HEAD)
    except (OSError, EOFError, ValueError) as problem:
        where = "standard input" if path is None else str(path)
        raise InputError(f"cannot be read: {getattr(problem, 'strerror', None) or problem}", where) from None
    return stream, found, head


def _ahead(stream: BinaryIO) -> tuple[bytes, Exception | None]:
    """The first bytes of a stream, and the error that came after them."""
    read = getattr(stream, "read1", stream.read)
    found = b""
    while len(found) < _HEAD:
        try:
            some = read(4096)
        except (OSError, EOFError, ValueError) as problem:
            return found, problem
        except BROKEN as problem:
            return found, OSError(_broken(problem))
        if not some:
            break
        found += some
    return found, None


def _broken(problem: Exception) -> str:
    return f"the compressed data are broken: {problem}"


def _gzip(stream: BinaryIO) -> BinaryIO:
    import gzip

    return cast("BinaryIO", gzip.GzipFile(fileobj=stream))


def _bzip2(stream: BinaryIO) -> BinaryIO:
    import bz2

    return cast("BinaryIO", bz2.BZ2File(stream))


def _xz(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", lzma.LZMAFile(stream))


def _zstd(stream: BinaryIO) -> BinaryIO:
    import pyarrow as pa

    return cast("BinaryIO", pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"))


_DECOMPRESSED: dict[str, Callable[[BinaryIO], BinaryIO]] = {
    "gzip": _gzip,
    "bzip2": _bzip2,
    "xz": _xz,
    "zstd": _zstd,
}
