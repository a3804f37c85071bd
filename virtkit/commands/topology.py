"""``virtkit topology``: the bus tree of a domain, as text, picture or JSON; or what changed against another one."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.options import add_host_options, chosen_host

if TYPE_CHECKING:
    from virtkit.topology import Topology

__all__ = ["register"]

log = logging.getLogger("virtkit")

ENDINGS = (".svg", ".png", ".txt", ".json")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "topology",
        help="the bus tree: what sits where, what was added, what room is left",
        description="The bus tree of a domain with the room left for hotplug, or the difference of two.",
        epilog="Example: virtkit topology guest.xml -o guest.svg; virtkit topology guest.xml --diff fixed.xml",
    )
    parser.add_argument("input", metavar="IN", help="domain XML, or - for standard input")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write here; the ending tells the form: .svg .png .txt .json"
    )
    parser.add_argument("--diff", metavar="OTHER", help="what changes from IN to this domain")
    parser.add_argument("--machine", metavar="M", help="resolve IN as if it named this machine type")
    add_host_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit import read, resolve
    from virtkit.errors import InputError, UsageError
    from virtkit.inputs import one_source

    out = None if args.output is None else Path(args.output)
    if out is not None and out.suffix not in ENDINGS:
        raise UsageError(f"-o {out}: the ending must be one of {', '.join(ENDINGS)}")
    host = chosen_host(args)
    source = one_source(args.input)
    resolved = resolve(read(source.read(), source.label), host, machine=args.machine)
    topology, before = resolved.topology, None
    if args.diff is not None:
        other = one_source(args.diff)
        before, topology = topology, resolve(read(other.read(), other.label), host).topology
    data = _drawn(topology, before, ".txt" if out is None else out.suffix)
    if out is None:
        sys.stdout.write(data.decode())
    else:
        try:
            out.write_bytes(data)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror or error}", str(out)) from None
    from virtkit.views import topology_warnings

    for warning in topology_warnings(topology):
        log.warning("%s", warning)
    return 0


def _drawn(topology: Topology, before: Topology | None, ending: str) -> bytes:
    if ending == ".json":
        from virtkit.views import topology_json

        return (topology_json(topology) + "\n").encode()
    if ending == ".txt":
        from virtkit.draw import tree
        from virtkit.views import topology_text

        text = topology_text(topology) if before is None else tree.difference(before, topology)
        return text.encode()
    from virtkit.draw import picture

    if ending == ".svg":
        return picture.svg(topology, before).encode()
    return picture.png(topology, before)
