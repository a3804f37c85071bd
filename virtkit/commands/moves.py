"""``virtkit moves``: the devices that a guest finds elsewhere after a change, and what it notices."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from virtkit.commands import tables
from virtkit.commands.given import INPUT, add_reader_options, given_domains, reader_options
from virtkit.commands.options import host_to_compare, say_notes
from virtkit.commands.power import add_power_options, guest_of, powered_on
from virtkit.releases import DEFAULT, dotted

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["register"]

_EXAMPLE = """examples:
  virtkit moves old.xml new.xml
  virtkit moves guest.xml --libvirt 9.0:12.8
  virtkit moves guest.xml --machine pc-q35-7.2:pc-q35-11.1 --picture moves.svg
  virtkit moves running.xml defined.xml
  virtkit moves guest.xml --machine pc:q35 --guest debian12

Of two inputs, the first is the domain as it was (or runs), the second as it will be. With one input, at least one
option has to name two values A:B, the first for before and the second for after.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "moves",
        help="which devices a guest finds elsewhere after a change of definition, machine type or libvirt",
        description="The devices whose address, interface or presence changes, and what the guest notices of it.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", metavar="BEFORE", help=INPUT)
    parser.add_argument("after", nargs="?", metavar="AFTER", help="the input to compare with")
    add_reader_options(parser, one=True, pairs=True)
    newest = dotted(DEFAULT)
    parser.add_argument("--libvirt", default="", metavar="A[:B]", help=f"libvirt releases (default: {newest})")
    parser.add_argument("--qemu", default="", metavar="A[:B]", help="QEMU releases, or capability documents")
    parser.add_argument("--machine", default="", metavar="A[:B]", help="resolve as if these machine types were named")
    parser.add_argument("--guest", metavar="ID", help="guest OS in place of the metadata, for the names of its NICs")
    add_power_options(parser)
    parser.add_argument("--picture", metavar="FILE", help="draw the change: .svg .png .txt .json")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the result")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns 0 whether or not something moves."""
    from virtkit.boot.renames import renames, renames_text
    from virtkit.commands import topology
    from virtkit.hotplug.moves import moves, moves_text
    from virtkit.topology.diff import compare

    picture = None if args.picture is None else topology.writable("--picture", args.picture)
    before, after = _two(args)
    found = moves(compare(before.topology, after.topology))
    names = renames(*(powered_on(args, one, guest_of(args, one)) for one in (before, after)))
    if args.format == "json":
        answer = {"moves": [asdict(one) for one in found], "names": [asdict(one) for one in names]}
        tables.emit(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", None)
    else:
        tables.emit((moves_text(found) or "nothing moves\n") + renames_text(names), None)
    if picture is not None:
        topology.write(picture, after.topology, before.topology)
    return 0


def _two(args: argparse.Namespace) -> tuple[Resolved, Resolved]:
    """The domain before and after. Raises UsageError when nothing makes them differ."""
    from virtkit import resolve
    from virtkit.errors import UsageError
    from virtkit.host import Host
    from virtkit.readers.contract import ReaderOptions

    pairs = {name: _pair(getattr(args, name)) for name in ("libvirt", "qemu", "machine")}
    reading = {name: _pair(value) for name, value in reader_options(args).values.items()}
    if args.after is None and all(one == other for one, other in (pairs | reading).values()):
        raise UsageError("name a second input, or two values A:B for --libvirt, --qemu, --machine or a reader's option")
    if args.before == args.after == "-":
        raise UsageError("standard input can be only one of the two inputs")
    sides = [ReaderOptions({name: pair[side] for name, pair in reading.items()}) for side in (0, 1)]
    if args.after is None:
        domains = given_domains(args, args.before, sides)[1]
    else:
        both = zip((args.before, args.after), sides, strict=True)
        domains = tuple(given_domains(args, text, (options,))[1][0] for text, options in both)
    found: list[Resolved] = []
    for side in (0, 1):
        libvirt, qemu, machine = (pairs[name][side] for name in ("libvirt", "qemu", "machine"))
        host = Host.named(qemu, libvirt)
        domain = domains[side]
        if found and not host.fixed:
            host = host_to_compare(found[0], host, machine or domain.machine)
        found.append(resolve(domain, host, machine=machine or None))
        if side == 0 or found[1].host is not found[0].host:
            say_notes(found[-1])
    return found[0], found[1]


def _pair(text: str) -> tuple[str, str]:
    """"A:B" as (A, B), "A" as (A, A)."""
    one, colon, other = text.partition(":")
    return one, other if colon else one
