"""The cells of a matrix: every guest and device kind judged on every combination of machine, placement and model."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge, qemu_refusal, refused
from virtkit.virtio.interface import Interface, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from virtkit.compat.prober import Placement
    from virtkit.guests import Guest, Support

__all__ = ["Cells", "Column", "Hardware", "Offer", "Rules", "hardware_of", "judge_cells", "judge_hardware"]

Column = tuple[str, str, str]
"""Machine type, placement and model of a cell, as they were selected."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the hardware of a cell offers: equal values give equal judgements."""

    placement: str
    interface: str
    refusal: str
    evidence: str
    source: str
    condition: str = ""


class Offer(Protocol):
    """A device where a column puts it."""

    @property
    def hardware(self) -> Hardware:
        """What it offers to a driver."""


T = TypeVar("T", bound=Offer)
G = TypeVar("G", bound=Hashable)


class Rules(Protocol[T, G]):
    """How the cells of a matrix are judged."""

    def offer(self, kind: str, column: Column) -> T:
        """The device of a kind where a column puts it."""

    def group(self, guest: Guest, kind: str) -> G:
        """Guests of an equal group have equal judgements."""

    def booted(self, group: G) -> bool:
        """Whether the guest of a group was booted, so that its judgements rest on finer states."""

    def state(self, offer: T, booted: bool) -> Hashable:
        """Offers of an equal state have equal judgements, for guests that were booted or for all others."""

    def judged(self, guest: Guest, group: G, kind: str, offer: T) -> Judgement:
        """The judgement of one cell; ``guest`` is any guest of its group."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a matrix: indexes of their judgements, by guest, kind and column, and of their hardware."""

    guests: Sequence[Guest]
    kinds: Sequence[str]
    asked: Sequence[Column]
    judgements: Sequence[Judgement]
    judged: npt.NDArray[np.int32]
    hardware: Sequence[Hardware]
    offered: npt.NDArray[np.int32]


def judge_cells(rules: Rules[T, G], guests: Sequence[Guest], kinds: Sequence[str], asked: Sequence[Column]) -> Cells:
    """Every guest and kind judged on every column of ``asked``; equal groups and states are judged once."""
    import numpy as np

    judgements: dict[Judgement, int] = {}
    hardware: dict[Hardware, int] = {}
    judged = np.empty((len(guests), len(kinds), len(asked)), dtype=np.int32)
    offered = np.empty((len(kinds), len(asked)), dtype=np.int32)
    for k, kind in enumerate(kinds):
        offers = [rules.offer(kind, column) for column in asked]
        offered[k] = [hardware.setdefault(one.hardware, len(hardware)) for one in offers]
        states = {booted: _states([rules.state(one, booted) for one in offers]) for booted in (False, True)}
        groups: dict[G, list[int]] = {}
        for g, guest in enumerate(guests):
            groups.setdefault(rules.group(guest, kind), []).append(g)
        for group, members in groups.items():
            firsts, of_column = states[rules.booted(group)]
            found = [rules.judged(guests[members[0]], group, kind, offers[first]) for first in firsts]
            numbers = [judgements.setdefault(one, len(judgements)) for one in found]
            judged[members, k, :] = np.array(numbers, dtype=np.int32)[of_column]
    return Cells(guests, kinds, asked, tuple(judgements), judged, tuple(hardware), offered)


def _states(states: Sequence[Hashable]) -> tuple[list[int], npt.NDArray[np.int32]]:
    """The first column of each state, and the number of the state of each column."""
    import numpy as np

    firsts: dict[Hashable, int] = {}
    for column, state in enumerate(states):
        firsts.setdefault(state, column)
    number = {state: n for n, state in enumerate(firsts)}
    return list(firsts.values()), np.array([number[state] for state in states], dtype=np.int32)


def hardware_of(placement: Placement, shown: Shown | None, asked: str = "") -> Hardware:
    """What a device offers where it is; ``shown`` is None where libvirt refuses it."""
    if shown is None:
        return Hardware(asked, "refused", placement.refusal, Evidence.RULE, "libvirt, Domain XML format")
    if shown.interface is None:
        return Hardware(placement.location, "refused", qemu_refusal(shown), Evidence.QEMU, shown.source)
    return Hardware(placement.location, shown.interface.value, "", "", shown.source)


def judge_hardware(answer: Support, kind: str, hardware: Hardware, addons: bool) -> Judgement:
    """The verdict of a guest's driver on the hardware of a cell."""
    if hardware.refusal:
        return refused(hardware.refusal, Evidence(hardware.evidence), hardware.source)
    # A virtio-mmio transport serves drivers of both kinds: the rules of PCI do not apply there.
    mmio = hardware.placement == "virtio-mmio"
    interface = Interface.TRANSITIONAL if mmio else Interface(hardware.interface)
    judgement = judge(answer, kind, interface, addons=addons)
    verdict, condition = judgement.verdict, judgement.condition
    if hardware.condition and judgement.good:
        verdict, condition = Verdict.CONDITION, "; ".join(filter(None, (condition, hardware.condition)))
    source = f"{judgement.source} | {hardware.source}"
    return Judgement(verdict, judgement.reason, condition, judgement.evidence, source)
