"""``virtkit attach`` and ``virtkit detach``: where devices go on a running domain and in its definition."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit.commands import tables
from virtkit.commands.given import INPUT, add_reader_options, given_domain
from virtkit.commands.live import live_state
from virtkit.commands.options import (
    add_database_options,
    add_host_options,
    chosen_catalogue,
    chosen_host,
    say_notes,
)

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.hotplug.session import Outcome, Session, Step
    from virtkit.inputs import Source

__all__ = ["register"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit attach guest.xml disk nic:e1000
  virtkit attach guest.xml '6*disk:virtio-transitional' --live --libvirt 9.0
  virtkit attach running.xml --inactive defined.xml device.xml -o after/
  virtkit attach guest.xml --steps steps.json --format json
  virtkit detach guest.xml "<disk><target dev='vdb'/></disk>"

A DEVICE is device XML, the name of a file that ends in .xml, or a short form FORM[:VALUE], with N* before it for
several. The default is --both, which changes the definition and the running domain, as virsh attach-device --live
--config does: it shows whether the device moves at the next start. --live alone is what virsh attach-device does to a
running domain without options. DOMAIN is taken as running and as defined, unless --inactive names the definition, or
DOMAIN comes from a libvirt connection, which has both.

exit code: 0 every step is taken, 1 a step is refused or the domain is, 2 wrong usage
"""
_MOST_STEPS = 10_000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    for verb, words in (
        ("attach", "where devices go when they are attached to a running domain, and whether they are taken"),
        ("detach", "what becomes free when devices are detached from a running domain"),
    ):
        parser = subparsers.add_parser(
            verb,
            help=words,
            description=f"{words[0].upper()}{words[1:]}. No host is contacted: the answer follows from the XML.",
            epilog=_epilog,  # type: ignore[arg-type]  # called when the help is shown
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_arguments(parser)
        parser.set_defaults(run=run, verb=verb)


def _epilog() -> str:
    from virtkit.hotplug.forms import FORMS

    width = max(map(len, FORMS))
    forms = ""
    for name, form in FORMS.items():
        value = f"; VALUE is {form.value}" if form.value else ""
        forms += f"  {name:<{width}}  {form.means}{value}\n"
    return f"{_EXAMPLE}\nshort forms:\n{forms}"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="DOMAIN", help=INPUT)
    parser.add_argument("devices", nargs="*", metavar="DEVICE", help="device XML, FILE.xml, or [N*]FORM[:VALUE]")
    side = parser.add_mutually_exclusive_group()
    for name, words in (
        ("live", "the running domain only"),
        ("config", "the definition only"),
        ("both", "the definition and the running domain (default)"),
    ):
        side.add_argument(f"--{name}", dest="to", action="store_const", const=name, default="both", help=words)
    parser.add_argument("--steps", metavar="FILE.json", help='a list of {"do", "to", "xml"}, done after the DEVICEs')
    parser.add_argument("--inactive", metavar="FILE", help="the definition (virsh dumpxml --inactive) where it differs")
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    parser.add_argument("--guest", metavar="ID", help="the guest OS, in place of the metadata of the XML")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the result")
    parser.add_argument("-o", "--output", metavar="DIR", help="write both domains here: NAME.live.xml, NAME.config.xml")
    add_reader_options(parser, one=True)
    add_host_options(parser)
    add_database_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run either command. Returns the exit code."""
    from virtkit.hotplug import report

    source, domain = given_domain(args, args.input)
    session = _session(args, domain, live_state(args, source))
    steps = _steps(args, session)
    outcomes = list(session.run(steps))
    if args.format == "json":
        tables.emit(report.as_json(outcomes), None)
    else:
        tables.emit(_text(args, session, outcomes), None)
    if args.output is not None:
        _write(Path(args.output), source.name, session)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _session(args: argparse.Namespace, domain: Domain, state: Source | None) -> Session:
    """The domain as it runs and its definition; ``state`` is that of a domain whose connection is the input."""
    from virtkit import resolve
    from virtkit.errors import UsageError
    from virtkit.hotplug.session import Session
    from virtkit.inputs import one_domain

    host = chosen_host(args)
    running = resolve(domain, host, machine=args.machine)
    say_notes(running)
    if args.inactive is None and state is not None:
        return Session(running, resolve(one_domain(state), host, machine=args.machine))
    if args.inactive is None:
        return Session(running)
    if args.inactive == args.input == "-":
        raise UsageError("--inactive -: standard input is DOMAIN already; name a file")
    _, definition = given_domain(args, args.inactive)
    return Session(resolve(definition, host, machine=args.machine), running)


def _steps(args: argparse.Namespace, session: Session) -> list[Step]:
    """The steps that the command line asks for. Raises UsageError."""
    from virtkit.errors import UsageError
    from virtkit.hotplug.forms import Names, devices_of
    from virtkit.hotplug.session import Step

    names = Names(session.running.devices, session.definition.resolved.inventory)
    steps = [Step(args.verb, args.to, xml) for text in args.devices for xml in devices_of(text, names)]
    if args.steps is not None:
        steps += steps_of(args.steps)
    if not steps:
        raise UsageError("name at least one DEVICE, or --steps FILE.json")
    if len(steps) > _MOST_STEPS:
        raise UsageError(f"{len(steps)} steps; at most {_MOST_STEPS} are taken")
    return steps


def steps_of(file: str) -> list[Step]:
    """The steps in a JSON file. Raises UsageError for another form, InputError when it cannot be read."""
    from virtkit.errors import UsageError
    from virtkit.hotplug.session import Step
    from virtkit.inputs import one_source

    try:
        found: Any = json.loads(one_source(file).read())
    except ValueError as problem:
        raise UsageError(f"--steps {file}: not JSON: {problem}") from None
    steps = []
    for number, entry in enumerate(found if isinstance(found, list) else [None], 1):
        given = entry if isinstance(entry, dict) else {}
        do, to, xml = given.get("do", "attach"), given.get("to", "both"), given.get("xml")
        if do not in ("attach", "detach") or to not in ("live", "config", "both") or not isinstance(xml, str):
            raise UsageError(
                f"--steps {file}: step {number}: expected a list of "
                '{"do": "attach"|"detach", "to": "live"|"config"|"both", "xml": "<…/>"}'
            )
        steps.append(Step(do, to, xml))
    return steps


def _text(args: argparse.Namespace, session: Session, outcomes: list[Outcome]) -> str:
    from virtkit.compat.devices import find_guest
    from virtkit.hotplug import report

    known = chosen_catalogue(args)
    guest, _ = find_guest(session.running.resolved.domain, args.guest, known)
    judged = None
    if guest is not None:
        judged = report.judgements(session, outcomes, guest, known, args.overrides == "on")
    return report.text(session, outcomes, judged)


def _write(folder: Path, name: str, session: Session) -> None:
    from virtkit.errors import UsageError
    from virtkit.inputs import write_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {folder}: {error.strerror or error}") from None
    for side, xml in (("live", session.running.xml()), ("config", session.definition.xml())):
        write_text(folder / f"{name}.{side}.xml", xml if xml.endswith("\n") else f"{xml}\n")
