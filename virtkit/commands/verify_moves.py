"""``virtkit verify moves``: what moves between two running libvirts, compared with the prediction."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from virtkit.commands.findings import Findings, add_format
from virtkit.commands.given import INPUTS, add_reader_options, given_sources, reader_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.inputs import Source

__all__ = ["add", "run"]

_EPILOG = """\
examples:
  virtkit verify moves domains/ --before qemu:///system --after qemu+ssh://root@newer/system
  virtkit verify moves --random 300 --before qemu+ssh://root@debian12/system --after qemu+ssh://root@debian13/system

Both libvirts define each domain for a moment and write what they store. The devices whose address, interface or
presence differs between the two answers are compared with those of "virtkit moves --libvirt BEFORE:AFTER". Nothing is
started. A random domain that one of them refuses counts as refused, and --random draws on until N are compared. The
exit code is 1 when a prediction differs.
"""
_MOST_DRAWN = 20  # random domains drawn for each one that is compared


def add(verbs: Any) -> None:
    """Add the verb to ``virtkit verify``."""
    words = "define each domain at two libvirtds and compare what moves from one to the other"
    verb = verbs.add_parser(
        "moves", help=words, description=f"{words[0].upper()}{words[1:]}.", epilog=_EPILOG
    )
    verb.add_argument("inputs", nargs="*", metavar="IN", help=INPUTS)
    verb.add_argument("--before", dest="older", required=True, metavar="URI", help="the libvirt before the upgrade")
    verb.add_argument("--after", dest="newer", required=True, metavar="URI", help="the libvirt after it")
    verb.add_argument("--random", type=int, default=0, metavar="N", help="also N random domains that both accept")
    verb.add_argument("--seed", type=int, default=0, help="seed of the random domains (default: 0)")
    verb.add_argument("--platform", help="only random domains of this platform (pc, q35, virt, pseries, ...)")
    add_reader_options(verb)
    add_format(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare. Returns 1 when a prediction differs or an input cannot be read."""
    from virtkit.errors import InputError
    from virtkit.releases import dotted
    from virtkit.verify.libvirt import connect
    from virtkit.verify.upgrades import Libvirts
    from virtkit.wording import counted

    findings = Findings(args.format)
    compared = differing = moved = refused = unread = failed = drawn = 0
    with connect(args.older) as before, connect(args.newer) as after:
        both = Libvirts(before, after)
        for source, random in _inputs(args, before.host.libvirt):
            if random and drawn == args.random:
                break
            try:
                outcome = both.ask(source.read(), source.label)
            except InputError as error:
                failed += 1
                print(error, file=sys.stderr)
                continue
            if outcome.differences:
                differing += 1
                findings.add(source.label, outcome.differences)
            if outcome.unread:
                unread += 1
                findings.say(f"{source.label}: not compared, libvirt refuses what it wrote itself: {outcome.unread}")
            elif outcome.observed is None:
                refused += 1
            else:
                compared += 1
                drawn += random
                moved += len(outcome.observed)
        releases = f"{dotted(before.host.libvirt)} to {dotted(after.host.libvirt)}"
    findings.end(
        f"libvirt {releases}: {counted(compared, 'domain')} with {counted(moved, 'change')} compared, {differing} not "
        f"as predicted; {counted(refused, 'domain')} refused, {counted(unread, 'domain')} not read back",
        f"libvirt {releases}",
        {"compared": compared, "changes": moved, "differing": differing, "refused": refused, "unread": unread},
    )
    return 1 if differing or failed else 0


def _inputs(args: argparse.Namespace, release: tuple[int, int]) -> Iterator[tuple[Source, bool]]:
    """The named inputs, then random domains; each with whether it is a random one. Raises UsageError."""
    from virtkit.errors import UsageError
    from virtkit.inputs import InMemory, with_domain_xml
    from virtkit.verify.generate import domains
    from virtkit.verify.platforms import PLATFORMS

    if not args.inputs and not args.connect and not args.random:
        raise UsageError("expected inputs, or --random N")
    if args.platform and args.platform not in PLATFORMS:
        raise UsageError(f"--platform: expected one of {', '.join(PLATFORMS)}, got {args.platform!r}")
    if args.inputs or args.connect:
        yield from ((source, False) for source in with_domain_xml(given_sources(args), reader_options(args)))
    for name, text in domains(args.random * _MOST_DRAWN, args.seed, release, args.platform):
        yield InMemory(name, None, name, data=text.encode()), True
