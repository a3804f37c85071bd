"""Steps of hot plug on a domain: each to the running domain, to its definition, or to both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.errors import Refused, VirtkitError
from virtkit.hotplug.changes import Change, changes
from virtkit.hotplug.definition import Definition
from virtkit.hotplug.device import read_device
from virtkit.hotplug.running import Running

if TYPE_CHECKING:
    from virtkit.resolved import Resolved

__all__ = ["Outcome", "Session", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``do`` is "attach" or "detach", ``to`` is "live", "config" or "both", ``xml`` the device."""

    do: str
    to: str
    xml: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: what is new or gone on each side, or the refusal."""

    step: Step
    live: tuple[Change, ...] = ()
    config: tuple[Change, ...] = ()
    refusal: VirtkitError | None = None

    @property
    def ok(self) -> bool:
        """Whether libvirt would take it."""
        return self.refusal is None


class Session:
    """A running domain and its definition, changed step by step.

    At first both are the resolved domain, unless ``running`` is given.
    """

    def __init__(self, definition: Resolved, running: Resolved) -> None:
        self.definition = Definition(definition)
        self.running = Running(running)

    def run(self, steps: Iterable[Step]) -> Iterator[Outcome]:
        """The outcome of each step; a refused step changes nothing and the next one goes on."""
        for step in steps:
            yield self.step(step)

    def step(self, step: Step) -> Outcome:
        """One step. The definition is changed first, and kept only when the running domain takes the device too."""
        live, config = self.running.rows, self.definition.rows
        definition = self.definition
        try:
            device = read_device(step.xml)
            if step.to in ("config", "both"):
                definition = definition.attach(device) if step.do == "attach" else definition.detach(device)
            if step.to in ("live", "both"):
                if step.do == "attach":
                    self.running.attach(device)
                else:
                    self.running.detach(device)
        except Refused as refusal:
            # A refusal by QEMU can leave controllers behind that libvirt added for the device.
            return Outcome(step, changes(live, self.running.rows), refusal=refusal)
        self.definition = definition
        return Outcome(step, changes(live, self.running.rows), changes(config, self.definition.rows))
