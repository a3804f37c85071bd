"""Kernels forked from a process that has pandas and matplotlib loaded already, instead of started from nothing.

The worker of a notebook forks once, before it has a thread; the child waits for a command line and then becomes the
kernel. Each notebook still has a process of its own that no other notebook has touched.
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

__all__ = ["PROVISIONER", "ForkedProvisioner", "Waiting", "reserve", "warm"]

#: The name under which pyproject.toml announces the provisioner.
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
    "virtkit.fleet.survey",
)


def warm() -> None:
    """Import what notebooks use. No pyplot, and one thread, so that forking stays safe."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in _MODULES:
        import_module(name)


class Waiting:
    """A forked child that waits to become a kernel; behaves as ``subprocess.Popen`` as far as Jupyter asks."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._pipe = pipe

    def become(self, cmd: list[str], cwd: str, env: dict[str, str], log: int | None) -> None:
        """Let the child run the kernel of ``cmd`` (interpreter, -m, module, then the arguments)."""
        order = {"argv": cmd[3:], "cwd": cwd, "env": env, "log": log and os.readlink(f"/proc/self/fd/{log}")}
        os.write(self._pipe, json.dumps(order).encode())
        os.close(self._pipe)

    def poll(self) -> int | None:
        """The exit code once it has ended, as Popen gives it."""
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
        """Wait for the end. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal while it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


_waiting: list[Waiting] = []


def reserve() -> None:
    """Fork the child that will be this process's kernel. Does nothing where there is no fork or no /proc."""
    if not hasattr(os, "fork") or not os.path.isdir("/proc/self/fd"):
        return
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(write)
        _child(read)
    os.close(read)
    _waiting.append(Waiting(pid, write))


def available() -> bool:
    """Whether a child waits."""
    return bool(_waiting)


def _child(pipe: int) -> None:
    """Wait for the order, then be the kernel; never returns."""
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
    os.chdir(order["cwd"])  # Unix sockets are named relative to it
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

    np.random.seed()  # every fork would draw the same numbers otherwise
    IPKernelApp.launch_instance(argv=[*order["argv"], f"--IPKernelApp.parent_handle={os.getppid()}"])


class ForkedProvisioner(LocalProvisioner):
    """Takes the waiting child in place of a new process; starts one as usual when there is none."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel and return how to reach it."""
        if not _waiting:
            return await super().launch_kernel(cmd, **kwargs)
        child = _waiting.pop()
        log = kwargs.get("stderr")
        child.become(
            cmd, kwargs.get("cwd") or os.getcwd(), kwargs.get("env") or dict(os.environ), log.fileno() if log else None
        )
        process: Any = child
        self.process = process
        self.pid = self.pgid = child.pid
        return self.connection_info
