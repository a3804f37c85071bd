"""Domains in tar archives and behind patterns: each member and each match is a source of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from virtkit.domain.document import MAX_BYTES
from virtkit.inputs import InMemory, Source, Unreadable, is_domain_file, patterns, sources, stem

__all__ = ["gather", "is_one_file"]

_MAGIC = re.compile(r"[*?[]")


def gather(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: those of ``sources``, matches of patterns (also ``**``), archive members.

    A tar archive may be compressed (gzip, bzip2, xz). Its domain files are read as a stream, one at a time; nothing
    is written to disk, and links and devices are skipped. A path that cannot be read yields a source whose ``read``
    raises InputError.
    """
    for kind, group in groupby(_expanded(paths), key=lambda found: found[0]):
        texts = [text for _, text in group]
        if kind == "archive":
            for text in texts:
                yield from _members(Path(text))
        elif kind == "nothing":
            for text in texts:
                yield Unreadable(Path(text).name, None, text, reason="no file matches this pattern")
        elif kind == "match":
            yield from (replace(source, named=False) for source in sources(texts))
        else:
            yield from sources(texts)


def is_one_file(text: str) -> bool:
    """Whether a path names one file or standard input: no folder, pattern or archive."""
    ((kind, path), *more) = _expanded([text])
    return kind == "path" and not more and (path == "-" or not Path(path).is_dir())


def _expanded(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each path or match of a pattern with its kind: "path", "match", "archive", or "nothing" where none matches."""
    for text in paths:
        if text == "-" or Path(text).exists() or not _MAGIC.search(text):
            yield _kind(text, "path"), text
            continue
        from glob import glob

        matches = sorted(glob(text, recursive=True))
        if not matches:
            yield "nothing", text
        for match in matches:
            yield _kind(match, "match"), match


def _kind(text: str, other: str) -> str:
    path = Path(text)
    if text == "-" or is_domain_file(path) or not path.is_file():
        return other
    from tarfile import is_tarfile

    return "archive" if is_tarfile(path) else other


def _members(path: Path) -> Iterator[Source]:
    import tarfile

    found = 0
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if not is_domain_file(PurePosixPath(member.name)) or not member.isfile():
                    continue
                found += 1
                name, where = stem(PurePosixPath(member.name)), f"{path}!{member.name}"
                if member.size > MAX_BYTES:
                    reason = f"larger than {MAX_BYTES >> 20} MiB, the largest size that is accepted"
                    yield Unreadable(name, None, where, reason=reason)
                    continue
                stream = archive.extractfile(member)
                yield InMemory(name, None, where, named=False, data=stream.read() if stream else b"")
    except (tarfile.TarError, OSError, EOFError) as error:
        yield Unreadable(path.name, None, str(path), reason=f"the rest of the archive cannot be read: {error}")
        return
    if not found:
        yield Unreadable(path.name, None, str(path), reason=f"the archive has no {patterns()} file")
