"""Where inputs come from: files, folders of ``*.xml``, standard input; and where results go."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError, UsageError

__all__ = ["Source", "Unreadable", "one_source", "sources", "stem", "write_text"]


@dataclass(frozen=True, slots=True)
class Source:
    """One input: ``name`` without its ending (``guest`` for ``guest.xml`` and ``guest.in.xml``), ``path`` None for
    standard input."""

    name: str
    path: Path | None

    @property
    def label(self) -> str:
        """What messages call it."""
        return "standard input" if self.path is None else str(self.path)

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
                yield Unreadable(path.name, path, "this folder holds no *.xml file", text)
            for one in found:
                yield Source(stem(one), one)
        else:
            yield Source(stem(path), path)


@dataclass(frozen=True, slots=True)
class Unreadable(Source):
    """What was named but holds no domain: ``what`` says why when it is read; ``where`` is what messages call it."""

    what: str
    where: str

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.where

    def read(self) -> bytes:
        """Raises InputError."""
        raise InputError(self.what, self.where)


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
