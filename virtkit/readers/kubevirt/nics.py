"""Network interfaces of a spec as devices of domain XML.

Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap/converter/network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lxml import etree
from lxml.etree import SubElement

from virtkit.readers.kubevirt.building import alias, pci_address
from virtkit.readers.kubevirt.documents import Mapping

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from virtkit.readers.kubevirt.building import Building
    from virtkit.readers.kubevirt.instance import Instance

__all__ = ["add_nics", "placeholders", "sriov", "unknown_bindings"]

_MOST_QUEUES = 256


def add_nics(building: Building, instance: Instance) -> None:
    """Add the interfaces, without those that are absent, that a plugin adds, or that are host devices."""
    networks = {one.text("name"): one for one in instance.spec.items_of("networks")}
    for nic in instance.devices.items_of("interfaces"):
        if nic.text("state") == "absent" or "sriov" in nic or isinstance(nic.get("binding"), Mapping):
            continue
        passt = isinstance(nic.get("passtBinding"), Mapping)
        element = building.device("interface", nic.line, {"type": "vhostuser" if passt else "ethernet"})
        model = nic.text("model") or "virtio"
        if nic.text("macAddress"):
            SubElement(element, "mac", {"address": nic.text("macAddress").replace("-", ":")})
        tap = _tap(networks.get(nic.text("name")), nic.text("name"))
        if passt:
            SubElement(element, "source", {"dev": tap})
            SubElement(element, "backend", {"type": "passt"})
        else:
            SubElement(element, "target", {"dev": tap, "managed": "no"})
        SubElement(element, "model", {"type": instance.virtio if model == "virtio" else model})
        if model == "virtio":
            _add_driver(element, instance)
        if nic.text("state") == "down":
            SubElement(element, "link", {"state": "down"})
        if nic.get("acpiIndex"):
            SubElement(element, "acpi", {"index": nic.text("acpiIndex")})
        alias(element, nic.text("name"))
        if nic.get("bootOrder"):
            SubElement(element, "boot", {"order": nic.text("bootOrder")})
        if instance.arch.rom and not passt and (not nic.get("bootOrder") or instance.encrypted):
            SubElement(element, "rom", {"enabled": "no"})
        if nic.text("pciAddress"):
            pci_address(element, nic.text("pciAddress"))


def _add_driver(element: Element, instance: Instance) -> None:
    """Several queues, and the IOMMU of a machine whose memory is encrypted."""
    options = {}
    if instance.devices.get("networkInterfaceMultiqueue") is True:
        options["queues"] = str(min(instance.cpus, _MOST_QUEUES))
    if instance.encrypted:
        options["iommu"] = "on"
    if options:
        SubElement(element, "driver", {"name": "vhost", **options})


def _tap(network: Mapping | None, name: str) -> str:
    """The name of a tap device: tap0 on the pod network, else a hash of the network's name."""
    if network is not None and "pod" in network:
        return "tap0"
    return f"tap{hashlib.sha256(name.encode()).hexdigest()[:11]}"


def sriov(instance: Instance) -> list[Mapping]:
    """The interfaces that are host devices."""
    return [
        nic for nic in instance.devices.items_of("interfaces") if "sriov" in nic and nic.text("state") != "absent"
    ]


def unknown_bindings(instance: Instance) -> list[str]:
    """The names of the interfaces that a network binding plugin may add, so that the domain lacks them."""
    nics = instance.devices.items_of("interfaces")
    return [nic.text("name") for nic in nics if isinstance(nic.get("binding"), Mapping)]


def placeholders(model: str, count: int) -> Iterator[Element]:
    """The interfaces that KubeVirt adds while it reserves ports, and takes away again."""
    for number in range(count):
        element = etree.Element("interface", {"type": "ethernet"})
        SubElement(element, "target", {"dev": f"placeholder-{number}", "managed": "no"})
        SubElement(element, "model", {"type": model})
        yield element
