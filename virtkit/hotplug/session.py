"""Steps of hot plug on a domain: each to the running domain, to its definition, or to both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from virtkit.errors import Refused, VirtkitError
from virtkit.hotplug.changes import Change, changes
from virtkit.hotplug.definition import Definition
from virtkit.hotplug.device import NewDevice, read_device
from virtkit.hotplug.running import Effect, Running

if TYPE_CHECKING:
    from virtkit.domain.devices import Device
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
    """What became of a step: what is new or gone on each side, or the refusal.

    ``refusal`` is a Refused where libvirt (or QEMU) refuses, an InputError where the XML cannot be read. ``devices``
    are the new devices of the running domain, ``gone`` those that left it, ``side`` the side that refused: "live",
    "config" or "".
    """

    step: Step
    live: tuple[Change, ...] = ()
    config: tuple[Change, ...] = ()
    refusal: VirtkitError | None = None
    devices: tuple[Device, ...] = ()
    gone: tuple[Device, ...] = ()
    side: str = ""

    @property
    def ok(self) -> bool:
        """Whether libvirt takes it."""
        return self.refusal is None

    @property
    def error(self) -> str:
        """The refusal as libvirt words it, "category: what"; "" when it is taken."""
        if isinstance(self.refusal, Refused):
            return f"{self.refusal.category}: {self.refusal.what}"
        return "" if self.refusal is None else str(self.refusal)


class Session:
    """A running domain and its definition, changed step by step.

    At first both are the resolved domain, unless ``running`` is given. Neither of the two values is changed.
    """

    def __init__(self, definition: Resolved, running: Resolved | None = None) -> None:
        self.definition = Definition(definition)
        self.running = Running(definition if running is None else running)

    def run(self, steps: Iterable[Step]) -> Iterator[Outcome]:
        """The outcome of each step; after a refused step the next one goes on."""
        for step in steps:
            yield self.step(step)

    def step(self, step: Step) -> Outcome:
        """One step. The definition is changed first, and kept only when the running domain takes the device too."""
        before = definition = self.definition
        effect = Effect()
        side = ""
        try:
            device = read_device(step.xml)
            if step.to != "live":
                side = "config"
                definition = _defined(definition, step.do, device)
            if step.to != "config":
                side = "live"
                effect = self._live(step.do, device)
        except VirtkitError as refusal:
            return Outcome(step, refusal=refusal, side=side)
        if effect.refusal is not None:
            found = Outcome(step, effect.changes, refusal=effect.refusal, devices=effect.new, gone=effect.gone)
            return replace(found, side="live")
        self.definition = definition
        config = changes(before.rows, definition.rows) if definition is not before else ()
        return Outcome(step, effect.changes, config, devices=effect.new, gone=effect.gone)

    def _live(self, do: str, device: NewDevice) -> Effect:
        return self.running.attach(device) if do == "attach" else self.running.detach(device)


def _defined(definition: Definition, do: str, device: NewDevice) -> Definition:
    return definition.attach(device) if do == "attach" else definition.detach(device)
