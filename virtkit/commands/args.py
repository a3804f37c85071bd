"""``virtkit args``: the QEMU arguments that libvirt would write for controllers and virtio devices."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import TYPE_CHECKING

from virtkit.commands.resolve import add_inputs, write_each

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["register"]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "args",
        help="QEMU -device arguments for PCI controllers and virtio devices",
        description="Write the QEMU -device arguments for PCI controllers and virtio devices, one a line.",
        epilog="Example: virtkit args guest.xml --legacy-syntax",
    )
    add_inputs(parser)
    parser.add_argument("--legacy-syntax", action="store_true", help="write driver,key=value instead of JSON")
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="text: one argument a line; json: a list of words"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit code."""
    from virtkit.qemu_args import text

    if args.format == "json":
        return write_each(args, lambda resolved: _json(resolved, args.legacy_syntax), "json")
    return write_each(args, lambda resolved: text(resolved, args.legacy_syntax), "args")


def _json(resolved: Resolved, legacy_syntax: bool) -> str:
    """The name of the domain and its arguments as words: "-device" and its value."""
    from virtkit.qemu_args import text

    words = [word for line in text(resolved, legacy_syntax).splitlines() for word in shlex.split(line)]
    return json.dumps({"name": resolved.name, "arguments": words}, indent=1, ensure_ascii=False) + "\n"
