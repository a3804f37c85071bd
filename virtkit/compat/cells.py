"""The cells of a matrix: every guest and device kind judged on every combination of machine, placement and model."""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge, qemu_refusal, refused
from virtkit.values import maker
from virtkit.virtio.interface import Interface, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


_made = maker(Hardware)


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

    def drivers(self, guest: Guest) -> Mapping[str, Drivers[G]]:
        """What is known of the drivers of a guest, by kind."""

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

    def numbers(self, texts: Iterable[str]) -> array[int]:
        """The numbers of some texts."""
        enter = self.setdefault
        return array("i", [enter(text, len(self)) for text in texts])


@dataclass(frozen=True, slots=True)
class Block:
    """The cells of one device kind on some columns, as numbers of ``Cells.texts`` by the name of a matrix column.

    ``offered`` has a number for each of ``asked``. ``judged`` has the numbers of the different judgements, ``places`` a
    row for each group of guests that share all of them with their sources: the place in ``judged`` for each of
    ``asked``. ``member`` has the row of each guest.
    """

    kind: str
    asked: Sequence[Column]
    offered: Mapping[str, npt.NDArray[np.int32]]
    member: npt.NDArray[np.int32]
    places: npt.NDArray[np.int32]
    judged: Mapping[str, npt.NDArray[np.int32]]


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a matrix. A kind may have several blocks; their columns are then ordered by machine type."""

    guests: Sequence[Guest]
    kinds: Sequence[str]
    blocks: list[Block]
    texts: Mapping[str, Texts]


def judge_cells(rules: Rules[T, G], guests: Sequence[Guest], kinds: Sequence[str], asked: Sequence[Column]) -> Cells:
    """Every guest and kind judged on every column of ``asked``; equal groups and states are judged once."""
    cells = Cells(guests, kinds, [], {name: Texts() for name in (*OFFERED, *JUDGED)})
    known = [rules.drivers(guest) for guest in guests]
    for kind in kinds:
        offers = [rules.offer(kind, column) for column in asked]
        states = [_states([rules.state(one, booted) for one in offers]) for booted in (False, True)]
        groups: dict[G, _Group] = {}
        known_texts: dict[_Texts, _Texts] = {}
        rows: dict[Drivers[G], int] = {}
        member = []
        for guest, drivers in zip(guests, known, strict=True):
            own = drivers[kind]
            row = rows.get(own)
            if row is None:
                row = rows[own] = len(rows)
                if own.group not in groups:
                    booted = rules.booted(own.group)
                    found = [rules.judged(guest, own.group, kind, offers[first]) for first in states[booted][0]]
                    groups[own.group] = _group(cells.texts, booted, found, known_texts)
            member.append(row)
        judged = [(groups[one.group], one) for one in rows]
        places = _places([group for group, _ in judged], [of_column for _, of_column in states])
        hardware = [one.hardware for one in offers]
        cells.blocks.append(block(cells, kind, asked, hardware, member, places, _numbers(cells.texts, judged)))
    return cells


_Texts = tuple[tuple[str, bool], ...]
"""A text for each state, and whether one about the drivers of a guest is part of it."""


class _Group(NamedTuple):
    """What the judgements of a group of guests say by state; the plain columns as numbers of texts."""

    booted: bool
    states: int
    plain: tuple[array[int], ...]
    reasons: _Texts
    sources: _Texts


#: The columns that are the same for all guests of a group.
_PLAIN = ("verdict", "condition", "evidence")


def _group(
    texts: Mapping[str, Texts], booted: bool, found: Sequence[Judged], known: dict[_Texts, _Texts]
) -> _Group:
    """A group by its judgements; groups whose judgements say the same share it through ``known``."""
    plain = tuple(texts[name].numbers(getattr(one.judgement, name) for one in found) for name in _PLAIN)
    reasons = tuple((one.judgement.reason, one.remarked) for one in found)
    sources = tuple((one.judgement.source, one.sourced) for one in found)
    return _Group(booted, len(found), plain, known.setdefault(reasons, reasons), known.setdefault(sources, sources))


def _places(groups: Sequence[_Group], states: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    """Where the judgement of each row and column is when those of all rows follow each other, each by its states.

    ``states`` has the state of each column, for guests that were not booted and for those that were.
    """
    import numpy as np

    ends = np.cumsum([group.states for group in groups], dtype=np.int32)
    starts = ends - np.array([group.states for group in groups], dtype=np.int32)
    return starts[:, None] + np.array(states, dtype=np.int32)[[int(group.booted) for group in groups]]


def _numbers(
    texts: Mapping[str, Texts], rows: Sequence[tuple[_Group, Drivers[G]]]
) -> Mapping[str, npt.NDArray[np.int32]]:
    """What the judgements of each row and state say, as numbers of texts by the name of a matrix column."""
    import numpy as np

    # Texts of groups stand in a key by their identity, because a hash of them takes long to make.
    reasons: dict[tuple[int, str], array[int]] = {}
    sources: dict[tuple[int, str], array[int]] = {}
    found = {name: array("i") for name in JUDGED}
    verdict, reason, condition, evidence, source = (found[name] for name in JUDGED)
    for group, (_, of_drivers, remark) in rows:
        for column, plain in zip((verdict, condition, evidence), group.plain, strict=True):
            column += plain
        key = id(group.reasons), remark
        own = reasons.get(key)
        if own is None:
            own = texts["reason"].numbers([text + remark if remarked else text for text, remarked in group.reasons])
            reasons[key] = own
        reason += own
        key = id(group.sources), of_drivers
        own = sources.get(key)
        if own is None:
            own = texts["source"].numbers([of_drivers + text if sourced else text for text, sourced in group.sources])
            sources[key] = own
        source += own
    return {name: np.array(numbers, dtype=np.int32) for name, numbers in found.items()}


def block(
    cells: Cells,
    kind: str,
    asked: Sequence[Column],
    hardware: Sequence[Hardware],
    member: Sequence[int],
    places: npt.NDArray[np.int32],
    judged: Mapping[str, npt.NDArray[np.int32]],
) -> Block:
    """A block of ``cells``: the hardware of each column, and the rest as in ``Block``."""
    import numpy as np

    offered = {
        name: np.array([cells.texts[name].number(getattr(one, name)) for one in hardware], dtype=np.int32)
        for name in OFFERED
    }
    return Block(kind, asked, offered, np.array(member, dtype=np.int32), places, judged)


def _states(states: Sequence[Hashable]) -> tuple[list[int], list[int]]:
    """The first column of each state, and the number of the state of each column."""
    firsts: dict[Hashable, int] = {}
    numbers: dict[Hashable, int] = {}
    of_column = []
    for column, state in enumerate(states):
        firsts.setdefault(state, column)
        of_column.append(numbers.setdefault(state, len(numbers)))
    return list(firsts.values()), of_column


def hardware_of(placement: Placement, shown: Shown | None, asked: str = "") -> Hardware:
    """What a device offers where it is; ``shown`` is None where libvirt refuses it."""
    if shown is None:
        return _made(asked, "refused", placement.refusal, Evidence.RULE, "libvirt, Domain XML format", "")
    if shown.interface is None:
        return _made(placement.location, "refused", qemu_refusal(shown), Evidence.QEMU, shown.source, "")
    return _made(placement.location, shown.interface._value_, "", "", shown.source, "")


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
