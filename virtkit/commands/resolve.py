"""``virtkit resolve``, and the loop that it shares with ``virtkit args``: one result for each input."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.options import add_host_options, chosen_host, notes_on
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from virtkit.domain.domain import Domain
    from virtkit.errors import VirtkitError
    from virtkit.inputs import Source
    from virtkit.resolved import Resolved

__all__ = ["add_inputs", "register", "write_each"]

log = logging.getLogger("virtkit")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "resolve",
        help="the domain as libvirt would store it: controllers, models, addresses",
        description="Writes each domain with every controller, default model and address that libvirt would add.",
        epilog="Examples: virtkit resolve guest.xml; virtkit resolve domains/ -o resolved/",
    )
    add_inputs(parser)
    parser.add_argument("--format", choices=("xml", "json"), default="xml", help="format of the result")
    parser.set_defaults(run=run)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that resolves domains."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="domain XML: files, folders, or - for standard input")
    parser.add_argument("-o", "--output", metavar="DIR", help="write one file for each input to this folder")
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    add_host_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    if args.format == "json":
        from virtkit.serialization import resolved_json

        return write_each(args, resolved_json, "json")
    return write_each(args, lambda resolved: resolved.xml(), "xml")


def write_each(args: argparse.Namespace, view: Callable[[Resolved], str], ending: str) -> int:
    """Resolve every input and write ``view`` of it: to standard output, or to NAME.``ending`` in ``args.output``.

    A rejected input gives NAME.error there (or a message), and nothing else. Returns 1 when any was rejected.
    """
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.fleet.domains import each
    from virtkit.inputs import distinct, sources
    from virtkit.resolved import resolve

    host = chosen_host(args)
    folder = None if args.output is None else Path(args.output)
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"-o {folder}: {error.strerror or error}") from None
    inputs = sources(args.inputs) if folder is None else distinct(sources(args.inputs))
    rejected = done = 0
    notes: list[str] = []

    def seen(domain: Domain) -> str:
        resolved = resolve(domain, host, machine=args.machine)
        notes.extend(f"{domain.name}: {note}" for note in domain.by_hand.notes)
        notes.extend(notes_on(resolved))
        return view(resolved)

    for source, outcome in each(inputs, seen):
        for note in notes:
            log.warning("%s", note)
        notes.clear()
        problem = _keep(source, outcome, folder, ending)
        if isinstance(problem, VirtkitError):
            log.error("%s", problem)
            rejected += 1
        else:
            done += 1
    if done + rejected > 1:
        log.info("%s resolved, %d rejected", counted(done, "domain"), rejected)
    return 1 if rejected else 0


def _keep(source: Source, outcome: str | VirtkitError, folder: Path | None, ending: str) -> VirtkitError | None:
    """Write a result, or the error in its place. Returns the error, also when writing failed."""
    from virtkit.commands import tables
    from virtkit.errors import InputError, VirtkitError
    from virtkit.inputs import SameName, write_text

    problem = outcome if isinstance(outcome, VirtkitError) else None
    text = str(outcome)
    text = text if text.endswith("\n") else text + "\n"
    if folder is None:
        if problem is None:
            tables.emit(text, None)
        return problem
    if isinstance(source, SameName):
        return problem
    result, error = folder / f"{source.name}.{ending}", folder / f"{source.name}.error"
    written, outdated = (result, error) if problem is None else (error, result)
    try:
        outdated.unlink(missing_ok=True)
        write_text(written, text)
    except InputError as failure:
        return failure
    return problem
