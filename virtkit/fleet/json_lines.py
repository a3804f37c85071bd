"""JSON lines: one value on each line, with domain XML in one of its strings, or a KubeVirt object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from virtkit import json_text, limits
from virtkit.inputs import InMemory, Source, Unreadable

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["domains_of", "json_lines", "numbered"]

_DEEPEST = 8
_BEGINNINGS = ("<domain", "<domstatus", "<domainsnapshot", "<domaincheckpoint", "<?xml", "<!--")
_NAMES = ("name", "domain", "id", "uuid")


def json_lines(stream: BinaryIO, label: str) -> Iterator[Source]:
    """The domains of JSON lines in order, named LABEL!LINE; memory does not depend on their number.

    A line without a domain gives a source whose ``read`` raises InputError.
    """
    for found in numbered(stream, label):
        if isinstance(found, Unreadable):
            yield found
        else:
            number, _, line = found
            yield from domains_of(line, label, number)


def numbered(stream: BinaryIO, label: str) -> Iterator[tuple[int, int, bytes] | Unreadable]:
    """Each line that is not empty with its number and where it begins; or what cannot be read."""
    number = begin = 0
    longest = limits.LINE_BYTES.most
    try:
        while line := stream.readline(longest + 1):
            number += 1
            size = len(line)
            if size > longest:
                size += 0 if line.endswith(b"\n") else _pass_over(stream)
                yield _unreadable(label, number, limits.LINE_BYTES.too_large)
            elif not line.isspace():
                yield number, begin, line
            begin += size
    except (OSError, EOFError, ValueError) as error:
        yield Unreadable(PurePath(label).name, None, label, reason=f"the rest cannot be read: {error}")
        return
    if not number:
        yield Unreadable(PurePath(label).name, None, label, reason="empty; expected JSON lines with domain XML")


def _pass_over(stream: BinaryIO) -> int:
    """Read to the end of a line. Returns the number of bytes."""
    passed = 0
    while rest := stream.readline(limits.LINE_BYTES.most):
        passed += len(rest)
        if rest.endswith(b"\n"):
            break
    return passed


def domains_of(line: bytes, label: str, number: int) -> Iterator[InMemory | Unreadable]:
    """The domains of a line; or one source whose ``read`` raises InputError."""
    try:
        value = json_text.value(line)
    except json_text.TooDeep as problem:
        yield _unreadable(label, number, str(problem))
        return
    except ValueError as problem:
        yield _unreadable(label, number, f"expected one JSON value, got text that is not JSON: {problem}")
        return
    name = _name(value) or f"{PurePath(label).name.partition('.')[0]}-{number}"
    found = list(_texts(value, "", 0))
    for key, text in found:
        title = f"{label}!{number}" + (f" ({key})" if len(found) > 1 else "")
        yield InMemory(name, None, title, data=text.encode("utf-8", "surrogatepass"))
    if found:
        return
    if isinstance(value, dict) and isinstance(value.get("kind"), str):
        yield InMemory(name, None, f"{label}!{number}", data=line)
        return
    yield _unreadable(label, number, "expected domain XML in one of the strings, or a KubeVirt object")


def _texts(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    """The strings that begin as domain XML does, with their keys."""
    if isinstance(value, str):
        if value.lstrip("\ufeff \t\r\n").startswith(_BEGINNINGS):
            yield key, value
    elif depth < _DEEPEST and isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{key}.{name}" if key else name, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{key}[{place}]", depth + 1)


def _name(value: object) -> str:
    """The name of the result: a name that the object has, without what a file name may not hold."""
    if not isinstance(value, dict):
        return ""
    metadata = value.get("metadata")
    given = [value.get(key) for key in _NAMES] + [metadata.get("name") if isinstance(metadata, dict) else None]
    name = next((one for one in given if isinstance(one, str) and one), "")
    safe = "".join("_" if sign in "/\\" or not sign.isprintable() else sign for sign in name)
    return f"_{safe[1:]}" if safe.startswith(".") else safe


def _unreadable(label: str, number: int, reason: str) -> Unreadable:
    return Unreadable(f"{PurePath(label).name}-{number}", None, f"{label}!{number}", reason=reason)
