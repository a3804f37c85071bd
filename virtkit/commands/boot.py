"""``virtkit verify boot``: which devices a real Linux guest drives, compared with the predictions."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add", "run"]

_EPILOG = """\
The guest is a Debian kernel with a small RAM disk; neither KVM nor root is needed. To get the kernel and busybox:

  apt-get download linux-image-6.1.0-*-amd64 busybox-static
  for package in *.deb; do dpkg-deb -x $package unpacked; done
  virtkit verify boot --root unpacked

The exit code is 1 when the guest drives a device that it was not predicted to drive, or the reverse.
"""


def add(verbs: Any) -> None:
    """Adds the verb to ``virtkit verify``."""
    verb = verbs.add_parser(
        "boot",
        help="boot Linux with legacy, modern and both virtio drivers",
        description="Boots a real guest on each machine type, with a NIC, disk and rng of every model in every place.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("--root", default="/", metavar="DIR", help="folder with kernel, modules and busybox (default: /)")
    verb.add_argument("--machines", default="pc,q35", metavar="SEL", help="machine types (default: pc,q35)")
    verb.add_argument("--guests", default="legacy,modern,both", metavar="SEL", help="guest drivers (default: all)")
    verb.add_argument("--qemu", default="qemu-system-x86_64", metavar="BINARY")
    verb.add_argument("--limit", type=float, default=240.0, metavar="SECONDS", help="for each boot (default: 240)")
    verb.add_argument("-o", "--output", metavar="FILE", help="write the observations as CSV")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Boots every guest on every machine type. Raises VerifyError when one does not boot, and UsageError."""
    from pathlib import Path

    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.host.probe import probe
    from virtkit.verify import boot
    from virtkit.wording import counted, listed

    guests, machines = (text.replace(",", " ").split() for text in (args.guests, args.machines))
    if not guests or not machines or args.limit <= 0:
        raise UsageError("expected at least one guest, one machine type and a limit above 0 seconds")
    for guest in guests:
        if guest not in boot.GUESTS:
            raise UsageError(f"--guests: expected {listed(tuple(boot.GUESTS), 'or')}, got {guest!r}")
    kernel = boot.find_kernel(Path(args.root))
    emulator = probe(args.qemu, 60.0, False)
    seen: list[boot.Seen] = []
    wrong = []
    for name in machines:
        if name not in emulator.machines:
            raise UsageError(f"{args.qemu} has no machine type {name!r}")
    for name in machines:
        machine = emulator.machines[name].name
        for guest in guests:
            found = boot.boot(kernel, machine, guest, args.qemu, args.limit)
            differ = [one for one in found if boot.predicted(one, emulator.release) != (one.driven, one.interface)]
            driven = sum(one.driven for one in found)
            tables.say(f"{machine}, {guest} drivers: {driven} of {counted(len(found), 'device')} driven")
            seen += found
            wrong += differ
    if args.output:
        tables.emit(boot.evidence(seen, f"{emulator.source}; Linux {kernel.release}"), args.output)
    for one in wrong:
        expected, interface = boot.predicted(one, emulator.release)
        print(
            f"{one.machine} {one.location} {one.kind} {one.model}, {one.guest} drivers: "
            f"observed {one.interface or 'not driven'}, predicted {interface if expected else 'not driven'}"
        )
    print(f"{counted(len(seen), 'device')} observed, {len(wrong)} not as predicted")
    return 1 if wrong else 0
