"""YAML and JSON as plain values that know their lines, with limits on size, depth and aliases.

A list of objects (``kubectl get -o yaml``) is not held as a whole: its items come one by one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from virtkit import limits
from virtkit.errors import InputError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["MAX_ALIASED", "MAX_BYTES", "MAX_DEPTH", "Found", "Mapping", "Sequence", "documents"]

MAX_BYTES = limits.LIST_BYTES.most
"""Largest input that is read, in bytes."""
MAX_DEPTH = limits.YAML_DEPTH.most
"""How deep values may be nested."""
MAX_ALIASED = limits.ALIASED.most
"""How many values the aliases of a document may repeat in all."""

#: What no reader needs, and what takes half of the output of ``kubectl get -o yaml``.
_PASSED_OVER = frozenset({"managedFields", "status"})
_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_BOMS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (codecs.BOM_UTF8, "utf-8-sig"))
_TEMPLATE = re.compile(rb"\{\{-? *(?:\.[A-Z]|\$|include|if|range|with|end|toYaml|template|define)")
_NEXT = re.compile(rb"^---(?=\s|$)", re.M)


class Mapping(dict[str, Any]):
    """A mapping; ``line`` is where it begins, ``lines`` the line of each key."""

    __slots__ = ("line", "lines", "size")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.size = 0  # until it is complete

    def line_of(self, key: str) -> int:
        """The line of a key, or that of the mapping for a key that it does not have."""
        return self.lines.get(key, self.line)

    def child(self, key: str) -> Mapping:
        """The mapping under a key, an empty one where there is none."""
        found = self.get(key)
        return found if isinstance(found, Mapping) else Mapping(self.line_of(key))

    def items_of(self, key: str) -> list[Mapping]:
        """The mappings of the list under a key."""
        found = self.get(key)
        return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []

    def text(self, key: str) -> str:
        """The text under a key, "" where there is none."""
        found = self.get(key)
        return "" if found is None else str(found)

    def put(self, key: str, value: object, line: int = 0) -> None:
        """Set a key, on the line of the mapping unless another is given."""
        self[key] = value
        self.lines[key] = line or self.lines.get(key, self.line)


class Sequence(list[Any]):
    """A list; ``line`` is where it begins, ``lines`` the line of each item."""

    __slots__ = ("line", "lines", "size")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []
        self.size = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A document, or an item of one that is a list: ``holder`` is then the list's own kind, where it is known."""

    value: Any
    line: int
    item: bool = False
    holder: str = ""


def documents(data: bytes, file: str, first: int = 1) -> Iterator[Found | InputError]:
    """The documents of a YAML or JSON text in order; an InputError for one that cannot be read.

    ``first`` is the number of its first line. After a document that cannot be read, reading goes on at the next
    ``---``. Raises InputError for a text that is too large, and UsageError where PyYAML is missing.
    """
    if len(data) > MAX_BYTES:
        raise InputError(limits.LIST_BYTES.too_large, file)
    yaml = _yaml()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = _utf8(data, file)
    start, line = 0, first - 1
    while True:
        builder = _Builder(file, line)
        try:
            yield from builder.run(yaml.parse(data[start:], Loader=loader))
            return
        except yaml.YAMLError as error:
            problem = _problem(error, file, line, data[start:])
        except InputError as error:
            problem = error
        yield _with_hint(problem, data)
        found = _NEXT.search(data, _offset(data, start, (problem.line or line + 1) - line - 1))
        if found is not None and data.count(b"\n", start, found.start()) + line + 1 <= builder.begun:
            found = _NEXT.search(data, found.end())  # that one begins the document that cannot be read
        if found is None:
            return
        line += data.count(b"\n", start, found.start())
        start = found.start()


def _with_hint(problem: InputError, data: bytes) -> InputError:
    """The problem, with what to do where the text is a template of Helm and not YAML yet."""
    if not _TEMPLATE.search(data):
        return problem
    what = f"{problem.what}; this seems to be a Helm template, so pass what helm template prints"
    return InputError(what, problem.file, problem.line)


def _yaml() -> ModuleType:
    try:
        import yaml
    except ImportError:
        raise UsageError(
            'YAML and JSON inputs need PyYAML, which is not installed; install it with pip install "virtkit[report]"'
        ) from None
    return yaml


def _utf8(data: bytes, file: str) -> bytes:
    """The text in UTF-8 without a byte order mark."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(codec).encode()
            except UnicodeDecodeError as error:
                raise InputError(f"not readable as {codec}: {error.reason}", file) from None
    return data


def _offset(data: bytes, start: int, lines: int) -> int:
    """The offset of the line that is some lines below the one at ``start``."""
    for _ in range(lines):
        found = data.find(b"\n", start)
        if found < 0:
            return len(data)
        start = found + 1
    return start


def _problem(error: Any, file: str, line: int, data: bytes) -> InputError:
    """What the YAML parser found, without the text around it: that could be a secret."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return InputError(f"not well-formed YAML: {error.problem}", file, line + mark.line + 1)
    at = getattr(error, "position", 0)
    place = line + data.count(b"\n", 0, at) + 1
    return InputError(f"not readable as text: {getattr(error, 'reason', 'an unexpected character')}", file, place)


