"""The inputs of commands (files, folders, standard input) and the domains in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from virtkit import limits
from virtkit.domain.domain import Domain
from virtkit.domain.frame import parse_domain
from virtkit.errors import InputError, NotADomain, UsageError
from virtkit.readers import BUILT_IN, SAVED, readings
from virtkit.readers.contract import SAVE_IMAGE, FoundDomain, ReaderOptions, Skipped
from virtkit.wording import listed

__all__ = [
    "MAX_LIST_BYTES",
    "SAVE_HEAD",
    "InMemory",
    "Source",
    "Unreadable",
    "domains_in",
    "in_memory",
    "is_domain_file",
    "one_domain",
    "one_source",
    "part_of",
    "patterns",
    "read",
    "sources",
    "sources_below",
    "stem",
    "with_domain_xml",
]


SAVE_HEAD = 1 << 20
"""How much of a save image is read, in bytes: its domain XML is at the beginning."""
MAX_LIST_BYTES = limits.LIST_BYTES.most
"""Largest list of objects that is read, in bytes: those of a cluster may be tens of megabytes."""

_ONE_DOMAIN = (b"<domain>", b"<domain ")
_LISTS = (".yaml", ".yml", ".json")
_SEARCHED = tuple(ending for row in BUILT_IN for ending in row.searched)
_ENDINGS = sorted((ending for row in BUILT_IN for ending in row.endings), key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Source:
    """One input, or one domain of it: ``name`` is the name of its result without an ending (``guest`` for ``guest.xml``
    and ``guest.in.xml``), ``path`` None for standard input, ``title`` its name in messages where that is not its path.

    ``part`` names a domain of an input with several. ``named`` is False for a file that a folder, a pattern or an
    archive gave: such a file is skipped when it contains no domain.
    """

    name: str
    path: Path | None
    title: str = ""
    part: str = field(default="", kw_only=True)
    named: bool = field(default=True, kw_only=True)

    @property
    def label(self) -> str:
        """Its name in messages."""
        return self.title or ("standard input" if self.path is None else str(self.path))

    def read(self) -> bytes:
        """Its bytes; of a save image, which ends with the memory of the guest, the beginning.

        Raises InputError when it cannot be read or is larger than 16 MiB, or 512 MiB for a list of objects.
        """
        is_list = self.path is None or self.path.suffix in _LISTS
        accepted = limits.LIST_BYTES if is_list else limits.BYTES
        limit = accepted.most
        if self.path is None:
            data = sys.stdin.buffer.read(limit + 1)
        else:
            try:
                data = self._file_bytes(self.path, limit)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror or error}", self.label) from None
        if len(data) > limit:
            raise InputError(accepted.too_large, self.label)
        return data

    @staticmethod
    def _file_bytes(path: Path, limit: int) -> bytes:
        with path.open("rb") as stream:
            start = stream.read(len(SAVE_IMAGE))
            if start == SAVE_IMAGE:
                return start + stream.read(SAVE_HEAD)
            if os.fstat(stream.fileno()).st_size > limit:
                return bytes(limit + 1)
            return start + stream.read(limit + 1)


def sources(paths: Sequence[str]) -> Iterator[Source]:
    """The inputs that a list of paths names: files, the domain files below a folder, ``-`` for standard input.

    A file that several names or links lead to is given once. A missing path, a broken link or a folder without such a
    file yields a Source whose ``read`` raises InputError, so that it does not stop the others.
    """
    seen: dict[tuple[int, int], Path] = {}
    for text in paths:
        if text == "-":
            yield Source("stdin", None)
            continue
        path = Path(text)
        if not path.is_dir():
            if _first(path, seen, again=True):
                yield Source(stem(path), path)
            continue
        found = _searched(path)
        found = [one for one in found if not _starts_another(one, found)]
        if not found:
            yield Unreadable(path.name, path, text, reason=f"the folder has no {patterns()} file")
        # A link gives way to the file that it leads to, wherever both are below the folder.
        kept = {one for one in sorted(found, key=Path.is_symlink) if _first(one, seen)}
        for one in found:
            if one in kept:
                yield Source(stem(one), one, named=False)


def _searched(folder: Path) -> list[Path]:
    """The files below a folder that may contain domains, in order.

    Broken links are kept, so that reading reports them; pipes and sockets are not: reading would block.
    """
    found = (one for one in folder.rglob("*") if is_domain_file(one) and (one.is_file() or not one.exists()))
    return sorted(one for one in found if one.suffix != SAVED or _is_save_image(one))


def _is_save_image(path: Path) -> bool:
    """Whether a file begins as a save image; one that cannot be read is kept, so that reading reports it."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(SAVE_IMAGE)) == SAVE_IMAGE
    except OSError:
        return True


