"""Resolves a domain, and derives its virtio devices and its bus topology."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from virtkit.display import Displayable
from virtkit.domain.domain import Domain
from virtkit.domain.placed import placed_by_qemu
from virtkit.errors import Refused
from virtkit.host import Host
from virtkit.memo import Lazy
from virtkit.resolution.pipeline import resolve_domain
from virtkit.resolution.result import Resolution

if TYPE_CHECKING:
    from virtkit.resolution.context import SlotPolicy
    from virtkit.topology.headroom import Taken
    from virtkit.topology.model import Topology
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["Resolved", "resolve"]


class Resolved(Displayable, Resolution):
    """A resolved domain with its virtio devices and its bus topology, which are computed on first use.

    ``virtkit.resolve`` makes one.

    >>> import virtkit as vk
    >>> resolved = vk.resolve(vk.samples() / "rhel6-q35-virtio.xml")
    >>> resolved
    <Resolved 'erp-db-rhel6' x86_64 pc-q35-8.2>
    >>> resolved.virtio_devices[1]
    <VirtioDevice net0 interface 0 (virtio): virtio-net-pci at 0000:01:00.0, modern>
    """

    @Lazy
    def virtio_devices(self) -> tuple[VirtioDevice, ...]:
        """The virtio devices, each with the interface that QEMU shows the guest."""
        from virtkit.virtio.devices import virtio_devices

        return virtio_devices(self)

    @Lazy
    def taken_slots(self) -> Taken:
        """The taken slots of each PCI bus, by the number of the bus."""
        from virtkit.topology.headroom import taken_slots

        return taken_slots(self.devices)

    @Lazy
    def topology(self) -> Topology:
        """The bus topology."""
        from virtkit.topology.build import topology_of

        return topology_of(self, self.virtio_devices, self.taken_slots)


def resolve(
    domain: Domain | str | bytes | PathLike[str],
    host: Host | None = None,
    *,
    machine: str | None = None,
    slot_policy: SlotPolicy | None = None,
) -> Resolved:
    """The domain as libvirt would define it on a host: a Domain, or what ``virtkit.read`` takes.

    ``host`` defaults to Host.default(); ``machine`` replaces the machine type; ``slot_policy`` replaces the rule that
    gives each virtio model its kind of slot (for slot policy reviews). A domain whose machine type the default host
    lacks is resolved for the closest known host that has the type and accepts the domain; ``assumption`` of the result
    says so. Raises Refused (or Unsupported) when libvirt would refuse the domain.

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
        if not isinstance(domain, str | bytes | PathLike):
            raise TypeError(f"resolve() expects a Domain, a path, text or bytes, got {type(domain).__name__}")
        from virtkit.inputs import read

        domain = read(domain)
    host = host or Host.default()
    refusals: list[Refused] = []
    for candidate in _candidates(host, domain, machine or domain.machine):
        try:
            return Resolved(*resolve_domain(domain, candidate, machine, slot_policy))
        except Refused as refusal:
            refusals.append(_on(candidate, refusal, domain))
    raise refusals[0] from None


def _candidates(host: Host, domain: Domain, machine: str | None) -> tuple[Host, ...]:
    """The hosts to try for a domain, in this order."""
    if not host.may_be_replaced(domain.arch, machine):
        return (host,)
    from virtkit.host.nearest import assumed_hosts

    placed = placed_by_qemu(domain.document.frame)
    return assumed_hosts(host, domain.arch, machine, domain.path, placed=placed) or (host,)


def _on(host: Host, refusal: Refused, domain: Domain) -> Refused:
    """The refusal with its file and, where the host was assumed, with a note that says so."""
    if host.assumption is not None:
        what = f"{refusal.what}; {host.assumption.note}"
        refusal = type(refusal)(refusal.category, what, refusal.device, refusal.line)
    return refusal.in_file(domain.path)
