"""``virtkit report``: run the notebooks and keep their results."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit.commands.extras import require
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.reporting.run import Result
    from virtkit.reporting.workers import Listener

__all__ = ["register", "run"]

_EXAMPLE = """examples:
  virtkit report
  virtkit report --domains /etc/libvirt/qemu --keep 10
  virsh domcapabilities > mine.xml; virtkit report 02 --qemu mine.xml --domains /etc/libvirt/qemu
  virtkit report --domains qemu:///system
  virtkit report 01 --params weekly.yaml -o /srv/reports

exit code: 0 when every notebook passed and every domain could be read, 1 when a notebook failed or a domain was
rejected; a run in which every notebook passed becomes reports/latest in both cases
"""
_SHOWN = 20  # rejected domains that messages name


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the program's parser."""
    parser = subparsers.add_parser(
        "report",
        help="run the notebooks: pages, tables, pictures and an index",
        description="Run notebooks in parallel, each in a kernel of its own, and write their pages, tables and "
        "pictures to reports/RUN. reports/latest points to the newest run in which every notebook passed.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="path, name or number (default: all)")
    parser.add_argument("--params", metavar="FILE", help="parameters as YAML or JSON, for all notebooks or by name")
    parser.add_argument(
        "--domains",
        metavar="DIR|URI",
        help="folder of domain XML, or a libvirt URI such as qemu:///system, whose host is then the host of the report "
        "(default: the sample domains)",
    )
    parser.add_argument("--live", action="store_true", help="with a libvirt URI: the running domains as they are now")
    parser.add_argument("--qemu", metavar="FILE|RELEASE", help="QEMU release, or a capability document of the host")
    parser.add_argument("-o", "--output", default="reports", metavar="DIR", help="folder of runs (default: reports)")
    parser.add_argument("--keep", type=_count, metavar="N", help="keep the N newest runs, and the last good one")
    parser.add_argument("--jobs", type=_count, default=2, metavar="N", help="notebooks at a time (default: 2)")
    parser.add_argument("--timeout", type=_count, default=600, metavar="S", help="seconds for one cell (default: 600)")
    parser.add_argument("--changed-only", action="store_true", help="reuse results whose inputs did not change")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: the outcome as an object")
    parser.add_argument("--pdf", action="store_true", help="also print each page to PDF, with chromium")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return number


def run(args: argparse.Namespace) -> int:
    """Runs the notebooks: 0 when all passed, 1 when one failed or a domain could not be read, 130 when interrupted.

    Raises UsageError and ReportError.
    """
    require("papermill", "nbconvert", "ipykernel", "pandas", "pyarrow", "matplotlib", "yaml", "rich")
    from virtkit.reporting.run import notebooks
    from virtkit.reporting.run import run as run_all

    chosen = notebooks(args.notebooks)
    given, unread = _parameters(args, chosen)
    with _progress(getattr(args, "quiet", False)) as listener:
        result = run_all(
            chosen,
            given,
            Path(args.output),
            jobs=args.jobs,
            keep=args.keep,
            timeout=args.timeout,
            changed_only=args.changed_only,
            pdf=args.pdf,
            listener=listener,
        )
    for message in unread.values():
        logging.getLogger("virtkit").error("%s", message)
    _say(args, result)
    if result.status == "interrupted":
        return 128 + signal.SIGINT
    return 0 if result.status == "passed" and not result.rejected and not unread else 1


def _parameters(args: argparse.Namespace, chosen: list[Path]) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters of the notebooks, from the file, the options and the connection, and the domains that it could
    not give. Raises UsageError, and for a connection VerifyError, CapabilityError and InputError.
    """
    from virtkit.errors import UsageError
    from virtkit.host import Host
    from virtkit.reporting import parameters
    from virtkit.reporting.run import notebooks

    given = parameters.read(Path(args.params)) if args.params else {}
    for option, name in (("--domains", "domains"), ("--qemu", "qemu")):
        if getattr(args, name) and not any(name in parameters.declared(path) for path in chosen):
            known = ", ".join(path.stem for path in notebooks() if name in parameters.declared(path))
            raise UsageError(f"{option}: none of the chosen notebooks has this parameter; these have it: {known}")
    if args.domains and "domains" in given:
        raise UsageError(f"the parameter domains is set twice: by --domains and in {args.params}")
    connected, unread = _connected(args)
    if args.domains:
        folder = Path(connected.get("domains", args.domains)).resolve()
        if not folder.is_dir():
            raise UsageError(f"--domains {args.domains}: expected an existing folder, or a URI such as qemu:///system")
        given["domains"] = str(folder)
    if args.qemu:
        if "qemu" in given:
            raise UsageError(f"the parameter qemu is set twice: by --qemu and in {args.params}")
        Host.named(args.qemu)  # report a document that cannot be used before the run starts
        # A notebook runs in a folder of its own, so it gets the absolute path of a document.
        given["qemu"] = str(Path(args.qemu).resolve()) if Path(args.qemu).exists() else args.qemu
    elif not {"qemu", "libvirt"} & given.keys():
        given |= {name: value for name, value in connected.items() if name != "domains"}
    return given, unread


def _connected(args: argparse.Namespace) -> tuple[dict[str, str], dict[str, str]]:
    """What ``report_live.saved`` gives for a connection; nothing for a folder. Raises UsageError, too."""
    from virtkit.connection.uri import is_uri
    from virtkit.errors import UsageError

    if not args.domains or not is_uri(args.domains):
        if args.live:
            raise UsageError("--live: expected --domains with a libvirt URI such as qemu:///system")
        return {}, {}
    from virtkit.commands.report_live import saved

    return saved(args.domains, Path(args.output), running=args.live)


def _say(args: argparse.Namespace, result: Result) -> None:
    """Write the outcome of a run: its place or its errors as text, or all of it as JSON."""
    log = logging.getLogger("virtkit")
    for message in islice(result.rejected.values(), _SHOWN):
        log.error("%s", message)
    if len(result.rejected) > _SHOWN:
        log.error("%s could not be read", counted(len(result.rejected) - _SHOWN, "more domain"))
    for name, error in result.failures.items():
        log.error("%s: %s", name, error)
    if result.status != "passed":
        log.error("run %s %s; see %s", result.folder.name, result.status, result.folder)
    if args.format == "json":
        found = {
            "run": str(result.folder),
            "status": result.status,
            "notebooks": {outcome.name: outcome.status for outcome in result.outcomes},
            "failures": dict(result.failures),
            "rejected": dict(result.rejected),
        }
        print(json.dumps(found, indent=1, ensure_ascii=False))
    elif result.status == "passed":
        print(Path(args.output) / "latest")


def _progress(quiet: bool) -> AbstractContextManager[Listener | None]:
    """The listener that shows progress: a bar on a terminal, lines elsewhere, nothing when ``quiet``."""
    from virtkit.commands import terminal
    from virtkit.reporting import progress

    if quiet:
        return nullcontext()
    columns = terminal.width(sys.stderr)
    return nullcontext(progress.lines()) if columns is None else progress.bar(sys.stderr, columns)
