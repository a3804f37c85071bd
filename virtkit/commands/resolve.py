"""``virtkit resolve`` and its twins: many inputs in, one result for each, rejected ones beside them."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.options import add_host_options, chosen_host

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["add_inputs", "each", "register"]

log = logging.getLogger("virtkit")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "resolve",
        help="the domain as libvirt would keep it: controllers, models, addresses",
        description="Write each domain with every controller, default model and address that libvirt would add.",
        epilog="Example: virtkit resolve guest.xml; virtkit resolve domains/ -o resolved/",
    )
    add_inputs(parser)
    parser.add_argument("--format", choices=("xml", "json"), default="xml", help="form of the result")
    parser.set_defaults(run=run)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that resolves domains."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="domain XML: files, folders, or - for standard input")
    parser.add_argument("-o", "--output", metavar="DIR", help="write one file for each input here")
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    add_host_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    if args.format == "json":
        from virtkit.serialization import resolved_json

        return each(args, resolved_json, "json")
    return each(args, lambda resolved: resolved.xml(), "xml")


def each(args: argparse.Namespace, view: Callable[[Resolved], str], ending: str) -> int:
    """Resolve every input and write ``view`` of it: to standard output, or to NAME.``ending`` in ``args.output``.

    A rejected input gives NAME.error there (or a message), and nothing else. Returns 1 when any was rejected.
    """
    from virtkit import read, resolve
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.inputs import sources, write_text

    host = chosen_host(args)
    out = None if args.output is None else Path(args.output)
    if out is not None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"-o {out}: {error.strerror or error}") from None
    rejected = done = 0
    written: dict[str, str] = {}
    for source in sources(args.inputs):
        try:
            if out is not None and source.name in written:
                raise UsageError(
                    f"{source.label}: would overwrite the result of {written[source.name]}; give them other names"
                )
            written[source.name] = source.label
            resolved = resolve(read(source.read(), source.label), host, machine=args.machine)
            text = view(resolved)
            if not text.endswith("\n"):
                text += "\n"
            if out is None:
                sys.stdout.write(text)
            else:
                (out / f"{source.name}.error").unlink(missing_ok=True)
                write_text(out / f"{source.name}.{ending}", text)
            done += 1
        except VirtkitError as error:
            rejected += 1
            log.error("%s", error)
            if out is not None and not isinstance(error, UsageError):
                (out / f"{source.name}.{ending}").unlink(missing_ok=True)
                write_text(out / f"{source.name}.error", f"{error}\n")
    if done + rejected > 1:
        log.info("%d resolved, %d rejected", done, rejected)
    return 1 if rejected else 0
