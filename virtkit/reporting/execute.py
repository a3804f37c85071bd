"""One notebook in one process: a fresh kernel, the executed copy, the page, and what became of it."""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Job", "Outcome", "perform", "prepare"]

NOTEBOOK = "notebook.ipynb"
PAGE = "index.html"
_LONG = 2000  # signs of an error that a record keeps


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: ``notebook`` with ``parameters`` into ``folder``, at most ``limit`` seconds for each cell."""

    name: str
    title: str
    notebook: str
    folder: str
    parameters: dict[str, Any]
    limit: int
    footer: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notebook: ``status`` passed or failed, ``error`` one line, ``seconds`` of wall time."""

    name: str
    status: str
    error: str
    seconds: float


def prepare() -> None:
    """Import what a run needs, without what JupyterLab drags in.

    jsonschema loads a grammar for a format nobody uses here whenever that package is installed, which takes as long
    as all else together.
    """
    absent: Any = None
    sys.modules.setdefault("rfc3987_syntax", absent)
    # papermill warns of remarks in a parameters cell, which virtkit.reporting.parameters has read already.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    import_module("virtkit.reporting.fork").warm()
    for name in ("papermill", "nbconvert.exporters.html", "virtkit.reporting.kernel", "virtkit.reporting.render"):
        import_module(name)


def perform(job: Job, answer: Connection) -> None:
    """Run the job and send its Outcome to ``answer``; never raises, because it is a process's whole work."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    start = time.monotonic()
    error = ""
    folder = Path(job.folder)
    try:
        with tempfile.TemporaryDirectory(prefix="vk-") as private:
            # Nothing of the user's: no start-up files, no history, no kernels; short paths for Unix sockets.
            os.environ.update(
                IPYTHONDIR=private,
                JUPYTER_RUNTIME_DIR=private,
                JUPYTER_CONFIG_DIR=private,
                JUPYTER_PLATFORM_DIRS="1",
                PYDEVD_DISABLE_FILE_VALIDATION="1",
                MPLBACKEND="module://matplotlib_inline.backend_inline",
            )
            prepare()
            import_module("virtkit.reporting.fork").reserve()
            _end_with(answer)
            try:
                error = _execute(job)
            except SystemExit:
                error = "stopped"
            except BaseException as problem:
                error = _line(problem)
            _render(job, folder, error)
    except SystemExit:
        error = error or "stopped"
    except BaseException as problem:
        error = error or _line(problem)
    if not error:
        (folder / "kernel.log").unlink(missing_ok=True)
    status = "failed" if error else "passed"
    with suppress(OSError):
        answer.send(Outcome(job.name, status, error[:_LONG], round(time.monotonic() - start, 3)))
    sys.exit(1 if error else 0)


def _end_with(answer: Connection) -> None:
    """Stop this process, and its kernel with it, when nobody is left who would read its answer."""

    def watch() -> None:
        waiting = select.poll()
        waiting.register(answer.fileno(), 0)  # reports errors only: the other end is closed
        waiting.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _line(problem: BaseException) -> str:
    words = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {words[-1] if words else ''}".rstrip(": ")


def _execute(job: Job) -> str:
    """Runs the notebook; returns what went wrong in one line, or nothing."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from virtkit.reporting.kernel import OwnKernelManager

    try:
        papermill.execute_notebook(
            job.notebook,
            str(Path(job.folder) / NOTEBOOK),
            parameters=job.parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=job.folder,
            execution_timeout=job.limit,
            kernel_manager_class=OwnKernelManager,
        )
    except PapermillExecutionError as problem:
        return f"cell {problem.exec_count}: {problem.ename}: {problem.evalue}".strip()
    except CellTimeoutError:
        return f"a cell took longer than {job.limit} s"
    except DeadKernelError:
        return "the kernel died (killed, or out of memory)"
    return ""


def _render(job: Job, folder: Path, error: str) -> None:
    import nbformat

    from virtkit.reporting.render import page

    executed = folder / NOTEBOOK
    if not executed.is_file():
        return
    notebook: Any = nbformat.reads(executed.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    files = [path.name for path in folder.iterdir() if path.is_file() and path.name not in (PAGE, "kernel.log")]
    failure = f"This run failed: {error}" if error else ""
    text = page(notebook, job.title, footer=job.footer, failure=failure, files=files)
    (folder / PAGE).write_text(text, encoding="utf-8")
