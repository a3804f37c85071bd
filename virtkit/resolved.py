"""Resolves a domain and answers what follows from it: its virtio devices and its bus tree."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from virtkit.display import Displayable
from virtkit.domain.domain import Domain
from virtkit.errors import Refused
from virtkit.host import Host
from virtkit.resolution.pipeline import resolve_domain
from virtkit.resolution.result import Resolution
from virtkit.topology.build import topology_of
from virtkit.virtio.devices import VirtioDevice, virtio_devices

if TYPE_CHECKING:
    from virtkit.resolution.context import SlotPolicy
    from virtkit.topology.model import Topology

__all__ = ["Resolved", "resolve"]


class Resolved(Displayable, Resolution):
    """A resolution with what follows from it: the virtio devices and the bus tree, each computed when first used."""

    @cached_property
    def virtio_devices(self) -> tuple[VirtioDevice, ...]:
        """The virtio devices, each with the interface that QEMU shows the guest."""
        return virtio_devices(self)

    @cached_property
    def topology(self) -> Topology:
        """The bus tree."""
        return topology_of(self, self.virtio_devices)


def resolve(
    domain: Domain,
    host: Host | None = None,
    *,
    machine: str | None = None,
    slot_policy: SlotPolicy | None = None,
) -> Resolved:
    """What libvirt makes of a domain when it is defined on a host.

    ``host`` is Host.default() when not given; ``machine`` replaces the machine type; ``slot_policy`` replaces
    the rule that says where each virtio model may sit (for what-if reviews).
    Raises Refused (or Unsupported) when libvirt would refuse the domain.

    >>> import virtkit as vk
    >>> resolved = vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml"), machine="pc")
    >>> resolved
    <Resolved 'erp-db-rhel6' x86_64 pc-i440fx-11.1>
    >>> resolved.devices[0]
    <Disk disk vda at 0000:00:04.0>
    >>> resolved.virtio_devices[0]
    <VirtioDevice virtio-disk0 disk vda: virtio-blk-pci at 0000:00:04.0, transitional>
    """
    if not isinstance(domain, Domain):
        raise TypeError(f"resolve() takes a Domain, such as read('guest.xml') gives, not {type(domain).__name__}")
    try:
        return Resolved(*resolve_domain(domain, host or Host.default(), machine, slot_policy))
    except Refused as refusal:
        raise refusal.in_file(domain.path) from None
