"""``virtkit pin``: the addresses of today written into a definition, so that nothing moves."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands.given import INPUTS, add_reader_options, given_sources, output_is_file, reader_options
from virtkit.commands.options import add_host_options, chosen_host, notes_on
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.inputs import Source

__all__ = ["register"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit pin guest.xml -o pinned.xml
  virtkit pin guest.xml --only nic,disk
  virtkit pin domains/ -o pinned/ --libvirt 9.0
  virtkit pin vm.yaml --kubevirt 1.6.3

Domain XML gets the address of every device and controller that has none, as the libvirt of today assigns it. Of a
KubeVirt machine, the result is a patch for kubectl patch --type merge --patch-file: the annotations that keep its
addresses in later releases.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "pin",
        help="write the addresses of today into a definition, so that nothing moves",
        description="Write each address that libvirt would assign into the definition of a domain.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("inputs", nargs="+", metavar="DOMAIN", help=INPUTS)
    parser.add_argument(
        "-o", "--output", metavar="FILE|DIR", help="write to this file (one input, .xml, .yaml or .json) or folder"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: a list of names and results")
    parser.add_argument("--only", default="", metavar="KINDS", help="only nic, disk or both: nic,disk")
    parser.add_argument("--machine", metavar="M", help="resolve as if the domain named this machine type")
    add_reader_options(parser)
    add_host_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command. Returns 1 when a domain was rejected."""
    from virtkit.commands import tables
    from virtkit.errors import VirtkitError
    from virtkit.fleet.domains import each
    from virtkit.outputs import write_text

    host = chosen_host(args)
    only = [word for word in args.only.split(",") if word]
    rejected = 0
    results: list[tuple[Source, str, str]] = []
    found = each(given_sources(args), lambda domain: _pinned(args, domain, host, only), reader_options(args))
    for source, outcome in found:
        if isinstance(outcome, VirtkitError):
            log.error("%s", outcome)
            rejected += 1
        else:
            results.append((source, *outcome))
    folder = args.output is not None and not output_is_file(args, (".xml", ".yaml", ".yml", ".json"))
    if args.format == "json":
        rows = [{"name": source.name, "form": ending, "result": text} for source, text, ending in results]
        tables.emit(f"{json.dumps(rows, indent=1, ensure_ascii=False)}\n", args.output)
        return 1 if rejected else 0
    for source, text, ending in results:
        if args.output is None:
            tables.emit(text, None)
        elif folder:
            Path(args.output).mkdir(parents=True, exist_ok=True)
            write_text(Path(args.output) / f"{source.name}.{ending}", text)
        else:
            write_text(Path(args.output), text)
    return 1 if rejected else 0


def _pinned(args: argparse.Namespace, domain: Domain, host: Host | None, only: list[str]) -> tuple[str, str]:
    """The text of the result and its ending."""
    from virtkit import resolve
    from virtkit.domain.origin import kubevirt_origin
    from virtkit.errors import UsageError
    from virtkit.hotplug.pinning import patch, pinned

    origin = kubevirt_origin(domain)
    if origin is not None:
        if only:
            raise UsageError("--only: KubeVirt keeps the addresses of all devices together")
        return patch(origin), "yaml"
    resolved = resolve(domain, host, machine=args.machine)
    for note in notes_on(resolved):
        log.warning("%s: %s", resolved.name, note)
    text, count = pinned(resolved, only)
    log.info("%s: %s written", resolved.name or "domain", counted(count, "address", "addresses"))
    return text if text.endswith("\n") else f"{text}\n", "xml"
