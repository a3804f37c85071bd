"""Where inputs come from: files, folders of ``*.xml``, standard input; and where results go."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError, UsageError

__all__ = ["InMemory", "Source", "Unreadable", "one_source", "sources", "sources_below", "stem", "write_text"]


@dataclass(frozen=True, slots=True)
class Source:
    """One input: ``name`` without its ending (``guest`` for ``guest.xml`` and ``guest.in.xml``), ``path`` None for
    standard input, ``title`` what messages call it where that is not its path."""

    name: str
    path: Path | None
    title: str = ""

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.title or ("standard input" if self.path is None else str(self.path))

    def read(self) -> bytes:
        """Its bytes, bounded. Raises InputError when it cannot be read or is too large."""
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
            raise InputError(f"larger than {MAX_BYTES} bytes, the most a domain may have", self.label)
        return data


def sources(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: files as they are, folders with every ``*.xml`` below, ``-``.

    A path that is missing, a broken link or a folder without XML yields a Source whose ``read`` says so, so that
    the others still go through.
    """
    for text in paths:
        if text == "-":
            yield Source("stdin", None)
            continue
        path = Path(text)
        if path.is_dir():
            # Broken links stay in: reading them says what is wrong. Pipes and sockets would be waited for.
            found = sorted(one for one in path.rglob("*.xml") if one.is_file() or not one.exists())
            if not found:
                yield Unreadable(path.name, path, text, reason="this folder holds no *.xml file")
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
    """Write a text file, with line ends as they are. Raises InputError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", str(path)) from None


def one_source(text: str) -> Source:
    """The one input that a command takes: a file or ``-``. Raises UsageError for a folder."""
    if text != "-" and Path(text).is_dir():
        raise UsageError(f"{text} is a folder; this command takes one file")
    return next(iter(sources([text])))
