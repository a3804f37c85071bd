"""``virtkit check``: whether the guest OS drives a domain's virtio devices, and the smallest change that helps."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands import topology
from virtkit.commands.given import INPUTS, add_reader_options, given_domain, given_sources, is_one_input, reader_options
from virtkit.commands.options import add_database_options, add_host_options, chosen_catalogue, chosen_host
from virtkit.commands.power import add_power_options, answered, answers_text, boot_disks, guest_of
from virtkit.errors import InputError
from virtkit.wording import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from virtkit.commands.power import Answer
    from virtkit.compat.review import Review
    from virtkit.domain.document import Document
    from virtkit.domain.domain import Domain
    from virtkit.fleet.domains import Checked
    from virtkit.resolved import Resolved

__all__ = ["register", "run"]
log = logging.getLogger("virtkit")

_NAMED = 8
"""The most domains that a message lists."""

_EXAMPLE = """examples:
  virtkit check guest.xml
  virtkit check guest.xml --guest rhel6.10 --fix -o fixed.xml
  virtkit check guest.xml --fix --spare-ports 4 -o fixed.xml
  virtkit check domains/ --format json
  virtkit check --connect qemu:///system web
  virtkit check domains/ --fix -o fixed/
  virtkit check old.xml --convert-to q35 -o new.xml --picture change.svg
  virtkit check guest.xml --guest debian12 --firmware OVMF --naming v257

For each domain it also says which disk the firmware starts, which disks it does not find, and the name of each NIC in a
Linux guest.

