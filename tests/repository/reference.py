"""The pages of docs/reference: one for each command and for each public name, from help, docstrings and real output."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import os
import re
import shlex
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import virtkit
from virtkit import facts
from virtkit.cli import main
from virtkit.commands.parser import GROUPS, build, commands_of
from virtkit.memo import Lazy

__all__ = ["pages"]

#: A page shows this many lines of a command's output, and this many characters of each.
LINES, WIDTH = 40, 180
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
HEAD = '<!-- Generated from help and docstrings; make test TESTS="tests/repository --regenerate" writes it anew. -->\n'


def pages() -> dict[str, str]:
    """Each page's path below docs/reference and its text."""
    examples = tomllib.loads((FOLDER / "examples.toml").read_text(encoding="utf-8"))
    commands = commands_of(build())
    found = {"README.md": _index(commands)}
    for name, parser in commands.items():
        found[f"commands/{name}.md"] = HEAD + "\n".join(_command((name,), parser, examples)).rstrip() + "\n"
    for name in virtkit.__all__:
        found[f"python/{name}.md"] = HEAD + "\n".join(_name(name)).rstrip() + "\n"
    return found


def _index(commands: dict[str, argparse.ArgumentParser]) -> str:
    lines = ["# Reference", "", "Every command and every public name, with an example and its real output.", ""]
    lines += ["## Commands", ""]
    grouped = [name for _, names in GROUPS for name in names]
    for name in [*grouped, *(name for name in commands if name not in grouped)]:
        lines.append(f"- [virtkit {name}](commands/{name}.md): {_first(str(commands[name].description))}")
    lines += ["", "## Python", "", "`import virtkit as vk` gives these names.", ""]
    for name in virtkit.__all__:
        lines.append(f"- [vk.{name}](python/{name}.md): {_first(inspect.getdoc(getattr(virtkit, name)) or '')}")
    return HEAD + "\n".join(lines) + "\n"


def _first(text: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(text.split()), maxsplit=1)[0]


def _command(
    words: tuple[str, ...], parser: argparse.ArgumentParser, examples: dict[str, dict[str, str]]
) -> Iterator[str]:
    """A command and its verbs: description, arguments and options, remarks, an example."""
    yield from (f"{'#' * len(words)} virtkit {' '.join(words)}", "", " ".join(str(parser.description).split()), "")
    rows = list(_arguments(parser))
    if rows:
        yield from ("| argument or option | meaning |", "|---|---|", *rows, "")
    if parser.epilog:
        epilog = parser.epilog() if callable(parser.epilog) else parser.epilog
        yield from ("```text", *str(epilog).strip().splitlines(), "```", "")
    verbs = commands_of(parser)
    if not verbs:
        line = examples["commands"][" ".join(words)]
        if line:
            yield from _shown(line, examples["keys"].get(words[0], ""))
        else:
            yield from ("There is no example here: the command needs a libvirt, a QEMU, a network or a kernel.", "")
    for verb, sub in verbs.items():
        yield from _command((*words, verb), sub, examples)


def _arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help in (None, argparse.SUPPRESS):
            continue
        value = ""
        if action.nargs != 0:
            metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
            value = metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
        left = f"{', '.join(action.option_strings)} {value}".strip().replace("|", "\\|")
        meaning = " ".join(str(action.help).replace("%%", "%").split()).replace("|", "\\|")
        yield f"| `{left}` | {meaning} |"


def _shown(line: str, keys: str) -> Iterator[str]:
    """An example as typed, with what it writes to standard output and its exit code."""
    out, messages = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        shutil.copytree(facts.path("domains"), "domains")
        if keys:
            Path("keys.csv").write_text(keys.lstrip(), encoding="utf-8")
        width = mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"})
        with width, contextlib.redirect_stdout(out), contextlib.redirect_stderr(messages):
            code = main(shlex.split(line))
    yield "```console"
    if keys:
        yield from ("$ cat keys.csv", *keys.strip().splitlines())
    yield f"$ virtkit {line}"
    lines = [one.rstrip() for one in out.getvalue().rstrip().splitlines()]
    yield from (one if len(one) <= WIDTH else f"{one[:WIDTH]}..." for one in lines[:LINES])
    if len(lines) > LINES:
        yield f"... ({len(lines) - LINES} more lines)"
    yield from ("```", "")
    if code:
        yield from (f"It exits with {code}.", "")


def _name(name: str) -> Iterator[str]:
    """A public name: its signature, its docstring, and the examples of it, which the test runs."""
    thing = getattr(virtkit, name)
    yield from (f"# vk.{name}", "")
    text = inspect.getdoc(thing) or ""
    if not inspect.isclass(thing):
        yield from ("```python", f"vk.{name}{_signature(thing)}", "```", "")
    prose, _, example = text.partition("\n>>> ")
    yield from (prose.strip().replace("``", "`"), "")
    if example:
        yield from ("```pycon", f">>> {example.rstrip()}", "```", "")
    if inspect.isclass(thing):
        yield from _members(thing)


def _signature(function: object) -> str:
    """The signature with its annotations as they are written, which do not depend on the release of Python."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    given = signature.parameters.values()
    annotated = [one.replace(annotation=_Written(one.annotation)) for one in given]
    returns = _Written(signature.return_annotation)
    return str(signature.replace(parameters=annotated, return_annotation=returns))


class _Written(str):
    """An annotation that is shown without quotes; a default value keeps its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _members(thing: type) -> Iterator[str]:
    rows = []
    for name, member in inspect.getmembers(thing):
        computed = isinstance(member, property | Lazy)
        if name.startswith("_") or not (computed or inspect.isroutine(member)):
            continue
        if not (text := inspect.getdoc(member)) or name not in _own(thing):
            continue
        call = name if computed else f"{name}({_arguments_of(member)})"
        rows.append(f"| `{call}` | {_first(text.replace('``', '`')).replace('|', chr(92) + '|')} |")
    if rows:
        yield from ("| member | what it gives |", "|---|---|", *rows, "")


def _arguments_of(method: object) -> str:
    """The names of what a method takes; those with a default value are in brackets."""
    parameters = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]  # type: ignore[arg-type]
    return ", ".join(one.name if one.default is one.empty else f"[{one.name}]" for one in parameters)


def _own(thing: type) -> set[str]:
    """Names of members that virtkit's own classes define."""
    return {name for one in thing.__mro__ if one.__module__.startswith("virtkit") for name in vars(one)}
