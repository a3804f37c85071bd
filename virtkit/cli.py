"""The command line: one program, one module for each command, messages on standard error, exit codes 0, 1 and 2."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from virtkit.commands.extras import remedy
from virtkit.commands.terminal import Messages
from virtkit.errors import UsageError, VirtkitError

__all__ = ["main"]

COMMANDS = (
    "resolve",
    "args",
    "explain",
    "topology",
    "guests",
    "interface",
    "names",
    "firmware",
    "matrix",
    "check",
    "attach",
    "moves",
    "recommend",
    "policy",
    "domcaps",
    "verify",
    "audit",
    "report",
    "data",
)
"""Modules of ``virtkit.commands``, in the order in which help lists them."""


class _JsonLines(logging.Formatter):
    """One JSON object for each message."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"level": record.levelname.lower(), "message": record.getMessage()})


class _Parser(argparse.ArgumentParser):
    """Reports a usage error in one line, with exit code 2, and suggests a command for a misspelt one."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(2, f"virtkit: {message}; see '{self.prog} --help'\n")

    def format_help(self) -> str:
        """The help; an epilog that is a function is called only here, because some are costly to make."""
        epilog: Any = self.epilog
        if callable(epilog):
            self.epilog = epilog()
        return super().format_help()

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        known = action.choices
        if not isinstance(action, argparse._SubParsersAction) or known is None or value in known:
            super()._check_value(action, value)
            return
        from difflib import get_close_matches

        near = get_close_matches(str(value), list(known), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise argparse.ArgumentError(None, f"no command {value!r}; {hint}")


def _version() -> str:
    from virtkit import __version__

    return f"virtkit {__version__}"


def _named(words: Sequence[str]) -> Sequence[str]:
    """The module of the command that a command line names first; all modules where it names none."""
    word = next((word for word in words if not word.startswith("-")), "")
    return (word,) if word in COMMANDS else COMMANDS


def _parser(modules: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser with the commands of some modules: of one where it is known, which saves importing the others."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("-v", "--verbose", action="store_true", help="write more messages to standard error")
    common.add_argument("--quiet", action="store_true", help="write no messages but errors")
    common.add_argument("--log-format", choices=("text", "json"), help="messages as text, or one JSON object a line")
    parser = _Parser(
        prog="virtkit",
        parents=[common],
        description="Shows offline what a libvirt domain becomes (controllers, models, addresses) and whether its "
        "guest OS can drive its virtio devices.",
        epilog="Example: virtkit check guest.xml --guest rhel6.10",
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name in modules:
        import_module(f"virtkit.commands.{name}").register(commands)
    for sub in commands.choices.values():
        _add_common(sub)
    return parser


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


def _set_up_messages(args: argparse.Namespace) -> None:
    handler = Messages()
    json_lines = getattr(args, "log_format", "text") == "json"
    handler.setFormatter(_JsonLines() if json_lines else logging.Formatter("virtkit: %(message)s"))
    log = logging.getLogger("virtkit")
    log.handlers[:] = [handler]
    log.propagate = False
    quiet, verbose = getattr(args, "quiet", False), getattr(args, "verbose", False)
    log.setLevel(logging.ERROR if quiet else (logging.DEBUG if verbose else logging.INFO))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command: 0 when all went well, 1 when an input was rejected or a check failed, 2 for wrong usage."""
    words = sys.argv[1:] if argv is None else argv
    parser = _parser(_named(words))
    args, more = parser.parse_known_args(words)
    if more and hasattr(args, "devices") and not any(word.startswith("-") for word in more):
        args.devices += more  # argparse hands out a list of words only up to the first option
    elif more:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    _set_up_messages(args)
    log = logging.getLogger("virtkit")
    if args.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except UsageError as error:
        log.error("%s", error)
        return 2
    except VirtkitError as error:
        log.error("%s", error)
        return 1
    except ModuleNotFoundError as error:
        message = remedy(error, args.command)
        if message is None:
            raise
        log.error("%s", message)
        return 2
    except BrokenPipeError:
        # The reader has closed the pipe (virtkit … | head): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # A folder that cannot be created, or a file that has gone.
        if error.filename is None:
            raise
        log.error("%s: %s", error.filename, error.strerror)
        return 1
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130


if __name__ == "__main__":
    sys.exit(main())
