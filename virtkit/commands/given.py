"""The inputs that a command line names, and the options of their readers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.live import add_connection_options, given_uri, live_names, live_source, live_sources
from virtkit.readers import BUILT_IN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from virtkit.domain.domain import Domain
    from virtkit.fleet.requests import Request
    from virtkit.inputs import Source
    from virtkit.readers.contract import ReaderOptions

__all__ = [
    "INPUT",
    "INPUTS",
    "OUTPUT",
    "add_reader_options",
    "given_domain",
    "given_domains",
    "given_requests",
    "given_sources",
    "is_one_input",
    "output_is_file",
    "reader_options",
]

INPUTS = (
    "files of domain XML or another known format, folders, quoted patterns, tar and zip archives, JSON lines, "
    "- (standard input), or a libvirt URI such as qemu:///system"
)
INPUT = "a file of domain XML or another known format, - for standard input, or a libvirt URI such as qemu:///system"
OUTPUT = "write one file for each domain to this folder; of one input, write to this file if it ends in .xml or .json"


def add_reader_options(parser: argparse.ArgumentParser, *, one: bool = False, pairs: bool = False) -> None:
    """Add the options of readers and, where a command takes ``one`` domain, ``--domain``, which chooses it.

    With ``pairs`` each option takes A:B, for the domain before and after.
    """
    add_connection_options(parser)
    group = parser.add_argument_group("input formats")
    if one:
        group.add_argument("--domain", metavar="NAME", default="", help="the domain of an input with several")
    for row in BUILT_IN:
        for option in row.options:
            group.add_argument(
                f"--{option.name}",
                dest=f"reader_{option.name}",
                metavar="A[:B]" if pairs else None if option.choices else option.metavar,
                choices=None if pairs else option.choices or None,
                help=option.help,
            )


def reader_options(args: argparse.Namespace) -> ReaderOptions:
    """What the command line chooses for readers."""
    from virtkit.readers.contract import ReaderOptions

    names = [option.name for row in BUILT_IN for option in row.options]
    found = {name: getattr(args, f"reader_{name}", None) for name in names}
    return ReaderOptions({name: value for name, value in found.items() if value is not None})


def given_sources(args: argparse.Namespace) -> Iterator[Source]:
    """The inputs of a command that takes many domains: files, folders, patterns, archives and standard input."""
    if given_uri(args):
        return live_sources(args)
    if all(text != "-" and _plain(text) for text in args.inputs):
        from virtkit.inputs import sources

        return sources(args.inputs)
    from virtkit.fleet.archives import gather

    return gather(args.inputs)


def given_requests(args: argparse.Namespace) -> Iterator[Request]:
    """The same inputs for an audit, whose workers read most of them themselves."""
    if given_uri(args):
        return live_sources(args)
    from virtkit.fleet.archives import requested

    return requested(args.inputs)


def _plain(text: str) -> bool:
    """Whether a path is standard input or a file of domain XML, which needs no look into it."""
    return text == "-" or (text.endswith(".xml") and Path(text).is_file())


def given_domain(args: argparse.Namespace, text: str | None) -> tuple[Source, Domain]:
    """The one domain of the input that a command line names, with its source.

    Raises UsageError for a folder, and InputError for an input that cannot be read or has no such domain.
    """
    source, (domain,) = given_domains(args, text, (reader_options(args),))
    return source, domain


def given_domains(
    args: argparse.Namespace, text: str | None, choices: Sequence[ReaderOptions]
) -> tuple[Source, tuple[Domain, ...]]:
    """The one domain of an input, read once with each of some options of readers, with its source; as given_domain."""
    from virtkit.inputs import in_memory, one_domain, one_source

    name = getattr(args, "domain", "")
    live = live_source(args, text)
    source = live or in_memory(one_source(text or "-"))
    return source, tuple(one_domain(source, "" if live else name, options) for options in choices)


def is_one_input(args: argparse.Namespace) -> bool:
    """Whether the inputs are one file or standard input, or one named domain of a libvirt connection."""
    if given_uri(args):
        return len(live_names(args)) == 1
    if len(args.inputs) == 1 and _plain(args.inputs[0]):
        return True
    from virtkit.fleet.archives import is_one_file

    return len(args.inputs) == 1 and is_one_file(args.inputs[0])


def output_is_file(args: argparse.Namespace, endings: tuple[str, ...] = (".xml", ".json")) -> bool:
    """Whether ``-o`` names a file: of one input, a name with one of the endings that is not an existing folder."""
    if args.output is None:
        return False
    place = Path(args.output)
    return place.suffix in endings and not place.is_dir() and is_one_input(args)
