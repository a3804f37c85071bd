"""``virtkit interface``: the virtio interface for each row of a table of machines, kinds, models, places."""

from __future__ import annotations

import argparse
from typing import Any

_EPILOG = """\
example:
  virtkit interface keys.csv --qemu 11.1 -o answers.csv

KEYS.csv has a head and the columns arch, machine, kind, model, location; a column qemu wins over --qemu.
Added are interface (legacy, transitional, modern or refused), device_id and reason.
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "interface",
        help="which virtio interface QEMU shows, for rows of machine, kind, model and place",
        description="Adds interface, PCI device id and reason of a refusal to each row of a table.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("keys", metavar="KEYS.csv", help="the table of keys, or - for standard input")
    parser.add_argument("--qemu", default="11.1", metavar="RELEASE", help="for rows without qemu (11.1)")
    parser.add_argument("-o", "--output", metavar="OUT.csv", help="the answers (default: standard output)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answers every row; exit code 1 when a row is no valid key (it is then answered with its reason)."""
    import csv
    import io
    import sys
    from pathlib import Path

    from virtkit.errors import InputError, UsageError
    from virtkit.host.host import parse_release
    from virtkit.models.interface import shown

    name = "standard input" if args.keys == "-" else args.keys
    try:
        text = sys.stdin.read() if args.keys == "-" else Path(args.keys).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", name) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", name) from None
    rows = csv.DictReader(io.StringIO(text))
    head = list(rows.fieldnames or ())
    lacking = [column for column in ("arch", "machine", "kind", "model", "location") if column not in head]
    if lacking:
        raise InputError(f"the head lacks the column(s) {', '.join(lacking)}", name, 1)
    default = parse_release(args.qemu)
    added = ("interface", "device_id", "reason")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*head, *(column for column in added if column not in head)])
    failed = 0
    releases = {args.qemu: default}
    for row in rows:
        given = row.get("qemu") or args.qemu
        try:
            if None in row or None in row.values():
                raise UsageError("the row and the head differ in length")
            if given not in releases:
                releases[given] = parse_release(given)
            found = shown(releases[given], row["arch"], row["machine"], row["kind"], row["model"], row["location"])
        except UsageError as error:
            failed += 1
            print(f"{name}:{rows.line_num}: {error}", file=sys.stderr)
            answer = {"interface": "", "device_id": "", "reason": "not-a-key"}
        else:
            interface = found.interface.value if found.interface else "refused"
            answer = {"interface": interface, "device_id": found.device_id, "reason": found.reason}
        full = {**{column: row.get(column) or "" for column in head}, **answer}
        writer.writerow(full.values())
    if args.output:
        Path(args.output).write_text(out.getvalue(), encoding="utf-8")
    else:
        sys.stdout.write(out.getvalue())
    return 1 if failed else 0
