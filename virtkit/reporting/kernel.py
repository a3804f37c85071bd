"""The kernel of a run: this interpreter, over Unix sockets, with no setting or history of the user's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from virtkit.reporting import fork

__all__ = ["LOG", "OwnKernelManager", "OwnKernelSpecs"]

LOG = "kernel.log"


class OwnKernelSpecs(KernelSpecManager):
    """Knows one kernel, whatever it is asked for: the interpreter that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The one kernel. Kernels registered in the user's folders are never looked at."""
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        metadata = {"kernel_provisioner": {"provisioner_name": fork.PROVISIONER}} if fork.available() else {}
        return KernelSpec(argv=launcher, display_name="virtkit", language="python", metadata=metadata)


class OwnKernelManager(AsyncKernelManager):
    """Starts that kernel over Unix sockets, because kernels started at once over TCP can take one another's ports."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["transport"] = "ipc"
        super().__init__(**kwargs)
        self.kernel_spec_manager = OwnKernelSpecs(parent=self)

    async def start_kernel(self, **kwargs: Any) -> Any:  # type: ignore[override]
        """Start it; what it says of itself goes to ``kernel.log`` in its working directory."""
        with (Path(kwargs.get("cwd") or ".") / LOG).open("ab") as log:
            return await super().start_kernel(**kwargs, stderr=log)
