"""``virtkit names``: the name of a NIC in a Linux guest, for each row of a table of places."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from virtkit.commands.keys import add_options, complete

__all__ = ["register"]

_OPTIONAL = ("variant", "nic", "systemd")

_EPILOG = """\
example:
  virtkit names keys.csv -o answers.csv

KEYS.csv has a header and the columns qemu, machine, variant, place, nic, systemd, scheme and sysfs_path. place is in
words: the bridges that hold the NIC ("pci-bridge in pci-bridge slot 1"), slot=N for the number of a port, acpi-index=N,
"fn 0 of 2" for a function of several. sysfs_path (pci0000:00/0000:00:02.0/0000:01:00.0) gives the bus numbers. variant
names a set-up of data/boot/rigs.csv, or ends in -native, -nohp or -dt. An empty scheme is that of the systemd release.

The output has two more columns: name, which is ethN where the kernel's name stays, and reason. A name that two NICs ask
for goes to one of them only; to see that, check the whole domain: virtkit check guest.xml --guest debian13
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "names",
        help="the name of a NIC in a Linux guest, for a table of places",
        description="Add the name that a Linux guest gives a NIC, and the reason, to each row of a table.",
        epilog=_EPILOG,
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Completes every row; returns 1 when one cannot be understood."""
    from virtkit.boot.name_keys import KEY, key_name

    def answer(row: Mapping[str, str]) -> tuple[str, str]:
        found = key_name(row)
        return found.name, found.reason

    return complete(args, [column for column in KEY if column not in _OPTIONAL], ("name", "reason"), answer, _OPTIONAL)
