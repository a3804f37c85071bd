"""The inputs of commands (files, folders of ``*.xml``, standard input), and text files as results."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError, UsageError

__all__ = [
    "InMemory",
    "SameName",
    "Source",
    "Unreadable",
    "distinct",
    "one_source",
    "sources",
    "sources_below",
    "stem",
    "write_text",
]


@dataclass(frozen=True, slots=True)
class Source:
    """One input: ``name`` without its ending (``guest`` for ``guest.xml`` and ``guest.in.xml``), ``path`` None for
    standard input, ``title`` its name in messages where that is not its path."""

    name: str
    path: Path | None
    title: str = ""

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.title or ("standard input" if self.path is None else str(self.path))

    def read(self) -> bytes:
        """Its bytes. Raises InputError when it cannot be read or is larger than 16 MiB."""
        if self.path is None:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
            size = len(data)
        else:
            try:
                size = self.path.stat().st_size
                data = self.path.read_bytes() if size <= MAX_BYTES else b""
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}", self.label) from None
        if size > MAX_BYTES:
            raise InputError(f"larger than {MAX_BYTES >> 20} MiB, the largest size that is accepted", self.label)
        return data


def sources(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: files, every ``*.xml`` below a folder, ``-`` for standard input.

    A missing path, a broken link or a folder without XML yields a Source whose ``read`` raises InputError, so that it
    does not stop the others.
    """
    for text in paths:
        if text == "-":
            yield Source("stdin", None)
            continue
        path = Path(text)
        if path.is_dir():
            # Broken links are kept, so that reading reports them; pipes and sockets are not: reading would block.
            found = sorted(one for one in path.rglob("*.xml") if one.is_file() or not one.exists())
            if not found:
                yield Unreadable(path.name, path, text, reason="the folder has no *.xml file")
            for one in found:
                yield Source(stem(one), one)
        else:
            yield Source(stem(path), path)


def sources_below(folder: Path) -> Iterator[Source]:
    """The ``*.xml`` files below a folder, in order, labelled with their path below it."""
    for source in sources([str(folder)]):
        if source.path is None or source.path == folder:
            yield source
        else:
            yield replace(source, title=source.path.relative_to(folder).as_posix())


@dataclass(frozen=True, slots=True)
class Unreadable(Source):
    """An input that cannot be read: ``read`` raises InputError with the ``reason``."""

    reason: str = field(kw_only=True)

    def read(self) -> bytes:
        """Raises InputError."""
        raise InputError(self.reason, self.label)


@dataclass(frozen=True, slots=True)
class SameName(Unreadable):
    """An input whose result would replace that of an earlier one."""


def distinct(inputs: Iterable[Source]) -> Iterator[Source]:
    """The inputs; one whose name was there before is replaced by a SameName, whose ``read`` raises InputError."""
    seen: dict[str, str] = {}
    for source in inputs:
        if source.name in seen:
            reason = f"would overwrite the result of {seen[source.name]}; rename one of them"
            yield SameName(source.name, source.path, source.label, reason=reason)
        else:
            seen[source.name] = source.label
            yield source


@dataclass(frozen=True, slots=True)
class InMemory(Source):
    """An input whose bytes are already in memory, such as a member of an archive."""

    data: bytes = field(kw_only=True)

    def read(self) -> bytes:
        """Its bytes."""
        return self.data


def stem(path: PurePath) -> str:
    """The name of an input without its ending: ``guest`` for ``guest.xml`` and ``guest.in.xml``."""
    return path.name.removesuffix(".xml").removesuffix(".in")


def write_text(path: Path, text: str) -> None:
    """Write a text file without changing line ends. Raises InputError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", str(path)) from None


def one_source(text: str) -> Source:
    """The one input that a command takes: a file or ``-``. Raises UsageError for a folder."""
    if text != "-" and Path(text).is_dir():
        raise UsageError(f"expected one file, got the folder {text}")
    return next(iter(sources([text])))
