"""``virtkit args``: the QEMU arguments that libvirt would write for controllers and virtio devices."""

from __future__ import annotations

import argparse

from virtkit.commands.resolve import add_inputs, write_each

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "args",
        help="QEMU -device arguments for PCI controllers and virtio devices",
        description="Writes the QEMU -device arguments for PCI controllers and virtio devices, one a line.",
        epilog="Example: virtkit args guest.xml --legacy-syntax",
    )
    add_inputs(parser)
    parser.add_argument("--legacy-syntax", action="store_true", help="write driver,key=value in place of JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit.qemu_args import text

    return write_each(args, lambda resolved: text(resolved, args.legacy_syntax), "args")
