"""``virtkit topology``: the bus tree of a domain as text, picture or JSON, or the difference between two."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.extras import require
from virtkit.commands.given import INPUT, add_reader_options, given_domain
from virtkit.commands.options import add_host_options, chosen_host, host_to_compare, say_notes
from virtkit.commands.power import add_power_options, guest_of, powered_on
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.boot.power_on import PowerOn
    from virtkit.resolved import Resolved
    from virtkit.topology.model import Topology

__all__ = ["register"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit topology guest.xml -o guest.svg
  virtkit topology guest.xml --diff fixed.xml
  virtkit topology guest.xml --capacity 8
  virtkit topology guest.xml --diff-machine q35 -o change.svg
  virtkit topology guest.xml --guest debian12 --firmware OVMF

To draw what check --fix or --convert-to changes: virtkit check guest.xml --fix -o fixed.xml --picture change.svg
"""
_SUFFIX = {"text": ".txt", "json": ".json"}
SUFFIXES = (".svg", ".png", ".txt", ".json")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "topology",
        help="the bus tree: addresses, added controllers, free slots",
        description="Show the bus tree of a domain with its free slots for hotplug, or what differs between two.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("input", metavar="IN", help=INPUT)
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write to this file, in the format of its suffix: .svg .png .txt .json"
    )
    parser.add_argument(
        "--format", choices=("text", "json"), help="format of the result (default: by the name of -o, else text)"
    )
    parser.add_argument("--diff", metavar="OTHER", help="show what changes from IN to this domain")
    parser.add_argument(
        "--diff-machine", metavar="M", help="show what changes from IN to IN (or OTHER) on this machine type"
    )
    parser.add_argument(
        "--capacity",
        nargs="?",
        const=0,
        type=int,
        metavar="N",
        help="how many more devices of each kind IN takes while it runs; with N, the spare ports for N more",
    )
    parser.add_argument("--machine", metavar="M", help="resolve IN, and OTHER, as if they named this machine type")
    parser.add_argument("--guest", metavar="ID", help="guest OS instead of the metadata, for the names of its NICs")
    add_power_options(parser)
    add_reader_options(parser, one=True)
    add_host_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit import resolve
    from virtkit.boot.annotations import annotated
    from virtkit.boot.renames import renames, renames_text
    from virtkit.commands import tables
    from virtkit.errors import Refused, UsageError

    out = None if args.output is None else writable("-o", args.output)
    if args.format and out is not None and out.suffix != _SUFFIX[args.format]:
        raise UsageError(f"--format {args.format}: -o {out} ends in {out.suffix}; leave one of them out")
    if args.diff == "-" and args.input == "-":
        raise UsageError("--diff -: IN is standard input already; name a file")
    host = chosen_host(args)
    source, domain = given_domain(args, args.input)
    resolved = resolve(domain, host, machine=args.machine)
    one = args.capacity is None and args.diff is None and args.diff_machine is None
    in_text = one and out is None and args.format != "json"
    say_notes(resolved, host=not in_text)
    if args.capacity is not None:
        return _capacity(args, resolved, out)
    topology, before = resolved.topology, None
    power = _power(args, resolved)
    text = power.text()
    if args.diff is not None or args.diff_machine is not None:
        if args.diff is not None:
            _, domain = given_domain(args, args.diff)
        before = topology
        try:
            machine = args.diff_machine or args.machine
            host = host_to_compare(resolved, host, machine or domain.machine)
            after = resolve(domain, host, machine=machine)
            topology = after.topology
            changed = _power(args, after)
            power, text = changed, renames_text(renames(power, changed))
        except Refused:
            if args.diff_machine in ("pc", "q35"):
                hint = "the domain cannot move as it is; to convert it: virtkit check %s --convert-to %s --picture FILE"
                log.warning(hint, source.label, args.diff_machine)
            raise
    if before is None:
        topology = annotated(topology, power)
    if out is None:
        suffix = _SUFFIX[args.format or "text"]
        below = f"\n{text}" if text and suffix == ".txt" else ""
        tables.emit(drawn(topology, before, suffix, power).decode() + below, None)
    else:
        write(out, topology, before, power)
    from virtkit.serialization import topology_warnings

    for note in domain.by_hand.notes:
        log.warning("%s", note)

    for warning in topology_warnings(topology):
        log.warning("%s", warning)
    return 0


def _power(args: argparse.Namespace, resolved: Resolved) -> PowerOn:
    """What happens from power-on to a login. Raises GuestError for an unknown guest OS."""
    return powered_on(args, resolved, guest_of(args, resolved))


def _capacity(args: argparse.Namespace, resolved: Resolved, out: Path | None) -> int:
    """How many more devices the domain takes, as text or JSON. Returns the exit code."""
    import json
    from dataclasses import asdict

    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.hotplug.capacity import capacity
    from virtkit.hotplug.spare_ports import MOST

    if args.diff is not None or args.diff_machine is not None:
        raise UsageError("--capacity is about one domain; leave --diff and --diff-machine out")
    if not 0 <= args.capacity <= MOST:
        raise UsageError(f"--capacity {args.capacity}: expected a number of devices from 0 to {MOST}")
    if out is not None and out.suffix not in (".txt", ".json"):
        raise UsageError(f"-o {out}: with --capacity, the ending must be .txt or .json")
    found = capacity(resolved)
    if args.format == "json" or (out is not None and out.suffix == ".json"):
        ports = found.spare_ports(args.capacity)
        text = json.dumps(asdict(found) | {"spare_ports": ports}, indent=1, ensure_ascii=False) + "\n"
    else:
        text = found.text(args.capacity)
    tables.emit(text, None if out is None else str(out))
    return 0


def writable(option: str, name: str) -> Path:
    """The file that ``option`` names, to ``write`` to. Raises UsageError when its suffix names no format."""
    from virtkit.errors import UsageError

    out = Path(name)
    if out.suffix in (".svg", ".png"):
        require("matplotlib")
    if out.suffix not in SUFFIXES:
        raise UsageError(f"{option} {out}: expected a file name that ends in {listed(SUFFIXES, 'or')}")
    return out


def write(out: Path, topology: Topology, before: Topology | None, power: PowerOn | None = None) -> None:
    """Write a topology, or its difference from an earlier one, in the format of the suffix of ``out``.

    ``power`` is what happens from power-on to a login, which JSON takes.
    Raises InputError when the file cannot be written.
    """
    from virtkit.outputs import write_bytes

    write_bytes(out, drawn(topology, before, out.suffix, power))


def drawn(topology: Topology, before: Topology | None, suffix: str, power: PowerOn | None = None) -> bytes:
    """A topology, or its difference from an earlier one, in the format of a file suffix."""
    if suffix == ".json":
        from virtkit.serialization import topology_json

        boot = None if power is None else power.as_dict()
        return (topology_json(topology, before, boot) + "\n").encode()
    if suffix == ".txt":
        from virtkit.draw import tree
        from virtkit.serialization import topology_text

        if before is None:
            return topology_text(topology).encode()
        same = f"no difference: {before.name} and {topology.name} have the same devices at the same addresses\n"
        return (tree.difference(before, topology) or same).encode()
    from virtkit.draw import picture

    if suffix == ".svg":
        return picture.svg(topology, before).encode()
    return picture.png(topology, before)
