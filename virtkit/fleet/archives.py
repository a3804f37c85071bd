"""Domain XML in tar archives and behind patterns: each member and each match is a source of its own."""

from __future__ import annotations

import glob
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from virtkit.domain.document import MAX_BYTES
from virtkit.inputs import InMemory, Source, Unreadable, sources, stem

__all__ = ["gather"]


def gather(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: those of ``sources``, matches of patterns (also ``**``), archive members.

    A tar archive may be compressed (gzip, bzip2, xz). Its ``*.xml`` files are read as a stream, one at a time; nothing
    is written to disk, and links and devices are skipped. A path that cannot be read yields a source whose ``read``
    raises InputError.
    """
    for text in paths:
        path = Path(text)
        if text != "-" and not path.exists() and glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                yield Unreadable(path.name, None, text, reason="no file matches this pattern")
            for match in matches:
                yield from _one(match)
        else:
            yield from _one(text)


def _one(text: str) -> Iterator[Source]:
    path = Path(text)
    if path.is_file() and path.suffix != ".xml" and tarfile.is_tarfile(path):
        yield from _members(path)
    else:
        yield from sources([text])


def _members(path: Path) -> Iterator[Source]:
    found = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if not member.name.endswith(".xml") or not member.isfile():
                    continue
                found += 1
                name, where = stem(PurePosixPath(member.name)), f"{path}!{member.name}"
                if member.size > MAX_BYTES:
                    reason = f"larger than {MAX_BYTES >> 20} MiB, the largest size that is accepted"
                    yield Unreadable(name, None, where, reason=reason)
                    continue
                stream = archive.extractfile(member)
                yield InMemory(name, None, where, data=stream.read() if stream else b"")
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Unreadable(path.name, None, str(path), reason=f"the rest of the archive cannot be read: {error}")
        return
    if not found:
        yield Unreadable(path.name, None, str(path), reason="the archive has no *.xml file")
