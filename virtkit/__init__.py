"""What a libvirt domain will become, and whether its guest can drive it: told offline, before the VM exists.

    import virtkit as vk

    domain = vk.read("guest.xml")
    resolved = vk.resolve(domain)
    print(resolved.xml())

Importing this package needs only lxml; matrices and pictures import pandas and matplotlib where they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from virtkit.domain.domain import Domain, read
from virtkit.errors import InputError, Refused, Unsupported, VirtkitError
from virtkit.host import Host

# The function takes the name of its module on purpose: vk.resolve(domain) is what people type.
from virtkit.resolve import Resolved, resolve
from virtkit.topology import Topology

if TYPE_CHECKING:
    from virtkit.compat import check, matrix

__all__ = [
    "Domain",
    "Host",
    "InputError",
    "Refused",
    "Resolved",
    "Topology",
    "Unsupported",
    "VirtkitError",
    "check",
    "matrix",
    "read",
    "resolve",
]

__version__ = "0.1.0"

_LATER = {"check": "virtkit.compat", "matrix": "virtkit.compat"}


def __getattr__(name: str) -> Any:
    home = _LATER.get(name)
    if home is None:
        raise AttributeError(f"module 'virtkit' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value
