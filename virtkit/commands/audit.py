"""``virtkit audit``: many domains at once, one row for each virtio device, into a table on disk."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING

from virtkit.commands import terminal
from virtkit.commands.extras import require
from virtkit.commands.options import add_database_options, add_host_options, database_places, warn_of_release
from virtkit.errors import UsageError
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.fleet.audit import Answer, Question

__all__ = ["register", "run"]

log = logging.getLogger("virtkit")

_EXAMPLE = """examples:
  virtkit audit /etc/libvirt/qemu
  virtkit audit 'backups/**/*.xml' domains.tar.gz -o audit.parquet --jobs 4
  virtkit audit domains/ --policy recommended -o audit.csv
  virtkit audit domains/ --scheduler tcp://head:8786 -o audit.parquet

Beside OUT.parquet stand OUT.rejected.parquet, the inputs that could not be read or that libvirt would refuse, and with
--policy OUT.findings.parquet, what the policy says of each domain. Domains without any virtio device have no row; they
are counted in the closing message.

exit code: 0 all inputs were audited, 1 one was rejected or the policy denies one
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "audit",
        help="many domains: one row for each virtio device",
        description="Resolves and checks many domains, in several processes or on a Dask cluster, and writes one row "
        "for each virtio device. Memory stays bounded however many there are.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="IN", help="folders, files, quoted patterns ('**' too), tar archives, or -"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="*.parquet or *.csv (default: CSV on standard output)")
    parser.add_argument("--policy", metavar="P", help="hold each domain against a policy: a name, or a .yaml file")
    parser.add_argument("--guest", metavar="ID", default="", help="the guest OS of domains that do not say theirs")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: one for each core)")
    parser.add_argument("--scheduler", metavar="ADDRESS", default="", help="work on the Dask cluster of this scheduler")
    add_host_options(parser)
    add_database_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises UsageError for a wrong option, FleetError when the workers are lost."""
    from virtkit.fleet.archives import gather
    from virtkit.fleet.audit import TABLES, TYPES, Answer, audit, workers
    from virtkit.fleet.table_writer import Tables

    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs}: at least 1")
    require(*(["yaml"] if args.policy else ()), *(["distributed"] if args.scheduler else ()))
    question = _question(args)
    tables = {name: columns for name, columns in TABLES.items() if args.policy or name != "findings"}
    total = Answer()
    with (
        Tables(args.output, tables, TYPES) as out,
        workers(args.jobs, args.scheduler) as pool,
        terminal.progress() as show,
    ):
        for answer in audit(gather(args.inputs), question, pool):
            out.write(answer.rows)
            total.add(answer)
            for _file, message in answer.rows["rejected"]:
                log.error("%s", message)
            show(f"{counted(total.domains, 'domain')}, {total.rejected} rejected")
    log.info("%s", _summary(total))
    return 1 if total.rejected or total.levels["deny"] else 0


def _question(args: argparse.Namespace) -> Question:
    """What is asked, with the policy's text read here, because a worker elsewhere has not the file."""
    from virtkit.fleet.audit import Question

    warn_of_release(args)
    policy, file = args.policy or "", ""
    if policy.endswith((".yaml", ".yml")):
        from virtkit.policy import document

        policy, file = document.text_of(policy), policy
    return Question(
        libvirt=args.libvirt,
        qemu=args.qemu or "",
        guest=args.guest,
        overrides=args.overrides == "on",
        osinfo=tuple(database_places(args)),
        policy=policy,
        policy_file=file,
    )


def _summary(total: Answer) -> str:
    """What was found, in one line."""
    devices = ", ".join(f"{count} {verdict}" for verdict, count in sorted(total.verdicts.items()))
    text = f"{counted(total.domains, 'domain')}, {total.rejected} rejected"
    text += f"; {counted(total.verdicts.total(), 'virtio device')}"
    if devices:
        text += f": {devices}"
    if total.without_virtio:
        text += f"; {counted(total.without_virtio, 'domain has none', 'domains have none')}"
    if total.levels:
        text += "; policy: " + ", ".join(f"{count} {level}" for level, count in sorted(total.levels.items()))
    return text
