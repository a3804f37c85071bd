"""``virtkit recommend``: the model of each kind of device for a guest OS on a machine type."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host

if TYPE_CHECKING:
    from virtkit.guests import Catalogue, Guest

__all__ = ["register", "run"]

_EXAMPLE = """examples:
  virtkit recommend --guest rhel6.10 --machine q35
  virtkit recommend --guest win10 --format xml
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "recommend",
        help="the best machine type and device models for a guest OS",
        description="List for a guest OS the model of each kind of device that works, with reasons.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("--guest", required=True, metavar="ID", help="short id, URI or alias")
    parser.add_argument("--machine", metavar="M", help="machine type or alias (default: the recommended one)")
    parser.add_argument("--kinds", metavar="SEL", help="device kinds (default: all)")
    formats = ("table", "csv", "json", "xml")
    parser.add_argument("--format", choices=formats, default="table", help="format of the result")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file (default: standard output)")
    add_host_options(parser, domains=False)
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Lists the choices. Raises GuestError and UsageError for an unknown guest, machine type or kind."""
    import json

    from virtkit.commands import tables
    from virtkit.compat.matrix import select_kinds
    from virtkit.compat.recommend import recommend

    database = chosen_catalogue(args)
    guest = database.find(args.guest)
    found = recommend(
        guest,
        args.machine,
        kinds=select_kinds(args.kinds),
        overrides=args.overrides == "on",
        host=chosen_host(args),
    )
    if args.format == "json":
        tables.emit(json.dumps(found.as_dict(), indent=1) + "\n", args.output)
    elif args.format == "xml":
        good = [choice for choice in found.choices if choice.model or choice.kind in ("block", "net")]
        lines = [f"  {c.xml}" if c.xml.startswith("<") else f"  <!-- {c.kind}: {c.xml} -->" for c in good]
        lines = [f"<!-- {found.guest} on {found.machine} -->", "<devices>", *lines, "</devices>", ""]
        tables.emit("\n".join(lines), args.output)
    else:
        head = ("kind", "choose", "verdict", "interface", "placement", "reason", "condition")
        rows = [
            (c.kind, c.model or c.xml, c.verdict, c.interface, c.placement, c.reason, c.condition)
            for c in found.choices
        ]
        tables.show(head, rows, args.format, args.output)
    if found.note:
        tables.say(f"note: {found.note}")
    if later := _known_release(database, guest):
        tables.say(f"note: no device is listed for {guest.id}, any later release; {later} is the newest with devices")
    tables.say(f"machine: {found.best_machine}: {found.machine_advice}")
    return 0


def _known_release(database: Catalogue, guest: Guest) -> str:
    """The newest guest with devices of the distribution, for a guest without devices that stands for later releases:
    rhel10-unknown for rhel-unknown; "" for every other guest."""
    if guest.listed or not guest.id.endswith("-unknown"):
        return ""
    return next((one.id for one in reversed(database.guests) if one.distro == guest.distro and one.listed), "")
