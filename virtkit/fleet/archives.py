"""The inputs that paths name: files, folders, matches of patterns, members of archives, and lines of JSON."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, cast

from virtkit import limits
from virtkit.errors import InputError
from virtkit.fleet.json_lines import json_lines, numbered
from virtkit.fleet.requests import Line, Section
from virtkit.fleet.streams import form_of, is_bundle, opened, stored_as
from virtkit.inputs import InMemory, Source, Unreadable, is_domain_file, sources, stem
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from typing import IO, BinaryIO

    from virtkit.fleet.requests import Request

__all__ = ["gather", "is_one_file", "requested"]

log = logging.getLogger("virtkit")

_MAGIC = re.compile(r"[*?[]")
_LISTS = (".yaml", ".yml", ".json")


def gather(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: those of ``sources``, matches of patterns (also ``**``), domain files in
    tar and zip archives, and the domains of JSON lines.

    Archives, JSON lines and single files may be compressed (gzip, bzip2, xz, zstd), and may come from standard input
    (``-``). They are read as a stream, one domain at a time. A path that cannot be read yields a source whose ``read``
    raises InputError.
    """
    return cast("Iterator[Source]", _gathered(paths, later=False))


def requested(paths: Sequence[str]) -> Iterator[Request]:
    """The same inputs for an audit: members of files and lines of JSON, which its workers read themselves."""
    return _gathered(paths, later=True)


def _gathered(paths: Sequence[str], *, later: bool) -> Iterator[Request]:
    """The inputs; ``later``: they may be read by another process."""
    for kind, group in groupby(_expanded(paths), key=lambda found: found[0]):
        texts = [text for _, text in group]
        if kind == "stream":
            for text in texts:
                yield from _streamed(text, later=later)
        elif kind == "nothing":
            for text in texts:
                yield Unreadable(Path(text).name, None, text, reason="no file matches this pattern")
        elif kind == "match":
            _warn_of_bundles(texts)
            yield from (replace(source, named=False) for source in sources(texts))
        else:
            _warn_of_bundles(texts)
            yield from sources(texts)


def _warn_of_bundles(texts: Sequence[str]) -> None:
    """Say which archives and JSON lines below folders are not read: they may be backups of anything."""
    for folder in filter(os.path.isdir, texts):
        below = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names if is_bundle(name)]
        if found := sorted(below):
            first = listed([PurePath(one).name for one in found[:3]] + (["others"] if found[3:] else []))
            text = "%s: %s not read (%s); name them, or a quoted pattern such as '%s'"
            kinds = counted(len(found), "archive or file of JSON lines is", "archives and files of JSON lines are")
            log.warning(text, folder, kinds, first, os.path.join(folder, "**", f"*{PurePath(found[0]).suffix}"))


def is_one_file(text: str) -> bool:
    """Whether a path names one file or standard input: no folder, pattern or archive."""
    if text == "-":
        return True
    ((kind, path), *more) = _expanded([text])
    return kind == "path" and not more and not Path(path).is_dir()


def _expanded(paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each path or match of a pattern with its kind: "path", "match", "stream", or "nothing" where none matches."""
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
    if text == "-":
        return "stream"
    if is_domain_file(path) or not path.is_file():
        return other
    try:
        return "stream" if stored_as(path) else other
    except InputError:
        return other


def _streamed(text: str, *, later: bool) -> Iterator[Request]:
    """The inputs of a stream: an archive, JSON lines, or one input; ``later`` as above."""
    path = None if text == "-" else Path(text)
    label = "standard input" if path is None else text
    name = "stdin" if path is None else stem(path.with_suffix(""))
    try:
        stream, packed, head = opened(path)
    except InputError as problem:
        yield Unreadable(name, path, label, reason=problem.what)
        return
    with closing(stream):
        form = form_of(head, path.name if path is not None else "")
        file = text if later and not packed and path is not None and stream.seekable() else ""
        if form == "tar":
            from virtkit.fleet.members import tar_members

            yield from tar_members(stream, label, file)
        elif form == "zip":
            yield from _zipped(stream, path if not packed else None, label)
        elif form == "json-lines":
            yield from _lines(stream, label, file) if later else json_lines(stream, label)
        else:
            yield _one(stream, name, path if not packed else None, label)


def _lines(stream: BinaryIO, label: str, file: str) -> Iterator[Request]:
    """The lines of JSON lines: where they are in a file, or their text."""
    for found in numbered(stream, label):
        if isinstance(found, Unreadable):
            yield found
            continue
        number, begin, line = found
        name, title = f"{PurePath(label).name}-{number}", f"{label}!{number}"
        if file:
            source: InMemory | Section = Section(name, None, title, file=file, offset=begin, size=len(line))
        else:
            source = InMemory(name, None, title, data=line)
        yield Line(source, label, number)


def _zipped(stream: BinaryIO, path: Path | None, label: str) -> Iterator[Source]:
    """The members of a zip archive; one that cannot seek is copied to a temporary file first."""
    from virtkit.fleet.members import zip_members

    if path is not None:
        with path.open("rb") as file:
            yield from zip_members(file, label)
        return
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        if reason := _copied(stream, file):
            yield Unreadable(PurePath(label).name, None, label, reason=f"the archive cannot be read: {reason}")
            return
        yield from zip_members(file, label)


def _copied(stream: BinaryIO, file: IO[bytes]) -> str:
    """Copy a stream to a file. Returns what went wrong, or ""."""
    size = 0
    try:
        while part := stream.read(1 << 20):
            size += len(part)
            if size > limits.ARCHIVE_BYTES.most:
                return limits.ARCHIVE_BYTES.too_large
            file.write(part)
        file.seek(0)
    except (OSError, EOFError, ValueError) as problem:
        return str(problem)
    return ""


def _one(stream: BinaryIO, name: str, path: Path | None, label: str) -> Source:
    """The one input of a stream."""
    is_list = label == "standard input" or any(ending in label for ending in _LISTS)
    accepted = limits.LIST_BYTES if is_list else limits.BYTES
    limit = accepted.most
    title = "" if label == "standard input" else label
    try:
        data = stream.read(limit + 1)
    except (OSError, EOFError, ValueError) as problem:
        return Unreadable(name, path, title, reason=f"cannot be read: {problem}")
    if len(data) > limit:
        return Unreadable(name, path, title, reason=accepted.too_large)
    return InMemory(name, path, title, data=data)
