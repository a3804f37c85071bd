"""Hot plug: one attach step against a real libvirtd, and the room of a large domain.

The peer is libvirt-python's ``attachDeviceFlags`` on a domain of the same XML that is started paused. It is left out
where no libvirtd can be asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from benchmarks.timing import Figure, best
from virtkit import read, resolve
from virtkit.errors import VerifyError
from virtkit.hotplug.capacity import capacity
from virtkit.hotplug.device import read_device
from virtkit.hotplug.forms import FORMS, Names
from virtkit.hotplug.running import Running
from virtkit.verify.libvirt import Libvirt, connect

STEPS = 10


def domain(devices: int, spare: int) -> str:
    """A q35 domain with so many NICs and rngs, and spare root ports."""
    names = Names()
    forms = [("nic", "rng")[number % 2] for number in range(devices)]
    plugged = "".join(FORMS[form].xml(names, "") for form in forms)
    ports = "<controller type='pci' model='pcie-root-port'/>" * (devices + spare)
    return (
        "<domain type='qemu'><name>plug</name><memory unit='MiB'>256</memory>"
        "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices>"
        f"<controller type='pci' index='0' model='pcie-root'/>{ports}{plugged}</devices></domain>"
    )


def _nics(count: int) -> list[str]:
    names = Names()
    return [FORMS["nic"].xml(names, "").replace("52:54:00:76", "52:54:00:77") for _ in range(count)]


def _theirs(peer: Libvirt, text: str) -> float:
    """Seconds that one attach takes at libvirtd, the shortest of several."""
    times = []
    with peer.started(text.encode(), "benchmark") as running:
        for xml in _nics(STEPS):
            start = time.perf_counter()
            running.attachDeviceFlags(xml, peer.flags("AFFECT_LIVE"))
            times.append(time.perf_counter() - start)
    return min(times)


def _ours(resolved: Any) -> float:
    """Seconds that one attach takes in process, parsing the XML of the device included; the shortest of several."""
    running = Running(resolved)
    times = []
    for xml in _nics(STEPS):
        start = time.perf_counter()
        effect = running.attach(read_device(xml))
        times.append(time.perf_counter() - start)
        assert effect.refusal is None
    return min(times)


def figures() -> Iterator[Figure]:
    """One step on a domain of 30 devices; the room of one with 60."""
    text = domain(30, STEPS + 2)
    try:
        with connect("qemu:///system") as peer:
            resolved = resolve(read(text.encode()), peer.host)
            theirs = _theirs(peer, text)
            yield Figure("attach a NIC to a running domain of 30 devices", _ours(resolved), "attachDeviceFlags", theirs)
    except VerifyError as error:
        resolved = resolve(read(text.encode()))
        yield Figure("attach a NIC to a running domain of 30 devices", _ours(resolved), note=f"no peer: {error}")
    large = resolve(read(domain(60, 20).encode()))
    yield Figure("capacity of a running domain of 60 devices", best(lambda: capacity(large)), note="at most 300 ms")
