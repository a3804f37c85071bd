"""What a libvirt domain will become, and whether its guest can drive it: told offline, before the VM exists.

    import virtkit as vk

    domain = vk.read("guest.xml")
    resolved = vk.resolve(domain)
    print(resolved.xml())

The names below are imported when they are first used, so that importing the package costs next to nothing; all but
``check`` and ``matrix`` need only lxml.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from virtkit.compat.check import check
    from virtkit.compat.matrix import matrix
    from virtkit.domain.domain import Domain, read
    from virtkit.errors import InputError, Refused, Unsupported, VirtkitError
    from virtkit.host import Host
    from virtkit.resolution import Resolved, resolve
    from virtkit.topology import Topology

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

_HOMES = {
    "Domain": "virtkit.domain.domain",
    "Host": "virtkit.host",
    "InputError": "virtkit.errors",
    "Refused": "virtkit.errors",
    "Resolved": "virtkit.resolution",
    "Topology": "virtkit.topology",
    "Unsupported": "virtkit.errors",
    "VirtkitError": "virtkit.errors",
    "check": "virtkit.compat.check",
    "matrix": "virtkit.compat.matrix",
    "read": "virtkit.domain.domain",
    "resolve": "virtkit.resolution",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'virtkit' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
