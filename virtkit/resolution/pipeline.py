"""Every step from a domain as written to the domain as libvirt keeps it, as one readable function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.domain.domain import Domain
from virtkit.domain.placed import CHOSEN, placed_by_qemu
from virtkit.domain.reader import read_devices
from virtkit.errors import Unsupported
from virtkit.host import Host
from virtkit.host.family import Family, family_of
from virtkit.memo import keep
from virtkit.releases import NEWEST, dotted
from virtkit.resolution.addresses import memory_slots, pci, pci_options, transports, usb, virtio_serial
from virtkit.resolution.constraints import check_addressed, check_definition
from virtkit.resolution.context import Context, Draft, SlotPolicy, behaviours, new_context
from virtkit.resolution.defaults import additions, chardevs, controllers, disks, models
from virtkit.resolution.ids import give_ids

if TYPE_CHECKING:
    from virtkit.domain.device_classes import Inventory
    from virtkit.host import Emulator
    from virtkit.resolution.trace import Trace

__all__ = ["resolve_domain"]

CFG = "unsupported configuration"

DRIVER_TYPES = frozenset({"qemu", "kvm", "kqemu", "hvf"})
"""Domain types of libvirt's QEMU driver."""


def resolve_domain(
    domain: Domain,
    host: Host,
    machine: str | None = None,
    slot_policy: SlotPolicy | None = None,
    *,
    plugged: bool = False,
) -> tuple[Domain, Host, Context, Inventory, Trace]:
    """The parts of a Resolution. The steps run in libvirt's order, and each changes the draft.

    ``plugged`` says that a device was attached to the definition, see Context.
    Raises Refused and Unsupported.
    """
    emulator, name, family = _place(domain, host, machine)
    children = domain.children
    frame = domain.document.frame
    placed = "metadata" in children and placed_by_qemu(frame)
    context = new_context(
        frame, domain.arch, name, family, host.libvirt, emulator, behaviours(host.libvirt), slot_policy,
        plugged, placed, children, domain.names,
    )  # fmt: skip
    if context.placed:
        draft = Draft(read_devices(domain.document, NEWEST))
        _keep_placed(context, draft)
        return domain, host, context, draft.devices, draft.trace
    draft = Draft(read_devices(domain.document, host.libvirt))
    # Defaults
    disks.order_disks(context, draft)
    indexed = controllers.order_written(draft)
    controllers.prepare_for_scsi_hostdevs(context, draft)
    if not indexed:
        controllers.index_all(context, draft)
    chardevs.number_ports(context, draft)
    additions.add_machine_devices(context, draft)
    disks.place_disks(draft)
    disks.place_scsi_hostdevs(draft)
    models.fill_devices(context, draft)
    chardevs.fill_chardevs(context, draft)
    if not indexed:
        controllers.check_duplicates(draft)
    chardevs.match_console(context, draft)
    controllers.imply(context, draft)
    models.add_implicit_video(context, draft)
    models.fill_scsi_models(context, draft)
    check_definition(context, draft)
    # Addresses
    decided, forms = len(draft.trace), draft.by_form()
    virtio_serial.assign(context, draft, forms)
    changed = transports.assign_spapr(context, draft, forms)
    transports.assign_ccw(context, draft, forms)
    transports.assign_mmio(context, draft)
    if changed or len(draft.trace) != decided:
        forms = draft.by_form()
    on_pci = pci.allocate(context, draft, forms)
    pci_options.mark_multifunction(draft, on_pci)
    pci_options.fill_controller_options(context, draft)
    pci_options.give_zpci_ids(context, draft, on_pci)
    usb.assign(context, draft)
    memory_slots.assign(context, draft)
    chardevs.finish_mirror(draft)
    check_addressed(context, draft)
    give_ids(context, draft)
    return domain, host, context, draft.devices, draft.trace


_CHOICES = {"slot": "qemu.free-slot", "chipset": "qemu.chipset", "table": "proxmox.address"}
"""The rule behind each kind of place that an input does not name."""


def _keep_placed(context: Context, draft: Draft) -> None:
    """Name the devices of a domain that QEMU placed: their ids are those that QEMU has. Nothing else is decided."""
    for device in draft.devices.in_order():
        element = device.element
        alias = device.children.get("alias")
        device.alias = None if alias is None else alias.get("name")
        address = None if element is None else element.find("address")
        rule = None if address is None else _CHOICES.get(address.get(CHOSEN, ""))
        if rule is not None:
            device.given = False
            draft.trace.record(device, rule, str(device.address))
    give_ids(context, draft)


def _place(domain: Domain, host: Host, wanted: str | None) -> tuple[Emulator, str, Family]:
    """The emulator, canonical machine type and family that a domain asks for."""
    if domain.type not in DRIVER_TYPES:
        known = ", ".join(sorted(DRIVER_TYPES))
        raise Unsupported(CFG, f"domain type '{domain.type}' is not one of libvirt's QEMU driver ({known})", line=1)
    if not domain.os:
        raise Unsupported("XML error", "an os <type> must be specified")
    if domain.os != "hvm":
        raise Unsupported(CFG, f"os type '{domain.os}' is not known to libvirt's QEMU driver; expected 'hvm'")
    key = (id(host), domain.arch, wanted or domain.machine)
    found = _MACHINES.get(key)
    if found is None or found[0] is not host:
        found = keep(_MACHINES, key, (host, *_machine(domain, host, wanted)), MOST)
    return found[1:]


MOST = 64
"""How many machine types are kept."""

_MACHINES: dict[tuple[int, str, str | None], tuple[Host, Emulator, str, Family]] = {}
"""The machines by identity of the host (which is kept with them), architecture and machine type as written."""


def _machine(domain: Domain, host: Host, wanted: str | None) -> tuple[Emulator, str, Family]:
    """The emulator, canonical machine type and family. Raises Unsupported for a machine type that the host lacks."""
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
            CFG, f"{emulator.source} does not describe machine type '{name}'; expected a versioned name"
        )
    if found is None:
        from virtkit.host.nearest import other_architectures, similar

        near = ", ".join(similar(name, emulator))
        others = " or ".join(f"arch='{arch}'" for arch in other_architectures(name, domain.arch, host))
        if others and not near:
            raise Unsupported(
                CFG,
                f"QEMU {release} for {domain.arch} does not support machine type '{name}'; expected {others} with this "
                "machine type",
            )
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
    if family.root_required and not family.root:
        raise Unsupported("internal error", f"Machine type '{found.name}' supports PCI but no PCI controller added")
    return emulator, found.name, family