def is_domain_file(path: PurePath | str) -> bool:
    """Whether a file is taken from folders and archives, by its name; a string is a name without folders."""
    return (path if isinstance(path, str) else path.name).endswith(_SEARCHED)


def patterns() -> str:
    """The names of files that are taken from folders and archives, in words."""
    return listed([f"*{ending}" for ending in _SEARCHED], "or")


def _starts_another(path: Path, found: Sequence[Path]) -> bool:
    """Whether a file of a folder ``autostart`` stands for the definition of the same name beside that folder.

    libvirt keeps a link there for each domain that starts with the host. In a copy the links may lead nowhere, to the
    original, or be files of their own.
    """
    beside = path.parent.parent / path.name
    if path.parent.name != "autostart" or beside not in found:
        return False
    return path.is_symlink() or (path.is_file() and beside.is_file() and path.read_bytes() == beside.read_bytes())


def _first(path: Path, seen: dict[tuple[int, int], Path], *, again: bool = False) -> bool:
    """Whether a file is not in ``seen``, to which it is added; with ``again``, not in it under another name.

    What cannot be read, and pipes, are always new.
    """
    try:
        found = path.stat()
    except OSError:
        return True
    before = seen.setdefault((found.st_dev, found.st_ino), path)
    return before is path or (again and before == path) or not path.is_file()


def sources_below(folder: Path) -> Iterator[Source]:
    """The domain files below a folder, in order, labelled with their path below it."""
    for source in sources([str(folder)]):
        if source.path is None or source.path == folder:
            yield source
        else:
            yield replace(source, title=source.path.relative_to(folder).as_posix())


@dataclass(frozen=True, slots=True)
class Unreadable(Source):
    """An input that cannot be read: ``read`` raises InputError with the ``reason``, about ``line`` where that is
    known."""

    reason: str = field(kw_only=True)
    line: int | None = field(default=None, kw_only=True)

    def read(self) -> bytes:
        """Raises InputError."""
        raise InputError(self.reason, self.label, self.line)


@dataclass(frozen=True, slots=True)
class InMemory(Source):
    """An input whose bytes are already in memory, such as a member of an archive."""

    data: bytes = field(kw_only=True)

    def read(self) -> bytes:
        """Its bytes."""
        return self.data


def stem(path: PurePath | str) -> str:
    """The name of an input without its ending: ``guest`` for ``guest.xml``, ``guest.in.xml`` and ``guest.vmi.yaml``; a
    string is a name without folders."""
    name = path if isinstance(path, str) else path.name
    ending = next((ending for ending in _ENDINGS if name.endswith(ending) and name != ending), "")
    return name.removesuffix(ending)


def one_source(text: str) -> Source:
    """The one input that a command takes: a file or ``-``. Raises UsageError for a folder."""
    if text != "-" and Path(text).is_dir():
        raise UsageError(f"expected one file, got the folder {text}")
    return next(iter(sources([text])))


def in_memory(source: Source) -> InMemory:
    """A source whose bytes have been read, so that it can be read again. Raises InputError."""
    return InMemory(source.name, source.path, source.title, part=source.part, named=source.named, data=source.read())


def domains_in(
    source: Source, options: ReaderOptions | None = None
) -> Iterator[tuple[Source, Domain | InputError | Skipped]]:
    """The domains of an input in order, each with a source that names it; or the error, or what is no domain in it.

    An input that is named and contains no domain gives a NotADomain error.
    """
    try:
        data = source.read()
        empty: list[Skipped] = []
        found = 0
        for reading in readings(data, source.label, options or ReaderOptions()):
            if isinstance(reading, Skipped):
                empty.append(reading)
                continue
            found += 1
            part = part_of(source, reading.name)
            if isinstance(reading, FoundDomain):
                yield part, Domain(reading.document, reading.notes)
            else:
                yield part, reading.error
        if not found and (source.named or not empty):
            first = empty[0] if empty else Skipped("", "contains no domain")
            raise NotADomain(first.reason, source.label, first.line)
        for skipped in empty:
            yield source, skipped
    except NotADomain as problem:
        yield source, problem if source.named else Skipped("", problem.what, problem.line)
    except InputError as problem:
        yield source, problem


