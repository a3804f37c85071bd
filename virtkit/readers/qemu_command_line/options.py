"""The options of a QEMU command line: names, key=value lists, JSON, and configuration files of -readconfig."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from virtkit import facts
from virtkit.readers.qemu_command_line.words import Word

__all__ = ["Group", "Option", "configuration", "key_values", "options", "secret"]

_SECRETS = re.compile(r"passw|secret|key|token|cookie|credential|auth|^data$|^user$", re.I)
_SECTION = re.compile(r'\[\s*([A-Za-z0-9_-]+)(?:\s+"([^"]*)")?\s*\]')
_SETTING = re.compile(r'([A-Za-z0-9_.-]+)\s*=\s*"(.*)"\s*')
_SWITCHES = {"on": True, "true": True, "yes": True, "y": True, "off": False, "false": False, "no": False, "n": False}


@dataclass(frozen=True, slots=True)
class Option:
    """One option as written: its name without dashes, its argument ("" for none), and its line."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """The settings of one option: what it configures, its values by key, whether it was JSON, and its line.

    ``values`` holds text; numbers of JSON stand in ``numbers``, too, because QEMU reads some of them differently.
    ``table`` says that its place comes from a table of the software that starts QEMU.
    """

    name: str
    values: dict[str, str]
    line: int
    json: bool = False
    numbers: dict[str, int] = field(default_factory=dict)
    table: bool = False

    def get(self, key: str) -> str:
        """A value, or an empty text."""
        return self.values.get(key, "")

    def on(self, key: str, default: bool = False) -> bool:
        """Whether a switch is on; ``default`` where it is not given or neither on nor off."""
        return _SWITCHES.get(self.get(key), default)


@cache
def _without_argument() -> frozenset[str]:
    return frozenset(
        row["option"] for row in facts.table("qemu/command-line-options.csv") if row["argument"] == "no"
    )


def options(words: tuple[Word, ...]) -> Iterator[Option]:
    """The options after the program, in order; a word that is no option is an option with an empty name (a disk)."""
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if not word.text.startswith("-") or word.text == "-":
            yield Option("", word.text, word.line)
            continue
        name = word.text.removeprefix("-").removeprefix("-")
        if name in _without_argument():
            yield Option(name, "", word.line)
        elif place < len(words):
            yield Option(name, words[place].text, word.line)
            place += 1
        else:
            yield Option(name, "", word.line)


def key_values(option: Option, first: str = "") -> Group:
    """The argument of an option as keys and values; ``first`` names a first value without a key.

    A doubled comma stands for one in a value. A key without a value is a switch: ``multifunction`` means on, and
    ``nomultifunction`` off. JSON is taken where the argument begins with a brace. Source: QEMU, qemu-options.hx;
    observed: QEMU 7.2 and 11.1.
    """
    text = option.value.strip()
    if text.startswith("{"):
        return _of_json(option, text)
    found: dict[str, str] = {}
    for number, part in enumerate(_parts(option.value)):
        key, equals, value = part.partition("=")
        if equals:
            found[key] = value
        elif number == 0 and first:
            found[first] = part
        elif key.startswith("no") and len(key) > 2 and key not in ("node-name",):
            found[key[2:]] = "off"
        elif key:
            found[key] = "on"
    return Group(option.name, found, option.line)


def _parts(text: str) -> Iterator[str]:
    part = ""
    pieces = text.split(",")
    place = 0
    while place < len(pieces):
        part += pieces[place]
        # An empty piece between two others is a doubled comma.
        if place + 2 < len(pieces) and pieces[place + 1] == "" and part:
            part += ","
            place += 2
            continue
        yield part
        part = ""
        place += 1


def _of_json(option: Option, text: str) -> Group:
    """A JSON object, flattened to dotted keys; values that are no text are written as on, off or a number."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Group(option.name, {}, option.line, json=True)
    found: dict[str, str] = {}
    numbers: dict[str, int] = {}
    if isinstance(document, dict):
        _flatten(document, "", found, numbers)
    return Group(option.name, found, option.line, json=True, numbers=numbers)


def _flatten(value: dict[str, object], before: str, found: dict[str, str], numbers: dict[str, int]) -> None:
    for key, one in value.items():
        name = f"{before}{key}"
        if isinstance(one, dict):
            _flatten(one, f"{name}.", found, numbers)
        elif isinstance(one, bool):
            found[name] = "on" if one else "off"
        elif isinstance(one, int):
            numbers[name] = one
            found[name] = str(one)
        elif isinstance(one, str):
            found[name] = one


def configuration(text: str, line_of: Callable[[int], int] = lambda number: number) -> tuple[list[Group], list[str]]:
    """The groups of a file for ``-readconfig``, and sentences on lines that are not understood.

    ``line_of`` turns the number of a line of the file into the line that the groups carry.
    Source: QEMU, qemu-config (``-readconfig``, ``-writeconfig``); observed: QEMU 7.2 and 11.1.
    """
    groups: list[Group] = []
    notes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        section = _SECTION.fullmatch(stripped)
        setting = _SETTING.fullmatch(stripped)
        if section:
            values = {"id": section[2]} if section[2] else {}
            groups.append(Group(section[1], values, line_of(number)))
        elif setting and groups:
            groups[-1].values[setting[1]] = setting[2]
        else:
            notes.append(f"line {line_of(number)}: expected [GROUP] or KEY = \"VALUE\" in a QEMU configuration file")
    return groups, notes[:3]


def secret(key: str) -> bool:
    """Whether a key names something that must not be shown: a password, a key, a secret."""
    return _SECRETS.search(key) is not None
