"""The parser of the command line: its commands in groups, its help, and hints on misspelt words."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from textwrap import wrap
from typing import Any

from virtkit.commands.process import drop_output

__all__ = ["COMMANDS", "GROUPS", "Parser", "build", "commands_of", "named"]

#: The modules of ``virtkit.commands`` that have commands, in the groups and the order in which help lists them.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("everyday", ("check", "resolve", "topology", "explain", "recommend", "guests", "matrix")),
    ("changes of a domain", ("attach", "moves", "pin")),
    ("many domains", ("audit", "report", "policy")),
    ("for other programs", ("args", "interface", "names", "firmware", "domcaps")),
    ("facts and agreement with real programs", ("verify", "data")),
    ("this program", ("completion", "man")),
)
COMMANDS = tuple(name for _, names in GROUPS for name in names)

_EPILOG = """\
Example: virtkit check guest.xml --guest rhel6.10

exit code: 0 when all went well, 1 when an input was rejected or a check
failed, 2 when the command line is wrong, 128 plus its number when a signal
ended the command"""

#: The command to suggest for a word that is none, where spelling alone does not find it.
_MEANT = {
    "compare": "topology --diff",
    "convert": "check --convert-to",
    "define": "resolve",
    "diff": "topology --diff",
    "dumpxml": "resolve",
    "fix": "check --fix",
    "lint": "check",
    "list": "guests",
    "migrate": "moves",
    "os": "guests",
    "osinfo": "guests",
    "plug": "attach",
    "slots": "topology --capacity",
    "tree": "topology",
    "unplug": "detach",
    "upgrade": "moves",
    "validate": "check",
    "why": "explain",
}


class Paragraphs(argparse.HelpFormatter):
    """Wraps the paragraphs of a description or epilog, and keeps indented lines, such as examples, as they are.

    A blank line, an indented line and a heading of at most three words with a colon end a paragraph.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        done: list[str] = []
        words: list[str] = []
        for line in (*text.splitlines(), ""):
            heading = line.endswith(":") and len(line.split()) <= 3
            if line[:1].strip() and not heading:
                words += line.split()
                continue
            # A word such as --steps or virtio-blk stays whole.
            done += wrap(" ".join(words), width, break_on_hyphens=False, break_long_words=False)
            words = []
            done.append(line)
        return "\n".join(f"{indent}{line}".rstrip() for line in done[:-1])


