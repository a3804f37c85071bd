"""Which devices are known to be accepted, so that what recurs in a fleet is checked once and not in each domain.

The checks of a single device depend on its text, on what earlier steps filled in, and on the ground: the machine,
libvirt's release, QEMU, and two facts about the domain. A device that passed them is noted, by all of these, at its
text. Checks that compare devices, or look at other parts of the domain, run in every domain.

A check of a single device takes a ``Ground`` instead of the context, so it cannot read the rest of the domain. Where
one has to, ``_stands_alone`` must exclude its devices.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from virtkit.domain.address import DriveAddress
from virtkit.domain.devices import Chardev, Controller, Device, Disk
from virtkit.memo import keep
from virtkit.resolution.constraints.elements import reads_domain

if TYPE_CHECKING:
    from virtkit.host import Emulator
    from virtkit.host.family import Family
    from virtkit.releases import Release
    from virtkit.resolution.context import Context

__all__ = ["Ground", "Known", "known_on"]

_MOST = 256
"""How many grounds are kept."""
_MOST_NOTES = 64
"""How many notes are kept at one text."""
_MOST_ADDED = 1024
"""How many notes of added devices are kept on one ground."""
_MOST_EDITS = 8
"""Devices with more edits are not noted."""


class Ground(Protocol):
    """The part of a context that does not depend on the other devices, nor on other elements of the domain."""

    @property
    def arch(self) -> str:
        """libvirt's name of the architecture."""

    @property
    def machine(self) -> str:
        """The canonical machine type."""

    @property
    def family(self) -> Family:
        """The machine family."""

    @property
    def at(self) -> Release:
        """The libvirt release."""

    @property
    def emulator(self) -> Emulator:
        """The QEMU."""

    @property
    def behaves(self) -> frozenset[str]:
        """The names of the changes that hold in the release."""

    @property
    def plugged(self) -> bool:
        """Whether a device was attached to the definition."""

    @property
    def trusts_controllers(self) -> bool:
        """Whether libvirt passes over controllers that QEMU lacks."""

    def has_model(self, kind: str, model: str) -> bool:
        """Whether QEMU has the driver of a libvirt model."""


class Known:
    """The devices that are known to be accepted on one ground. Those that others shadow are checked less."""

    __slots__ = ("_added", "_emulator", "_shadowed")

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator  # As long as it is kept, no other emulator has its id.
        self._shadowed = object()
        self._added: set[object] = set()

    def others(self, devices: Iterable[Device]) -> list[Device]:
        """The devices that are not known to be accepted, in their order."""
        changed = [
            device
            for device in devices
            if (alike := device.alike) is None or device.edits or device.readdressed or self not in alike.accepted
        ]
        return [one for one in changed if not (notes := self._notes(one)) or self._note(one) not in notes]

    def accept(self, devices: Iterable[Device]) -> None:
        """Note devices that passed all checks."""
        for device in devices:
            recurs = device.added if device.alike is None else device.alike.recurs
            if not recurs or len(device.edits) > _MOST_EDITS:
                continue
            if _stands_alone(device):
                notes = self._notes(device)
                if len(notes) >= (_MOST_ADDED if device.added else _MOST_NOTES):
                    notes.clear()
                notes.add(self._note(device))

    def _notes(self, device: Device) -> set[object]:
        """The notes of devices with the text of a device, of added ones, or none where its text is not kept."""
        if device.alike is not None:
            return device.alike.accepted
        return self._added if device.added else set()

    def _note(self, device: Device) -> object:
        """The ground, and what else the checks of a device depend on besides its text; edits are the text of a new one.

        Two devices with one note, and with one text or none, have the same values.
        """
        ground = self._shadowed if isinstance(device, Chardev) and device.shadowed else self
        if device.alike is not None and not (device.edits or device.readdressed):
            return ground
        at = device.address
        if isinstance(at, DriveAddress):
            return (ground, device.kind, device.model, "drive", at.bus, at.target, *device.edits)
        return (ground, device.kind, device.model, None if at is None else at.type, *device.edits)


def _stands_alone(device: Device) -> bool:
    """Whether the checks of a device look at nothing else in the domain."""
    if reads_domain(device) and not device.added:
        return False
    driver = device.children.get("driver")
    if driver is not None and driver.get("iothread") is not None:
        return False
    at = device.address
    if isinstance(at, DriveAddress) and not (isinstance(device, Disk) and (device.bus != "scsi" or not at.target)):
        return False  # The model of the scsi controller matters.
    # NUMA cells, the places of isa and xenbus controllers, the serials of nvme disks.
    return not isinstance(device, Controller) or (
        device.node is None and device.type not in ("isa", "xenbus", "nvme")
    )


_known: dict[tuple[object, ...], Known] = {}
"""By machine type, and also by machine family: the machine types of a family have one ``Known``."""


def known_on(context: Context, *facts: object) -> Known:
    """What is known on the ground of a domain; ``facts`` are those about the domain on which its checks depend."""
    ground = (context.arch, context.at, id(context.emulator), context.plugged, *facts)
    key = (context.machine, *ground)
    found = _known.get(key)
    if found is None:
        of_family = (context.family, *ground)
        found = _known.get(of_family) or keep(_known, of_family, Known(context.emulator), _MOST)
        keep(_known, key, found, _MOST)
    return found
