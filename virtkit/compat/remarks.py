"""Remarks on a whole domain: chipset, libvirt release, hot plug, odd addresses, port I/O space."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.compat.qemu_options import ignored_options
from virtkit.compat.review import Remark
from virtkit.domain.address_reader import INT
from virtkit.domain.boot_order import order_of
from virtkit.guests.overrides import support
from virtkit.guests.plugged_memory import PLUGGED, unused_memory
from virtkit.releases import OLDEST, dotted, parse
from virtkit.resolution.introduced import newer_than
from virtkit.topology.build import firmware_of
from virtkit.topology.port_io import NEAR, budget, limit_of, most_windows
from virtkit.topology.warnings import placement_warnings
from virtkit.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from virtkit.compat.verdict import Judgement
    from virtkit.domain.devices import Device
    from virtkit.guests import Guest
    from virtkit.releases import Release
    from virtkit.resolved import Resolved

__all__ = ["assumed", "errors", "remarks"]


def assumed(resolved: Resolved) -> Iterator[Remark]:
    """The note on the host that was assumed because the default one lacks the machine type, where one was."""
    if resolved.assumption is not None:
        yield Remark("note", resolved.assumption.note, resolved.assumption.source)


def remarks(
    resolved: Resolved, guest: Guest | None, numbered: Sequence[Device], clashes: Mapping[str, Judgement]
) -> Iterator[Remark]:
    """Everything worth saying about a resolved domain beyond its single devices; ``guest`` None when unknown.

    ``numbered`` are the devices with a boot order, and any others; ``clashes`` is what ``clashing_index`` gives.
    """
    if guest is not None:
        yield from _on_guest(resolved, guest)
    for note in resolved.domain.by_hand.notes:
        yield Remark("warning", str(note), "libvirt, Advanced QEMU features: qemu:commandline and qemu:override")
    yield from _on_release(resolved)
    yield from ignored_options(resolved)
    yield from _on_clashes(resolved, clashes)
    yield from _on_boot_orders(numbered)
    for problem in placement_warnings(resolved.topology):
        level = "warning" if problem.severity == "error" else "note"
        yield Remark(level, f"{problem.device} at {problem.address}: {problem.text}", problem.source)
    yield from _on_port_io(resolved, NEAR)


def errors(
    resolved: Resolved, numbered: Sequence[Device], clashes: Mapping[str, Judgement]
) -> tuple[Remark, ...]:
    """The remarks with level "error", in the order of ``remarks``; the bus tree is built only where ports may run out.

    What only warnings and notes come from is left out. The arguments are those of ``remarks``.
    """
    found = [*_on_release(resolved)]
    if clashes:
        found += _on_clashes(resolved, clashes)
    if numbered:
        found += _on_boot_orders(numbered)
    found += _on_port_io(resolved, 0)
    return tuple([one for one in found if one.level == "error"])


def _on_port_io(resolved: Resolved, near: int) -> Iterator[Remark]:
    """The remark on port I/O windows where at most ``near`` of them are free."""
    # Most domains need few windows, whatever their firmware is; only a PCI controller needs one.
    limit, _ = limit_of(resolved.machine, "bios")
    controllers = resolved.inventory.controllers
    if limit is None or len(controllers) < limit - near:
        return
    most = most_windows(resolved.taken_slots, controllers)
    if most < limit - near or firmware_of(resolved) != "bios":
        return
    found = budget(resolved.topology)
    if found.text():
        yield Remark("error" if found.exceeded else "warning", found.text(), found.source)


def _on_clashes(resolved: Resolved, clashes: Mapping[str, Judgement]) -> Iterator[Remark]:
    """The ACPI indexes that QEMU refuses on devices without a verdict of their own, which are host devices."""
    for device in resolved.inventory.hostdevs:
        if device.id in clashes:
            yield Remark("error", f"{device.label}: {clashes[device.id].reason}", clashes[device.id].source)


def _on_boot_orders(devices: Iterable[Device]) -> Iterator[Remark]:
    """An error for each boot order that libvirt accepts and that is too large for QEMU."""
    for device in devices:
        order = order_of(device)
        if order is not None and order > INT:
            text = (
                f"{device.label}: QEMU does not start with boot order {order}: Parameter 'bootindex' expects int32_t; "
                f"write an order from 1 to {INT}"
            )
            yield Remark("error", text, "observed: libvirt 9.0 accepts up to 4294967295, QEMU 7.2.22 up to 2147483647")


def _on_guest(resolved: Resolved, guest: Guest) -> Iterator[Remark]:
    if guest.devices and resolved.family == "q35" and not guest.q35:
        yield Remark("note", f"the guest database does not list the q35 chipset for {guest.id}", guest.database)
    yield from _on_memory(resolved, guest)
    if _needs_bridge(resolved, guest):
        yield Remark(
            "note",
            f"{guest.id} supports only virtio 0.9, and the domain has no free conventional PCI slot: to hot-plug a "
            "virtio disk or NIC later, add a pcie-to-pci-bridge before the guest starts",
            "libvirt, PCI topology and hotplug; a bridge cannot be plugged into a running guest",
        )


def _on_memory(resolved: Resolved, guest: Guest) -> Iterator[Remark]:
    """The warning that the guest leaves the memory of DIMMs and virtio-mem unused, where it does."""
    plugged = [one for one in resolved.inventory.memories if one.model in PLUGGED]
    unused = unused_memory(guest) if plugged else None
    if unused is not None:
        names = listed([f"{one.label} [{one.id}]" for one in plugged])
        text = f"{names}: {guest.name} leaves this memory offline, so it does not use it, not even at boot"
        yield Remark("warning", f"{text}; put {unused.option} on the kernel's command line in the guest", unused.source)


def _on_release(resolved: Resolved) -> Iterator[Remark]:
    at = resolved.host.libvirt
    for model, since, source in _models_after(at):
        for device in resolved.virtio_devices:
            if device.model == model:
                refusal = f"libvirt {dotted(at)} refuses {device.label}: Unknown model type '{device.model}'"
                yield Remark("error", f"{refusal}; libvirt {since} and later accept it", source)
    # Only a release that no table lists needs the whole document.
    for found in newer_than(resolved.domain.document.root, at) if at < OLDEST else ():
        if found.effect != "model":
            yield Remark("error" if found.effect == "refused" else "warning", found.text, found.source)


def _needs_bridge(resolved: Resolved, guest: Guest) -> bool:
    """Whether hot-plugged virtio devices would be modern while the guest has only legacy drivers."""
    answers = [support(guest, kind) for kind in ("net", "block")]
    if not any(answer.legacy and not answer.modern for answer in answers):
        return False
    topology = resolved.topology
    if not topology.roots or topology.roots[0].accepts != "PCI Express":
        return False
    return not any(room.kind == "conventional PCI" and room.free for room in topology.headroom)


@cache
def _models_after(at: Release) -> tuple[tuple[str, str, str], ...]:
    """The virtio models that libvirt ``at`` lacks: each with the release that brought it, and the source."""
    rows = (row for row in facts.table("policies/virtio-models.csv") if row["since"])
    return tuple((row["model"], row["since"], row["source"]) for row in rows if parse(row["since"]) > at)
