"""``virtkit domcaps``: the device models in libvirt's domain capabilities, or a comparison of two reports."""

from __future__ import annotations

import argparse
import json
import logging
from typing import Any

from virtkit.commands.options import add_host_options, chosen_host

log = logging.getLogger("virtkit")

_EPILOG = """\
examples:
  virtkit domcaps --arch x86_64 --machine q35
  virtkit domcaps --libvirt 9.0 --arch s390x --format table
  virsh domcapabilities > mine.xml; virtkit domcaps --compare mine.xml
  virtkit domcaps --compare bhyve.xml libxl.xml

--compare with one file compares that file with virtkit's report for the same architecture and machine type; with two
files, of any hypervisor driver, it compares them with each other. The exit code is 1 when they differ.
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "domcaps",
        help="the device models in libvirt's domain capabilities",
        description="Write the domain capabilities of an architecture and machine type, devices only.",
        epilog=_EPILOG,
    )
    parser.add_argument("--arch", default="x86_64", help="libvirt's or QEMU's name (default: x86_64)")
    parser.add_argument("--machine", help="machine type or alias (default: the emulator's default)")
    add_host_options(parser, domains=False)
    parser.add_argument("--format", choices=("xml", "table", "json"), default="xml", help="format of the result")
    parser.add_argument("--compare", nargs="+", metavar="FILE", help="compare reports instead of writing one")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file (default: standard output)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the report, or the differences; returns 1 when there are any."""
    from virtkit.commands import tables
    from virtkit.host.domcaps_report import report

    if args.compare:
        text, status = _compare(args)
    else:
        found = report(chosen_host(args), args.arch, args.machine)
        for entry in found.unknown:
            log.warning("%s does not report %s", args.qemu, entry)
        status = 0
        if args.format == "xml":
            text = found.xml()
        elif args.format == "json":
            names = ("device", "enumeration", "values")
            rows = [dict(zip(names, row, strict=True)) for row in found.rows()]
            head = {"domain": found.domain, "arch": found.arch, "machine": found.machine}
            text = json.dumps(head | {"devices": rows}, indent=1) + "\n"
        else:
            text = f"{found.domain} {found.arch} {found.machine}\n"
            text += tables.fitted(("device", "enumeration", "values"), list(found.rows()), args.output)
    tables.write(text, args.output)
    return status


def _compare(args: argparse.Namespace) -> tuple[str, int]:
    from pathlib import Path

    from virtkit.errors import UsageError
    from virtkit.host import domcaps
    from virtkit.host.domcaps_report import report
    from virtkit.host.xml import load

    if len(args.compare) > 2:
        raise UsageError(f"--compare: expected one or two files, got {len(args.compare)}")
    reports = [domcaps.read(load(Path(name)), name) for name in args.compare]
    if len(reports) == 1:
        theirs = reports[0]
        # Machine types of other drivers are not QEMU's: libxl has xenfv.
        named = theirs.machine if theirs.domain in ("qemu", "kvm") else None
        ours = report(chosen_host(args), theirs.arch, args.machine or named)
        reports, names = [ours, theirs], [f"virtkit, {ours.arch} {ours.machine}", args.compare[0]]
    else:
        names = list(args.compare)
    lines = domcaps.differences(*reports)
    if args.format == "json":
        found = {"first": names[0], "second": names[1], "differences": [str(line) for line in lines]}
        return json.dumps(found, indent=1) + "\n", 1 if lines else 0
    if not lines:
        return f"no difference between {names[0]} and {names[1]}\n", 0
    head = f"first: {names[0]} ({reports[0].domain})\nsecond: {names[1]} ({reports[1].domain})\n"
    return head + "".join(f"{line}\n" for line in lines), 1
