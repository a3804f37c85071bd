"""``virtkit interface``: the virtio interface for each row of a table of machine types, kinds, models and places."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from virtkit.commands.keys import add_options, complete, source_name
from virtkit.releases import DEFAULT_QEMU, dotted

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
        description="Add the virtio interface, the PCI device ID and the reason of a refusal to each row of a table.",
        epilog=_EPILOG,
    )
    newest = dotted(DEFAULT_QEMU)
    parser.add_argument("--qemu", default=newest, metavar="RELEASE", help=f"for rows without qemu (default: {newest})")
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Completes every row; returns 1 when one is not valid (its reason is then "not-a-key")."""
    import sys

    from virtkit.releases import parse

    releases = {args.qemu: parse(args.qemu)}
    without_facts: set[tuple[str, str]] = set()

    def answer(row: Mapping[str, str]) -> tuple[str, str, str]:
        given = row.get("qemu") or args.qemu
        if given not in releases:
            releases[given] = parse(given)
        found, has_facts = _answer(releases[given], row)
        if not has_facts:
            without_facts.add((given, row["arch"]))
        return found

    code = complete(args, _KEY, _ADDED, answer, in_error=("", "", "not-a-key"))
    for release, arch in sorted(without_facts):
        lacking = f"no facts are shipped for QEMU {release} on {arch}; the rules assume that it has every driver"
        print(f"{source_name(args)}: {lacking}", file=sys.stderr)
    return code


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
