"""``virtkit verify``: predictions compared with a running QEMU or a running libvirtd."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from virtkit.commands import boot, command_line, plug, verify_moves
from virtkit.commands.findings import Findings, add_format
from virtkit.commands.given import INPUTS, add_reader_options, given_sources, reader_options
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.inputs import Source

_EPILOG = """\
examples:
  virtkit verify libvirt guest.xml
  virtkit verify libvirt --random 500 --seed 3 -o /tmp/differences
  virtkit verify qemu guest.xml --qemu /usr/bin/qemu-system-x86_64
  virtkit verify qemu --random 20 --platform q35
  virtkit verify boot --root /tmp/unpacked --machines pc,q35

The exit code is 1 when a prediction differs. With -o DIR each input that differs is kept there, as NAME.in.xml,
NAME.predicted.xml, NAME.observed.xml and NAME.diff.
"""


def register(subparsers: Any) -> None:
    """Adds the command to the parser of ``virtkit``."""
    parser = subparsers.add_parser(
        "verify",
        help="compare predictions with a real QEMU or libvirtd",
        description="Compare predictions with a real QEMU, libvirtd or guest, and list the differences.",
        epilog=_EPILOG,
    )
    verbs = parser.add_subparsers(dest="peer", required=True, metavar="qemu|libvirt|hotplug|boot|command-line|moves")
    for peer, text in (
        ("qemu", "start the QEMU of each domain paused, with stub back ends, and read its devices over QMP"),
        ("libvirt", "define each domain temporarily on a libvirtd and read what it stores"),
    ):
        verb = verbs.add_parser(peer, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=_EPILOG)
        verb.add_argument("inputs", nargs="*", metavar="IN", help=INPUTS)
        verb.add_argument("--random", type=int, default=0, metavar="N", help="also N random domains")
        verb.add_argument("--seed", type=int, default=0, help="seed of the random domains (default: 0)")
        verb.add_argument("--platform", help="only random domains of this platform (pc, q35, virt, pseries, ...)")
        largest = "at most N devices in each (default: 40)"
        verb.add_argument("--largest", type=int, default=40, metavar="N", help=largest)
        verb.add_argument("-o", "--output", metavar="DIR", help="keep the inputs that differ here, with both results")
        add_format(verb)
        add_reader_options(verb)
        verb.add_argument("-n", type=int, default=0, metavar="N", help="stop after N inputs that differ")
        if peer == "libvirt":
            verb.add_argument("--uri", help="libvirt URI (default: libvirt's own choice)")
            verb.add_argument("--order", action="store_true", help="compare the order of controllers too")
            verb.add_argument("--refusals", action="store_true", help="also list the messages where both refuse")
            verb.set_defaults(run=run_libvirt)
        else:
            verb.add_argument("--qemu", metavar="BINARY|DIR", help="QEMU program, or the folder with qemu-system-ARCH")
            verb.add_argument("--skipped", action="store_true", help="list the devices that were not compared")
            limit = "limit for each QEMU (default: 30)"
            verb.add_argument("--limit", type=float, default=30.0, metavar="SECONDS", help=limit)
            verb.set_defaults(run=run_qemu)
    plug.add(verbs)
    boot.add(verbs)
    command_line.add(verbs)
    verify_moves.add(verbs)


def run_libvirt(args: argparse.Namespace) -> int:
    """Compares with libvirtd; returns 1 when a prediction differs or an input cannot be read."""
    import sys

    from virtkit.errors import InputError
    from virtkit.releases import dotted
    from virtkit.verify.libvirt import connect

    asked = differing = unreadable = 0
    refused = 0
    findings = Findings(args.format)
    with connect(args.uri, order=args.order) as peer:
        for source, _ in _inputs(args, peer.host.libvirt):
            name = source.label
            try:
                data = source.read()
                outcome = peer.ask(data, name)
            except InputError as error:
                unreadable += 1
                print(error, file=sys.stderr)
                continue
            asked += 1
            refused += outcome.observed is None
            if args.refusals and outcome.observed is None and outcome.predicted is None:
                refusals = f"  predicted: {outcome.our_refusal}\n  observed:  {outcome.its_refusal}"
                findings.say(f"{name}: both refuse\n{refusals}")
            if outcome.agrees:
                continue
            differing += 1
            lines = [str(difference) for difference in outcome.differences]
            findings.add(name, lines)
            _keep(args.output, name, data, outcome.predicted, outcome.observed, lines)
            if args.n and differing >= args.n:
                break
        release = dotted(peer.host.libvirt)
    counts = f"{counted(asked, 'domain')} compared ({refused} refused by libvirt), {differing} not as predicted"
    numbers = {"compared": asked, "differing": differing, "refused": refused, "unreadable": unreadable}
    findings.end(f"libvirt {release}: {counts}", f"libvirt {release}", numbers)
    return 1 if differing or unreadable else 0


def run_qemu(args: argparse.Namespace) -> int:
    """Compares with QEMU; returns 1 when a prediction differs, or a domain cannot be compared."""
    import sys

    from virtkit.errors import Refused, VirtkitError
    from virtkit.verify.qemu import Qemu

    peer = Qemu(args.qemu, args.limit)
    findings = Findings(args.format)
    asked = differing = failed = devices = refused = skipped = unstarted = 0
    for source, drawn in _inputs(args, peer.libvirt):
        name = source.label
        try:
            data = source.read()
            outcome = peer.ask(data, name)
        except Refused as error:
            # Some random domains are invalid on purpose; libvirt would never start them.
            refused += 1
            failed += not drawn
            if not drawn:
                print(f"{name}: {error}", file=sys.stderr)
            continue
        except VirtkitError as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr)
            continue
        if outcome.unstarted:
            unstarted += 1
            failed += not drawn
            print(f"{name}: QEMU does not start it: {outcome.unstarted}", file=sys.stderr)
            continue
        asked += 1
        devices += outcome.devices
        skipped += len(outcome.skipped)
        if args.skipped:
            for line in outcome.skipped:
                findings.say(f"{name}: not compared: {line}")
        if not outcome.differences:
            continue
        differing += 1
        lines = [str(difference) for difference in outcome.differences]
        findings.add(name, lines)
        _keep(args.output, name, data, None, None, lines)
        if args.n and differing >= args.n:
            break
    findings.end(
        f"{peer.title}: {counted(asked, 'domain')} and {counted(devices, 'device')} compared, "
        f"{counted(differing, 'domain')} not as predicted; not compared: {counted(skipped, 'device')} without a stub, "
        f"{counted(refused, 'domain')} that libvirt refuses, {counted(unstarted, 'domain')} that QEMU does not start",
        peer.title,
        {"compared": asked, "devices": devices, "differing": differing, "skipped_devices": skipped}
        | {"refused": refused, "not_started": unstarted},
    )
    return 1 if differing or failed else 0


def _inputs(args: argparse.Namespace, release: tuple[int, int]) -> Iterator[tuple[Source, bool]]:
    """The named inputs, then the random domains; each with whether it is a random one. Raises UsageError."""
    from virtkit.errors import UsageError
    from virtkit.inputs import InMemory, with_domain_xml
    from virtkit.verify.generate import domains
    from virtkit.verify.platforms import PLATFORMS

    given = args.inputs or args.connect
    if not given and not args.random:
        raise UsageError("expected inputs, or --random N")
    if args.platform and args.platform not in PLATFORMS:
        raise UsageError(f"--platform: expected one of {', '.join(PLATFORMS)}, got {args.platform!r}")
    if given:
        yield from ((source, False) for source in with_domain_xml(given_sources(args), reader_options(args)))
    for name, text in domains(args.random, args.seed, release, args.platform, args.largest):
        yield InMemory(name, None, name, data=text.encode()), True


def _keep(
    folder: str | None, name: str, data: bytes, predicted: str | None, observed: str | None, lines: list[str]
) -> None:
    from pathlib import Path

    from virtkit.outputs import write_bytes, write_text

    if folder is None:
        return
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    stem = Path(name).name.removesuffix(".xml").removesuffix(".in")
    write_bytes(place / f"{stem}.in.xml", data)
    write_text(place / f"{stem}.diff", "".join(f"{line}\n" for line in lines))
    for kind, text in (("predicted", predicted), ("observed", observed)):
        if text is not None:
            write_text(place / f"{stem}.{kind}.xml", text)
