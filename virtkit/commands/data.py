"""``virtkit data``: list the known hosts, or rebuild the shipped facts from a QEMU and an osinfo-db here."""

from __future__ import annotations

import argparse
import logging
from typing import Any

_EPILOG = """\
examples:
  virtkit data refresh --qemu /usr/bin/qemu-system-x86_64
  virtkit data refresh --qemu /usr/bin/qemu-system-x86_64 --qemu /usr/bin/qemu-system-aarch64 --roots -o /tmp/facts
  virtkit data refresh --osinfo /usr/share/osinfo
  virtkit data refresh --kernel linux-image-6.1.0-custom.deb --kernel-name debian12:custom
  virtkit data refresh --kernel /boot/config-6.1.0-custom --kernel-name debian12:custom

Each QEMU is started without a guest and queried over QMP (package qemu.qmp). Its facts are written to
DIR/qemu/RELEASE/ARCH.json, those of the guest OS database to DIR/guests. The shipped facts come from a QEMU with all
its modules; modules that are not installed here are listed.
"""


log = logging.getLogger("virtkit")


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "data",
        help="list the known hosts, or rebuild the shipped facts",
        description="List the hosts that --host names, or rebuild the shipped facts.",
        epilog="examples:\n  virtkit data hosts\n  virtkit data refresh --osinfo /usr/share/osinfo",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    refresh = verbs.add_parser(
        "refresh",
        help="rebuild facts from programs and databases of this machine",
        description="Rebuild the facts in data/ from a QEMU and an osinfo-db on this machine.",
        epilog=_EPILOG,
    )
    refresh.add_argument("--qemu", action="append", default=[], metavar="BINARY", help="query this QEMU (repeatable)")
    refresh.add_argument("--roots", action="store_true", help="start each machine type to find its root bus")
    refresh.add_argument("--osinfo", metavar="DIR|TARBALL", help="read this guest OS database")
    refresh.add_argument(
        "--kernel", metavar="FILE|DIR", help="read this kernel: a Debian package, packed or not, or a configuration"
    )
    refresh.add_argument("--kernel-name", metavar="GUEST:FLAVOUR", help="its name, such as debian12:mine")
    limit = "limit for each QEMU (default: 60)"
    refresh.add_argument("--limit", type=float, default=60.0, metavar="SECONDS", help=limit)
    refresh.add_argument("-o", "--output", metavar="DIR", help="folder of facts (default: the one in use)")
    refresh.set_defaults(run=run)
    hosts = verbs.add_parser(
        "hosts",
        help="the hosts that --host names",
        description="List the distributions that --host names: their releases of libvirt and QEMU, and the QEMU whose "
        "facts are used.",
        epilog="Example: virtkit data hosts --format csv",
    )
    hosts.add_argument("--format", choices=("table", "csv", "json"), default="table", help="format of the result")
    hosts.set_defaults(run=_hosts)


def _hosts(args: argparse.Namespace) -> int:
    """Writes the table of named hosts."""
    from virtkit.commands import tables
    from virtkit.host import shipped
    from virtkit.host.distribution import distributions
    from virtkit.releases import dotted, nearest

    rows = [
        (one.name, dotted(one.libvirt), dotted(one.qemu), dotted(nearest(one.qemu, shipped.releases())), one.source)
        for one in distributions().values()
    ]
    tables.show(("host", "libvirt", "qemu", "facts of qemu", "source"), rows, args.format)
    return 0


def run(args: argparse.Namespace) -> int:
    """Rebuilds the facts that are named; returns 1 when a QEMU could not be queried (the others still are)."""
    import os
    from pathlib import Path

    from virtkit import facts
    from virtkit.errors import UsageError, VerifyError
    from virtkit.host import shipped
    from virtkit.host.modules import not_installed
    from virtkit.host.probe import probe
    from virtkit.outputs import write_text
    from virtkit.wording import counted

    if not args.qemu and not args.osinfo and not args.kernel:
        raise UsageError("expected --qemu BINARY, --osinfo DIR or --kernel FILE")
    if bool(args.kernel) != bool(args.kernel_name):
        raise UsageError("--kernel and --kernel-name go together")
    base = Path(args.output) if args.output else facts.root()
    if not args.output and not os.access(base, os.W_OK):
        raise UsageError(f"{base}: the facts in use cannot be written here; name a folder for new ones with -o DIR")
    failed = 0
    for binary in args.qemu:
        try:
            found = probe(binary, args.limit, args.roots)
        except VerifyError as error:
            failed += 1
            log.error("%s", error)
            continue
        known = shipped.load(found.release, found.arch)
        for module in not_installed(found, known) if known else ():
            log.warning("%s: not installed, so that the facts lack it: %s", binary, module)
        if found.unasked:
            types = " ".join(sorted(found.unasked))
            log.warning("%s: QEMU aborts on the properties of %s; the facts lack them", binary, types)
        place = base / "qemu" / f"{found.release[0]}.{found.release[1]}" / f"{found.arch}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, shipped.dump(found))
        counts = f"{counted(len(found.names), 'machine type')}, {counted(len(found.devices), 'device type')}"
        print(f"{place}: {counts}; {found.source}")
    if args.osinfo:
        from virtkit.guests.shipped import refresh

        print(refresh(args.osinfo, base / "guests"))
    if args.kernel:
        from virtkit.guests import catalogue
        from virtkit.guests.flavours import split
        from virtkit.guests.kernel_files import read_kernel
        from virtkit.guests.kernel_tables import add_kernel

        catalogue().find(split(args.kernel_name)[0])
        kernel = read_kernel(Path(args.kernel))
        for name in add_kernel(base, args.kernel_name, kernel, Path(args.kernel).name):
            print(f"{base / name}: {args.kernel_name}, {counted(len(kernel.options), 'option')}")
    return 1 if failed else 0