class _Builder:
    """Builds values from the parser's events, without recursion."""

    def __init__(self, file: str, line: int) -> None:
        self.file = file
        self.base = line + 1
        self.begun = 0
        self.aliased = 0
        self.anchors: dict[str, Any] = {}

    def run(self, events: Iterable[Any]) -> Iterator[Found]:
        """The documents that the events describe. Raises InputError and the parser's errors."""
        yaml = _yaml()
        for event in (events := iter(events)):
            if isinstance(event, yaml.DocumentStartEvent):
                self.anchors, self.aliased, self.begun = {}, 0, event.start_mark.line + self.base
                yield from self._document(events, yaml)

    def _document(self, events: Iterator[Any], yaml: ModuleType) -> Iterator[Found]:
        """One document: its items where it is a list, then the document itself."""
        scalar, alias, end = yaml.ScalarEvent, yaml.AliasEvent, yaml.DocumentEndEvent
        containers = {yaml.MappingStartEvent: Mapping, yaml.SequenceStartEvent: Sequence}
        open_: list[tuple[Any, str | None]] = []
        top: Any = None
        key: str | None = None
        for event in events:
            kind = type(event)
            if kind is end:
                return
            line = event.start_mark.line + self.base
            new = containers.get(kind)
            if type(top) is Mapping and key is None and kind is scalar:
                key = self._key(top, event.value, line)
                continue
            if new is not None:
                if key in _PASSED_OVER:
                    _skip(events, containers)
                    key = None
                    continue
                self._check_place(top, key, len(open_), line)
                open_.append((top, key))
                top, key = new(line), None
                if event.anchor:
                    self.anchors[event.anchor] = top
                continue
            if kind is scalar:
                value: Any = _plain(event.value) if event.implicit[0] else event.value
                if event.anchor:
                    self.anchors[event.anchor] = value
            elif kind is alias:
                value = self._alias(event.anchor, line)
            else:
                value, line = self._closed(top)
                top, key = open_.pop()
                if len(open_) == 2 and open_[1][1] == "items" and type(top) is Sequence:
                    yield Found(value, line, item=True, holder=open_[1][0].text("kind"))
                    continue
            if top is None:
                yield Found(value, line)
            else:
                _add(top, key, value, line)
                key = None

    def _check_place(self, top: Any, key: str | None, depth: int, line: int) -> None:
        if type(top) is Mapping and key is None:
            raise InputError("a key of a mapping is a list or a mapping; expected text", self.file, line)
        if depth >= MAX_DEPTH:
            what = f"nested too deeply; expected at most {MAX_DEPTH} levels; {limits.YAML_DEPTH.remedy}"
            raise InputError(what, self.file, line)

    def _closed(self, value: Any) -> tuple[Any, int]:
        """A mapping or list that is complete, with its line."""
        value.size += 1
        if type(value) is Mapping and "<<" in value:
            self._merge(value)
        return value, value.line

    def _key(self, top: Mapping, name: str, line: int) -> str:
        if name in top.lines and name != "<<":
            raise InputError(f"the key {name[:60]!r} is there twice", self.file, line)
        top.lines[name] = line
        return name

    def _alias(self, anchor: str, line: int) -> Any:
        if anchor not in self.anchors:
            what = "an alias without an anchor before it; a text that begins with * needs quotes"
            raise InputError(what, self.file, line)
        value = self.anchors[anchor]
        if getattr(value, "size", 1) == 0:
            raise InputError("an alias is inside its own anchor", self.file, line)
        self.aliased += getattr(value, "size", 1)
        if self.aliased > MAX_ALIASED:
            what = f"its aliases repeat more than {limits.ALIASED.size} values; {limits.ALIASED.remedy}"
            raise InputError(what, self.file, line)
        return value

    def _merge(self, value: Mapping) -> None:
        """Replace the merge key ``<<`` with what it stands for; the mapping's own keys win."""
        merged = value.pop("<<")
        line = value.lines.pop("<<")
        for one in merged if isinstance(merged, Sequence) else (merged,):
            for name, inner in one.items() if isinstance(one, Mapping) else ():
                if name not in value:
                    value.put(name, inner, line)


def _skip(events: Iterator[Any], containers: Container[Any]) -> None:
    """Pass over the rest of a mapping or list."""
    depth = 1
    while depth:
        event = next(events)
        if type(event) in containers:
            depth += 1
        elif hasattr(event, "anchor"):
            continue
        else:
            depth -= 1


def _add(top: Any, key: str | None, value: Any, line: int) -> None:
    """Put a value under the key of a mapping, or at the end of a list."""
    top.size += getattr(value, "size", 1)
    if type(top) is Mapping:
        top[key or ""] = value
    else:
        top.append(value)
        top.lines.append(line)


def _plain(text: str) -> Any:
    """A scalar without quotes: true, false, null and whole numbers have their own types, all else is text."""
    if text in _WORDS:
        return _WORDS[text]
    sign = text[:1]
    if (sign.isdigit() or sign == "-") and len(text) < 20:
        digits = text[1:] if sign == "-" else text
        if digits.isdigit() and digits.isascii() and (digits == "0" or digits[0] != "0"):
            return int(text)
    return text
