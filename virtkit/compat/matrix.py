"""The compatibility matrix: guests by device kinds by machine types by virtio models, one row each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from virtkit.compat.boot_evidence import booted_guests, machine_kind, with_boot_evidence
from virtkit.compat.cells import Cells, Column, Drivers, Hardware, Judged, hardware_of, judge_cells, judge_hardware
from virtkit.compat.columns import COLUMNS, columns
from virtkit.compat.emulated_matrix import EMULATED, add_emulated, emulated_models
from virtkit.compat.manual_slots import AUTO, manual_slot, select_placements, slot_condition
from virtkit.compat.prober import Prober
from virtkit.compat.verdict import Evidence, Verdict
from virtkit.errors import UsageError
from virtkit.guests import KINDS, Catalogue, Guest, Support, catalogue
from virtkit.guests.kernels import ABSENT, Dated
from virtkit.guests.overrides import shared_supports
from virtkit.host import Host
from virtkit.host.family import family_of
from virtkit.host.machine_types import machine_version
from virtkit.memo import keep
from virtkit.releases import dotted
from virtkit.virtio.kinds import MODELS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from virtkit.compat.frame import Matrix

__all__ = [
    "COLUMNS",
    "framed",
    "matrix",
    "select_guests",
    "select_kinds",
    "select_machines",
    "select_models",
]

_WORDS = re.compile(r"[,\s]+")
_FAMILIES = ("pc-i440fx", "pc-q35")


def _words(selection: str | Iterable[str] | None) -> list[str]:
    if selection is None:
        return []
    if isinstance(selection, str):
        return [word for word in _WORDS.split(selection) if word]
    return [str(word) for word in selection]


def select_guests(guests: str | Sequence[Guest | str] | None, known: Catalogue) -> Sequence[Guest]:
    """The guests of a selection as in ``Catalogue.select``, or of a list. Raises GuestError."""
    if guests is None or isinstance(guests, str):
        return known.select(guests)
    return [one if isinstance(one, Guest) else known.find(one) for one in guests]


def select_kinds(selection: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The device kinds that a selection names ("all", or names), in table order. Raises UsageError."""
    words = _words(selection)
    if not words or "all" in words:
        return KINDS
    for word in words:
        if word not in KINDS:
            raise UsageError(f"no device kind {word!r}; expected one of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in words)


def select_models(selection: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The virtio models that a selection names, in libvirt's order; emulated models are left out. Raises UsageError."""
    words = _words(selection)
    if not words or "all" in words:
        return tuple(MODELS)
    for word in words:
        if word not in MODELS and word not in EMULATED:
            raise UsageError(f"no model {word!r}; expected all, or one of {', '.join((*MODELS, *EMULATED))}")
    return tuple(model for model in MODELS if model in words)


def select_machines(
    selection: str | Iterable[str] | None = None, host: Host | None = None, arch: str = "x86_64"
) -> tuple[str, ...]:
    """The machine types that a selection names, in the order and spelling of the selection.

    ``selection`` is "all" (every machine type of a family that has versions), machine names or aliases, or
    patterns with ``*``; None means pc and q35 on x86, else the aliases of QEMU. Raises UsageError.
    """
    host = host or Host.default()
    emulator = host.emulator(arch)
    if emulator is None:
        known = ", ".join(host.architectures)
        raise UsageError(f"the QEMU of this host has no emulator for {arch}; expected one of {known}")
    versioned = [name for name in emulator.names if machine_version(name)[1] is not None]
    versioned.sort(key=lambda name: (machine_version(name)[0], machine_version(name)[1] or (0, 0), name))
    words = _words(selection)
    if not words:
        aliases = [name for name in ("pc", "q35") if name in emulator.machines]
        words = aliases or [m.alias or m.name for m in emulator.machines.values() if m.default] or ["all"]
    chosen: list[str] = []
    for word in words:
        if word == "all":
            found = versioned
        elif "*" in word or "?" in word:
            found = [name for name in (*versioned, *emulator.names) if fnmatchcase(name, word)]
        else:
            found = [word] if word in emulator.machines else []
        if not found:
            release = dotted(host.qemu)
            near = ", ".join(sorted({machine_version(n)[0] for n in versioned}))
            if not near:
                near = ", ".join(sorted(emulator.machines)[:12])
                what = "versioned machine type" if word == "all" else f"machine type {word!r}"
                raise UsageError(f"QEMU {release} has no {what} for {arch}; expected one of {near}")
            raise UsageError(f"QEMU {release} has no machine type {word!r} for {arch}; its families are {near}")
        chosen += found
    return tuple(dict.fromkeys(chosen))


class _Offer(NamedTuple):
    """A device where libvirt, or the address that the column writes, puts it."""

    hardware: Hardware
    machine: str
    model: str


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Guests with equal drivers, without the source and remark; ``booted`` is the short id of one that was booted."""

    answer: Support
    booted: str


@dataclass(frozen=True, slots=True)
class _Cold:
    """The rules for a device that is there when the guest starts."""

    prober: Prober
    overrides: bool
    groups: _Groups

    def offer(self, kind: str, column: Column) -> _Offer:
        """The device of a kind where a column puts it."""
        name, placement, model = column
        machine = self.prober.machine(name)
        return _Offer(_hardware(self.prober, machine, placement, kind, model), machine, model)

    def drivers(self, guest: Guest) -> Mapping[str, Drivers[_Group]]:
        """Guests with equal drivers get equal judgements, except those that were booted."""
        return self.groups.of(guest, shared_supports(guest, overrides=self.overrides))

    def booted(self, group: _Group) -> bool:
        """Whether the guest of a group was booted."""
        return bool(group.booted)

    def state(self, offer: _Offer, booted: bool) -> Hashable:
        """Equal hardware gets equal judgements; evidence of boots also depends on the machine type and the model."""
        return (offer.hardware, machine_kind(offer.machine), offer.model) if booted else offer.hardware

    def judged(self, guest: Guest, group: _Group, kind: str, offer: _Offer) -> Judged:
        """The judgement of one cell; where the drivers matter, their source comes first."""
        answer, refused = group.answer, bool(offer.hardware.refusal)
        found = judge_hardware(answer, kind, offer.hardware, self.overrides)
        if group.booted:
            found = with_boot_evidence(found, group.booted, kind, offer.machine, offer.hardware.placement, offer.model)
        return Judged(found, sourced=not refused, remarked=not refused and found.verdict is Verdict.UNKNOWN)


class _Groups:
    """The groups of guests, found by their drivers."""

    __slots__ = ("_groups", "_shared")

    def __init__(self) -> None:
        self._groups: dict[Hashable, _Group] = {}
        #: By the guest that was booted and the identity of answers that guests share, which are kept with them.
        self._shared: dict[tuple[str, int], _Shared] = {}

    def of(self, guest: Guest, answers: Mapping[str, Support | Dated]) -> Mapping[str, Drivers[_Group]]:
        """The group of a guest by kind, where these are the answers on its drivers."""
        booted = guest.id if guest.id in booted_guests() else ""
        key = booted, id(answers)
        known = self._shared.get(key)
        if known is None:
            known = self._shared[key] = self._shared_by(answers, booted)
        if not known.dated:
            return known.drivers
        found = dict(known.drivers)
        for kind, dated, absent in known.dated:
            source = dated.why_absent(guest)
            if source:
                found[kind] = Drivers(absent, source)
            else:
                group, source, _ = found[kind]
                found[kind] = Drivers(group, source, dated.remark(guest))
        return found

    def _shared_by(self, answers: Mapping[str, Support | Dated], booted: str) -> _Shared:
        """What guests share that have these answers."""
        drivers, dated = {}, []
        for kind, one in answers.items():
            if isinstance(one, Dated):
                drivers[kind] = self._drivers(one.unknown, booted)
                dated.append((kind, one, self._drivers(ABSENT, booted).group))
            else:
                drivers[kind] = self._drivers(one, booted)
        return _Shared(answers, drivers, dated)

    def _drivers(self, answer: Support, booted: str) -> Drivers[_Group]:
        """What an answer says; the remark only where a judgement states it."""
        facts = _FACTS(answer)
        group = self._groups.get((facts, booted))
        if group is None:
            group = self._groups[facts, booted] = _Group(Support(*facts), booted)
        remark = answer.remark if answer.unknown and answer.evidence == "override" else ""
        return Drivers(group, answer.source, remark)


class _Shared(NamedTuple):
    """What guests with equal answers have in common: their drivers by kind, where dates do not decide.

    ``dated`` has the kinds where they do, each with the answer and the group of the guests that lack the driver.
    """

    answers: Mapping[str, Support | Dated]
    drivers: Mapping[str, Drivers[_Group]]
    dated: Sequence[tuple[str, Dated, _Group]]


#: What a judgement depends on: the fields of Support up to the source.
_FACTS = attrgetter(*Support.__slots__[: Support.__slots__.index("source")])


def _hardware(prober: Prober, machine: str, asked: str, kind: str, model: str) -> Hardware:
    """The hardware of a cell: where libvirt puts the device (``asked`` is "auto"), or in a slot of class ``asked``."""
    if asked == AUTO:
        return hardware_of(*prober.shown(machine, kind, model))
    family = family_of(prober.arch, machine, prober.host.libvirt)
    slot = manual_slot(family.name, asked) if family else None
    if slot is None:
        reason = f"{machine} has no slot of the class {asked}."
        return Hardware(asked, "refused", reason, Evidence.RULE, "data/libvirt/manual-slots.csv")
    if prober.placement(machine, kind, model).location == asked:
        return hardware_of(*prober.shown(machine, kind, model))
    placement, shown = prober.shown(machine, kind, model, slot)
    found = hardware_of(placement, shown, asked)
    condition = slot_condition(slot, machine, shown.interface if shown else None)
    source = found.source if found.refusal else f"{found.source} | {slot.source}"
    return replace(found, condition=condition, source=source)


def _placements_on(prober: Prober, machine: str, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The placements to ask for on a machine: of "all" those that it has, "auto" where it has no manual slots."""
    if asked != select_placements("all"):
        return asked
    family = family_of(prober.arch, prober.machine(machine), prober.host.libvirt)
    return tuple(name for name in asked if family and manual_slot(family.name, name)) or (AUTO,)


@cache
def _default_host() -> Host:
    return Host.default()


def _prober(host: Host, arch: str) -> Prober:
    """The prober of a host, with what it has found so far about its emulator."""
    return _prober_of(host, arch, id(host.emulator(arch)))


@lru_cache(maxsize=8)
def _prober_of(host: Host, arch: str, _emulator: int) -> Prober:
    # The prober keeps its emulator, so no other one gets the same identity.
    return Prober(host, arch)


def matrix(
    guests: str | Sequence[Guest | str] | None = None,
    machines: str | Iterable[str] | None = None,
    models: str | Iterable[str] | None = None,
    kinds: str | Iterable[str] | None = None,
    *,
    placements: str | Iterable[str] | None = None,
    overrides: bool = True,
    host: Host | None = None,
    arch: str = "x86_64",
    guest_database: Catalogue | None = None,
    prober: Prober | None = None,
) -> Matrix:
    """Whether each guest drives each kind of device, on each machine, with each model, where the device is placed.

    One row for each combination; the guest varies slowest, then kind, machine, placement and model. ``placements`` None
    or "auto" leaves the slot to libvirt; names of slot classes, or "all", put the device there with a written address,
    where it works with a condition at best. Columns: COLUMNS, all ``category`` of str. ``placement`` is the class of
    slot ("conventional-root", "conventional-bridge", "pcie-root", "pcie-port", "ccw", "virtio-mmio", "" when libvirt
    refuses the device), ``interface`` is legacy, transitional, modern, refused, or emulated for a model that is not
    virtio, ``verdict`` works, works-with-condition, fails or unknown.
    ``models`` None stands for the three virtio models; "all" adds the emulated NICs and disk controllers (EMULATED),
    which have rows for their own kind (net or block) only.
    ``overrides`` False is the strict rule: the guest database as it is, in-box drivers only.
    In a notebook the frame is shown as a matrix; selections from it are plain DataFrames.
    Selections as in ``Catalogue.select`` and ``select_machines``. Raises GuestError and UsageError.

    >>> import virtkit as vk
    >>> frame = vk.matrix(guests="rhel6.10,win10", machines="pc,q35", kinds="block", models="virtio")
    >>> frame[["guest", "machine", "interface", "verdict"]]
          guest machine     interface               verdict
    0  rhel6.10      pc  transitional                 works
    1  rhel6.10     q35        modern                 fails
    2     win10      pc  transitional  works-with-condition
    3     win10     q35        modern  works-with-condition
    >>> print(frame.loc[frame["verdict"] == "fails", "reason"].item())
    The guest's block driver supports only the legacy interface (virtio 0.9); the device offers only virtio 1.0.
    """
    host = host or _default_host()
    prober = prober or _prober(host, arch)
    known = guest_database or catalogue()
    chosen = select_guests(guests, known)
    names = select_machines(machines, host, arch)
    model_names = select_models(models)
    placement_names = select_placements(placements)
    asked = tuple(
        (name, placement, model)
        for name in names
        for placement in _placements_on(prober, name, placement_names)
        for model in model_names
    )
    emulated = emulated_models(_words(models)) if placement_names == (AUTO,) else ()
    cells = _cells(_Question(prober, overrides, tuple(chosen), select_kinds(kinds), names, asked, emulated))
    result = framed(cells, known, host, overrides, tidy=bool(emulated))
    result.attrs["placements"] = placement_names != (AUTO,)
    return result


class _Question(NamedTuple):
    """What the cells of a matrix depend on."""

    prober: Prober
    overrides: bool
    guests: tuple[Guest, ...]
    kinds: tuple[str, ...]
    machines: tuple[str, ...]
    asked: tuple[Column, ...]
    emulated: tuple[str, ...]


_KEPT = 4


def _cells(question: _Question) -> Cells:
    """The cells of a matrix; those of the last few questions are kept, so no caller changes them."""
    prober, overrides, guests, *others = question
    # Guests stand in the key by their identity, and are kept with the cells: a hash of one takes long to make.
    key = prober, overrides, tuple(map(id, guests)), *others
    found = _memo().get(key)
    if found is None:
        cells = judge_cells(_Cold(prober, overrides, _Groups()), guests, question.kinds, question.asked)
        if question.emulated:
            add_emulated(cells, prober, question.machines, question.emulated, overrides)
        found = keep(_memo(), key, (guests, cells), _KEPT)
    return found[1]


@cache
def _memo() -> dict[Hashable, tuple[tuple[Guest, ...], Cells]]:
    """The cells of the last few questions, with their guests."""
    return {}


def framed(cells: Cells, known: Catalogue, host: Host, overrides: bool, *, tidy: bool = False) -> Matrix:
    """The cells as a frame that names its database and host; ``tidy`` as in ``columns``."""
    from virtkit.compat.frame import Matrix

    result = Matrix(columns(cells, tidy=tidy), columns=list(COLUMNS), copy=False)
    result.attrs["database"] = known.database
    result.attrs["overrides"] = overrides
    result.attrs["placements"] = False
    result.attrs["host"] = repr(host)
    return result
