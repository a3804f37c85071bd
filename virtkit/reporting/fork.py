"""Kernels forked from a process that has already imported pandas and matplotlib, in place of new interpreters.

The process of a notebook forks once, before it starts a thread. The child waits for a command line and then becomes the
kernel. Every notebook still has a kernel process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["PROVISIONER", "ForkedChild", "ForkedProvisioner", "available", "fork_kernel", "preload"]

#: The entry point of the provisioner in pyproject.toml.
PROVISIONER = "virtkit-fork"

_MODULES = (
    "pandas",
    "pyarrow.parquet",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "virtkit",
    "virtkit.compat",
    "virtkit.draw.matrix",
    "virtkit.draw.picture",
    "virtkit.fleet.overview",
    "virtkit.fleet.survey",
    "virtkit.fleet.trend",
)


def preload() -> None:
    """Import what notebooks use, without pyplot and with one BLAS thread, so that forking stays safe."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in _MODULES:
        import_module(name)


class ForkedChild:
    """A forked child that waits to become a kernel; it has the methods of ``subprocess.Popen`` that Jupyter calls."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pipe = pipe

    def run_kernel(self, cmd: list[str], cwd: str, env: dict[str, str], log: int | None) -> None:
        """Make the child run the kernel of ``cmd`` (interpreter, -m, module, then the arguments)."""
        order = {"argv": cmd[3:], "cwd": cwd, "env": env, "log": log and os.readlink(f"/proc/self/fd/{log}")}
        os.write(self._pipe, json.dumps(order).encode())
        os.close(self._pipe)

    def poll(self) -> int | None:
        """The exit code as of Popen; None while the child lives."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = 0
            else:
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the child to end; returns its exit code. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal unless the child has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


_children: list[ForkedChild] = []


def fork_kernel() -> None:
    """Fork the child that becomes this process's kernel. Does nothing on systems without fork or /proc."""
    if not hasattr(os, "fork") or not os.path.isdir("/proc/self/fd"):
        return
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write)
        _child(read)
    os.close(read)
    _children.append(ForkedChild(pid, write))


def available() -> bool:
    """Whether a forked child is waiting to become a kernel."""
    return bool(_children)


def _child(pipe: int) -> None:
    """Wait for the command line, then run the kernel; never returns."""
    code = 1
    try:
        text = b""
        while part := os.read(pipe, 65536):
            text += part
        os.close(pipe)
        if text:
            _serve(json.loads(text))
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def _serve(order: dict[str, Any]) -> None:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
    os.chdir(order["cwd"])  # the paths of Unix sockets are relative to it
    os.environ.clear()
    os.environ.update(order["env"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    if order["log"]:
        os.dup2(os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115
    sys.argv = ["ipykernel_launcher", *order["argv"]]
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    np.random.seed()  # otherwise every fork draws the same random numbers
    IPKernelApp.launch_instance(argv=[*order["argv"], f"--IPKernelApp.parent_handle={os.getppid()}"])


class ForkedProvisioner(LocalProvisioner):
    """Uses the forked child as kernel; starts a new process when there is none."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel; returns its connection information."""
        if not _children:
            return await super().launch_kernel(cmd, **kwargs)
        child = _children.pop()
        log = kwargs.get("stderr")
        child.run_kernel(
            cmd, kwargs.get("cwd") or os.getcwd(), kwargs.get("env") or dict(os.environ), log.fileno() if log else None
        )
        process: Any = child
        self.process = process
        self.pid = self.pgid = child.pid
        return self.connection_info
