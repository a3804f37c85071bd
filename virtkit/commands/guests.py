"""``virtkit guests``: the guest operating systems of the database, and their virtio drivers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from virtkit.commands.options import add_database_options, chosen_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.guests import Guest

__all__ = ["register", "run"]

_EXAMPLE = """examples:
  virtkit guests --search "enterprise linux 6"
  virtkit guests --drivers --overrides off --format csv
  virtkit guests --osinfo /usr/share/osinfo --format json
"""
_RECORD = ("id", "name", "version", "family", "distro", "release", "eol", "status", "q35", "virtio")
_DRIVERS = ("guest", "kind", "legacy", "modern", "legacy_addon", "modern_addon", "source")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "guests",
        help="guest operating systems and their virtio drivers",
        description="List operating systems of the guest OS database.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("guest", nargs="*", help="short ids, URIs, patterns, family=F, distro=D (default: all)")
    parser.add_argument("--search", metavar="TEXT", help="only those with all these words in their id, name or vendor")
    parser.add_argument(
        "--drivers",
        action="store_true",
        help="list their drivers: one row for each OS and device kind; '(unknown)' in the column source means that the "
        "database does not say",
    )
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="format of the result")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file (default: standard output)")
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Lists the guests. Raises GuestError for an unknown guest or an unreadable database."""
    from virtkit.commands import tables
    from virtkit.wording import counted

    catalogue = chosen_catalogue(args)
    chosen = catalogue.select(",".join(args.guest) if args.guest else None)
    if args.search:
        found = set(catalogue.search(args.search))
        chosen = tuple(guest for guest in chosen if guest in found)
    if args.drivers:
        tables.show(_DRIVERS, list(_driver_rows(chosen, args.overrides == "on")), args.format, args.output)
    else:
        tables.show(_RECORD, [_record(guest) for guest in chosen], args.format, args.output)
    tables.say(f"{len(chosen):,} of {counted(len(catalogue), 'operating system')} in {catalogue.database}")
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
            source = f"{s.source} (unknown)" if s.unknown else s.source
            yield guest.id, kind, s.legacy, s.modern, s.legacy_addon, s.modern_addon, source
