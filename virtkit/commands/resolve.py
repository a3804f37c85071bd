"""``virtkit resolve``, and the loop that it shares with ``virtkit args``: one result for each input."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.given import (
    INPUTS,
    OUTPUT,
    add_reader_options,
    given_sources,
    is_one_input,
    output_is_file,
    reader_options,
)
from virtkit.commands.options import add_host_options, chosen_host, notes_on
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from virtkit.commands import tables
    from virtkit.domain.domain import Domain
    from virtkit.errors import VirtkitError
    from virtkit.inputs import Source
    from virtkit.resolved import Resolved

__all__ = ["add_inputs", "register", "write_each"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit resolve guest.xml -o resolved.xml
  virtkit resolve domains/ -o resolved/
  virtkit resolve qemu:///system -o resolved/
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "resolve",
        help="the domain as libvirt would store it: controllers, models, addresses",
        description="Write each domain with every controller, default model and address that libvirt would add.",
        epilog=_EXAMPLE,
    )
    add_inputs(parser)
    parser.add_argument("--format", choices=("xml", "json"), help="format of the result (default: xml)")
    parser.add_argument(
        "--show-input-xml",
        action="store_true",
        help="write the domain XML that the reader of the input gives to libvirt, without resolving it",
    )
    parser.set_defaults(run=run)


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that resolves domains."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    parser.add_argument("-o", "--output", metavar="FILE|DIR", help=OUTPUT)
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    add_reader_options(parser)
    add_host_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit.errors import UsageError

    if args.show_input_xml:
        if args.format == "json":
            raise UsageError("--show-input-xml writes XML; leave --format json out")
        return _write_each(args, lambda domain: domain.document.text, "xml", [])
    named = Path(args.output or "").suffix == ".json" and output_is_file(args)
    if args.format == "json" or (args.format is None and named):
        from virtkit.serialization import resolved_json

        return write_each(args, resolved_json, "json")
    return write_each(args, lambda resolved: resolved.xml(), "xml")


def write_each(args: argparse.Namespace, view: Callable[[Resolved], str], ending: str) -> int:
    """Resolve every domain and write ``view`` of it: to standard output, to the file ``args.output`` of the only input,
    or to NAME.``ending`` in the folder ``args.output``.

    A rejected input gives NAME.error in the folder (or a message), and nothing else. Returns 1 when any was rejected.
    """
    from virtkit.resolved import resolve

    host = chosen_host(args)
    notes: list[str] = []

    def seen(domain: Domain) -> str:
        resolved = resolve(domain, host, machine=args.machine)
        notes.extend(f"{domain.name}: {note}" for note in domain.by_hand.notes)
        notes.extend(notes_on(resolved))
        return view(resolved)

    return _write_each(args, seen, ending, notes)


def _write_each(args: argparse.Namespace, view: Callable[[Domain], str], ending: str, notes: list[str]) -> int:
    """Write ``view`` of every domain, and the notes that it leaves in ``notes`` as messages."""
    from virtkit.commands import tables
    from virtkit.errors import InputError
    from virtkit.fleet.domains import each

    stream = tables.JsonStream() if ending == "json" and args.output is None else None
    file = Path(args.output) if output_is_file(args, (".xml", ".json", f".{ending}")) else None
    folder = None if file or args.output is None else _folder(args.output)
    rejected = done = 0
    many = not is_one_input(args)
    seen: dict[str, str] = {}
    for source, outcome in each(given_sources(args), view, reader_options(args)):
        of = f"{source.label}: " if many or source.part else ""
        for note in notes:
            log.warning("%s%s", of, note)
        notes.clear()
        problem: VirtkitError | None
        earlier = seen.setdefault(source.name, source.label) if folder else source.label
        if earlier != source.label:
            what = f"would overwrite the result of {earlier}; rename one of them"
            problem = InputError(what, source.label)
        elif file and done:
            problem = InputError(f"has several domains; with -o, name a folder in place of {file}", source.label)
        else:
            problem = _keep(source, outcome, file, folder, ending, stream)
        if problem is not None:
            log.error("%s", problem)
            rejected += 1
        else:
            done += 1
    if stream is not None:
        stream.close()
    if done + rejected > 1:
        verb = "read" if getattr(args, "show_input_xml", False) else "resolved"
        log.info("%s %s, %d rejected", counted(done, "domain"), verb, rejected)
    return 1 if rejected else 0


def _folder(name: str) -> Path:
    """The folder for results, created if it is missing. Raises UsageError."""
    from virtkit.errors import UsageError

    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {folder}: {error.strerror or error}") from None
    return folder


def _keep(
    source: Source,
    outcome: str | VirtkitError,
    file: Path | None,
    folder: Path | None,
    ending: str,
    stream: tables.JsonStream | None,
) -> VirtkitError | None:
    """Write a result, or the error in its place. Returns the error, also when writing failed."""
    from virtkit.commands import tables
    from virtkit.errors import InputError, VirtkitError
    from virtkit.outputs import write_text

    problem = outcome if isinstance(outcome, VirtkitError) else None
    text = str(outcome)
    text = text if text.endswith("\n") else text + "\n"
    if folder is None:
        if problem is None and stream is not None:
            stream.add(text)
        elif problem is None:
            tables.emit(text, None if file is None else str(file))
        return problem
    result, error = folder / f"{source.name}.{ending}", folder / f"{source.name}.error"
    written, outdated = (result, error) if problem is None else (error, result)
    try:
        outdated.unlink(missing_ok=True)
        write_text(written, text)
    except InputError as failure:
        return failure
    return problem
