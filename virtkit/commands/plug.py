"""``virtkit verify hotplug``: hot plug steps run on a live libvirtd, compared with the predictions."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit.commands.findings import Findings, add_format
from virtkit.commands.given import add_reader_options, given_domain
from virtkit.outputs import write_text

if TYPE_CHECKING:
    from virtkit.verify.hotplug import Asked
    from virtkit.verify.plug_scenarios import Scenario

__all__ = ["add", "run"]

_EPILOG = """\
examples:
  virtkit verify hotplug guest.xml --steps steps.json --uri qemu:///system
  virtkit verify hotplug --random 200 --seed 3

Each domain is defined under a generated name, started paused (type qemu: no guest code runs), and destroyed and
undefined at the end. The files of its disks are replaced by empty images. The steps end with the first that differs.
The exit code is 1 when a prediction differs or a named domain does not start.
"""


def add(verbs: Any) -> None:
    """Add the verb to ``virtkit verify``."""
    words = "attach and detach devices at a libvirtd and list where the predictions differ"
    verb = verbs.add_parser(
        "hotplug", help=words, description=f"{words[0].upper()}{words[1:]}.", epilog=_EPILOG
    )
    verb.add_argument("input", nargs="?", metavar="DOMAIN", help="a file, or - for standard input; needs --steps")
    add_reader_options(verb, one=True)
    verb.add_argument("--steps", metavar="FILE.json", help='what to do to it: a list of {"do", "to", "xml"}')
    verb.add_argument("--random", type=int, default=0, metavar="N", help="also N random domains with random steps")
    verb.add_argument("--seed", type=int, default=0, help="seed of the random domains and steps (default: 0)")
    verb.add_argument("--machine", metavar="M", help="random domains of this machine only (q35, pc, virt, ...)")
    verb.add_argument("--uri", help="libvirt URI (default: libvirt's own choice)")
    verb.add_argument(
        "--images",
        metavar="DIR",
        help="folder for the empty images, under a path that libvirtd has too, when it runs in a container or chroot",
    )
    verb.add_argument("-o", "--output", metavar="DIR", help="keep what differs: NAME.in.xml, .steps.json and .diff")
    add_format(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ask a libvirtd. Returns the exit code."""
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.releases import dotted
    from virtkit.verify.hotplug import ask
    from virtkit.verify.libvirt import connect
    from virtkit.wording import counted

    if args.images and not Path(args.images).is_dir():
        raise UsageError(f"--images {args.images}: expected an existing folder")
    findings = Findings(args.format)
    steps = taken = asked = differing = failed = 0
    with connect(args.uri) as peer:
        for scenario in _scenarios(args):
            try:
                found = ask(peer, scenario.xml, scenario.steps, scenario.name, args.images)
            except VirtkitError as error:
                failed += 1
                print(f"{scenario.name}: {error}", file=sys.stderr)
                continue
            asked += 1
            steps += len(found.observed)
            taken += found.taken
            lines = list(found.differences())
            if lines:
                differing += 1
                findings.add(scenario.name, lines)
                _keep(args.output, scenario, found)
        release = dotted(peer.host.libvirt)
    refused = f"{counted(steps, 'step')}, of which it refused {steps - taken:,}"
    numbers = {"asked": asked, "steps": steps, "refused": steps - taken, "differing": differing, "not_started": failed}
    findings.end(
        f"libvirt {release}: {counted(asked, 'domain')} asked ({refused}), "
        f"{counted(differing, 'domain differs', 'domains differ')}; {failed} not started",
        f"libvirt {release}",
        numbers,
    )
    return 1 if differing or failed else 0


def _scenarios(args: argparse.Namespace) -> Iterator[Scenario]:
    """The named domain with its steps, then the random ones. Raises UsageError."""
    from virtkit.commands.attach import steps_of
    from virtkit.errors import UsageError
    from virtkit.verify.plug_scenarios import MACHINES, Scenario, scenarios

    if args.machine and args.machine not in MACHINES:
        raise UsageError(f"--machine {args.machine}: expected one of {', '.join(MACHINES)}")
    given = bool(args.input or args.connect)
    if given != bool(args.steps) or not (given or args.random):
        raise UsageError("name a DOMAIN with --steps FILE.json, or --random N")
    if given:
        source, domain = given_domain(args, args.input)
        yield Scenario(source.name, domain.document.text, tuple(steps_of(args.steps)))
    yield from scenarios(args.random, args.seed, args.machine)


def _keep(folder: str | None, scenario: Scenario, found: Asked) -> None:
    """Write what differs into a folder, where one is given."""
    if folder is None:
        return
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    steps = [asdict(step) for step in scenario.steps]
    write_text(place / f"{scenario.name}.in.xml", scenario.xml)
    write_text(place / f"{scenario.name}.steps.json", json.dumps(steps, indent=1))
    lines = "".join(f"{line}\n" for line in found.differences())
    write_text(place / f"{scenario.name}.diff", lines)
