"""``virtkit report``: run the notebooks and keep what they found."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

__all__ = ["register", "run"]

_EXAMPLE = """examples:
  virtkit report
  virtkit report --domains /etc/libvirt/qemu --keep 10
  virtkit report 01 --params weekly.yaml -o /srv/reports
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "report",
        help="run the notebooks; HTML, tables, pictures, an index",
        description="Runs notebooks side by side, each in a kernel of its own, and writes reports/RUN with their "
        "pages, tables and pictures. reports/latest moves only when every notebook passed.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="path, name or number; default: all")
    parser.add_argument("--params", metavar="FILE", help="parameters as YAML or JSON, plain or by notebook name")
    parser.add_argument("--domains", metavar="DIR", help="folder of domain XML (default: the sample domains)")
    parser.add_argument("-o", "--output", default="reports", metavar="DIR", help="where runs land (default: reports)")
    parser.add_argument("--keep", type=_count, metavar="N", help="keep the N newest runs, and the last good one")
    parser.add_argument("--jobs", type=_count, default=2, metavar="N", help="notebooks at a time (default: 2)")
    parser.add_argument("--timeout", type=_count, default=600, metavar="S", help="seconds for one cell (default: 600)")
    parser.add_argument("--changed-only", action="store_true", help="take over notebooks whose inputs did not change")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def run(args: argparse.Namespace) -> int:
    """Runs the notebooks: 0 all passed, 1 one failed, 130 interrupted. Raises UsageError and ReportError."""
    from virtkit.errors import UsageError
    from virtkit.reporting import parameters
    from virtkit.reporting.run import notebooks
    from virtkit.reporting.run import run as run_all

    given = parameters.read(Path(args.params)) if args.params else {}
    if args.domains:
        folder = Path(args.domains).resolve()
        if not folder.is_dir():
            raise UsageError(f"--domains {args.domains}: not a folder")
        if "domains" in given:
            raise UsageError(f"domains is given twice: by --domains and in {args.params}")
        given["domains"] = str(folder)
    quiet = getattr(args, "quiet", False)
    result = run_all(
        notebooks(args.notebooks),
        given,
        Path(args.output),
        jobs=args.jobs,
        keep=args.keep,
        limit=args.timeout,
        changed_only=args.changed_only,
        tell=None if quiet else _tell,
    )
    if result.status == "passed":
        print(Path(args.output) / "latest")
        return 0
    log = logging.getLogger("virtkit")
    for outcome in result.outcomes:
        if outcome.error:
            log.error("%s: %s", outcome.name, outcome.error)
    log.error("run %s %s; its evidence is in %s", result.folder.name, result.status, result.folder)
    return 130 if result.status == "interrupted" else 1


def _tell(text: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        width = 24
        bar = "█" * (width * done // total) + "░" * (width - width * done // total)
        sys.stderr.write(f"\r\033[K{bar} {done}/{total} {text}{chr(10) if done == total else ''}")
        sys.stderr.flush()
    else:
        logging.getLogger("virtkit").info("%d/%d %s", done, total, text)
