"""One notebook in one process: a fresh kernel, the executed copy, the page, and the outcome."""

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

__all__ = ["Job", "Outcome", "preload", "run_job"]

NOTEBOOK = "notebook.ipynb"
PAGE = "index.html"
_ERROR_LENGTH = 2000  # characters of an error that a record keeps


@dataclass(frozen=True, slots=True)
class Job:
    """A notebook to run with ``parameters`` in ``folder``; a cell may take ``timeout`` seconds."""

    name: str
    title: str
    notebook: str
    folder: str
    parameters: dict[str, Any]
    timeout: int
    footer: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a notebook: ``status`` passed, failed or unchanged, ``error`` in one line, wall time in seconds."""

    name: str
    status: str
    error: str
    seconds: float


def preload() -> None:
    """Import the packages of a run, except one that only JupyterLab needs.

    Where rfc3987_syntax is installed, jsonschema imports it and builds a grammar. That takes as long as all other
    imports together, and no notebook schema uses the format.
    """
    absent: Any = None
    sys.modules.setdefault("rfc3987_syntax", absent)
    # papermill warns about comments in a parameters cell, which virtkit.reporting.parameters has already checked.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    import_module("virtkit.reporting.fork").preload()
    for name in ("papermill", "nbconvert.exporters.html", "virtkit.reporting.kernel", "virtkit.reporting.render"):
        import_module(name)


def run_job(job: Job, pipe: Connection) -> None:
    """Run the job, send its Outcome into ``pipe`` and exit; this is the main function of the job's process."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    start = time.monotonic()
    error = ""
    folder = Path(job.folder)
    try:
        with tempfile.TemporaryDirectory(prefix="vk-") as private:
            # Keeps the user's start-up files, history and kernels out; short, because Unix sockets limit the path.
            os.environ.update(
                IPYTHONDIR=private,
                JUPYTER_RUNTIME_DIR=private,
                JUPYTER_CONFIG_DIR=private,
                JUPYTER_PLATFORM_DIRS="1",
                PYDEVD_DISABLE_FILE_VALIDATION="1",
                MPLBACKEND="module://matplotlib_inline.backend_inline",
            )
            preload()
            import_module("virtkit.reporting.fork").fork_kernel()
            _exit_with_driver(pipe)
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
        pipe.send(Outcome(job.name, status, error[:_ERROR_LENGTH], round(time.monotonic() - start, 3)))
    sys.exit(1 if error else 0)


def _exit_with_driver(pipe: Connection) -> None:
    """Terminate this process and its kernel when the driver, which reads the other end of the pipe, is gone."""

    def watch() -> None:
        poll = select.poll()
        poll.register(pipe.fileno(), 0)  # reports errors only: the other end is closed
        poll.poll()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _stop(number: int, frame: FrameType | None) -> None:
    # A task that waits for the kernel may still find it dead; asyncio would print that as an error of its own.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    raise SystemExit(128 + number)


def _line(problem: BaseException) -> str:
    words = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {words[-1] if words else ''}".rstrip(": ")


def _execute(job: Job) -> str:
    """Run the notebook. Returns the error in one line, or "" when there is none."""
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
            start_timeout=max(60, job.timeout),
            execution_timeout=job.timeout,
            kernel_manager_class=OwnKernelManager,
        )
    except PapermillExecutionError as problem:
        return f"cell {problem.exec_count}: {problem.ename}: {problem.evalue}".strip()
    except CellTimeoutError:
        return f"a cell took longer than {job.timeout} s"
    except DeadKernelError:
        return "the kernel died: it was killed or ran out of memory"
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
