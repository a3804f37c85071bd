"""The kernel of a run: this interpreter, over Unix sockets, with no setting or history of the user's."""

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
_LOOK = 1.0  # seconds


class OwnKernelSpecs(KernelSpecManager):
    """Knows one kernel, whatever it is asked for: the interpreter that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The one kernel. Kernels registered in the user's folders are never looked at."""
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        metadata = {"kernel_provisioner": {"provisioner_name": fork.PROVISIONER}} if fork.available() else {}
        return KernelSpec(argv=launcher, display_name="virtkit", language="python", metadata=metadata)


class _Channel(AsyncZMQSocketChannel):
    """Looks anew each second whether a message is there.

    jupyter_client sends past the asyncio socket that it waits on. ZeroMQ's descriptor tells of a message once, and
    such a send takes that in: a reply that comes just then would be seen when the whole time is over. nbclient sends
    while it waits whenever a cell prints into an Output widget.
    """

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:  # type: ignore[override]
        """The next message. Raises queue.Empty after ``timeout`` seconds; None waits for ever."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _LOOK if end is None else max(0.0, min(_LOOK, end - time.monotonic()))
            try:
                return await super().get_msg(left)
            except Empty:
                if end is not None and time.monotonic() >= end:
                    raise


class OwnKernelClient(AsyncKernelClient):
    """The driver's end of the kernel's channels."""

    shell_channel_class = _Channel
    iopub_channel_class = _Channel


class OwnKernelManager(AsyncKernelManager):
    """Starts that kernel over Unix sockets, because kernels started at once over TCP can take one another's ports."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["transport"] = "ipc"
        kwargs["client_factory"] = OwnKernelClient
        super().__init__(**kwargs)
        self.kernel_spec_manager = OwnKernelSpecs(parent=self)

    async def start_kernel(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """Start it; what it says of itself goes to ``kernel.log`` in its working directory."""
        with (Path(kwargs.get("cwd") or ".") / LOG).open("ab") as log:
            return await super().start_kernel(**kwargs, stderr=log)
