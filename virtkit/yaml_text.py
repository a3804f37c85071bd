"""YAML files that users write (policies, parameters): read whole, with limits on size, depth and aliases.

The limits are checked on the parser's events, before anything is built, so that a hostile text costs neither memory
nor time. Lists of objects, which are far larger, have a reader of their own: ``virtkit.readers.kubevirt.documents``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from virtkit import limits
from virtkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["node", "text_of", "value"]

#: libyaml's parser where PyYAML has it: it is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: The tag of the key << in a mapping.
_MERGE = "tag:yaml.org,2002:merge"
#: What the types of YAML are in words.
_TYPES = {
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number of at most 4,300 digits",
    "timestamp": "a date that exists",
}


def text_of(file: str | Path) -> str:
    """The text of a file in UTF-8. Raises UsageError when it cannot be read or is larger than the limit."""
    try:
        with open(file, "rb") as stream:
            data = stream.read(limits.YAML_BYTES.most + 1)
        if len(data) > limits.YAML_BYTES.most:
            raise UsageError(f"{file}: {limits.YAML_BYTES.too_large}")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{file}: expected UTF-8 text, got the byte 0x{data[problem.start]:02x}") from None
    except OSError as problem:
        raise UsageError(f"{file}: cannot be read: {problem.strerror or problem}") from None


def node(text: str, file: str, *, aliases: bool = False) -> yaml.Node | None:
    """The nodes of a text, which know their lines; None for an empty text. Raises UsageError.

    Without ``aliases`` an alias is an error.
    """
    try:
        _Check(file, aliases).run(text)
        root: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as problem:
        raise _wrong(problem, file) from None
    return root


def value(text: str, file: str) -> Any:
    """The plain values of a text: mappings, lists, text, numbers, dates, true, false, None. Raises UsageError."""
    root = node(text, file, aliases=True)
    if root is None:
        return None
    builder = yaml.SafeLoader("")
    for one in _nodes(root):
        if isinstance(one, yaml.MappingNode):
            _check_keys(one, file)
        elif isinstance(one, yaml.ScalarNode) and one.tag != _MERGE:
            _check_scalar(one, file, builder)
    try:
        return builder.construct_document(root)
    except yaml.YAMLError as problem:
        raise _wrong(problem, file) from None


def _wrong(problem: Exception, file: str) -> UsageError:
    """What the parser found, with its line."""
    if isinstance(problem, yaml.MarkedYAMLError):
        mark = problem.problem_mark or problem.context_mark
        what = f"{problem.context}, {problem.problem}" if str(problem.problem).startswith("but ") else problem.problem
        return UsageError(f"{file}:{mark.line + 1 if mark else 1}: not valid YAML: {what}")
    return UsageError(f"{file}: not valid YAML: {problem}")


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Every node once, however many aliases stand for it."""
    rest, seen = [root], {id(root)}
    while rest:
        one = rest.pop()
        yield one
        inner = [part for pair in one.value for part in pair] if isinstance(one, yaml.MappingNode) else one.value
        for part in inner if isinstance(one, yaml.CollectionNode) else ():
            if id(part) not in seen:
                seen.add(id(part))
                rest.append(part)


def _check_keys(mapping: yaml.MappingNode, file: str) -> None:
    """Raises UsageError for a key that a mapping has twice: PyYAML would take the last one."""
    keys: set[str] = set()
    for key, _ in mapping.value:
        if isinstance(key, yaml.ScalarNode) and key.value in keys and key.value != "<<":
            raise UsageError(f"{file}:{key.start_mark.line + 1}: the key {key.value[:60]!r} is there twice")
        keys.add(str(key.value))


def _check_scalar(scalar: yaml.ScalarNode, file: str, builder: yaml.SafeLoader) -> None:
    """Raises UsageError for a value that its type does not have, such as a thirteenth month."""
    try:
        builder.construct_object(scalar)
    except yaml.YAMLError as problem:
        raise _wrong(problem, file) from None
    except (ValueError, LookupError, AttributeError, TypeError):  # what PyYAML raises depends on the type
        wanted = _TYPES.get(scalar.tag.rpartition(":")[2], f"a value of {scalar.tag}")
        got = f"got {scalar.value[:60]!r}"
        raise UsageError(f"{file}:{scalar.start_mark.line + 1}: expected {wanted}, {got}") from None


class _Check:
    """Counts the values and levels of a text, those that aliases repeat included."""

    def __init__(self, file: str, aliases: bool) -> None:
        self.file = file
        self.aliases = aliases
        self.values = 0
        #: For each anchor whose value is complete: how many values it has, and how many levels.
        self.anchors: dict[str, tuple[int, int]] = {}

    def run(self, text: str) -> None:
        """Raises UsageError for what is beyond a limit, and the parser's errors."""
        levels: list[int] = []  # below each collection that is open
        begun: list[tuple[str | None, int]] = []
        for event in yaml.parse(text, Loader=_LOADER):
            added = 0
            if isinstance(event, yaml.AliasEvent):
                added = self._alias(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self.anchors.pop(event.anchor or "", None)
                begun.append((event.anchor, self.values))
                levels.append(0)
                self.values += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = begun.pop()
                added = levels.pop() + 1
                if anchor:
                    self.anchors[anchor] = (self.values - before, added)
            elif isinstance(event, yaml.ScalarEvent):
                self.values += 1
                if event.anchor:
                    self.anchors[event.anchor] = (1, 0)
            self._check(event, len(levels) + added)
            if levels:
                levels[-1] = max(levels[-1], added)

    def _alias(self, event: yaml.AliasEvent) -> int:
        """The levels of what an alias stands for, whose values are counted again."""
        if not self.aliases:
            raise self._wrong(event, "aliases are not allowed; repeat the text")
        if event.anchor not in self.anchors:
            what = "an alias without an anchor before it; a text that begins with * needs quotes"
            raise self._wrong(event, what)
        values, added = self.anchors[event.anchor]
        self.values += values
        return added

    def _check(self, event: yaml.Event, depth: int) -> None:
        for number, limit in ((depth, limits.YAML_DEPTH), (self.values, limits.YAML_VALUES)):
            if number > limit.most:
                raise self._wrong(event, f"more than {limit.size} {limit.what}; {limit.remedy}")

    def _wrong(self, event: yaml.Event, what: str) -> UsageError:
        line = event.start_mark.line + 1 if event.start_mark else 1
        return UsageError(f"{self.file}:{line}: {what}")
