"""Compares policies: what each decides for every guest, whether it works, what it costs, and where two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.compat.verdict import Verdict, judge, qemu_refusal
from virtkit.errors import UsageError
from virtkit.guests import KINDS, Guest, catalogue
from virtkit.guests.hardware import State, driven, hardware
from virtkit.guests.overrides import support
from virtkit.host import Host
from virtkit.policy.bus_cost import ROOT, BusCost, ChosenDevice
from virtkit.policy.decide import Circumstances, decide, decide_all, decide_machine, decide_ports
from virtkit.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue, Support
    from virtkit.policy.rules import Decision, Policy

__all__ = ["COLUMNS", "OWN", "evaluate", "of_machines", "select_machines"]

#: Among the machines of ``evaluate``: the machine that each policy chooses.
OWN = "own"

#: Columns of ``evaluate``: ``buses``, ``domain_buses`` and ``free_ports`` are int, ``driver`` is bool, the others text.
COLUMNS = (
    "policy",
    "guest",
    "family",
    "asked",
    "machine",
    "kind",
    "created",
    "choice",
    "placement",
    "interface",
    "verdict",
    "driver",
    "buses",
    "domain_buses",
    "free_ports",
    "reason",
)
_TYPES = {"driver": "bool", **dict.fromkeys(("buses", "domain_buses", "free_ports"), "int64")}
#: The same columns in the order in which a row is made: first those that a domain's rows share.
_SHARED = ("policy", "guest", "family", "asked", "machine", "domain_buses", "free_ports")
_ROW = (*_SHARED, *(column for column in COLUMNS if column not in _SHARED))


def select_machines(text: str) -> tuple[str, ...]:
    """The machines of ``evaluate`` that a list names: "pc,q35", "own". Raises UsageError."""
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    for word in found:
        if word not in (OWN, "pc", "q35"):
            raise UsageError(f"machines: expected own, pc or q35, got {word!r}")
    if not found:
        raise UsageError("machines: expected own, pc or q35, got none")
    return found


@dataclass(frozen=True, slots=True)
class _Outcome:
    choice: str
    placement: str
    interface: str
    verdict: str
    buses: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a policy writes for one set of decisions: the devices, and the buses of a domain with all of them."""

    choices: tuple[ChosenDevice | None, ...]
    buses: int
    free_ports: int


def evaluate(
    policies: Sequence[Policy],
    guests: str | Sequence[Guest] | None = None,
    machines: Iterable[str] = (OWN,),
    kinds: Iterable[str] = KINDS,
    *,
    overrides: bool = True,
    host: Host | None = None,
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
) -> pd.DataFrame:
    """What each policy decides for each guest, machine and kind, and whether it works: one row each, columns COLUMNS.

    ``machines`` are "own" (the policy's choice), "pc" and "q35"; the column ``asked`` has that word, ``machine`` the
    machine. ``created`` is always, on-request or never; a device that is not written in the circumstances ``about`` has
    the choice "none" and the verdict "absent". ``choice`` is a virtio model or an emulated device. ``verdict`` is that
    of the matrix, or "emulated" (an emulated device that the guest drives). ``driver`` says whether the guest has any
    virtio driver of the kind. ``buses`` counts the PCI controllers that libvirt adds for the device alone,
    ``domain_buses`` those for one domain with all the guest's devices and the ports that the policy writes, of which
    ``free_ports`` have no device (both equal in each row of a guest, policy and machine). Verdicts follow the guest
    database with or without ``overrides``, whatever the policy itself knows. Raises UsageError and GuestError.

    >>> import virtkit as vk
    >>> from virtkit.policy import comparison
    >>> frame = comparison.evaluate([vk.load_policy("recommended")], "rhel6.10", kinds=("net", "block"))
    >>> frame[["guest", "machine", "kind", "choice", "verdict"]]
          guest machine   kind               choice verdict
    0  rhel6.10     q35    net  virtio-transitional   works
    1  rhel6.10     q35  block  virtio-transitional   works
    """
    import pandas as pd

    known = guest_database or catalogue()
    chosen = known.select(guests) if guests is None or isinstance(guests, str) else tuple(guests)
    asked, wanted = tuple(machines), tuple(kinds)
    circumstances = about or Circumstances()
    at = host or Host.default()
    costs = {name: BusCost(at, name, circumstances.arch) for name in {policy.slots for policy in policies}}
    runs = [_Run(policy, costs[policy.slots], wanted, overrides, circumstances) for policy in policies]
    # Hashing an answer takes longer than deciding, so what a verdict says of it gets a number once.
    numbers: dict[tuple[object, ...], int] = {}
    for guest in chosen:
        answers = [support(guest, kind, overrides=overrides) for kind in wanted]
        codes = [numbers.setdefault(_judged(answer), len(numbers)) for answer in answers]
        drivers = {(kind, overrides): answer for kind, answer in zip(wanted, answers, strict=True)}
        emulated: dict[tuple[str, str], str] = {}
        for run in runs:
            run.add(guest, asked, answers, codes, drivers, emulated)
    rows = [row for run in runs for row in run.rows]
    frame = pd.DataFrame(rows, columns=list(_ROW), dtype=object)[list(COLUMNS)]
    return frame.astype({column: _TYPES.get(column, "category") for column in COLUMNS})


