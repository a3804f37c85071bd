"""The reason for each decision of a resolution; the sentences are made when they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.display import Displayable
from virtkit.errors import FactsError

if TYPE_CHECKING:
    from virtkit.domain.devices import Device

__all__ = ["Reason", "Trace"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One decision about one device: the rule's name, its sentence, and the source of the rule."""

    device: str
    line: int | None
    rule: str
    text: str
    source: str


class Trace(Displayable):
    """The reasons of one resolution, in the order of the decisions."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[Device, str, tuple[object, ...]]] = []

    def record(self, device: Device, rule: str, *values: object) -> None:
        """Record that ``rule`` decided something about ``device``; ``values`` fill the rule's sentence."""
        self._entries.append((device, rule, values))

    def reasons(self) -> Iterator[Reason]:
        """All reasons as sentences. Raises FactsError for a rule that is not in the table of rules."""
        for device, rule, text, source in self.entries():
            yield Reason(device.id or device.label, device.line, rule, text, source)

    def of(self, device: Device) -> list[Reason]:
        """The reasons about one device, in order."""
        return [
            Reason(device.id or device.label, device.line, rule, text, source)
            for other, rule, text, source in self.entries()
            if other is device
        ]

    def entries(self) -> Iterator[tuple[Device, str, str, str]]:
        """Each decision as (device, rule, sentence, source), in order."""
        rules = _rules()
        for device, rule, values in self._entries:
            if rule not in rules:
                raise FactsError(f"libvirt/rules.csv: no sentence for the rule {rule!r}; add a row")
            text, source = rules[rule]
            yield device, rule, text.format(*values), source

    def __repr__(self) -> str:
        return f"<Trace of {len(self)} decisions>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Reason]:
        return self.reasons()


@cache
def _rules() -> dict[str, tuple[str, str]]:
    return {row["rule"]: (row["text"], row["source"]) for row in facts.table("libvirt/rules.csv")}
