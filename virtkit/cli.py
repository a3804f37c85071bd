"""The command line: one program, one module for each command, messages on standard error, exit codes 0, 1 and 2."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import signal
import sys
from collections.abc import Sequence

from virtkit.commands.extras import remedy
from virtkit.commands.parser import COMMANDS, build, named
from virtkit.commands.process import FULL, drop_output, open_streams, stoppable
from virtkit.commands.terminal import Messages
from virtkit.errors import UsageError, VirtkitError

__all__ = ["COMMANDS", "main", "program"]

# Allocations between two collections of young objects. A command that reads one domain creates fewer than that in
# cycles; with Python's own value, collections take a sixth of its time.
_ALLOCATIONS = 100_000
_INTERRUPTED = 128 + signal.SIGINT


class _JsonLines(logging.Formatter):
    """One JSON object for each message."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"level": record.levelname.lower(), "message": record.getMessage()})


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
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    parser = build(named(words))
    args, more = parser.parse_known_args(words)
    if more and hasattr(args, "devices") and not any(word.startswith("-") for word in more):
        args.devices += more  # argparse hands out a list of words only up to the first option
    elif more:
        parser.unknown(more, args)
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
        drop_output()
        return 0
    except OSError as error:
        # A folder that cannot be created, or a file that has gone.
        if error.filename is not None:
            log.error("%s: %s", error.filename, error.strerror)
        elif error.errno in FULL:
            log.error("standard output cannot be written: %s", error.strerror)
            drop_output()
        else:
            raise
        return 1
    except KeyboardInterrupt:
        log.error("interrupted")
        return _INTERRUPTED


def program() -> int:
    """Run the command of this process, with settings that suit a short one: less work for the garbage collector.

    A command that a signal ends exits with 128 and the number of the signal.
    """
    gc.set_threshold(_ALLOCATIONS, 20, 20)
    open_streams()
    try:
        with stoppable() as stops:
            code = main()
        return 128 + stops[0] if stops and code == _INTERRUPTED else code
    finally:
        # What is left is freed with the process; without this, Python looks through it again as it ends.
        gc.freeze()


if __name__ == "__main__":
    sys.exit(program())
