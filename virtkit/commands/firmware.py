"""``virtkit firmware``: what the firmware does with a device, for each row of a table of machines and places."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from virtkit.commands.keys import add_options, complete

__all__ = ["register"]

_EPILOG = """\
example:
  virtkit firmware keys.csv -o answers.csv

KEYS.csv has a header and the columns firmware, firmware_version, qemu, arch, machine, device, interface and place:
  OVMF,2022.11,7.2,x86_64,q35,virtio-blk x12,transitional,first of 12 root-port
device is virtio-KIND, nvme or none; interface is auto, transitional, legacy-only or modern-only. place is a bus
(pcie.0, pcie.0 slot 5, root-port, switch, pci-bridge, pcie-pci-bridge, pxb-pcie root-port, virtio-mmio modern, ccw),
"last of N root-port" with one such device in each port, or "20 disks, bootable: #20, bootindex: good, strict=on".

The output has two more columns: result and reason. result is boots, seen (the firmware drives the device, but starts
nothing from it), not-found, or refused when QEMU does not start. For a domain: virtkit check guest.xml
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "firmware",
        help="which devices a firmware boots from, for a table of places",
        description="Add what the firmware does with a device, and the reason, to each row of a table.",
        epilog=_EPILOG,
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Completes every row; returns 1 when one cannot be understood."""
    from virtkit.boot.firmware_keys import KEY, key_result

    def answer(row: Mapping[str, str]) -> tuple[str, str]:
        found = key_result(row)
        return found.result, found.reason

    return complete(args, KEY, ("result", "reason"), answer)
