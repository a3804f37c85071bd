"""The result of a resolution: a domain as libvirt keeps it, with a reason for each decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.writer import write

if TYPE_CHECKING:
    from virtkit.domain.device_classes import Inventory
    from virtkit.domain.devices import Device
    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.host.assumption import Assumption
    from virtkit.resolution.context import Context
    from virtkit.resolution.trace import Trace

__all__ = ["Resolution"]


class Resolution:
    """A domain as libvirt keeps it on a host: every controller, every model, every address, and why.

    ``context`` is what it was resolved in, ``inventory`` its devices by class, ``trace`` one reason for every decision.
    """

    def __init__(self, domain: Domain, host: Host, context: Context, inventory: Inventory, trace: Trace) -> None:
        self.domain = domain
        self.host = host
        self.context = context
        self.inventory = inventory
        self.trace = trace
        self.devices: tuple[Device, ...] = tuple(inventory.in_order())
        """Every device, added controllers included, in libvirt's general order, with its id."""

    @property
    def assumption(self) -> Assumption | None:
        """The host that was assumed because the default one lacks the machine type; None when none was."""
        return self.host.assumption

    @property
    def name(self) -> str:
        """The domain's name."""
        return self.domain.name

    @property
    def arch(self) -> str:
        """libvirt's name of the architecture."""
        return self.context.arch

    @property
    def machine(self) -> str:
        """The canonical machine type."""
        return self.context.machine

    @property
    def family(self) -> str:
        """The machine family: i440fx, q35, aarch64-virt, pseries, …"""
        return self.context.family.name

    def xml(self) -> str:
        """The domain's XML with every decision written in and nothing else changed."""
        domain = self.domain
        os_type = []
        if domain.arch_written is None:
            os_type.append(("arch", self.arch))
        if domain.machine != self.machine:
            os_type.append(("machine", self.machine))
        return write(domain.document, self.inventory, os_type, lambda: domain.outline)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.arch} {self.machine}>"
