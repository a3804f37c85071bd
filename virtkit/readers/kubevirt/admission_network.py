"""What KubeVirt's admission refuses of interfaces and networks.

Source: KubeVirt 1.9.0-rc.2, pkg/network/admitter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.readers.kubevirt.documents import Mapping
from virtkit.wording import listed

if TYPE_CHECKING:
    from virtkit.readers.kubevirt.checker import Checker

__all__ = ["check_networks"]

_BINDINGS = ("bridge", "masquerade", "sriov", "passtBinding", "binding")
_DISCONTINUED = ("macvtap", "passt", "slirp")
_ON_POD_NETWORK = ("masquerade", "passtBinding")
_NETWORKS = ("pod", "multus", "resourceClaim")
_NAME = re.compile(r"[A-Za-z0-9_-]+")


def check_networks(checker: Checker, spec: Mapping, devices: Mapping) -> None:
    """Refuse what admission refuses of the interfaces and networks of a spec. Raises InputError."""
    networks = {one.text("name"): one for one in spec.items_of("networks")}
    names: set[str] = set()
    for number, nic in enumerate(devices.items_of("interfaces")):
        path, name = f"domain.devices.interfaces[{number}]", nic.text("name")
        checker.value(nic, "model", f"{path}.model", "interface.model")
        checker.value(nic, "state", f"{path}.state", "interface.state")
        checker.pci_address(nic, path)
        checker.boot_order(nic, path)
        if name not in networks:
            checker.refuse(nic, "name", f"{path}.name", f"there is no network called {name[:60]!r} in spec.networks")
        if name in names:
            checker.refuse(nic, "name", f"{path}.name", f"an earlier interface is called {name[:60]!r} too")
        if not _NAME.fullmatch(name):
            checker.refuse(nic, "name", f"{path}.name", f"expected letters, digits, - and _, got {name[:60]!r}")
        names.add(name)
        _check_binding(checker, nic, networks[name], path)
        _check_state(checker, nic, networks[name], path)
    _check_sources(checker, spec, names)


def _check_binding(checker: Checker, nic: Mapping, network: Mapping, path: str) -> None:
    old = [key for key in _DISCONTINUED if nic.get(key) is not None]
    if old:
        what = f"KubeVirt has had no {old[0]} binding since 1.3; use a network binding plugin, or bridge or masquerade"
        checker.refuse(nic, old[0], f"{path}.{old[0]}", what)
    found = [key for key in _BINDINGS if nic.get(key) is not None]
    if len(found) != 1:
        what = f"expected one of {listed(_BINDINGS)}, got {listed(found) or 'none'}"
        checker.refuse(nic, found[1] if found else "name", path, what)
    if found[0] in _ON_POD_NETWORK and network.get("pod") is None:
        what = f"{found[0]} is for the pod network only; use bridge on other networks"
        checker.refuse(nic, found[0], f"{path}.{found[0]}", what)


def _check_state(checker: Checker, nic: Mapping, network: Mapping, path: str) -> None:
    state = nic.text("state")
    if nic.get("sriov") is not None and state in ("up", "down"):
        checker.refuse(nic, "state", f"{path}.state", f"an SR-IOV interface cannot be {state!r}")
    if state != "absent":
        return
    if nic.get("bridge") is None:
        checker.refuse(nic, "state", f"{path}.state", "only an interface with a bridge binding can be 'absent'")
    if network.get("pod") is not None or network.child("multus").get("default") is True:
        checker.refuse(nic, "state", f"{path}.state", "the interface of the default network cannot be 'absent'")


def _check_sources(checker: Checker, spec: Mapping, names: set[str]) -> None:
    pod = ""
    for number, network in enumerate(spec.items_of("networks")):
        name, path = network.text("name"), f"networks[{number}]"
        if name not in names:
            checker.refuse(network, "name", f"{path}.name", f"no interface uses the network {name[:60]!r}")
        found = [key for key in _NETWORKS if network.get(key) is not None]
        if len(found) != 1:
            what = f"expected one of {listed(_NETWORKS)}, got {listed(found) or 'none'}"
            checker.refuse(network, "name", path, what)
        if network.get("pod") is not None:
            if pod:
                checker.refuse(network, "pod", f"{path}.pod", f"the network {pod[:60]!r} is the pod network already")
            pod = name
