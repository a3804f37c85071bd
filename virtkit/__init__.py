"""Answers offline, before the VM exists, what a libvirt domain becomes and whether its guest can drive it.

Begin with a domain, from a file or, as here, from the samples:

    >>> import virtkit as vk
    >>> domain = vk.read(vk.samples() / "rhel6-q35-virtio.xml")
    >>> resolved = vk.resolve(domain)        # what libvirt makes of it; machine="pc" asks for another machine type
    >>> vk.check(resolved)                   # does its guest OS find its devices?
    <Review 'erp-db-rhel6' rhel6.10 on pc-q35-8.2: 3 fails>

In a notebook each of these shows itself: put it on the last line of a cell. Then:

    resolved.topology                        the buses as a picture; print() gives a tree
    resolved.trace                           the reason of each decision
    resolved.xml()                           the XML as libvirt would keep it
    vk.survey("/etc/libvirt/qemu")           a folder of domains
    vk.matrix(guests="rhel*", kinds="net")   guests by machine types by virtio models, a DataFrame
    vk.recommend("rhel6.10", "q35")          the model to choose for each kind of device
    vk.catalogue().search("red hat 6")       the guest operating systems that are known
    vk.load_policy("recommended")            a model policy
    vk.Host.named(libvirt="9.0")             the host to resolve for, by release or by its own documents
    vk.explorer()                            choose a domain, machine, models and guest, and see what changes

All errors are VirtkitErrors: InputError for what cannot be read, Refused for what libvirt would refuse.

The names are imported when they are first used, so that importing the package costs next to nothing. Only ``check``,
``compare``, ``convert``, ``read``, ``recommend``, ``resolve`` and the classes work with lxml alone.
"""

from __future__ import annotations

from importlib import import_module as _import
from typing import TYPE_CHECKING as _TYPES

if _TYPES:
    from typing import Any

    from virtkit.compat.check import check
    from virtkit.compat.conversion.machine import convert
    from virtkit.compat.recommend import recommend
    from virtkit.compat.review import Review
    from virtkit.domain.domain import Domain
    from virtkit.errors import InputError, Refused, Unsupported, VirtkitError
    from virtkit.facts import samples
    from virtkit.fleet.survey import survey
    from virtkit.guests import Catalogue, Guest, catalogue
    from virtkit.host import Host
    from virtkit.hotplug.matrix import matrix
    from virtkit.inputs import read
    from virtkit.notebook.explorer import explorer
    from virtkit.policy.document import load as load_policy
    from virtkit.policy.rules import Policy
    from virtkit.resolved import Resolved, resolve
    from virtkit.topology.diff import compare
    from virtkit.topology.model import Topology

__all__ = [
    "Catalogue",
    "Domain",
    "Guest",
    "Host",
    "InputError",
    "Policy",
    "Refused",
    "Resolved",
    "Review",
    "Topology",
    "Unsupported",
    "VirtkitError",
    "catalogue",
    "check",
    "compare",
    "convert",
    "explorer",
    "load_policy",
    "matrix",
    "read",
    "recommend",
    "resolve",
    "samples",
    "survey",
]

__version__ = "0.1.0"

_HOMES = {
    "Catalogue": "guests",
    "Domain": "domain.domain",
    "Guest": "guests",
    "Host": "host",
    "InputError": "errors",
    "Policy": "policy.rules",
    "Refused": "errors",
    "Resolved": "resolved",
    "Review": "compat.check",
    "Topology": "topology.model",
    "Unsupported": "errors",
    "VirtkitError": "errors",
    "catalogue": "guests",
    "check": "compat.check",
    "compare": "topology.diff",
    "convert": "compat.conversion.machine",
    "explorer": "notebook.explorer",
    "load_policy": "policy.document:load",
    "matrix": "hotplug.matrix",
    "read": "inputs",
    "recommend": "compat.recommend",
    "resolve": "resolved",
    "samples": "facts",
    "survey": "fleet.survey",
}


#: Packages that are attributes before anything imports them: ``vk.guests.find``.
_PACKAGES = frozenset({"guests"})


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return _import(f"virtkit.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'virtkit' has no attribute {name!r}")
    module, _, other = home.partition(":")
    value = getattr(_import(f"virtkit.{module}"), other or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__doc__", "__version__"]