class Parser(argparse.ArgumentParser):
    """Reports a usage error in one line, with exit code 2, and suggests what a misspelt word may mean."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": Paragraphs, **options})
        self.register("type", int, _whole)

    def error(self, message: str) -> None:  # type: ignore[override]
        see = " See" if message.endswith("?") else "; see"
        self.exit(2, f"virtkit: {message}{see} '{self.prog} --help'\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Write help or an error, and end the program where standard output takes no text."""
        stream = file or sys.stderr
        try:
            stream.write(message)
            stream.flush()
        except OSError as error:
            if stream is sys.stdout:
                drop_output()
                if isinstance(error, BrokenPipeError):
                    self.exit()
                self.exit(1, f"virtkit: standard output cannot be written: {error.strerror}\n")

    def format_help(self) -> str:
        """The help; an epilog that is a function is called only here, because some are costly to make."""
        epilog: Any = self.epilog
        if callable(epilog):
            self.epilog = epilog()
        return super().format_help()

    def unknown(self, words: Sequence[str], given: argparse.Namespace) -> None:
        """Report words that are no arguments of the given command, with its option that is most like the first one."""
        parser: argparse.ArgumentParser = self
        while (action := _verbs(parser)) is not None and getattr(given, action.dest) is not None:
            parser = action.choices[getattr(given, action.dest)]
        options = [option for one in parser._actions for option in one.option_strings]
        hint = _like(words[0].partition("=")[0], options) if words[0].startswith("-") else ""
        parser.error(f"unrecognized arguments: {' '.join(words)}{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        known = action.choices
        if not isinstance(action, argparse._SubParsersAction) or known is None or value in known:
            super()._check_value(action, value)
            return
        meant = _MEANT.get(str(value), "") if action.dest == "command" else ""
        hint = f"; did you mean {meant!r}?" if meant else _like(str(value), list(known))
        hint = hint or f"; expected one of {', '.join(known)}"
        raise argparse.ArgumentError(None, f"no command {value!r}{hint}")


class _Overview(Parser):
    """The parser of the program: its help lists the commands in groups."""

    def format_help(self) -> str:
        subparsers = next(action for action in self._actions if isinstance(action, argparse._SubParsersAction))
        words = {action.dest: str(action.help) for action in subparsers._choices_actions}
        width = max(map(len, words), default=0)
        left = {name: f"    {name:<{width}}  {text}\n" for name, text in words.items()}
        lines = []
        for title, names in GROUPS:
            # A module may bring more than one command: detach comes with attach.
            members = [name for name in words if name in names or _BROUGHT.get(name) in names]
            members.sort(key=lambda name: names.index(_BROUGHT.get(name, name)))
            if members:
                lines += [f"  {title}:\n", *(left.pop(name) for name in members)]
        lines += left.values()
        options = self._get_formatter()
        options.start_section("options")
        options.add_arguments([action for action in self._actions if action is not subparsers])
        options.end_section()
        description = self._get_formatter()
        description.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        description.add_text(self.description)
        return (
            f"{description.format_help()}\ncommands:\n{''.join(lines)}\n{options.format_help()}\n"
            "'virtkit COMMAND --help' explains a command and gives examples.\n\n"
            f"{self.epilog}\n"
        )


#: Commands that a module brings beside the one that it is named for.
_BROUGHT = {"detach": "attach"}


def _like(word: str, known: Sequence[str]) -> str:
    """A hint on the known word that is most like another; "" when none is."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def named(words: Sequence[str]) -> Sequence[str]:
    """The module of the command that a command line names first; all modules where it names none."""
    word = next((word for word in words if not word.startswith("-")), "")
    word = _BROUGHT.get(word, word)
    return (word,) if word in COMMANDS else COMMANDS


def build(modules: Sequence[str] = COMMANDS) -> Parser:
    """The parser with the commands of some modules: of one where it is known, which saves importing the others."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("-v", "--verbose", action="store_true", help="write more messages to standard error")
    common.add_argument("--quiet", action="store_true", help="write no messages but errors")
    common.add_argument("--log-format", choices=("text", "json"), help="messages as text, or one JSON object a line")
    parser = _Overview(
        prog="virtkit",
        parents=[common],
        description="Show offline what a libvirt domain becomes (controllers, models, addresses) and whether its "
        "guest OS can drive its devices.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action=_Version)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, prog=parser.prog)
    for name in modules:
        import_module(f"virtkit.commands.{name}").register(commands)
    for sub in commands.choices.values():
        _add_common(sub)
    return parser


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands, or verbs, of a parser, by name."""
    action = _verbs(parser)
    return {} if action is None else dict(action.choices)


def _verbs(parser: argparse.ArgumentParser) -> Any:
    """The argument of a parser that names a command or a verb, None where it has none."""
    return next((one for one in parser._actions if isinstance(one, argparse._SubParsersAction)), None)


def _whole(text: str) -> int:
    """The number that an option of type ``int`` takes."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


class _Version(argparse.Action):
    """Prints the version, which is imported only then."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help="print the version and exit")

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from virtkit import __version__

        parser._print_message(f"virtkit {__version__}\n", sys.stdout)
        parser.exit()


def _add_common(parser: argparse.ArgumentParser) -> None:
    known = {option for action in parser._actions for option in action.option_strings}
    group = parser.add_argument_group("messages")
    if "-v" not in known:
        group.add_argument("-v", "--verbose", action="store_true", default=argparse.SUPPRESS, help="more messages")
    if "--quiet" not in known:
        group.add_argument("--quiet", action="store_true", default=argparse.SUPPRESS, help="only errors")
    if "--log-format" not in known:
        group.add_argument(
            "--log-format", choices=("text", "json"), default=argparse.SUPPRESS, help="text, or one JSON object a line"
        )
