"""``virtkit guests``: the guest OS records, and which virtio drivers each has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.guests import Catalogue, Guest

__all__ = ["add_database_options", "register", "run"]

_EXAMPLE = """examples:
  virtkit guests --search "enterprise linux 6"
  virtkit guests --drivers --overrides off --format csv
  virtkit guests --osinfo /usr/share/osinfo --format json
"""
_RECORD = ("id", "name", "version", "family", "distro", "release", "eol", "status", "q35", "virtio")
_DRIVERS = ("guest", "kind", "legacy", "modern", "legacy_addon", "modern_addon", "source")


def add_database_options(parser: argparse.ArgumentParser) -> None:
    """The options that choose the guest OS database; other commands have the same."""
    parser.add_argument(
        "--osinfo",
        action="append",
        metavar="PATH",
        help="read this osinfo-db (folder or tarball) in place of the shipped facts; repeat it to merge "
        "several, or say 'system' for the folders that libosinfo reads",
    )
    parser.add_argument(
        "--overrides",
        choices=("on", "off"),
        default="on",
        help="off: the database as it is, in-box drivers only (default: on, with the sourced corrections)",
    )


def chosen_catalogue(args: argparse.Namespace) -> Catalogue:
    """The catalogue that the options of add_database_options ask for."""
    from virtkit import guests
    from virtkit.guests import osinfo

    places: list[str] = []
    for place in args.osinfo or ():
        places += osinfo.system_folders() if place == "system" else [place]
    return guests.catalogue(*places)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "guests",
        help="guest OS records and their virtio drivers",
        description="The operating systems of the guest OS database.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "guest", nargs="*", help="short ids, URIs, patterns, family=F, distro=D (default: all)"
    )
    parser.add_argument("--search", metavar="TEXT", help="only those whose id, name or vendor has all words")
    parser.add_argument(
        "--drivers", action="store_true", help="the long table of drivers: a row per OS and kind"
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there in place of standard output")
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the records; raises GuestError for an unknown guest or an unreadable database."""
    from virtkit.commands import tables

    catalogue = chosen_catalogue(args)
    chosen = catalogue.select(",".join(args.guest) if args.guest else None)
    if args.search:
        found = set(catalogue.search(args.search))
        chosen = tuple(guest for guest in chosen if guest in found)
    if args.drivers:
        text = tables.render(_DRIVERS, list(_driver_rows(chosen, args.overrides == "on")), args.format)
    else:
        text = tables.render(_RECORD, [_record(guest) for guest in chosen], args.format)
    tables.emit(text, args.output)
    tables.say(args, f"{len(chosen)} of {len(catalogue)} operating systems of {catalogue.database}")
    return 0


def _record(guest: Guest) -> Sequence[object]:
    return (
        guest.id,
        guest.name,
        guest.version,
        guest.family,
        guest.distro,
        guest.release,
        guest.eol,
        guest.status,
        guest.q35,
        " ".join(guest.virtio_ids),
    )


def _driver_rows(guests: Iterable[Guest], overrides: bool) -> Iterable[Sequence[object]]:
    from virtkit.guests import KINDS
    from virtkit.guests.overrides import support

    for guest in guests:
        for kind in KINDS:
            s = support(guest, kind, overrides=overrides)
            yield guest.id, kind, s.legacy, s.modern, s.legacy_addon, s.modern_addon, s.source
