"""One conversation with one QEMU: start it paused, ask it over QMP, and always end it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from typing import IO, Any, Protocol, TypeVar

from virtkit.errors import VerifyError

__all__ = ["Ask", "QemuExited", "converse"]

Answer = TypeVar("Answer")

#: Seconds that an ended QEMU and its connection get to finish.
_GRACE = 2.0
_PR_SET_PDEATHSIG = 1


class Ask(Protocol):
    """Sends one QMP command, returns its ``return`` value; raises VerifyError when QEMU answers an error."""

    async def __call__(self, command: str, arguments: dict[str, object] | None = None) -> Any: ...


class QemuExited(VerifyError):
    """QEMU exited before it answered. Attributes: ``status`` (exit status), ``said`` (its stderr)."""

    def __init__(self, binary: str, status: int | None, said: str) -> None:
        super().__init__(binary, status, said)
        self.binary = binary
        self.status = status
        self.said = said

    def _message(self) -> str:
        return f"{self.binary} exited with status {self.status}: {self.said or 'no message'}"


def converse(
    binary: str,
    arguments: Sequence[str],
    talk: Callable[[Ask], Awaitable[Answer]],
    limit: float = 30.0,
    pass_fds: Sequence[int] = (),
) -> Answer:
    """Starts ``binary`` with ``arguments`` and a QMP monitor, awaits ``talk(ask)``, and ends QEMU.

    ``limit`` is the number of seconds for everything. QEMU is ended when ``talk`` returns or raises, on
    Ctrl-C, and (on Linux) when this process dies. Raises QemuExited when QEMU exits by itself, VerifyError
    when it cannot be started, does not answer in time, or the package qemu.qmp is missing.
    """
    try:
        return asyncio.run(_limited(binary, arguments, talk, limit, pass_fds))
    except TimeoutError:
        raise VerifyError(f"{binary} did not answer within {limit:g} s and was stopped") from None


async def _limited(
    binary: str,
    arguments: Sequence[str],
    talk: Callable[[Ask], Awaitable[Answer]],
    limit: float,
    pass_fds: Sequence[int],
) -> Answer:
    async with asyncio.timeout(limit):
        return await _converse(binary, arguments, talk, pass_fds)


async def _converse(
    binary: str,
    arguments: Sequence[str],
    talk: Callable[[Ask], Awaitable[Answer]],
    pass_fds: Sequence[int],
) -> Answer:
    try:
        from qemu.qmp import ExecuteError, QMPClient, QMPError
    except ImportError:
        raise VerifyError("a question to QEMU needs the package qemu.qmp: pip install 'virtkit[qemu]'") from None
    # qemu.qmp logs a warning with a traceback when QEMU exits; the exception below already reports it.
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as noise:
        monitor = (
            "-chardev", f"socket,id=virtkit-qmp,fd={theirs.fileno()}",
            "-mon", "chardev=virtkit-qmp,mode=control",
        )  # fmt: skip
        try:
            process = await asyncio.create_subprocess_exec(
                binary, *arguments, *monitor,
                stdin=asyncio.subprocess.DEVNULL, stdout=noise, stderr=noise,
                pass_fds=(theirs.fileno(), *pass_fds), preexec_fn=_die_with_parent(),
            )  # fmt: skip
        except OSError as error:
            raise VerifyError(f"{binary} cannot be started: {error.strerror}") from None
        theirs.close()
        client = QMPClient("virtkit")

        async def ask(command: str, arguments: dict[str, object] | None = None) -> Any:
            try:
                return await client.execute(command, arguments)
            except ExecuteError as error:
                raise VerifyError(f"{binary} refuses {command}: {error}") from None

        try:
            await client.connect(ours)
            return await talk(ask)
        except (QMPError, ConnectionError, EOFError) as error:
            status = await _ended(process)
            said = _said(noise)
            if status is None:
                raise VerifyError(f"{binary}: the QMP connection broke: {error}") from None
            raise QemuExited(binary, status, said) from None
        finally:
            await _end(process, client)


async def _end(process: asyncio.subprocess.Process, client: Any) -> None:
    """Kill QEMU first: a paused QEMU with stub back ends has no state to save."""
    if process.returncode is None:
        process.kill()
    await process.wait()
    # The connection is closed in any case, so its errors do not matter.
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.disconnect(), _GRACE)


async def _ended(process: asyncio.subprocess.Process) -> int | None:
    try:
        return await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        return None


def _said(noise: IO[bytes]) -> str:
    """QEMU's own error lines; without such lines, all lines except warnings, else all lines."""
    noise.seek(0)
    text = noise.read(20_000).decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "warning:" not in line]
    own = [line for line in errors if re.match(r"qemu-system-[^:]+: (?!info:)", line)]
    # Lines of libraries stand before the first line of QEMU itself; later lines belong to QEMU.
    return " / ".join(errors[errors.index(own[0]) :] if own else errors or lines)


def _die_with_parent() -> Callable[[], None] | None:
    """The function that makes the kernel kill QEMU when this process dies (Linux only)."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return ask_kernel