exit code: 0 when every device that a guest needs works or is unknown, 1 when one fails, the firmware does not find the
boot disk, or an input was rejected
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "check",
        help="whether the guest OS drives a domain's devices",
        description="Check the virtio devices, disks and NICs of domains against their guest OS, which is named by "
        "the libosinfo metadata of the XML or by --guest.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("inputs", nargs="+", metavar="IN", help=INPUTS)
    parser.add_argument("--guest", metavar="ID", help="guest OS (short id, URI or alias) instead of the metadata")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="write the domain with the smallest changes that help: other virtio models, SATA for IDE on q35, "
        "virtio-scsi or a virtio NIC for one that the guest does not drive",
    )
    parser.add_argument(
        "--spare-ports",
        type=int,
        metavar="N",
        help="with --fix, add root ports, so that the running guest takes N more PCI Express devices than now",
    )
    parser.add_argument(
        "--spare-slots",
        type=int,
        metavar="N",
        help="with --fix, add bridges, so that the running guest takes N more conventional PCI devices than now",
    )
    parser.add_argument(
        "--convert-to", choices=("q35", "pc"), help="convert to the other machine type, and keep the guest bootable"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE|DIR",
        help="write to this file, or of several domains to this folder (default: standard output)",
    )
    parser.add_argument(
        "--picture", metavar="FILE", help="draw what --fix or --convert-to changes: .svg .png .txt .json"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="format of the result")
    parser.add_argument("--machine", metavar="M", help="check as if the domain named this machine type")
    add_reader_options(parser, one=True)
    add_power_options(parser)
    add_host_options(parser)
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Checks every input; raises UsageError for options that do not go together."""
    from virtkit.fleet.domains import checked

    many = _several(args)
    _check_options(args, many)
    picture = topology.writable("--picture", args.picture) if args.picture else None
    known, host = chosen_catalogue(args), chosen_host(args)
    if args.guest is not None:
        known.find(args.guest)

    def examine(domain: Domain) -> Checked:
        overrides = args.overrides == "on"
        return checked(domain, host, args.guest, machine=args.machine, overrides=overrides, guest_database=known)

    if not (args.fix or args.convert_to):
        return _review(args, examine)
    repairing = _repairing(examine) if args.fix else examine
    if many:
        return _rewrite_all(args, repairing)
    return _rewrite(args, repairing(given_domain(args, args.inputs[0] if args.inputs else None)[1]), picture)


def _repairing(examine: Callable[[Domain], Checked]) -> Callable[[Domain], Checked]:
    """``examine``, which changes a domain first that libvirt would refuse, where a repair is known."""

    def examine_repaired(domain: Domain) -> Checked:
        from virtkit.commands import tables
        from virtkit.compat.repairs import repaired
        from virtkit.errors import Refused

        try:
            return examine(domain)
        except Refused as refusal:
            repair = repaired(domain, refusal)
            if repair is None:
                raise
            found = examine(repair.domain)
            for step in repair.steps:
                tables.say(f"change: {step}")
            return found

    return examine_repaired


def _several(args: argparse.Namespace) -> bool:
    """Whether a domain of its own is written for each of several inputs, or domains of one input, into a folder."""
    into_folder = bool(args.output) and (Path(args.output).is_dir() or args.output.endswith("/"))
    return not is_one_input(args) or (into_folder and not args.domain)


def _review(args: argparse.Namespace, examine: Callable[[Domain], Checked]) -> int:
    """Report the reviews of all domains. Returns the exit code."""
    from virtkit.commands import tables
    from virtkit.errors import VirtkitError
    from virtkit.fleet.domains import each

    answers: dict[str, Answer] = {}
    problems: list[VirtkitError] = []
    others: set[str] = set()

    def reject(problem: VirtkitError) -> None:
        log.error("%s", problem)
        problems.append(problem)

    known = chosen_catalogue(args)
    for source, outcome in each(given_sources(args), examine, reader_options(args)):
        name = "" if isinstance(outcome, VirtkitError) else outcome.resolved.domain.name
        if args.domain and args.domain not in (source.part, name):
            others.add(source.part or name)
            continue
        if isinstance(outcome, VirtkitError):
            reject(outcome)
        elif source.name in answers and _into_folder(args):
            reject(InputError("another input has a result of that name already", source.label))
        else:
            key = source.name if source.name not in answers else f"{source.name} {len(answers)}"
            answers[key] = answered(args, outcome.resolved, outcome.review, known)
    if args.domain and not answers and not problems:
        hint = f"; expected {listed(sorted(others)[:_NAMED], 'or')}" if others else ""
        reject(InputError(f"no domain {args.domain!r} in {', '.join(args.inputs)}{hint}"))
    if _into_folder(args):
        _write_answers(args, answers)
    else:
        tables.emit(answers_text(list(answers.values()), args.format), args.output)
    return 1 if problems or not all(answer.ok for answer in answers.values()) else 0


def _into_folder(args: argparse.Namespace) -> bool:
    """Whether -o names a folder for the reviews: an existing one, or of several inputs a name without an ending."""
    if not args.output or args.output == "-":
        return False
    place = Path(args.output)
    return place.is_dir() or args.output.endswith("/") or (not place.suffix and not is_one_input(args))


def _write_answers(args: argparse.Namespace, answers: Mapping[str, Answer]) -> None:
    """Write each answer to the folder -o, as NAME.txt or NAME.json."""
    from virtkit.outputs import write_text

    _make_folder(args.output)
    for name, answer in answers.items():
        if args.format == "json":
            write_text(Path(args.output) / f"{name}.json", json.dumps(answer.as_dict(), indent=1) + "\n")
        else:
            write_text(Path(args.output) / f"{name}.txt", answer.text())


def _check_options(args: argparse.Namespace, many: bool) -> None:
    """Raises UsageError for options that do not go together."""
    from virtkit.errors import UsageError
    from virtkit.hotplug.spare_ports import MOST

    if args.convert_to and many:
        raise UsageError("--convert-to: expected one domain, got several inputs or a folder")
    if args.fix and many and (args.picture or not args.output or Path(args.output).is_file()):
        raise UsageError("--fix: expected one domain, or -o FOLDER without --picture; got several inputs")
    if args.picture and not (args.fix or args.convert_to):
        raise UsageError("--picture draws what --fix or --convert-to changes: add one of them")
    for option, number in (("--spare-ports", args.spare_ports), ("--spare-slots", args.spare_slots)):
        if number is not None and (not args.fix or args.convert_to):
            raise UsageError(f"{option} goes with --fix, and without --convert-to")
        if number is not None and number < 1:
            raise UsageError(f"{option}: expected a number from 1 to {MOST}, got {number}")
    if args.machine and (args.fix or args.convert_to):
        raise UsageError("--machine writes no domain; to write one on another machine type, use --convert-to alone")


def _rewrite_all(args: argparse.Namespace, examine: Callable[[Domain], Checked]) -> int:
    """Write each domain, fixed, into the folder -o under its own name; report the reviews of the fixed domains."""
    from virtkit.commands import tables
    from virtkit.errors import VirtkitError
    from virtkit.fleet.domains import each

    answers: list[Answer] = []
    rejected = 0
    written: set[str] = set()

    def fix(domain: Domain) -> tuple[Document, str, Answer]:
        resolved, review = examine(domain)
        return domain.document, *_changed(args, resolved, review)

    for source, outcome in each(given_sources(args), fix, reader_options(args)):
        try:
            if isinstance(outcome, VirtkitError):
                raise outcome
            document, changed, after = outcome
            name = f"{source.name}.xml"
            if name in written:
                raise InputError(f"another input was written to {name} already", source.label)
            written.add(name)
            _make_folder(args.output)
            _write(changed, document, str(Path(args.output) / name))
        except VirtkitError as error:
            log.error("%s", error)
            rejected += 1
        else:
            answers.append(after)
    tables.emit(answers_text(answers, args.format), None)
    return 1 if rejected or not all(answer.ok for answer in answers) else 0


def _make_folder(name: str) -> None:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"cannot be created: {problem.strerror or problem}", name) from None


def _rewrite(args: argparse.Namespace, found: Checked, picture: Path | None) -> int:
    """Write the domain with what --fix or --convert-to changes, and report the review of the changed domain."""
    from virtkit.commands import tables
    from virtkit.domain.domain import read
    from virtkit.resolved import resolve

    resolved = found.resolved
    document = resolved.domain.document
    changed, answer = _changed(args, resolved, found.review)
    _write(changed, document, args.output)
    if picture is not None:
        after = resolve(read(changed.encode(document.codec)), host=resolved.host)
        topology.write(picture, after.topology, resolved.topology)
    text = json.dumps(answer.as_dict(), indent=1) if args.format == "json" else answer.text()
    if args.output and args.output != "-":
        tables.emit(text, None)
    else:
        tables.say(text.rstrip())
    return 0 if answer.ok else 1


def _write(text: str, document: Document, output: str | None) -> None:
    """Write the text in the encoding of the document, with its byte order mark and line ends."""
    data = document.encoded(text)
    if not output or output == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    from virtkit.outputs import write_bytes

    write_bytes(Path(output), data)


def _changed(args: argparse.Namespace, resolved: Resolved, review: Review) -> tuple[str, Answer]:
    """The text of the changed domain, and what there is to say of it."""
    from virtkit.boot.remedies import remedy
    from virtkit.commands import tables
    from virtkit.compat.changes import fixed
    from virtkit.domain.domain import read
    from virtkit.fleet.domains import checked
    from virtkit.resolved import resolve

    known = chosen_catalogue(args)
    text = resolved.domain.document.text
    overrides = args.overrides == "on"
    if args.convert_to:
        from virtkit.compat.conversion.machine import convert

        conversion = convert(resolved, args.convert_to, args.guest, overrides=overrides, guest_database=known)
        for step in conversion.steps:
            tables.say(f"change: {step}")
        converted = resolve(read(conversion.text.encode(resolved.domain.document.codec)), resolved.host)
        return conversion.text, answered(args, converted, conversion.review, known)
    for finding in review.changes:
        tables.say(f"change: {finding.label}: {finding.change}")
    codec = resolved.domain.document.codec
    if review.changes:
        text = fixed(resolved, review)
        resolved = resolve(read(text.encode(codec)), resolved.host)
    found_by_firmware = remedy(resolved, guest_of(args, resolved, known), args.firmware, boot_disks(args))
    if found_by_firmware is not None:
        for step in found_by_firmware.steps:
            tables.say(f"change: {step}")
        text = found_by_firmware.text
        resolved = resolve(read(text.encode(codec)), resolved.host)
    if args.spare_ports is not None or args.spare_slots is not None:
        from virtkit.hotplug.spare_ports import with_spare_ports

        ports, slots = args.spare_ports or 0, args.spare_slots or 0
        spare = with_spare_ports(resolved, ports, args.guest, known, slots=slots, overrides=overrides)
        for step in spare.steps:
            tables.say(f"change: {step}")
        text = spare.text
    after = read(text.encode(codec))
    found = checked(after, resolved.host, args.guest, overrides=overrides, guest_database=known)
    return text, answered(args, found.resolved, found.review, known)