def with_domain_xml(sources: Iterable[Source], options: ReaderOptions | None = None) -> Iterator[Source]:
    """A source for each domain, which gives its domain XML whatever its format; one for each error. Others are left
    out."""
    for source in sources:
        for part, found in domains_in(source, options):
            if isinstance(found, Domain):
                data = found.document.encoded(found.document.text)
                yield InMemory(part.name, part.path, part.title, part=part.part, named=part.named, data=data)
            elif isinstance(found, InputError):
                yield Unreadable(part.name, part.path, part.title, part=part.part, reason=found.what, line=found.line)


def part_of(source: Source, name: str) -> Source:
    """The source of one domain of an input; ``name`` is empty for the only one."""
    if not name:
        return source
    # The name comes from the input and becomes that of a file.
    safe = "".join("_" if sign in "/\\" or not sign.isprintable() else sign for sign in name)
    safe = f"_{safe[1:]}" if safe.startswith(".") else safe
    return replace(source, name=safe, title=f"{source.label} ({safe})", part=safe)


def read(
    source: Domain | str | bytes | os.PathLike[str], file: str | None = None, *, name: str = "", **options: str
) -> Domain:
    """Read one domain from a file (its path), or from its text or bytes, in any format that a reader recognises.

    A string is a path unless it begins with ``<`` or has several lines. ``file`` is its name in messages. ``name``
    chooses one of several domains; ``options`` are those of readers, such as ``kubevirt="1.9"``. A Domain is returned
    as it is. At most 16 MiB are read, and external entities are not fetched.
    Raises InputError when the input cannot be read, contains no domain, or contains several and ``name`` none of them.

    >>> import virtkit as vk
    >>> vk.read(vk.samples() / "rhel6-q35-virtio.xml")
    <Domain 'erp-db-rhel6' x86_64 pc-q35-8.2>
    """
    if isinstance(source, Domain):
        return source
    if isinstance(source, str) and (source.lstrip("\ufeff \t\r\n").startswith("<") or "\n" in source.strip()):
        source = source.encode()
    given = InMemory("", None, file or "", data=source) if isinstance(source, bytes) else _file(source, file)
    if not name and isinstance(given, InMemory) and given.data.startswith(_ONE_DOMAIN):
        # The first reader takes it, and finds one domain unless more follows or something is wrong.
        with suppress(InputError):
            return Domain(parse_domain(given.data, given.label))
    return one_domain(given, name, ReaderOptions(options))


def _file(path: str | os.PathLike[str], file: str | None) -> Source:
    return Source(stem(Path(path)), Path(path), file or str(path))


def one_domain(source: Source, name: str = "", options: ReaderOptions | None = None) -> Domain:
    """The domain of an input. ``name`` chooses one of several: by the name of its result or of the domain.

    Of several documents on one domain (``virt-install --print-xml`` prints that of the installation first), the last
    one is taken. Raises InputError.
    """
    found = [(part, one) for part, one in domains_in(source, options) if not isinstance(one, Skipped)]
    chosen = [one for part, one in found if not name or name in (part.part, getattr(one, "name", ""))]
    for one in chosen:
        if isinstance(one, InputError):
            raise one
    domains = [one for one in chosen if isinstance(one, Domain)]
    if len(domains) == 1 or (domains and domains[0].name and len({(one.name, one.uuid) for one in domains}) == 1):
        return domains[-1]
    known = ", ".join(part.part for part, _ in found)
    if domains:
        raise InputError(f"contains {len(domains)} domains; name one of them: {known}", source.label or None)
    problem = next((one for _, one in found if isinstance(one, InputError) and len(found) == 1), None)
    raise problem or InputError(f"has no domain {name!r}; it has: {known}", source.label or None)
