"""``virtkit audit``: a table of many domains, with one row for each virtio device, disk and NIC."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.commands import terminal
from virtkit.commands.extras import require
from virtkit.commands.given import INPUTS, add_reader_options, given_requests, reader_options
from virtkit.commands.options import add_database_options, add_host_options, database_places, warn_of_host
from virtkit.errors import FleetError, InputError, UsageError
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from virtkit.fleet.answer import Answer, Totals
    from virtkit.fleet.earlier import Earlier
    from virtkit.fleet.engine import Engine
    from virtkit.fleet.question import Question

__all__ = ["register", "run"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit audit /etc/libvirt/qemu
  virtkit audit 'backups/**/*.xml' domains.tar.gz -o audit.parquet --jobs 4
  virtkit audit domains/ --policy recommended -o audit.csv
  virtkit audit domains/ --scheduler tcp://head:8786 -o audit.parquet
  virtkit audit domains/ -o today/ --since yesterday/

With -o DIR, the result is a dataset: Parquet files in the folders devices, domains, rejected and, with --policy,
findings. If an audit is interrupted, the same command continues it.

With -o OUT.parquet, OUT.domains.parquet has one row for each domain, OUT.rejected.parquet lists the inputs that cannot
be read or that libvirt would refuse, and with --policy OUT.findings.parquet lists the policy's findings.

exit code: 0 when every device that a guest needs works or is unknown, 1 when one fails, an input was rejected, or the
policy denies one
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "audit",
        help="many domains: one row for each virtio device, disk and NIC",
        description="Resolve and check many domains, in several processes or on a Dask cluster, and write one row "
        "for each virtio device, disk and NIC. Memory use does not grow with the number of domains.",
        epilog=_EXAMPLE,
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help=INPUTS
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE",
        help="a folder for a dataset, or a file *.parquet, *.csv or *.json (default: standard output)",
    )
    parser.add_argument("--since", metavar="DIR", help="take over the answers of this dataset for unchanged inputs")
    parser.add_argument(
        "--format", choices=("csv", "json"), help="format of the result (default: by the name of -o, else csv)"
    )
    parser.add_argument("--policy", metavar="P", help="check each domain against a policy: a name, or a .yaml file")
    parser.add_argument("--guest", metavar="ID", default="", help="guest OS of domains without libosinfo metadata")
    parser.add_argument("--jobs", type=int, metavar="N", help="number of processes (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", default="", help="use the Dask cluster of this scheduler")
    add_reader_options(parser)
    add_host_options(parser)
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises UsageError for a wrong option, FleetError when the workers are lost."""
    from virtkit.fleet.answer import Totals
    from virtkit.fleet.engine import workers

    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: expected a number of processes above 0")
    ending = Path(args.output or "-").suffix
    if args.format and ending and ending != f".{args.format}":
        raise UsageError(f"--format {args.format}: -o {args.output} ends in {ending}; leave one of them out")
    require(*(["yaml"] if args.policy else ()), *(["distributed"] if args.scheduler else ()))
    write = _write_dataset if _is_dataset(args) else _write_files
    total = Totals()
    question = _question(args)
    with terminal.progress() as show, workers(args.jobs, args.scheduler) as engine:
        for answer in write(args, question, engine, total):
            total.add(answer)
            for one in answer.refused:
                log.error("%s", one.message)
            for file, reason in answer.skipped:
                log.info("%s: skipped: %s", file, reason)
            show(_progress(total))
    log.info("%s", _summary(total))
    return 1 if total.rejected or total.failing or total.levels["deny"] else 0


def _is_dataset(args: argparse.Namespace) -> bool:
    """Whether -o names the folder of a dataset."""
    if not args.output or args.output == "-" or args.format:
        return False
    return args.output.endswith("/") or not Path(args.output).suffix or Path(args.output).is_dir()


