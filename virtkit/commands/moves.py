"""``virtkit moves``: the devices that a guest finds elsewhere after a change, and what it notices."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, NamedTuple

from virtkit.commands import tables
from virtkit.commands.given import INPUT, add_reader_options, given_domains, reader_options
from virtkit.commands.live import live_host_of
from virtkit.commands.options import host_to_compare, say_notes
from virtkit.commands.power import add_power_options, guest_of, powered_on
from virtkit.releases import DEFAULT, dotted

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.hotplug.upgrade import Upgrade
    from virtkit.readers.contract import ReaderOptions
    from virtkit.resolved import Resolved

__all__ = ["register"]

_EXAMPLE = """examples:
  virtkit moves old.xml new.xml
  virtkit moves guest.xml --libvirt 9.0:12.8
  virtkit moves guest.xml --machine pc-q35-7.2:pc-q35-11.1 --picture moves.svg
  virtkit moves running.xml defined.xml
  virtkit moves guest.xml --machine pc:q35 --guest debian12
  virtkit moves vm.yaml --kubevirt 1.6.3:1.9
  virtkit moves domains/ --libvirt 9.0:12.8
  virtkit moves guest.xml --add-disk --spare-ports 4

Of two inputs, the first is the domain as it was (or runs), the second as it will be. With one input, at least one
option has to name two values A:B, the first for before and the second for after, or a change. A folder or a list gives
one line for each domain, the worst first.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "moves",
        help="which devices a guest finds elsewhere after a change of definition, machine type or libvirt",
        description="List the devices whose address, interface or presence changes, and what the guest notices.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("before", metavar="BEFORE", help=f"{INPUT}; or a folder or list of domains")
    parser.add_argument("after", nargs="?", metavar="AFTER", help="the input to compare with")
    add_reader_options(parser, one=True, pairs=True)
    newest = dotted(DEFAULT)
    parser.add_argument("--libvirt", default="", metavar="A[:B]", help=f"libvirt releases (default: {newest})")
    parser.add_argument("--qemu", default="", metavar="A[:B]", help="QEMU releases, or capability documents")
    parser.add_argument("--machine", default="", metavar="A[:B]", help="resolve as if these machine types were named")
    parser.add_argument("--add-disk", action="store_true", help="after: with one virtio disk more")
    parser.add_argument("--spare-ports", type=int, metavar="N", help="after: with N more free root ports")
    parser.add_argument("--guest", metavar="ID", help="guest OS instead of the metadata")
    add_power_options(parser)
    parser.add_argument("--picture", metavar="FILE", help="draw the change: .svg .png .txt .json")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns 0 whether or not something moves; for a folder, 1 when a domain was rejected."""
    from virtkit.commands.moves_of_many import is_many, run_many

    sides = _sides(args)
    if args.after is None and is_many(args, sides.readers[0]):
        if args.picture is not None:
            from virtkit.errors import UsageError

            raise UsageError("--picture draws one domain; name it with --domain")
        return run_many(args, sides.readers, lambda *domains: _upgrade(args, *_resolved(args, sides, domains)))
    return _one(args, sides)


def _upgrade(args: argparse.Namespace, before: Resolved, after: Resolved) -> Upgrade:
    from virtkit.hotplug.pinning import pin_advice
    from virtkit.hotplug.upgrade import upgrade

    return upgrade(before, after, guest_of(args, before), pin=pin_advice(before, after))


def _one(args: argparse.Namespace, sides: _Sides) -> int:
    from virtkit.boot.renames import renames, renames_text
    from virtkit.commands import topology

    picture = None if args.picture is None else topology.writable("--picture", args.picture)
    before, after = _resolved(args, sides, _domains(args, sides), say=True)
    found = _upgrade(args, before, after)
    names = renames(*(powered_on(args, one, guest_of(args, one)) for one in (before, after)))
    if args.format == "json":
        answer = {**found.as_dict(), "names": [asdict(one) for one in names]}
        tables.emit(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", None)
    else:
        tables.emit(found.text() + renames_text(names), None)
    if picture is not None:
        topology.write(picture, after.topology, before.topology)
    return 0


class _Sides(NamedTuple):
    """What the options choose before and after: hosts by option, and the options of readers."""

    pairs: dict[str, tuple[str, str]]
    readers: tuple[ReaderOptions, ReaderOptions]


def _sides(args: argparse.Namespace) -> _Sides:
    """What the options choose for the two sides. Raises UsageError when nothing makes them differ."""
    from virtkit.errors import UsageError
    from virtkit.readers.contract import ReaderOptions

    pairs = {name: _pair(getattr(args, name)) for name in ("libvirt", "qemu", "machine")}
    reading = {name: _pair(value) for name, value in reader_options(args).values.items()}
    changes = args.add_disk or args.spare_ports is not None
    if args.after is None and not changes and all(one == other for one, other in (pairs | reading).values()):
        raise UsageError(
            "name a second input, a change (--add-disk, --spare-ports), or two values A:B for --libvirt, --qemu, "
            "--machine or a reader's option"
        )
    if args.before == args.after == "-":
        raise UsageError("standard input can be only one of the two inputs")
    if args.add_disk:
        reading["more-disks"] = ("0", "1")
    one, other = (ReaderOptions({name: pair[side] for name, pair in reading.items()}) for side in (0, 1))
    return _Sides(pairs, (one, other))


def _domains(args: argparse.Namespace, sides: _Sides) -> tuple[Domain, Domain]:
    if args.after is None:
        before, after = given_domains(args, args.before, sides.readers)[1]
        return before, after
    both = zip((args.before, args.after), sides.readers, strict=True)
    before, after = (given_domains(args, text, (options,))[1][0] for text, options in both)
    return before, after


def _resolved(
    args: argparse.Namespace, sides: _Sides, domains: tuple[Domain, ...], *, say: bool = False
) -> tuple[Resolved, Resolved]:
    """The two domains resolved, the second with the changes that the options name. Raises Refused."""
    from virtkit import resolve
    from virtkit.connection.live import connect
    from virtkit.host import Host

    live = live_host_of(args)
    found: list[Resolved] = []
    for side, domain in enumerate(domains):
        libvirt, qemu, machine = (sides.pairs[name][side] for name in ("libvirt", "qemu", "machine"))
        host = Host.named(qemu, libvirt) if live is None else connect(live).host()
        if found and not host.fixed:
            host = host_to_compare(found[0], host, machine or domain.machine)
        found.append(resolve(domain, host, machine=machine or None))
        if say and (side == 0 or found[1].host is not found[0].host):
            say_notes(found[-1])
    return found[0], _changed(args, found[1])


def _changed(args: argparse.Namespace, resolved: Resolved) -> Resolved:
    """The second side with one disk or some ports more."""
    from virtkit import resolve
    from virtkit.domain.origin import kubevirt_origin
    from virtkit.errors import UsageError
    from virtkit.inputs import read

    kubevirt = kubevirt_origin(resolved.domain) is not None
    if args.add_disk and not kubevirt:
        from virtkit.hotplug.definition import with_device
        from virtkit.hotplug.forms import FORMS, Names

        text = with_device(resolved, FORMS["disk"].xml(Names(resolved.inventory), ""))
        resolved = resolve(read(text.encode(), resolved.domain.path), resolved.host)
    if args.spare_ports is not None:
        from virtkit.hotplug.spare_ports import with_spare_ports

        if kubevirt:
            raise UsageError("--spare-ports: KubeVirt decides itself how many ports it keeps free")
        text = with_spare_ports(resolved, args.spare_ports, args.guest).text
        resolved = resolve(read(text.encode(), resolved.domain.path), resolved.host)
    return resolved


def _pair(text: str) -> tuple[str, str]:
    """"A:B" as (A, B), "A" as (A, A)."""
    one, colon, other = text.partition(":")
    return one, other if colon else one
