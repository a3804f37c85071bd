"""``virtkit interface``: the virtio interface for each row of a table of machine types, kinds, models and places."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from virtkit.releases import DEFAULT_QEMU, dotted
from virtkit.wording import counted, listed

_KEY = ("arch", "machine", "kind", "model", "location")
_ADDED = ("interface", "device_id", "reason")

_EPILOG = """\
example:
  virtkit interface keys.csv --qemu 7.2 -o answers.csv

KEYS.csv has a header and the columns arch, machine, kind, model and location; a column qemu takes precedence over
--qemu. The output has three more columns: interface (legacy, transitional, modern or refused), device_id, and the
reason of a refusal: no-driver, no-machine, root-bus-only, no-hotplug-handler, blk-scsi-on, msix-required,
no-memory-devices or no-pci-bus.
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "interface",
        help="the virtio interface that QEMU offers, for a table of devices",
        description="Adds the virtio interface, the PCI device ID and the reason of a refusal to each row of a table.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("keys", metavar="KEYS.csv", help="the table of keys, or - for standard input")
    newest = dotted(DEFAULT_QEMU)
    parser.add_argument("--qemu", default=newest, metavar="RELEASE", help=f"for rows without qemu (default: {newest})")
    parser.add_argument("-o", "--output", metavar="OUT.csv", help="write to this file (default: standard output)")
    parser.add_argument("--format", choices=("csv", "json"), default="csv", help="json: a list of objects")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Completes every row; returns 1 when one is not valid (its reason is then "not-a-key")."""
    import csv
    import io
    import sys

    from virtkit.commands import tables
    from virtkit.errors import InputError, UsageError
    from virtkit.releases import parse

    name = "standard input" if args.keys == "-" else args.keys
    rows = csv.DictReader(io.StringIO(_text(args.keys, name)))
    answers: list[list[str]] = []
    releases = {args.qemu: parse(args.qemu)}
    failed = 0
    without_facts: set[tuple[str, str]] = set()
    try:
        head = _head(rows.fieldnames, name)
        columns = [*head, *(column for column in _ADDED if column not in head)]
        for row in rows:
            given = row.get("qemu") or args.qemu
            try:
                if None in row or None in row.values():
                    raise UsageError("the row and the header differ in length")
                if given not in releases:
                    releases[given] = parse(given)
                answer, has_facts = _answer(releases[given], row)
            except UsageError as error:
                failed += 1
                print(f"{name}:{rows.line_num}: {error}", file=sys.stderr)
                answer = ("", "", "not-a-key")
            else:
                if not has_facts:
                    without_facts.add((given, row["arch"]))
            full = {column: row.get(column) or "" for column in head} | dict(zip(_ADDED, answer, strict=True))
            answers.append(list(full.values()))
    except csv.Error as error:
        raise InputError(f"not valid CSV: {error}", name, rows.line_num + 1) from None
    for release, arch in sorted(without_facts):
        print(
            f"{name}: no facts are shipped for QEMU {release} on {arch}; the rules assume that it has every driver",
            file=sys.stderr,
        )
    tables.write(tables.render(columns, answers, args.format), args.output)
    return 1 if failed else 0


def _text(keys: str, name: str) -> str:
    import sys
    from pathlib import Path

    from virtkit.errors import InputError

    try:
        return sys.stdin.read() if keys == "-" else Path(keys).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", name) from None
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8: {error.reason}", name) from None


def _head(names: Sequence[str] | None, name: str) -> list[str]:
    from virtkit.errors import InputError

    head = list(names or ())
    lacking = [column for column in _KEY if column not in head]
    if lacking:
        raise InputError(f"the header lacks {counted(len(lacking), 'column')}: {', '.join(lacking)}", name, 1)
    twice = sorted({column for column in head if head.count(column) > 1})
    if twice:
        raise InputError(f"the header names {listed(twice)} twice", name, 1)
    return head


def _answer(release: tuple[int, int], row: Mapping[str, str]) -> tuple[tuple[str, str, str], bool]:
    """Interface, device ID and reason, and whether facts are shipped for that QEMU and architecture."""
    from virtkit.host import shipped
    from virtkit.host.emulator import emulator_arch
    from virtkit.virtio.interface import shown

    arch, machine, kind, model, location = (row[column] for column in _KEY)
    found = shown(release, arch, machine, kind, model, location)
    emulator = shipped.load(release, emulator_arch(arch))
    if emulator is not None and machine not in emulator.machines:
        return ("refused", "", "no-machine"), True
    interface = found.interface.value if found.interface else "refused"
    return (interface, found.device_id, found.reason), emulator is not None
