"""The pipeline as one readable function: defaults, models, slots, and what comes out of them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from virtkit.domain.devices import Device
from virtkit.domain.domain import Domain
from virtkit.domain.reader import read_devices
from virtkit.domain.vocabulary import dotted
from virtkit.domain.writer import write
from virtkit.errors import Refused, Unsupported
from virtkit.host import Host
from virtkit.host.family import Family, family_of
from virtkit.resolution.addresses import memory_slots, pci, transports, usb, virtio_serial
from virtkit.resolution.addresses import pci_options as finishing
from virtkit.resolution.constraints import after_slots, before_slots
from virtkit.resolution.context import Setting, SlotPolicy, behaviours
from virtkit.resolution.defaults import additions, chardevs, controllers, disks, models

if TYPE_CHECKING:
    from virtkit.host import Emulator
    from virtkit.resolution.trace import Trace
    from virtkit.topology.model import Topology
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["Resolved", "resolve"]

CFG = "unsupported configuration"

DRIVER_TYPES = frozenset({"qemu", "kvm", "kqemu", "hvf"})
"""Domain types of libvirt's QEMU driver."""


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
        return _resolve(domain, host or Host.default(), machine, slot_policy)
    except Refused as refusal:
        raise refusal.in_file(domain.path) from None


def _resolve(domain: Domain, host: Host, machine: str | None, slot_policy: SlotPolicy | None) -> Resolved:
    emulator, name, family = _place(domain, host, machine)
    setting = Setting(
        root=domain.document.root,
        arch=domain.arch,
        machine=name,
        family=family,
        at=host.libvirt,
        emulator=emulator,
        devices=read_devices(domain.document.root, host.libvirt),
        behaves=behaviours(host.libvirt),
        slot_policy=slot_policy,
    )
    # Defaults
    disks.order_disks(setting)
    controllers.order_written(setting)
    controllers.prepare_for_scsi_hostdevs(setting)
    controllers.index_all(setting)
    chardevs.number_ports(setting)
    additions.add_machine_devices(setting)
    disks.place_disks(setting)
    disks.place_scsi_hostdevs(setting)
    models.fill_devices(setting)
    chardevs.fill_chardevs(setting)
    controllers.check_duplicates(setting)
    chardevs.match_console(setting)
    controllers.imply(setting)
    models.add_implicit_video(setting)
    models.fill_scsi_models(setting)
    before_slots(setting)
    # Slots
    virtio_serial.assign(setting)
    transports.assign_spapr(setting)
    transports.assign_ccw(setting)
    transports.assign_mmio(setting)
    pci.allocate(setting)
    finishing.mark_multifunction(setting)
    finishing.fill_controller_options(setting)
    finishing.give_zpci_ids(setting)
    usb.assign(setting)
    memory_slots.assign(setting)
    chardevs.finish_mirror(setting)
    after_slots(setting)
    return Resolved(domain, host, setting)


def _place(domain: Domain, host: Host, wanted: str | None) -> tuple[Emulator, str, Family]:
    """The emulator, canonical machine type and family that a domain asks for."""
    if domain.type not in DRIVER_TYPES:
        known = ", ".join(sorted(DRIVER_TYPES))
        raise Unsupported(CFG, f"domain type '{domain.type}' is not one of libvirt's QEMU driver ({known})", line=1)
    if not domain.os:
        raise Unsupported("XML error", "an os <type> must be specified")
    if domain.os != "hvm":
        raise Unsupported(CFG, f"os type '{domain.os}' is not known to libvirt's QEMU driver; 'hvm' is right")
    emulator = host.emulator(domain.arch)
    release = dotted(host.qemu)
    if emulator is None:
        known = ", ".join(host.architectures) or "none"
        raise Unsupported(CFG, f"no facts for architecture '{domain.arch}' with QEMU {release}; known: {known}")
    name = wanted or domain.machine or host.default_machine(domain.arch)
    if not name:
        raise Unsupported(CFG, f"no machine type is written and '{domain.arch}' has no default one")
    found = emulator.machine(name)
    if found is None and not emulator.all_machines:
        raise Unsupported(
            CFG, f"{emulator.source} does not tell what machine type '{name}' is; a versioned name is right"
        )
    if found is None:
        near = _nearest(name, emulator)
        raise Unsupported(
            CFG,
            f"QEMU {release} for {domain.arch} does not support machine type '{name}'"
            + (f"; nearest known: {near}" if near else "")
            + "; if the host has it, name that host's capability document with --qemu",
        )
    family = family_of(domain.arch, found.name, host.libvirt)
    if family is None:
        raise Unsupported(
            CFG, f"no facts on what libvirt does for machine '{found.name}' of architecture '{domain.arch}'"
        )
    if family.tidy and not family.root:
        raise Unsupported("internal error", f"Machine type '{found.name}' supports PCI but no PCI controller added")
    return emulator, found.name, family


def _nearest(name: str, emulator: Emulator) -> str:
    from difflib import get_close_matches

    return ", ".join(get_close_matches(name, emulator.machines, 3))


class Resolved:
    """A domain as libvirt keeps it on a host: every controller, every model, every address, and why."""

    def __init__(self, domain: Domain, host: Host, setting: Setting) -> None:
        self.domain = domain
        self.host = host
        self.setting = setting

    @property
    def name(self) -> str:
        """The domain's name."""
        return self.domain.name

    @property
    def arch(self) -> str:
        """libvirt's name of the architecture."""
        return self.setting.arch

    @property
    def machine(self) -> str:
        """The canonical machine type."""
        return self.setting.machine

    @property
    def family(self) -> str:
        """The machine family: i440fx, q35, aarch64-virt, pseries, …"""
        return self.setting.family.name

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """Every device, added controllers included, in libvirt's general order, with its id."""
        from virtkit.resolution.ids import name_devices

        name_devices(self.setting)
        return tuple(self.setting.devices.in_order())

    @property
    def trace(self) -> Trace:
        """One reason for every decision."""
        self.devices  # noqa: B018 - gives the devices their ids
        return self.setting.trace

    @cached_property
    def virtio_devices(self) -> tuple[VirtioDevice, ...]:
        """The virtio devices with the interface that each shows."""
        from virtkit.virtio.devices import virtio_devices

        return virtio_devices(self)

    @cached_property
    def topology(self) -> Topology:
        """The bus tree."""
        from virtkit.topology.build import topology_of

        return topology_of(self)

    def xml(self) -> str:
        """The domain's XML with every decision written in and nothing else changed."""
        domain, setting = self.domain, self.setting
        os_type = []
        if domain.arch_written is None:
            os_type.append(("arch", setting.arch))
        if domain.machine != setting.machine:
            os_type.append(("machine", setting.machine))
        return write(domain.document, setting.devices, os_type)

    def _repr_html_(self) -> str:
        from virtkit.notebook.domain_html import resolved_html

        return resolved_html(self)

    def __repr__(self) -> str:
        return f"<Resolved {self.name!r} {self.arch} {self.machine}>"
