"""``virtkit verify boot``: which devices a real Linux guest drives, compared with the predictions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from virtkit.commands.extras import require
from virtkit.commands.findings import Findings, add_format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["add", "run"]

_EPILOG = """\
The guest is a Debian kernel with a small RAM disk; neither KVM nor root is needed. To get the kernel and busybox:

  apt-get download linux-image-6.1.0-*-amd64 busybox-static
  for package in *.deb; do dpkg-deb -x $package unpacked; done
  virtkit verify boot --root unpacked

Three more parts, each of which replaces the table of drivers:
  virtkit verify boot --root unpacked --firmware 30   which disk the firmware starts, on random machines
  virtkit verify boot --root unpacked --firmware 30 --u-boot   the same with U-Boot instead of SeaBIOS and OVMF
  virtkit verify boot --root unpacked --names 30      the names of NICs, on random machines
  virtkit verify boot --root unpacked --plug          whether the guest sees a device that is plugged in

--firmware needs Debian's ovmf (or u-boot-qemu) besides QEMU; its disks hold tiny images made here. --names needs
Debian's udev. Each writes its observations with -o; --seed chooses the machines.

The exit code is 1 when the guest drives a device that it was not predicted to drive, or the reverse; with the three
parts, when a prediction differs.
"""


def add(verbs: Any) -> None:
    """Adds the verb to ``virtkit verify``."""
    verb = verbs.add_parser(
        "boot",
        help="boot Linux with legacy, modern and both virtio drivers",
        description="Boot a real guest on each machine type, with a NIC, disk and rng of every model in every place.",
        epilog=_EPILOG,
    )
    verb.add_argument("--root", default="/", metavar="DIR", help="folder with kernel, modules and busybox (default: /)")
    verb.add_argument("--machines", default="pc,q35", metavar="SEL", help="machine types (default: pc,q35)")
    verb.add_argument("--guests", default="legacy,modern,both", metavar="SEL", help="guest drivers (default: all)")
    verb.add_argument("--qemu", default="qemu-system-x86_64", metavar="BINARY", help="QEMU program")
    limit = "limit for each boot (default: 240)"
    verb.add_argument("--limit", type=float, default=240.0, metavar="SECONDS", help=limit)
    parts = verb.add_mutually_exclusive_group()
    parts.add_argument("--firmware", type=int, metavar="N", help="boot N random machines from tiny images")
    verb.add_argument("--u-boot", action="store_true", help="with --firmware, boot the machines with U-Boot")
    parts.add_argument("--names", type=int, metavar="N", help="compare the names of NICs on N random machines")
    parts.add_argument("--plug", action="store_true", help="plug devices into a booted guest")
    verb.add_argument("--seed", type=int, default=0, help="seed of the random machines (default: 0)")
    verb.add_argument("-o", "--output", metavar="FILE", help="write the observations as CSV")
    add_format(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Boots every guest on every machine type. Raises VerifyError when one does not boot, and UsageError."""
    from pathlib import Path

    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.host.probe import probe
    from virtkit.verify import boot
    from virtkit.wording import counted, listed

    if args.firmware is not None or args.names is not None or args.plug or args.u_boot:
        return _part(args)
    require("qemu")
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
    findings = Findings(args.format)
    for one in wrong:
        expected, interface = boot.predicted(one, emulator.release)
        line = f"observed {one.interface or 'not driven'}, predicted {interface if expected else 'not driven'}"
        findings.add(f"{one.machine} {one.location} {one.kind} {one.model}, {one.guest} drivers", [line])
    numbers = {"observed": len(seen), "differing": len(wrong)}
    findings.end(f"{counted(len(seen), 'device')} observed, {len(wrong)} not as predicted", emulator.source, numbers)
    return 1 if wrong else 0


def _part(args: argparse.Namespace) -> int:
    """Runs one of the three parts. Raises VerifyError when a machine does not boot, and UsageError."""
    from pathlib import Path

    from virtkit.commands import tables
    from virtkit.errors import UsageError
    from virtkit.host.probe import probe
    from virtkit.wording import counted

    count = args.firmware or args.names or 1
    if args.u_boot and args.firmware is None:
        raise UsageError("--u-boot goes with --firmware")
    if count < 1 or args.limit <= 0 or 0 in (args.firmware, args.names):
        raise UsageError("expected at least one machine and a limit above 0 seconds")
    emulator = probe(args.qemu, 60.0, False)
    findings = Findings(args.format)
    lines, wrong, table = [], 0, ""
    source = f"{emulator.source}"
    for line, differs, found in _answers(args, Path(args.root), count, emulator.release, source):
        tables.say(line)
        lines.append(line)
        table = found
        wrong += differs
    if args.output:
        tables.emit(table, args.output)
    numbers = {"booted": len(lines), "differing": wrong}
    findings.end(f"{counted(len(lines), 'machine')} booted, {wrong} not as predicted", source, numbers)
    return 1 if wrong else 0


def _answers(
    args: argparse.Namespace, root: Path, count: int, release: tuple[int, int], source: str
) -> Iterator[tuple[str, bool, str]]:
    """For each machine a line, whether the prediction differs, and the table of all observations so far."""
    from virtkit.host import Host
    from virtkit.releases import dotted
    from virtkit.verify import boot, boot_firmware, boot_names, boot_plug

    host = Host.named(dotted(release))
    if args.firmware is not None:
        starts = []
        named = "U-Boot" if args.u_boot else ""
        for start in boot_firmware.starts(count, args.seed, root, args.qemu, host, args.limit, named):
            starts.append(start)
            seen = start.observed or "no disk"
            due = start.boot_disk or "none"
            line = f"{start.resolved.name}, {start.firmware}: {due} is to start, {seen} starts"
            yield line, start.differs, boot_firmware.evidence(starts, source)
    elif args.names is not None:
        names: list[boot_names.NamesSeen] = []
        for resolved, found in boot_names.looks(count, args.seed, root, args.qemu, host, args.limit):
            names += found
            differ = [f"{one.device} {one.scheme} {one.predicted} {one.observed}" for one in found if one.differs]
            line = f"{resolved.name}, {resolved.machine}: {len(found)} compared {'; '.join(differ)}".rstrip()
            yield line, bool(differ), boot_names.evidence(names, source)
    else:
        plugs = []
        for plugged in boot_plug.plug(boot.find_kernel(root), qemu=args.qemu, limit=args.limit):
            plugs.append(plugged)
            done = "seen" if plugged.bound is None else "seen and driven"
            done = "not seen" if plugged.seen is None else done
            line = f"{plugged.plug.machine}, {plugged.plug.place}: {done}"
            yield line, plugged.differs, boot_plug.evidence(plugs, source)
