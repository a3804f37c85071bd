"""``virtkit attach`` and ``virtkit detach``: where devices go on a running domain and in its definition."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit import json_text
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

_SIDES = """\
The default is --both, which changes the definition and the running domain, as virsh {verb}-device --live --config
does: it shows whether a device moves at the next start. --live alone is what virsh {verb}-device does to a running
domain without options. DOMAIN is taken as running and as defined, unless --inactive names the definition, or DOMAIN
comes from a libvirt connection, which has both.

-o names a folder for both domains; with --live or --config, it may be a file that ends in .xml for that side.

exit code: 0 when every step is taken, 1 when a step or the domain is refused, 2 for wrong usage
"""
_ATTACH = """examples:
  virtkit attach guest.xml disk nic:e1000
  virtkit attach guest.xml '6*disk:virtio-transitional' --live --libvirt 9.0
  virtkit attach running.xml --inactive defined.xml device.xml -o after/
  virtkit attach guest.xml --steps steps.json --format json

A DEVICE is device XML, the name of a file that ends in .xml, or a short form FORM[:VALUE], with N* before it for
several.
"""
_DETACH = """examples:
  virtkit detach guest.xml vdb
  virtkit detach guest.xml 52:54:00:be:91:59 0000:07:00.0
  virtkit detach guest.xml "<disk><target dev='vdb'/></disk>" --config -o guest.xml

A DEVICE is device XML, the name of a file that ends in .xml, or a name of the device: its id (virtkit explain lists
them) or alias, the target of a disk, a MAC address, a PCI address, or the name of a channel.
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
            description=f"Show {words}. No host is contacted: the answer follows from the XML.",
            epilog=_epilog if verb == "attach" else f"{_DETACH}\n{_SIDES.format(verb=verb)}",  # type: ignore[arg-type]
        )
        _add_arguments(parser, verb)
        parser.set_defaults(run=run, verb=verb)


def _epilog() -> str:
    """The examples and the table of short forms; called when the help is shown."""
    from virtkit.hotplug.forms import FORMS

    width = max(map(len, FORMS))
    forms = ""
    for name, form in FORMS.items():
        value = f"; VALUE is {form.value}" if form.value else ""
        forms += f"  {name:<{width}}  {form.means}{value}\n"
    return f"{_ATTACH}\n{_SIDES.format(verb='attach')}\nshort forms:\n{forms}"


def _add_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("input", metavar="DOMAIN", help=INPUT)
    forms = "[N*]FORM[:VALUE]" if verb == "attach" else "the target, MAC address, PCI address, id or alias of a device"
    parser.add_argument("devices", nargs="*", metavar="DEVICE", help=f"device XML, FILE.xml, or {forms}")
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
    parser.add_argument("--guest", metavar="ID", help="the guest OS, instead of the metadata of the XML")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE",
        help="write NAME.live.xml and NAME.config.xml into this folder; FILE.xml takes the one side that was changed",
    )
    add_reader_options(parser, one=True)
    add_host_options(parser)
    add_database_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run either command. Returns the exit code."""
    from virtkit.hotplug import report

    _check_output(args)
    source, domain = given_domain(args, args.input)
    session = _session(args, domain, live_state(args, source))
    steps = _steps(args, session)
    outcomes = list(session.run(steps))
    if args.format == "json":
        tables.emit(report.as_json(outcomes), None)
    else:
        tables.emit(_text(args, session, outcomes), None)
    if args.output is not None:
        _write(args, source.name, session)
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
    from virtkit.hotplug.forms import Names, devices_of, is_xml
    from virtkit.hotplug.session import Step

    steps: list[Step] = []
    names = Names(session.running.devices, session.definition.resolved.inventory)
    for text in args.devices:
        if args.verb == "detach" and not is_xml(text):
            steps.append(Step(args.verb, args.to, _named(args, session, text)))
        else:
            steps += [Step(args.verb, args.to, xml) for xml in devices_of(text, names)]
    if args.steps is not None:
        steps += steps_of(args.steps)
    elif not steps:
        raise UsageError("name at least one DEVICE, or --steps FILE.json")
    if len(steps) > _MOST_STEPS:
        raise UsageError(f"{len(steps):,} steps; expected at most {_MOST_STEPS:,}; this limit is fixed")
    return steps


def _named(args: argparse.Namespace, session: Session, name: str) -> str:
    """The XML of the device of a name, looked up on the side that is changed. Raises UsageError."""
    from virtkit.hotplug.selection import device_named

    running, defined = session.running.resolved, session.definition.resolved
    sides = {"live": [running], "config": [defined], "both": [running, defined]}
    return device_named(name, *sides[args.to])


def steps_of(file: str) -> list[Step]:
    """The steps in a JSON file. Raises UsageError for another form, InputError when it cannot be read."""
    from virtkit.errors import UsageError
    from virtkit.hotplug.session import Step
    from virtkit.inputs import one_source

    try:
        found: Any = json_text.value(one_source(file).read())
    except json_text.TooDeep as problem:
        raise UsageError(f"--steps {file}: {problem}") from None
    except ValueError as problem:
        raise UsageError(f"--steps {file}: not JSON: {problem}") from None
    if not isinstance(found, list):
        raise UsageError(f"--steps {file}: expected a list of steps, got {type(found).__name__}")
    steps = []
    for number, entry in enumerate(found, 1):
        given = entry if isinstance(entry, dict) else {}
        do, to, xml = given.get("do", "attach"), given.get("to", "both"), given.get("xml")
        if do not in ("attach", "detach") or to not in ("live", "config", "both") or not isinstance(xml, str):
            raise UsageError(
                f"--steps {file}: step {number}: expected "
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


def _check_output(args: argparse.Namespace) -> None:
    """Refuse an output that cannot hold what is written, before anything is printed. Raises UsageError."""
    from virtkit.errors import UsageError

    if args.output is None:
        return
    if args.output == "-":
        raise UsageError("-o -: expected a folder, or with --live or --config a file that ends in .xml")
    if args.output.endswith(".xml") and not Path(args.output).is_dir():
        if args.to == "both":
            raise UsageError(f"-o {args.output}: two domains are written; name a folder, or add --live or --config")
    elif Path(args.output).exists() and not Path(args.output).is_dir():
        raise UsageError(f"-o {args.output}: expected a folder or a file that ends in .xml, got another file")


def _write(args: argparse.Namespace, name: str, session: Session) -> None:
    """Write both domains into the folder -o, or the side that was changed into the file -o. Raises UsageError."""
    from virtkit.errors import UsageError
    from virtkit.outputs import writing

    place = Path(args.output)
    sides = {"live": session.running.xml, "config": session.definition.xml}
    one = args.output.endswith(".xml") and not place.is_dir()
    folder = place.parent if one else place
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"-o {folder}: {error.strerror or error}") from None
    files = {place: sides[args.to]} if one else {folder / f"{name}.{side}.xml": xml for side, xml in sides.items()}
    with writing(*files) as scratches:
        for scratch, written in zip(scratches, files.values(), strict=True):
            xml = written()
            scratch.write_text(xml if xml.endswith("\n") else f"{xml}\n", encoding="utf-8", newline="")
