"""The kernel of a run: the interpreter of the run, of which no message is missed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from virtkit.reporting.kernel import OwnKernelClient


@pytest.mark.slow
def test_a_reply_that_comes_while_something_is_sent_is_seen(tmp_path: Path) -> None:
    """A reply is received although a send has consumed the signal that it arrived."""
    kernel = zmq.Context().socket(zmq.DEALER)
    kernel.bind(f"ipc://{tmp_path}/shell")
    session = Session()

    async def wait() -> str:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.DEALER)
        socket.connect(f"ipc://{tmp_path}/shell")
        channel = OwnKernelClient.shell_channel_class(socket, session)
        channel.send(session.msg("execute_request"))
        waiting = asyncio.ensure_future(channel.get_msg(timeout=None))
        await asyncio.sleep(0.2)
        kernel.recv_multipart()
        session.send(kernel, "execute_reply")
        time.sleep(0.2)  # the reply arrives before the event loop polls, as on a busy machine
        channel.send(session.msg("comm_msg"))
        found = await asyncio.wait_for(waiting, 30)
        channel.close()
        context.term()
        return str(found["msg_type"])

    assert asyncio.run(wait()) == "execute_reply"
    kernel.close(linger=0)
    kernel.context.term()


@pytest.mark.notebook
@pytest.mark.system
def test_a_report_leaves_the_users_home_alone(home: Path, tmp_path: Path) -> None:
    """A report neither uses nor changes the kernel, settings and start-up files in the user's home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON", "XDG"))}
    words = [sys.executable, "-m", "virtkit", "--quiet", "report", "00", "-o", str(tmp_path / "reports")]
    done = subprocess.run(words, env={**kept, "HOME": str(home)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
