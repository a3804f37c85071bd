"""``virtkit report``: run the notebooks and keep what they found."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from virtkit.commands.extras import require

if TYPE_CHECKING:
    from virtkit.reporting.workers import Listener

__all__ = ["register", "run"]

_EXAMPLE = """examples:
  virtkit report
  virtkit report --domains /etc/libvirt/qemu --keep 10
  virsh domcapabilities > mine.xml; virtkit report 02 --qemu mine.xml --domains /etc/libvirt/qemu
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
    parser.add_argument("--qemu", metavar="FILE|RELEASE", help="QEMU release, or a capability document of the host")
    parser.add_argument("-o", "--output", default="reports", metavar="DIR", help="where runs land (default: reports)")
    parser.add_argument("--keep", type=_count, metavar="N", help="keep the N newest runs, and the last good one")
    parser.add_argument("--jobs", type=_count, default=2, metavar="N", help="notebooks at a time (default: 2)")
    parser.add_argument("--timeout", type=_count, default=600, metavar="S", help="seconds for one cell (default: 600)")
    parser.add_argument("--changed-only", action="store_true", help="take over notebooks whose inputs did not change")
    parser.add_argument("--pdf", action="store_true", help="print each page to PDF as well, with chromium")
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
    """Runs the notebooks: 0 all passed, 1 one failed, 130 or 143 interrupted. Raises UsageError and ReportError."""
    require("papermill", "nbconvert", "ipykernel", "pandas", "pyarrow", "matplotlib", "yaml", "rich")
    from virtkit.errors import UsageError
    from virtkit.host import Host
    from virtkit.reporting import parameters
    from virtkit.reporting.run import notebooks
    from virtkit.reporting.run import run as run_all

    given = parameters.read(Path(args.params)) if args.params else {}
    chosen = notebooks(args.notebooks)
    for option, name in (("--domains", "domains"), ("--qemu", "qemu")):
        if getattr(args, name) and not any(name in parameters.declared(path) for path in chosen):
            known = ", ".join(path.stem for path in notebooks() if name in parameters.declared(path))
            raise UsageError(f"{option}: none of the chosen notebooks takes it; these do: {known}")
    if args.domains:
        folder = Path(args.domains).resolve()
        if not folder.is_dir():
            raise UsageError(f"--domains {args.domains}: not a folder")
        if "domains" in given:
            raise UsageError(f"domains is given twice: by --domains and in {args.params}")
        given["domains"] = str(folder)
    if args.qemu:
        if "qemu" in given:
            raise UsageError(f"qemu is given twice: by --qemu and in {args.params}")
        Host.named(args.qemu)  # a document that cannot be used is told before anything starts
        # A notebook runs in a folder of its own, so a document goes there by its whole path.
        given["qemu"] = str(Path(args.qemu).resolve()) if Path(args.qemu).exists() else args.qemu
    with _stoppable() as stops, _progress(getattr(args, "quiet", False)) as listener:
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
    if result.status == "passed":
        print(Path(args.output) / "latest")
        return 0
    log = logging.getLogger("virtkit")
    for name, error in result.failures.items():
        log.error("%s: %s", name, error)
    log.error("run %s %s; its evidence is in %s", result.folder.name, result.status, result.folder)
    return 128 + (stops[0] if stops else signal.SIGINT) if result.status == "interrupted" else 1


def _progress(quiet: bool) -> AbstractContextManager[Listener | None]:
    """What shows the progress of a run: a bar on a terminal, else lines; nothing when ``quiet``."""
    from virtkit.commands import terminal
    from virtkit.reporting import progress

    if quiet:
        return nullcontext()
    columns = terminal.width(sys.stderr)
    return nullcontext(progress.lines()) if columns is None else progress.bar(sys.stderr, columns)


@contextmanager
def _stoppable() -> Iterator[list[int]]:
    """SIGTERM (a service manager) and SIGHUP (a closed terminal) end a run in order, as Ctrl-C does."""
    stops: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stops.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
