"""What a batch is made of before it is read: inputs, parts of files, and lines of JSON, which a worker reads itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from virtkit.errors import InputError
from virtkit.fleet.json_lines import domains_of
from virtkit.inputs import InMemory, Source, Unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["Batch", "Line", "Request", "Requests", "Section", "contents", "label_of", "size_of"]


@dataclass(frozen=True, slots=True)
class Section(Source):
    """``size`` bytes at ``offset`` of a file, such as a member of a tar archive."""

    file: str = field(kw_only=True)
    offset: int = field(kw_only=True)
    size: int = field(kw_only=True)

    def read(self) -> bytes:
        """Its bytes. Raises InputError when they cannot be read."""
        with _Files() as files:
            return self.read_from(files)

    def read_from(self, files: _Files) -> bytes:
        """Its bytes, from open files. Raises InputError when they cannot be read."""
        try:
            stream = files.opened(self.file)
            stream.seek(self.offset)
            data = stream.read(self.size)
        except OSError as problem:
            raise InputError(f"cannot be read: {problem.strerror or problem}", self.label) from None
        if len(data) < self.size:
            raise InputError(f"cannot be read: {self.file} became shorter meanwhile", self.label)
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        return _section, (self.name, self.title, self.named, self.file, self.offset, self.size)


def _section(name: str, title: str, named: bool, file: str, offset: int, size: int) -> Section:
    return Section(name, None, title, named=named, file=file, offset=offset, size=size)


class Line(NamedTuple):
    """A line of JSON lines with its number; ``label`` names the file. Its domains are found where it is examined."""

    source: InMemory | Section
    label: str
    number: int


Request = Source | Line
Requests = Sequence[Request]
#: Inputs that were read, or that say why they cannot be read.
Batch = Sequence[InMemory | Unreadable]


class _Files:
    """Files that are opened once for several sections; a context manager that closes them."""

    def __init__(self) -> None:
        self._open: dict[str, BinaryIO] = {}

    def opened(self, path: str) -> BinaryIO:
        found = self._open.get(path)
        return self._open.setdefault(path, Path(path).open("rb", buffering=1 << 16)) if found is None else found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._open.values():
            stream.close()


def size_of(request: Request) -> int | None:
    """The size of a request in bytes; None when it is only known once it is read."""
    source = request.source if isinstance(request, Line) else request
    if isinstance(source, InMemory):
        return len(source.data)
    if isinstance(source, Section):
        return source.size
    if isinstance(source, Unreadable):
        return 0
    if source.path is None:
        return None
    try:
        found = source.path.stat()
    except OSError:
        return 0
    return found.st_size if S_ISREG(found.st_mode) else None


def label_of(request: Request) -> str:
    """The name of a request in messages."""
    return request.source.label if isinstance(request, Line) else request.label


def contents(requests: Requests) -> Batch:
    """The inputs of some requests, read."""
    with _Files() as files:
        return tuple([one for request in requests for one in _read(request, files)])


def _read(request: Request, files: _Files) -> Iterable[InMemory | Unreadable]:
    if isinstance(request, InMemory | Unreadable):
        return (request,)
    source = request.source if isinstance(request, Line) else request
    try:
        data = source.read_from(files) if isinstance(source, Section) else source.read()
    except InputError as problem:
        return (Unreadable(source.name, None, source.label, reason=problem.what),)
    if isinstance(request, Line):
        return domains_of(data, request.label, request.number)
    return (InMemory(source.name, None, source.label, named=source.named, data=data),)