def _write_files(args: argparse.Namespace, question: Question, engine: Engine, total: Totals) -> Iterator[Answer]:
    """The answers, each after it was written to the files or to standard output."""
    from virtkit.fleet.audit import audit
    from virtkit.fleet.table_writer import Tables
    from virtkit.fleet.tables import TABLES, TYPES

    if args.since:
        raise UsageError(f"--since {args.since}: expected a folder for -o, got {args.output or 'none'}")
    tables = {name: columns for name, columns in TABLES.items() if args.policy or name != "findings"}
    with Tables(args.output, tables, TYPES, args.format or "csv") as out:
        for answer in audit(given_requests(args), question, engine):
            out.write(answer.rows)
            yield answer


def _write_dataset(args: argparse.Namespace, question: Question, engine: Engine, total: Totals) -> Iterator[Answer]:
    """The answers, each after it was given to the dataset; ``total`` gets the counts of parts that are kept."""
    require("pyarrow")
    from virtkit.fleet.audit import audit_into
    from virtkit.fleet.dataset import Dataset
    from virtkit.fleet.manifest import fingerprint

    mark = fingerprint(question)
    earlier = _earlier(args.since, mark) if args.since else None
    with Dataset(args.output, mark, findings=bool(question.policy)) as dataset:
        if dataset.kept:
            log.info("-o %s: continuing an audit that was interrupted", args.output)
        try:
            yield from audit_into(dataset, given_requests(args), question, engine, total, earlier)
        except (KeyboardInterrupt, FleetError, InputError):
            log.warning("-o %s: not finished; the same command continues it", args.output)
            raise


def _earlier(folder: str, mark: str) -> Earlier | None:
    """The dataset of ``--since``; None for one whose answers are those to another question. Raises UsageError."""
    require("numpy")
    from virtkit.fleet.earlier import Earlier
    from virtkit.fleet.manifest import required_manifest

    if required_manifest(folder).get("question") == mark:
        return Earlier(folder)
    log.warning("--since %s: written with other options or another virtkit; every domain is audited again", folder)
    return None


def _progress(total: Totals) -> str:
    text = f"{counted(total.domains, 'domain')}, {total.rejected:,} rejected"
    known = total.shared + total.taken
    examined = total.domains - total.kept
    return text + (f", {known / examined:.0%} equal to an earlier one or unchanged" if known else "")


def _question(args: argparse.Namespace) -> Question:
    """The options as a question; a policy file is read here, because other machines do not have it."""
    from virtkit.fleet.question import Question

    policy, file = args.policy or "", ""
    if policy.endswith((".yaml", ".yml")):
        from virtkit.yaml_text import text_of

        policy, file = text_of(policy), policy
    question = Question(
        libvirt=args.libvirt or "",
        qemu=args.qemu or "",
        host_name=args.host or "",
        strict=args.strict_host,
        guest=args.guest,
        overrides=args.overrides == "on",
        osinfo=tuple(database_places(args)),
        policy=policy,
        policy_file=file,
        readers=reader_options(args),
    )
    warn_of_host(args, question.host())
    question.loaded_policy()  # an unknown policy is refused before anything is written
    return question


def _summary(total: Totals) -> str:
    """The counts in one line."""
    devices = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(total.verdicts.items()))
    text = f"{counted(total.domains, 'domain')}, {total.rejected:,} rejected"
    text += f", {counted(total.failing, 'fails', 'fail')}" if total.failing else ""
    text += f"; {total.kept:,} from the interrupted audit" if total.kept else ""
    if total.shared:
        examined = total.domains - total.kept
        rest = f" of the other {examined:,}" if total.kept else ""
        text += f"; {total.shared:,}{rest} equal to an earlier one ({total.shared / examined:.1%})"
    text += f"; {total.taken:,} unchanged" if total.taken else ""
    text += f"; {counted(total.verdicts.total(), 'device')}"
    if devices:
        text += f": {devices}"
    if total.without_devices:
        text += f"; {counted(total.without_devices, 'domain has none', 'domains have none')}"
    if total.levels:
        text += "; policy: " + ", ".join(f"{count:,} {level}" for level, count in sorted(total.levels.items()))
    return text
