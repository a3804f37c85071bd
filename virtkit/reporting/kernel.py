"""The kernel of a run: this interpreter, over Unix sockets, without the user's settings or history."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from virtkit.reporting import fork

__all__ = ["LOG", "OwnKernelClient", "OwnKernelManager", "OwnKernelSpecs"]

LOG = "kernel.log"
_POLL_INTERVAL = 1.0  # seconds


class OwnKernelSpecs(KernelSpecManager):
    """Returns one kernel for every name: the interpreter of this process."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The specification of that kernel; kernels registered in the user's folders are ignored."""
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        metadata = {"kernel_provisioner": {"provisioner_name": fork.PROVISIONER}} if fork.available() else {}
        return KernelSpec(argv=launcher, display_name="virtkit", language="python", metadata=metadata)


class _Channel(AsyncZMQSocketChannel):
    """A channel that checks for messages once a second, so that it cannot miss one.

    ZeroMQ's file descriptor signals a message once. jupyter_client sends through the same socket, and the send consumes
    that signal: a reply that arrives at that moment would be noticed only when the timeout ends. nbclient sends while
    it waits whenever a cell prints into an Output widget.
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
        """The next message. Raises queue.Empty after ``timeout`` seconds; None waits forever."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _POLL_INTERVAL if end is None else max(0.0, min(_POLL_INTERVAL, end - time.monotonic()))
            try:
                return await super().get_msg(left)
            except Empty:
                if end is not None and time.monotonic() >= end:
                    raise


class OwnKernelClient(AsyncKernelClient):
    """The client that talks to the kernel."""

    shell_channel_class = _Channel
    iopub_channel_class = _Channel


class OwnKernelManager(AsyncKernelManager):
    """Starts the kernel over Unix sockets, because kernels that start at the same time can collide on a TCP port."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["transport"] = "ipc"
        kwargs["client_factory"] = OwnKernelClient
        super().__init__(**kwargs)
        self.kernel_spec_manager = OwnKernelSpecs(parent=self)

    async def start_kernel(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """Start the kernel; its standard error goes to ``kernel.log`` in its working directory."""
        with (Path(kwargs.get("cwd") or ".") / LOG).open("ab") as log:
            return await super().start_kernel(**kwargs, stderr=log)
