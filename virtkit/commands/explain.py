"""``virtkit explain``: for each device and added controller, each decision with its rule and source."""

from __future__ import annotations

import argparse
import csv
import json
import sys

from virtkit.commands.given import INPUT, add_reader_options, given_domain
from virtkit.commands.options import add_host_options, chosen_host, say_notes

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "explain",
        help="why each device has its model and its address",
        description="List every decision about every device of a domain, with its rule and its source.",
        epilog="Example: virtkit explain guest.xml --device vda",
    )
    parser.add_argument("input", metavar="IN", help=INPUT)
    parser.add_argument("--device", metavar="ID", help="only this device, by id or target: net0, pci.2, vda, …")
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    parser.add_argument("--format", choices=("text", "json", "csv"), default="text", help="format of the result")
    add_reader_options(parser, one=True)
    add_host_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit import resolve
    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.serialization import explanation

    source, domain = given_domain(args, args.input)
    resolved = resolve(domain, chosen_host(args), machine=args.machine)
    say_notes(resolved, host=False)
    rows = explanation(resolved, args.device)
    if args.device is not None and not rows:
        known = ", ".join(device.id for device in resolved.devices if device.id)
        raise UsageError(f"{source.label} has no device {args.device!r}; it has: {known}")
    if args.format == "json":
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif args.format == "csv":
        writer = csv.DictWriter(sys.stdout, rows[0].keys() if rows else ("device",), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        tables.emit(_text(rows), None)
    return 0


def _text(rows: list[dict[str, object]]) -> str:
    """The reasons below the device that they are about."""
    lines: list[str] = []
    last = None
    for row in rows:
        if row["device"] != last or last is None:
            last = row["device"]
            where = f" at {row['address']}" if row["address"] else ""
            origin = "added" if row["added"] else f"line {row['line']}"
            lines.append(f"{row['device']}: {row['label']}{where} ({origin})")
        lines.append(f"    {row['text']}  [{row['rule']}; {row['source']}]")
    return "".join(f"{line}\n" for line in lines)
