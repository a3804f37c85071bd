"""The verdicts of one guest OS, each made once for all the devices and domains that it holds for.

A verdict depends on the guest, on the rule for corrections, and on the few values in its key; both are compared as a
whole, so that a kept verdict is the one that would be made again. What an option of the one device changes is not kept.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from sys import intern
from typing import TYPE_CHECKING, NamedTuple

from virtkit.compat.boot_disk import boot_condition
from virtkit.compat.boot_evidence import machine_kind, with_boot_evidence
from virtkit.compat.emulated import advice_for, judge_emulated
from virtkit.compat.fallbacks import is_optional
from virtkit.compat.prober import shown_off_pci
from virtkit.compat.qemu_options import has_options, option_refusal
from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge, qemu_refusal, refused
from virtkit.guests.hardware import hardware
from virtkit.guests.kinds import database_kind
from virtkit.guests.overrides import support
from virtkit.memo import keep
from virtkit.virtio.interface import Interface, possible

if TYPE_CHECKING:
    from collections.abc import Hashable

    from virtkit.guests import Guest
    from virtkit.virtio.devices import Form, VirtioDevice
    from virtkit.virtio.interface import Shown

__all__ = ["Judge", "Said", "judge_of"]

#: Kinds of graphics cards that are also standard VGA cards.
_VGA = frozenset({"vga", "vu-vga"})
_AS_VGA = "The guest is not known to drive virtio-gpu; as this device is also a VGA card, the guest has a picture."
_VGA_SOURCE = "QEMU documentation, virtio-gpu: virtio-vga is the variant with VGA compatibility"
#: The verdicts of each sort that a judge keeps.
_KEPT = 1024


class Said(NamedTuple):
    """What a judge says of a virtio device.

    ``interface`` is the one that it offers, None when QEMU refuses the device; ``offered`` is the same in a word,
    "refused" for None. ``kind`` is the kind of the guest database, ``device_id`` the PCI device id; ``optional`` says
    whether a guest runs without devices of the kind.
    """

    judgement: Judgement
    interface: Interface | None
    offered: str
    kind: str
    device_id: str
    optional: bool


class Judge:
    """Judges devices for one guest; ``why_unknown`` is the reason given where ``guest`` is None.

    ``overrides`` False is the strict rule: the guest database as it is, in-box drivers only.
    """

    __slots__ = ("_boot", "_emulated", "_judgements", "_may_drive", "_virtio", "guest", "overrides", "why_unknown")

    def __init__(self, guest: Guest | None, why_unknown: str, overrides: bool) -> None:
        self.guest = guest
        self.why_unknown = why_unknown
        self.overrides = overrides
        #: Whatever the options of a device are.
        self._virtio: dict[Form, Said] = {}
        #: By what is true of several machines.
        self._judgements: dict[Hashable, Judgement] = {}
        self._emulated: dict[Hashable, tuple[Judgement, str]] = {}
        self._boot: dict[str, str] = {}
        self._may_drive: dict[tuple[str, str], bool] = {}

    def virtio(self, device: VirtioDevice) -> Said:
        """What is said of a virtio device; its options count, too."""
        said = self._virtio.get(device.form)
        if said is None:
            said = keep(self._virtio, device.form, self._said(device), _KEPT)
        if said.interface is None or not has_options(device.device):
            return said
        option = option_refusal(device, said.interface)
        return said if option is None else said._replace(judgement=option[0], interface=None, offered="refused")

    def _said(self, device: VirtioDevice) -> Said:
        """What is said of a device whatever its options are."""
        judgement, interface = self._found(device)
        kind, seen = database_kind(device.kind), device.shown
        return Said(
            judgement,
            interface,
            offered="refused" if interface is None else interface.value,
            kind=kind,
            device_id="" if seen is None else seen.device_id,
            optional=is_optional(kind),
        )

    def _found(self, device: VirtioDevice) -> tuple[Judgement, Interface | None]:
        """The verdict on a device whatever its options are, and its interface; None where QEMU refuses the device."""
        machine = device.form.machine
        shown = device.shown or shown_off_pci(device.transport, machine, device.kind, device.driver)
        if shown.interface is None:
            return refused(qemu_refusal(shown), Evidence.QEMU, shown.source), None
        # A virtio-mmio transport serves drivers of both kinds: the rules of PCI do not apply there.
        interface = Interface.TRANSITIONAL if device.transport == "virtio-mmio" else shown.interface
        key = device.kind, interface, shown.source, device.location, device.model, machine_kind(machine)
        found = self._judgements.get(key)
        if found is None:
            found = keep(self._judgements, key, self._judged(device, machine, interface, shown), _KEPT)
        return found, interface

    def _judged(self, device: VirtioDevice, machine: str, interface: Interface, shown: Shown) -> Judgement:
        """The verdict on a device that QEMU accepts."""
        guest = self.guest
        if guest is None:
            return Judgement(Verdict.UNKNOWN, self.why_unknown, "", Evidence.RULE, shown.source)
        kind = database_kind(device.kind)
        answer = support(guest, kind, overrides=self.overrides)
        judgement = judge(answer, kind, interface, addons=self.overrides)
        if device.kind in _VGA and judgement.verdict in (Verdict.FAILS, Verdict.UNKNOWN):
            judgement = Judgement(Verdict.WORKS, _AS_VGA, "", Evidence.RULE, _VGA_SOURCE)
        judgement = replace(judgement, source=f"{judgement.source} | {shown.source}")
        judgement = with_boot_evidence(judgement, guest.id, kind, machine, device.location or "", device.model)
        # Guests share most of these texts, and what is one object travels to another process once.
        return replace(judgement, reason=intern(judgement.reason), source=intern(judgement.source))

    def may_drive(self, kind: str, model: str) -> bool:
        """Whether the guest drives a virtio PCI device of a kind and model in some slot of some machine."""
        found = self._may_drive.get((kind, model))
        if found is None:
            shown = () if self.guest is None else possible(kind, model)
            found = kind in _VGA or any(self._drives(kind, interface) for interface in shown)
            self._may_drive[kind, model] = found
        return found

    def _drives(self, kind: str, interface: Interface) -> bool:
        """Whether the guest drives a device of a kind that offers an interface."""
        if self.guest is None:
            return False
        of_guest = database_kind(kind)
        answer = support(self.guest, of_guest, overrides=self.overrides)
        return judge(answer, of_guest, interface, addons=self.overrides).good

    def emulated(self, model: str, family: str) -> tuple[Judgement, str]:
        """The verdict on an emulated disk or NIC by its name in emulated-hardware.csv, and advice where it fails."""
        found = self._emulated.get((model, family))
        if found is None:
            known = hardware().get(model)
            judgement = judge_emulated(known, model, self.guest, self.why_unknown, self.overrides)
            failing = judgement.verdict is Verdict.FAILS
            advice = advice_for(known, self.guest, family, self.overrides) if failing else ""
            judgement = replace(judgement, reason=intern(judgement.reason), source=intern(judgement.source))
            found = keep(self._emulated, (model, family), (judgement, advice), _KEPT)
        return found

    def boot(self, kind: str) -> str:
        """The condition of ``boot_condition`` for a kind; "" for an unknown guest."""
        found = self._boot.get(kind)
        if found is None:
            found = self._boot[kind] = "" if self.guest is None else boot_condition(self.guest, kind)
        return found


_MOST_JUDGES = 512


def judge_of(guest: Guest | None, why_unknown: str, overrides: bool) -> Judge:
    """The judge for a guest, with the verdicts that it has made so far. Equal guests have equal drivers."""
    judges, key = _judges(), (id(guest), why_unknown, overrides)
    found = judges.get(key)
    if found is None:
        found = keep(judges, key, (guest, _judge_of(guest, why_unknown, overrides)), _MOST_JUDGES)
    return found[1]


@cache
def _judges() -> dict[tuple[int, str, bool], tuple[Guest | None, Judge]]:
    """The judges by the identity of their guests, which are kept with them: a hash of a guest takes long to make."""
    return {}


@lru_cache(maxsize=_MOST_JUDGES)
def _judge_of(guest: Guest | None, why_unknown: str, overrides: bool) -> Judge:
    return Judge(guest, why_unknown, overrides)
