"""The driver's end of a kernel: no message is overlooked."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import zmq
import zmq.asyncio
from jupyter_client.session import Session

from virtkit.reporting.kernel import OwnKernelClient


def test_a_reply_that_comes_while_something_is_sent_is_seen(tmp_path: Path) -> None:
    """Sending takes in the one sign that a message has come; the reply is seen all the same."""
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
        time.sleep(0.2)  # a busy machine: the reply is there before the loop looks
        channel.send(session.msg("comm_msg"))
        found = await asyncio.wait_for(waiting, 30)
        channel.close()
        context.term()
        return str(found["msg_type"])

    assert asyncio.run(wait()) == "execute_reply"
    kernel.close(linger=0)
    kernel.context.term()
