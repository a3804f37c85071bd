"""``virtkit verify command-line``: QEMU command lines started paused, and compared with what virtkit makes of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from virtkit.commands.findings import Findings, add_format

if TYPE_CHECKING:
    from virtkit.verify.started import CommandLineOutcome

__all__ = ["add", "run"]

_ARCHES = ("x86_64", "aarch64", "riscv64", "ppc64")

_EPILOG = """\
examples:
  virtkit verify command-line --random 200
  virtkit verify command-line --random 200 --qemu /opt/qemu/bin/qemu-system-x86_64 --seed 3
  virtkit verify command-line start-guest.sh

Each command line is started paused (-S), so no guest code runs, and its PCI devices are read from QEMU's device tree.
A command line of a file is started as it is written, with its drives and networks. A line that QEMU refuses does not
count as a difference; whether virtkit says so, too, is counted. The exit code is 1 when a place or an interface
differs.
"""


def add(verbs: Any) -> None:
    """Add the verb to ``virtkit verify``."""
    words = "start QEMU command lines paused and compare the place and virtio interface of every PCI device"
    verb = verbs.add_parser(
        "command-line",
        help=words,
        description=f"{words[0].upper()}{words[1:]}.",
        epilog=_EPILOG,
    )
    verb.add_argument("inputs", nargs="*", metavar="IN", help="files with a QEMU command line")
    verb.add_argument("--random", type=int, default=0, metavar="N", help="also N random command lines")
    verb.add_argument("--seed", type=int, default=0, help="seed of the random command lines (default: 0)")
    arch = "architecture of the random ones (default: x86_64)"
    verb.add_argument("--arch", default="x86_64", choices=_ARCHES, help=arch)
    verb.add_argument("--qemu", metavar="BINARY", help="QEMU program (default: qemu-system-ARCH on PATH)")
    verb.add_argument("--refused", action="store_true", help="also list the lines that QEMU refuses")
    verb.add_argument("--limit", type=float, default=30.0, metavar="SECONDS", help="limit for each QEMU (default: 30)")
    add_format(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare. Returns 1 when a place or an interface differs, or a line cannot be read."""
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.releases import dotted
    from virtkit.verify.started import compare_command_line, release_of
    from virtkit.wording import counted

    if not args.inputs and not args.random:
        raise UsageError("expected inputs, or --random N")
    binary = args.qemu or f"qemu-system-{args.arch}"
    release = release_of(binary, args.limit)
    findings = Findings(args.format)
    asked = devices = differing = failed = refused = expected = 0
    for name, text in _lines(args, release):
        try:
            outcome = compare_command_line(text, binary, args.limit)
        except VirtkitError as error:
            failed += 1
            print(f"{name}: {error}\n  {text}", file=sys.stderr)
            continue
        if outcome.unstarted:
            refused += 1
            expected += outcome.refusal_expected
            if args.refused:
                said = "as virtkit says" if outcome.refusal_expected else "virtkit does not say so"
                findings.say(f"{name}: QEMU refuses it ({said}): {outcome.unstarted}")
            continue
        asked += 1
        devices += outcome.devices
        if not outcome.agrees:
            differing += 1
            findings.add(f"{name}: {text}", _differences(outcome))
    numbers = {"compared": asked, "devices": devices, "differing": differing, "refused": refused, "not_read": failed}
    findings.end(
        f"QEMU {dotted(release)}: {counted(asked, 'command line')} with {counted(devices, 'PCI device')} compared, "
        f"{differing} not as predicted; {counted(refused, 'command line')} refused by QEMU, {expected} of them as "
        f"virtkit says; {failed} not read",
        f"QEMU {dotted(release)}",
        numbers,
    )
    return 1 if differing or failed else 0


def _lines(args: argparse.Namespace, release: tuple[int, int]) -> Iterator[tuple[str, str]]:
    from virtkit.verify.command_lines import command_lines
    from virtkit.verify.started import command_line_of

    for path in args.inputs:
        yield path, command_line_of(path)
    yield from command_lines(args.random, args.seed, release, args.arch)


def _differences(outcome: CommandLineOutcome) -> list[str]:
    sides = (("only QEMU", outcome.missing), ("only virtkit", outcome.extra))
    return [f"{title}: {place}" for title, places in sides for place in places]
