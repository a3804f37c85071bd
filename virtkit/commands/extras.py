"""Optional packages: which extra of virtkit installs a module that is missing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTRAS", "remedy", "require"]

#: The extras of ``pyproject.toml`` that bring each module; the first one is named where the command does not decide.
EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dask": ("fleet",),
        "distributed": ("fleet",),
        "ipykernel": ("report",),
        "ipywidgets": ("lab",),
        "libvirt": ("verify",),
        "matplotlib": ("report",),
        "nbclient": ("report",),
        "nbconvert": ("report",),
        "nbformat": ("report",),
        "numpy": ("report", "fleet"),
        "pandas": ("report", "fleet"),
        "papermill": ("report",),
        "pyarrow": ("report", "fleet"),
        "qemu": ("qemu",),
        "rich": ("report",),
        "yaml": ("report",),
    }
)
_OF_COMMANDS = MappingProxyType({"audit": "fleet"})


def require(*modules: str) -> None:
    """Raises ModuleNotFoundError for the first module that is missing, before a command has done part of its work."""
    from importlib.util import find_spec

    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def remedy(error: ModuleNotFoundError, command: str) -> str | None:
    """One line that says what to install for a command; None when the module belongs to no extra."""
    module = (error.name or "").partition(".")[0]
    extras = EXTRAS.get(module)
    if extras is None:
        return None
    wanted = _OF_COMMANDS.get(command, "")
    extra = wanted if wanted in extras else extras[0]
    return f"{command} needs the Python package {module}: pip install 'virtkit[{extra}]'"