def of_machines(frame: pd.DataFrame, machines: Iterable[str]) -> pd.DataFrame:
    """The part of an evaluation that ``evaluate`` gives for fewer ``machines``, words of the column ``asked``."""
    part = frame[frame["asked"].isin(tuple(machines))].reset_index(drop=True)
    categories = [column for column in COLUMNS if column not in _TYPES]
    return part.assign(**{column: part[column].cat.remove_unused_categories() for column in categories})


def _judged(answer: Support) -> tuple[object, ...]:
    """The part of an answer that a verdict and its reason depend on: all but the source and most remarks."""
    drivers = (answer.legacy, answer.modern, answer.legacy_addon, answer.modern_addon)
    known = (answer.unknown, answer.legacy_only)
    return (*drivers, *known, answer.condition, answer.modern_condition, answer.remark if answer.unknown else "")


class _Run:
    """Evaluates one policy, guest by guest; equal decisions are resolved once."""

    __slots__ = ("about", "cost", "kinds", "made", "overrides", "plans", "policy", "rows")

    def __init__(
        self, policy: Policy, cost: BusCost, kinds: tuple[str, ...], overrides: bool, about: Circumstances
    ) -> None:
        self.policy, self.cost, self.kinds, self.overrides, self.about = policy, cost, kinds, overrides, about
        self.rows: list[tuple[object, ...]] = []
        self.plans: dict[tuple[object, ...], _Plan] = {}
        self.made: dict[tuple[object, ...], tuple[object, ...]] = {}

    def add(
        self,
        guest: Guest,
        asked: tuple[str, ...],
        answers: Sequence[Support],
        codes: Sequence[int],
        drivers: dict[tuple[str, bool], Support],
        emulated: dict[tuple[str, str], str],
    ) -> None:
        """The rows of one guest; ``emulated`` keeps what it drives between policies."""
        own = decide_machine(self.policy, guest, self.about).value or "pc" if OWN in asked else ""
        # The policy's own machine may be asked for by its name as well.
        found: dict[str, tuple[_Plan, list[tuple[object, ...]]]] = {}
        for name in asked:
            machine = own if name == OWN else name
            if machine not in found:
                found[machine] = self._on(guest, machine, answers, codes, drivers, emulated)
            plan, tails = found[machine]
            head = (self.policy.name, guest.id, guest.family, name, machine, plan.buses, plan.free_ports)
            self.rows += [head + tail for tail in tails]

    def _on(
        self,
        guest: Guest,
        machine: str,
        answers: Sequence[Support],
        codes: Sequence[int],
        drivers: dict[tuple[str, bool], Support],
        emulated: dict[tuple[str, str], str],
    ) -> tuple[_Plan, list[tuple[object, ...]]]:
        """What the policy writes for a guest on a machine, and the columns of its rows from ``kind`` on."""
        decisions = decide_all(self.policy, guest, machine, self.kinds, drivers, self.about)
        plan = self._plan(guest, machine, decisions)
        tails = []
        for kind, answer, code, decision, choice in zip(
            self.kinds, answers, codes, decisions, plan.choices, strict=True
        ):
            drives = self._drives(guest, machine, choice, emulated) if choice and choice.device else ""
            # Within a policy the lines of the rules identify the choices.
            key = (machine, kind, decision.file, decision.line, code, drives)
            tail = self.made.get(key)
            if tail is None:
                tail = self.made[key] = self._tail(machine, kind, decision, choice, answer, drives)
            tails.append(tail)
        return plan, tails

    def _tail(
        self,
        machine: str,
        kind: str,
        decision: Decision,
        choice: ChosenDevice | None,
        answer: Support,
        drives: str,
    ) -> tuple[object, ...]:
        """The columns of a row from ``kind`` on."""
        found = self._outcome(machine, kind, choice, answer, drives)
        driver = answer.any or answer.legacy_addon or answer.modern_addon
        reason = sentences(decision.reason, found.reason)
        shown = (found.choice, found.placement, found.interface, found.verdict)
        return (kind, decision.created.value, *shown, driver, found.buses, reason)

    def _plan(self, guest: Guest, machine: str, decisions: Sequence[Decision]) -> _Plan:
        ports = decide_ports(self.policy, guest, machine, self.about)
        lines = (machine, ports, *((decision.file, decision.line) for decision in decisions))
        plan = self.plans.get(lines)
        if plan is None:
            choices = tuple(
                self._choice(kind, decision) for kind, decision in zip(self.kinds, decisions, strict=True)
            )
            together = self.cost.buses(machine, [one for one in choices if one is not None])
            free = ports.added(together.ports)
            plan = self.plans[lines] = _Plan(choices, together.added + free, free)
        return plan

    def _choice(self, kind: str, decision: Decision) -> ChosenDevice | None:
        """The device that a decision writes, None when it writes none."""
        if decision.outcome not in ("model", "device") or not self.about.writes(decision, kind):
            return None
        if decision.outcome == "device":
            return ChosenDevice(kind, device=decision.value)
        return ChosenDevice(kind, decision.value, decision.slot)

    def _drives(
        self, guest: Guest, machine: str, choice: ChosenDevice, emulated: dict[tuple[str, str], str]
    ) -> str:
        """Whether the guest drives an emulated device: a State, or "" for a device of which no facts are kept.

        For a disk on the policy's virtio-scsi controller it is the verdict on that controller.
        """
        if choice.kind == "block" and choice.device == "scsi":
            return self._scsi(guest, machine)
        key = (choice.kind, choice.device)
        found = emulated.get(key)
        if found is None:
            known = hardware().get(f"bus:{choice.device}" if choice.kind == "block" else choice.device)
            state = driven(guest, known, overrides=self.overrides).state.value if known else ""
            found = emulated[key] = state
        return found

    def _scsi(self, guest: Guest, machine: str) -> str:
        controller = decide(self.policy, guest, machine, "scsi", about=self.about)
        if controller.outcome != "model" or controller.value == "none":
            return ""
        _, shown = self.cost.shown(machine, ChosenDevice("scsi", controller.value, controller.slot))
        if shown is None or shown.interface is None:
            return Verdict.FAILS.value
        answer = support(guest, "scsi", overrides=self.overrides)
        return judge(answer, "scsi", shown.interface, addons=self.overrides).verdict.value

    def _outcome(
        self, machine: str, kind: str, choice: ChosenDevice | None, answer: Support, drives: str
    ) -> _Outcome:
        if choice is None:
            return _Outcome("none", "", "", "absent", 0, "")
        placement, shown = self.cost.shown(machine, choice)
        if choice.device:
            verdict, reason = _EMULATED.get(drives, ("emulated", ""))
            if placement.refusal:
                verdict, reason = "fails", placement.refusal
            return _Outcome(choice.device, "", "", verdict, placement.buses, reason)
        name = f"{choice.model} on the root bus" if choice.slot == ROOT and machine != "pc" else choice.model
        if shown is None or shown.interface is None:
            reason = placement.refusal or (qemu_refusal(shown) if shown else "")
            return _Outcome(name, placement.location, "refused", "fails", 0, reason)
        judged = judge(answer, kind, shown.interface, addons=self.overrides)
        interface, verdict = shown.interface.value, judged.verdict.value
        return _Outcome(name, placement.location, interface, verdict, placement.buses, judged.reason)


#: The verdict on a device that is no virtio device itself, by what is known of the guest's driver for it.
_EMULATED = {
    Verdict.WORKS.value: ("works", "The guest drives the virtio-scsi controller of the disk."),
    Verdict.CONDITION.value: (
        "works-with-condition",
        "A driver for the virtio-scsi controller of the disk can be installed.",
    ),
    Verdict.FAILS.value: ("fails", "The guest has no driver for the virtio-scsi controller of the disk."),
    State.ABSENT.value: ("fails", "The guest has no driver for this emulated device."),
    State.UNKNOWN.value: ("unknown", "No source says whether the guest drives this emulated device."),
}
