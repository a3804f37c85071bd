"""The kernel of a run: this interpreter, over Unix sockets, with no setting or history of the user's."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

__all__ = ["OwnKernelManager", "OwnKernelSpecs"]


class OwnKernelSpecs(KernelSpecManager):
    """Knows one kernel, whatever it is asked for: the interpreter that runs this."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The one kernel. Kernels registered in the user's folders are never looked at."""
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=launcher, display_name="virtkit", language="python")


class OwnKernelManager(AsyncKernelManager):
    """Starts that kernel over Unix sockets, because kernels started at once over TCP can take one another's ports."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["transport"] = "ipc"
        super().__init__(**kwargs)
        self.kernel_spec_manager = OwnKernelSpecs(parent=self)
