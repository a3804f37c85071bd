"""``virtkit verify boot``: which devices a real Linux guest drives, held against the rules."""

from __future__ import annotations

import argparse
from typing import Any

__all__ = ["add", "run"]

_EPILOG = """\
The guest is Debian's own kernel with a RAM disk made on the spot; no KVM and no root are needed. Get both with

  apt-get download linux-image-6.1.0-*-amd64 busybox-static
  for package in *.deb; do dpkg-deb -x $package unpacked; done
  virtkit verify boot --root unpacked

The exit code is 1 when the guest drives a device otherwise than the rules say.
"""


def add(verbs: Any) -> None:
    """Adds the verb to ``virtkit verify``."""
    verb = verbs.add_parser(
        "boot",
        help="boot Linux with the legacy, the modern and both halves of its virtio driver, and see what it drives",
        description="Boots a real guest on each machine, with a NIC, a disk and a rng of every model in every place.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verb.add_argument("--root", default="/", metavar="DIR", help="where kernel, modules and busybox are (default: /)")
    verb.add_argument("--machines", default="pc,q35", metavar="SEL", help="machine types (default: pc,q35)")
    verb.add_argument("--guests", default="legacy,modern,both", metavar="SEL", help="driver halves (default: all)")
    verb.add_argument("--qemu", default="qemu-system-x86_64", metavar="BINARY")
    verb.add_argument("--limit", type=float, default=240.0, metavar="SECONDS", help="for each boot (default 240)")
    verb.add_argument("-o", "--output", metavar="FILE", help="write what was seen as CSV")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Boots every guest on every machine; raises VerifyError when one does not come up, UsageError."""
    from pathlib import Path

    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.host.probe import probe
    from virtkit.verify import boot

    guests, machines = (text.replace(",", " ").split() for text in (args.guests, args.machines))
    if not guests or not machines or args.limit <= 0:
        raise UsageError("nothing to boot: name a guest, a machine type and a limit above 0 seconds")
    for guest in guests:
        if guest not in boot.GUESTS:
            raise UsageError(f"no guest {guest!r}; known: {', '.join(boot.GUESTS)}")
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
            tables.say(f"{machine}, {guest} drivers: {sum(o.driven for o in found)} of {len(found)} devices driven")
            seen += found
            wrong += differ
    if args.output:
        tables.emit(boot.evidence(seen, f"{emulator.source}; Linux {kernel.release}"), args.output)
    for one in wrong:
        driven, interface = boot.predicted(one, emulator.release)
        print(
            f"{one.machine} {one.location} {one.kind} {one.model}, {one.guest} drivers: "
            f"seen {one.interface or 'not driven'}, predicted {interface if driven else 'not driven'}"
        )
    print(f"{len(seen)} devices seen, {len(wrong)} otherwise than predicted")
    return 1 if wrong else 0
