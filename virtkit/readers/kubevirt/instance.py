"""An instance that is ready to be converted: a filled-in spec, with what is computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from virtkit.readers.kubevirt.architecture import Architecture
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.quantities import quantity

__all__ = ["Instance", "instance_of"]


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance that is ready to be converted.

    ``domain`` and ``devices`` are those of the filled-in ``spec``; ``machine`` is the machine type, ``virtio`` the
    model of virtio devices, ``uefi`` whether the firmware is UEFI, ``memory`` in bytes, 0 when none is stated, ``cpus``
    the number of virtual CPUs, ``encrypted`` whether its memory is, so that virtio devices need an IOMMU driver.
    """

    name: str
    namespace: str
    annotations: Mapping
    spec: Mapping
    domain: Mapping
    devices: Mapping
    arch: Architecture
    line: int
    machine: str
    virtio: str
    uefi: bool
    memory: int
    cpus: int
    encrypted: bool = False


def instance_of(
    name: str, namespace: str, annotations: Mapping, spec: Mapping, arch: Architecture, line: int
) -> Instance:
    """The instance of a filled-in spec."""
    domain = spec.child("domain")
    devices = domain.child("devices")
    transitional = devices.get("useVirtioTransitional") is True
    return Instance(
        name=name,
        namespace=namespace,
        annotations=annotations,
        spec=spec,
        domain=domain,
        devices=devices,
        arch=arch,
        line=line,
        machine=domain.child("machine").text("type"),
        virtio=arch.transitional if transitional else arch.virtio,
        uefi=isinstance(domain.child("firmware").child("bootloader").get("efi"), Mapping),
        memory=_memory(domain),
        cpus=_cpus(domain),
        encrypted=_is_encrypted(domain, arch),
    )


def _is_encrypted(domain: Mapping, arch: Architecture) -> bool:
    """Whether KubeVirt gives virtio devices an IOMMU driver: with SEV, SEV-SNP, or Secure Execution of s390x.

    Source: KubeVirt 1.9.0-rc.2, pkg/virt-launcher/virtwrap/manager.go.
    """
    security = domain.get("launchSecurity")
    if not isinstance(security, Mapping):
        return False
    return arch.name == "s390x" or any(security.get(key) is not None for key in ("sev", "snp"))


def _memory(domain: Mapping) -> int:
    """The guest's memory: as stated, else the request, the limit or the size of a huge page."""
    memory = domain.child("memory")
    stated = quantity(memory.get("guest"))
    if stated:
        return stated
    resources = domain.child("resources")
    others = (resources.child("requests").get("memory"), resources.child("limits").get("memory"))
    sizes = (*others, memory.child("hugepages").get("pageSize"))
    return next((found for one in sizes if (found := quantity(one))), 0)


def _cpus(domain: Mapping) -> int:
    """Sockets times cores times threads, else the limit or the request."""
    cpu = domain.child("cpu")
    counts = [count for key in ("sockets", "cores", "threads") if isinstance(count := cpu.get(key), int) and count > 0]
    if counts:
        return prod(counts)
    resources = domain.child("resources")
    stated = (resources.child(key).get("cpu") for key in ("limits", "requests"))
    return next((found for one in stated if (found := quantity(one))), 1)
