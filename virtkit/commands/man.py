"""``virtkit man``: the manual page of the program, from the help of its commands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from virtkit.commands.parser import GROUPS, build, commands_of

__all__ = ["page", "register"]

_EXIT = (
    ("0", "All went well."),
    ("1", "At least one input was rejected, or a check failed; all others were done and written."),
    ("2", "The command line or a configuration is wrong."),
)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "man",
        help="the manual page of all commands",
        description="Write the manual page virtkit(1), from the help of every command.",
        epilog="examples:\n  virtkit man | man -l -\n  virtkit man -o ~/.local/share/man/man1/virtkit.1",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file (default: standard output)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit.commands import tables

    tables.write(page(), args.output)
    return 0


def page() -> str:
    """The manual page in the man macros of roff."""
    from virtkit import __version__

    return "\n".join(_page(__version__)) + "\n"


def _page(version: str) -> Iterator[str]:
    parser = build()
    commands = commands_of(parser)
    yield f'.TH VIRTKIT 1 "" "virtkit {version}" "User Commands"'
    yield from (".SH NAME", r"virtkit \- resolve libvirt domains and check their devices against the guest OS, offline")
    yield from (".SH SYNOPSIS", ".B virtkit", r"\fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]...")
    yield from (".SH DESCRIPTION", _roff(str(parser.description)))
    yield ".SH OPTIONS"
    yield from _options(parser)
    placed = set()
    for title, names in GROUPS:
        yield f'.SH "COMMANDS: {_roff(title).upper()}"'
        for name in names:
            placed.add(name)
            yield from _command(commands[name], (name,))
            if name == "attach":
                placed.add("detach")
                yield from (".SS virtkit detach", "Takes the options of", r"\fBvirtkit attach\fR.")
    for name in commands.keys() - placed:
        yield from _command(commands[name], (name,))
    yield '.SH "EXIT STATUS"'
    for code, text in _EXIT:
        yield from (".TP", f".B {code}", text)


def _command(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[str]:
    """A command and its verbs: usage, description, options, examples."""
    yield f'.SS "virtkit {" ".join(words)}"'
    yield _roff(str(parser.description or ""))
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    yield from (".PP", _roff(usage))
    verbs = commands_of(parser)
    yield from _options(parser)
    if parser.epilog:
        # The help calls an epilog that is a function.
        text = parser.epilog() if callable(parser.epilog) else parser.epilog
        yield from (".PP", ".nf", *(_roff(line) for line in str(text).strip().splitlines()), ".fi")
    for name, verb in verbs.items():
        yield from _command(verb, (*words, name))


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The arguments and options of a parser; the options that every command has are listed once."""
    shared = ("-h", "-v", "--verbose", "--quiet", "--log-format")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help is argparse.SUPPRESS:
            continue
        if parser.prog != "virtkit" and action.option_strings and action.option_strings[0] in shared:
            continue
        value = ""
        if action.nargs != 0:
            metavar = " ".join(action.metavar) if isinstance(action.metavar, tuple) else action.metavar
            names = metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest)
            value = f"\\fI{_roff(str(names))}\\fR"
        flags = ", ".join(f"\\fB{_roff(name)}\\fR" for name in action.option_strings)
        yield from (".TP", f"{flags} {value}".strip(), _roff(_help(action)))


def _help(action: argparse.Action) -> str:
    return " ".join(str(action.help or "").replace("%%", "%").split())


def _roff(text: str) -> str:
    """Text with the signs that roff reads as its own escaped; a line that begins with one of them stays text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
