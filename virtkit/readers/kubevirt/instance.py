"""An instance that is ready to be converted: a filled-in spec, with what is computed from it."""

from __future__ import annotations

from dataclasses import dataclass

from virtkit.readers.kubevirt.architecture import Architecture
from virtkit.readers.kubevirt.documents import Mapping
from virtkit.readers.kubevirt.quantities import quantity

__all__ = ["Instance"]


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance that is ready to be converted: its filled-in spec, annotations and architecture."""

    name: str
    namespace: str
    annotations: Mapping
    spec: Mapping
    arch: Architecture
    line: int

    @property
    def devices(self) -> Mapping:
        """The devices of the spec."""
        return self.spec.child("domain").child("devices")

    @property
    def machine(self) -> str:
        """The machine type."""
        return self.spec.child("domain").child("machine").text("type")

    @property
    def virtio(self) -> str:
        """The model of its virtio devices."""
        transitional = self.devices.get("useVirtioTransitional") is True
        return self.arch.transitional if transitional else self.arch.virtio

    @property
    def uefi(self) -> bool:
        """Whether its firmware is UEFI."""
        loader = self.spec.child("domain").child("firmware").child("bootloader")
        return isinstance(loader.get("efi"), Mapping)

    @property
    def memory(self) -> int:
        """Its memory in bytes, 0 when none is stated."""
        domain = self.spec.child("domain")
        memory, resources = domain.child("memory"), domain.child("resources")
        for holder, key in (
            (memory, "guest"),
            (resources.child("requests"), "memory"),
            (resources.child("limits"), "memory"),
            (memory.child("hugepages"), "pageSize"),
        ):
            if found := quantity(holder.get(key)):
                return found
        return 0

    @property
    def cpus(self) -> int:
        """The number of its virtual CPUs."""
        domain = self.spec.child("domain")
        cpu = domain.child("cpu")
        counts = [cpu.get(key) for key in ("sockets", "cores", "threads")]
        if not any(counts):
            resources = domain.child("resources")
            stated = (resources.child(key).get("cpu") for key in ("limits", "requests"))
            return next((found for one in stated if (found := quantity(one))), 1)
        product = 1
        for count in counts:
            product *= count if isinstance(count, int) and count > 0 else 1
        return product
