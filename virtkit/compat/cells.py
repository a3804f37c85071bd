"""The cells of a matrix: every guest and device kind judged on every combination of machine, placement and model."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge, qemu_refusal, refused
from virtkit.virtio.interface import Interface, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from virtkit.compat.prober import Placement
    from virtkit.guests import Guest, Support

__all__ = [
    "JUDGED",
    "OFFERED",
    "Block",
    "Cells",
    "Column",
    "Drivers",
    "Hardware",
    "Judged",
    "Offer",
    "Rules",
    "Texts",
    "block",
    "hardware_of",
    "judge_cells",
    "judge_hardware",
]

#: The columns of the matrix that follow from the hardware of a cell, and those that follow from its judgement.
OFFERED = ("placement", "interface")
JUDGED = ("verdict", "reason", "condition", "evidence", "source")

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


class Judged(NamedTuple):
    """The judgement of a group; with ``sourced`` its source follows that of the drivers of the guest.

    With ``remarked`` its reason is followed by the remark on these drivers.
    """

    judgement: Judgement
    sourced: bool = False
    remarked: bool = False


class Drivers(NamedTuple, Generic[G]):
    """What is known of the drivers of a guest: guests of an equal group have equal judgements, except for the texts."""

    group: G
    source: str = ""
    remark: str = ""


class Rules(Protocol[T, G]):
    """How the cells of a matrix are judged."""

    def offer(self, kind: str, column: Column) -> T:
        """The device of a kind where a column puts it."""

    def drivers(self, guest: Guest, kind: str) -> Drivers[G]:
        """What is known of the drivers of a guest for a kind."""

    def booted(self, group: G) -> bool:
        """Whether the guest of a group was booted, so that its judgements rest on finer states."""

    def state(self, offer: T, booted: bool) -> Hashable:
        """Offers of an equal state have equal judgements, for guests that were booted or for all others."""

    def judged(self, guest: Guest, group: G, kind: str, offer: T) -> Judged:
        """The judgement of one cell; ``guest`` is any guest of its group."""


class Texts(dict[str, int]):
    """The different texts of one column of a matrix, numbered in the order in which they come."""

    def number(self, text: str) -> int:
        """The number of a text."""
        return self.setdefault(text, len(self))


@dataclass(frozen=True, slots=True)
class Block:
    """The cells of one device kind on some columns, as numbers of ``Cells.texts`` by the name of a matrix column.

    ``offered`` has a number for each of ``asked``. ``judged`` has a row of those for each group of guests that share
    all judgements with their sources; ``member`` has the row of each guest.
    """

    kind: str
    asked: Sequence[Column]
    offered: Mapping[str, npt.NDArray[np.int32]]
    member: npt.NDArray[np.int32]
    judged: Mapping[str, npt.NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a matrix. A kind may have several blocks; their columns are then ordered by machine type."""

    guests: Sequence[Guest]
    kinds: Sequence[str]
    blocks: list[Block]
    texts: Mapping[str, Texts]


def _empty(guests: Sequence[Guest], kinds: Sequence[str]) -> Cells:
    """Cells without blocks."""
    return Cells(guests, kinds, [], {name: Texts() for name in (*OFFERED, *JUDGED)})


def judge_cells(rules: Rules[T, G], guests: Sequence[Guest], kinds: Sequence[str], asked: Sequence[Column]) -> Cells:
    """Every guest and kind judged on every column of ``asked``; equal groups and states are judged once."""
    cells = _empty(guests, kinds)
    for kind in kinds:
        offers = [rules.offer(kind, column) for column in asked]
        states = {booted: _states([rules.state(one, booted) for one in offers]) for booted in (False, True)}
        groups: dict[G, _Group] = {}
        rows: dict[Drivers[G], int] = {}
        member = []
        for guest in guests:
            drivers = rules.drivers(guest, kind)
            member.append(rows.setdefault(drivers, len(rows)))
            if drivers.group not in groups:
                booted = rules.booted(drivers.group)
                found = [rules.judged(guest, drivers.group, kind, offers[first]) for first in states[booted][0]]
                groups[drivers.group] = _Group(booted, found, {})
        numbers = _numbers(cells.texts, [(groups[one.group], one) for one in rows])
        judged = _spread(numbers, [groups[one.group].booted for one in rows], states, len(asked))
        cells.blocks.append(block(cells, kind, asked, [one.hardware for one in offers], member, judged))
    return cells


class _Group(NamedTuple):
    """The judgements of a group of guests by state; what they say as numbers of texts, once that is known."""

    booted: bool
    found: Sequence[Judged]
    numbers: dict[str, list[int]]

    def numbered(self, name: str, texts: Texts) -> list[int]:
        """What the judgements say under a name, which is the same for all guests of the group."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = [texts.number(getattr(one.judgement, name)) for one in self.found]
        return found


def _numbers(
    texts: Mapping[str, Texts], rows: Sequence[tuple[_Group, Drivers[G]]]
) -> Mapping[str, list[list[int]]]:
    """What judgements say, as numbers of texts by state: a row for each group with source and remark."""
    result = {
        name: [group.numbered(name, texts[name]) for group, _ in rows]
        for name in ("verdict", "condition", "evidence")
    }
    reason, source = texts["reason"].number, texts["source"].number
    result["source"] = [
        [source(drivers.source + one.source if sourced else one.source) for one, sourced, _ in group.found]
        for group, drivers in rows
    ]
    result["reason"] = [
        [reason(one.reason + drivers.remark if remarked else one.reason) for one, _, remarked in group.found]
        if drivers.remark
        else group.numbered("reason", texts["reason"])
        for group, drivers in rows
    ]
    return result


def _spread(
    numbers: Mapping[str, list[list[int]]],
    booted: Sequence[bool],
    states: Mapping[bool, tuple[list[int], npt.NDArray[np.int32]]],
    width: int,
) -> Mapping[str, npt.NDArray[np.int32]]:
    """The numbers by state as numbers by column, for rows of guests that were booted and of others."""
    import numpy as np

    result = {name: np.empty((len(booted), width), dtype=np.int32) for name in numbers}
    for flag, (_, of_column) in states.items():
        own = [r for r, one in enumerate(booted) if one is flag]
        for name, rows in numbers.items() if own else ():
            result[name][own] = np.array([rows[r] for r in own], dtype=np.int32)[:, of_column]
    return result


def block(
    cells: Cells,
    kind: str,
    asked: Sequence[Column],
    hardware: Sequence[Hardware],
    member: Sequence[int],
    judged: Mapping[str, npt.NDArray[np.int32]],
) -> Block:
    """A block of ``cells``: the hardware of each column, and for each guest the row of its judgements."""
    import numpy as np

    offered = {
        name: np.array([cells.texts[name].number(getattr(one, name)) for one in hardware], dtype=np.int32)
        for name in OFFERED
    }
    return Block(kind, asked, offered, np.array(member, dtype=np.int32), judged)


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
