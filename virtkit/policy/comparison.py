"""Compares policies: what each decides for every guest, whether it works, what it costs, and where two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from virtkit.compat.verdict import judge, qemu_refusal
from virtkit.errors import UsageError
from virtkit.guests import KINDS, Guest, catalogue
from virtkit.guests.overrides import support
from virtkit.host import Host
from virtkit.policy.bus_cost import ROOT, BusCost, ChosenDevice
from virtkit.policy.decide import decide, decide_machine
from virtkit.wording import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue, Support
    from virtkit.policy.decide import Decision
    from virtkit.policy.document import Policy

__all__ = [
    "COLUMNS",
    "OWN",
    "VITAL",
    "by_family",
    "changes",
    "evaluate",
    "grouped",
    "score",
    "select_machines",
    "side_by_side",
]

#: Among the machines of ``evaluate``: the machine that each policy chooses.
OWN = "own"
#: The kinds without which a guest is useless: NIC and disk.
VITAL = ("net", "block")

#: Columns of ``evaluate``; ``buses`` and ``domain_buses`` are int, the others are text.
COLUMNS = (
    "policy",
    "guest",
    "family",
    "asked",
    "machine",
    "kind",
    "choice",
    "placement",
    "interface",
    "verdict",
    "buses",
    "domain_buses",
    "reason",
)


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


def evaluate(
    policies: Sequence[Policy],
    guests: str | Sequence[Guest] | None = None,
    machines: Iterable[str] = (OWN,),
    kinds: Iterable[str] = KINDS,
    *,
    overrides: bool = True,
    host: Host | None = None,
    guest_database: Catalogue | None = None,
) -> pd.DataFrame:
    """What each policy decides for each guest, machine and kind, and whether it works: one row each, columns COLUMNS.

    ``machines`` are "own" (the policy's choice), "pc" and "q35"; the column ``asked`` has that word, ``machine`` the
    machine. ``choice`` is a virtio model, an emulated device, or "none". ``verdict`` is that of the matrix, or
    "emulated" (another device, which needs no virtio driver) or "absent" (no device is added). ``buses`` counts the PCI
    controllers that libvirt adds for the device alone, ``domain_buses`` those for one domain with all the guest's
    devices (equal in each row of a guest, policy and machine). Verdicts follow the guest database with or without
    ``overrides``, whatever the policy itself knows. Raises UsageError and GuestError.

    >>> import virtkit as vk
    >>> from virtkit.policy import comparison
    >>> frame = comparison.evaluate([vk.load_policy("recommended")], "rhel6.10", kinds=("net", "block"))
    >>> frame[["guest", "machine", "kind", "choice", "verdict"]]
          guest machine   kind  choice verdict
    0  rhel6.10      pc    net  virtio   works
    1  rhel6.10      pc  block  virtio   works
    """
    import pandas as pd

    host = host or Host.default()
    known = guest_database or catalogue()
    chosen = known.select(guests) if guests is None or isinstance(guests, str) else tuple(guests)
    asked = tuple(machines)
    wanted = tuple(kinds)
    costs = {name: BusCost(host, name) for name in {policy.slots for policy in policies}}
    parts: list[list[tuple[object, ...]]] = [[] for _ in policies]
    made: list[dict[tuple[object, ...], _Outcome]] = [{} for _ in policies]
    # Hashing an answer takes longer than deciding, so each answer gets a number once.
    numbers: dict[Support, int] = {}
    plans: list[dict[tuple[object, ...], tuple[list[ChosenDevice | None], int]]] = [{} for _ in policies]
    for guest in chosen:
        answers = [support(guest, kind, overrides=overrides) for kind in wanted]
        codes = [numbers.setdefault(answer, len(numbers)) for answer in answers]
        drivers = {(kind, overrides): answer for kind, answer in zip(wanted, answers, strict=True)}
        for number, policy in enumerate(policies):
            cost = costs[policy.slots]
            own = decide_machine(policy, guest).value or "pc" if OWN in asked else ""
            for name in asked:
                machine = own if name == OWN else name
                decisions = [decide(policy, guest, machine, kind, drivers) for kind in wanted]
                # Within a policy the lines of the rules identify the choices.
                lines = (machine, *(decision.line for decision in decisions))
                if lines not in plans[number]:
                    choices = [_choice(kind, decision) for kind, decision in zip(wanted, decisions, strict=True)]
                    together = cost.buses(machine, [one for one in choices if one is not None])
                    plans[number][lines] = choices, together
                choices, together = plans[number][lines]
                cells = zip(wanted, answers, codes, decisions, choices, strict=True)
                for kind, answer, code, decision, choice in cells:
                    key = (machine, kind, decision.line, code)
                    outcome = made[number].get(key)
                    if outcome is None:
                        outcome = _outcome(cost, machine, kind, choice, answer, overrides)
                        made[number][key] = outcome
                    parts[number].append(
                        (
                            policy.name,
                            guest.id,
                            guest.family,
                            name,
                            machine,
                            kind,
                            outcome.choice,
                            outcome.placement,
                            outcome.interface,
                            outcome.verdict,
                            outcome.buses,
                            together,
                            sentences(decision.reason, outcome.reason),
                        )
                    )
    rows = [row for part in parts for row in part]
    counts = ("buses", "domain_buses")
    frame = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return frame.astype({column: "int64" if column in counts else "category" for column in COLUMNS})


def _choice(kind: str, decision: Decision) -> ChosenDevice | None:
    """The device that a decision adds, None when it adds none."""
    if decision.outcome == "device":
        return ChosenDevice(kind, device=decision.value)
    if decision.outcome != "model" or decision.value == "none":
        return None
    return ChosenDevice(kind, decision.value, decision.slot)


def _outcome(
    cost: BusCost, machine: str, kind: str, choice: ChosenDevice | None, answer: Support, overrides: bool
) -> _Outcome:
    if choice is None:
        return _Outcome("none", "", "", "absent", 0, "")
    placement, shown = cost.shown(machine, choice)
    if choice.device:
        verdict = "fails" if placement.refusal else "emulated"
        return _Outcome(choice.device, "", "", verdict, placement.buses, placement.refusal)
    name = f"{choice.model} on the root bus" if choice.slot == ROOT and machine != "pc" else choice.model
    if shown is None or shown.interface is None:
        reason = placement.refusal or (qemu_refusal(shown) if shown else "")
        return _Outcome(name, placement.location, "refused", "fails", 0, reason)
    judged = judge(answer, kind, shown.interface, addons=overrides)
    interface, verdict = shown.interface.value, judged.verdict.value
    return _Outcome(name, placement.location, interface, verdict, placement.buses, judged.reason)


def score(frame: pd.DataFrame) -> pd.DataFrame:
    """The score of each policy, best first: most working cells, then fewest buses, then fewest failing cells.

    Columns: ``policy, works, buses, condition, emulated, absent, unknown, fails, guests_failing``. A cell is one
    guest, machine and kind. ``works`` counts the cells whose virtio device works without a condition; an emulated or
    absent device counts neither as working nor as failing. ``buses`` sums the PCI controllers that libvirt adds, for
    each domain with all its devices. ``guests_failing`` counts the guests whose disk or NIC fails.

    >>> import virtkit as vk
    >>> from virtkit.policy import comparison
    >>> policies = [vk.load_policy(name) for name in ("recommended", "libvirt")]
    >>> comparison.score(comparison.evaluate(policies, "rhel6.10", ("q35",), ("net", "block")))[["policy", "works"]]
            policy  works
    0  recommended      2
    1      libvirt      0
    """
    import pandas as pd

    rows = []
    for name, part in frame.groupby("policy", observed=True, sort=True):
        counts = part["verdict"].value_counts()
        vital = part[(part["verdict"] == "fails") & part["kind"].isin(VITAL)]
        domains = part.drop_duplicates(["guest", "asked"])
        rows.append(
            {
                "policy": str(name),
                "works": int(counts.get("works", 0)),
                "buses": int(domains["domain_buses"].sum()),
                "condition": int(counts.get("works-with-condition", 0)),
                "emulated": int(counts.get("emulated", 0)),
                "absent": int(counts.get("absent", 0)),
                "unknown": int(counts.get("unknown", 0)),
                "fails": int(counts.get("fails", 0)),
                "guests_failing": int(vital["guest"].nunique()),
            }
        )
    result = pd.DataFrame(rows)
    order = ["works", "buses", "fails", "policy"]
    return result.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def changes(frame: pd.DataFrame, before: str, after: str) -> pd.DataFrame:
    """The cells in which two policies of ``evaluate``'s frame differ, in choice or verdict.

    Columns: ``guest, family, asked, kind, machine_before, machine, before, after, verdict_before, verdict,
    effect, buses, reason``; ``effect`` is better, worse or other, ``buses`` the difference in the buses of this device
    alone. Raises UsageError when the frame does not have one of the policies.
    """
    there = set(frame["policy"].unique())
    for name in (before, after):
        if name not in there:
            raise UsageError(f"policy {name!r} was not evaluated; expected one of {', '.join(sorted(there))}")
    columns = ["guest", "family", "asked", "kind", "machine", "choice", "verdict", "buses", "reason"]
    old = frame.loc[frame["policy"] == before, columns].reset_index(drop=True)
    new = frame.loc[frame["policy"] == after, columns].reset_index(drop=True)
    # Both parts come from one frame, so equal words have equal codes.
    differ = (old["choice"].cat.codes != new["choice"].cat.codes) | (
        (old["verdict"].cat.codes != new["verdict"].cat.codes) | (old["machine"].cat.codes != new["machine"].cat.codes)
    )
    old, new = old[differ], new[differ]
    result = new[["guest", "family", "asked", "kind"]].copy()
    result["machine_before"], result["machine"] = old["machine"], new["machine"]
    result["before"], result["after"] = old["choice"], new["choice"]
    result["verdict_before"], result["verdict"] = old["verdict"], new["verdict"]
    result["effect"] = _effects(old["verdict"], new["verdict"])
    result["buses"] = new["buses"] - old["buses"]
    result["reason"] = new["reason"]
    return result.reset_index(drop=True)


def grouped(changed: pd.DataFrame) -> pd.DataFrame:
    """The cells of ``changes`` by guest family, equal changes of several kinds together, worse ones first.

    Columns: ``effect, family, machine, kinds, before, after, verdict_before, verdict, cells, guests, example,
    reason``; ``machine`` is "pc -> q35" where the policies choose different ones, ``cells`` and ``guests`` are
    counts, ``reason`` belongs to the example.
    """
    plain = changed.drop(columns=["buses"]).astype(str)
    moved = plain["machine_before"] != plain["machine"]
    plain["machine"] = plain["machine"].where(~moved, plain["machine_before"] + " -> " + plain["machine"])
    plain["family"] = plain["family"].replace("", "other")
    keys = ["effect", "family", "machine", "before", "after", "verdict_before", "verdict"]
    found = (
        plain.groupby(keys, sort=True)
        .agg(
            kinds=("kind", lambda kinds: ", ".join(sorted(set(kinds), key=KINDS.index))),
            cells=("kind", "size"),
            guests=("guest", "nunique"),
            example=("guest", "first"),
            reason=("reason", "first"),
        )
        .reset_index()
    )
    rank = {"worse": 0, "better": 1, "other": 2}
    found["order"] = found["effect"].map(rank)
    found = found.sort_values(["order", *keys], ignore_index=True)
    last = ["before", "after", "verdict_before", "verdict", "cells", "guests", "example", "reason"]
    return found[["effect", "family", "machine", "kinds", *last]]


#: Verdicts from bad to good; "unknown" is neither.
_RANK = {"fails": 0, "absent": 1, "works-with-condition": 2, "emulated": 2, "works": 3}


def _effects(before: pd.Series[Any], after: pd.Series[Any]) -> pd.Series[Any]:
    """Better, worse or other, for each pair of verdicts."""
    then, now = (one.astype(object).map(_RANK) for one in (before, after))
    effect = before.astype(object).where(before.isna(), "other")
    return effect.mask(now > then, "better").mask(now < then, "worse")


def by_family(frame: pd.DataFrame, good: Sequence[str] = ()) -> pd.DataFrame:
    """The share (0 to 1) of cells with one of the verdicts ``good``, by guest family and policy.

    Without ``good`` it is the share of cells that do not fail. Rows are families ("" becomes "other"), columns the
    policies in order of name.
    """
    right = frame["verdict"].isin(list(good)) if good else frame["verdict"].ne("fails")
    part = frame.assign(good=right.astype(float), family=frame["family"].astype(str).replace("", "other"))
    table = part.pivot_table(index="family", columns="policy", values="good", aggfunc="mean", observed=True)
    table.columns.name = None
    return table.round(4)


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each guest, machine asked for and kind; a column for each policy: "virtio: works".

    Columns: ``guest, family, asked, kind``, then the policies in the order of ``frame``; all text.
    """
    result: pd.DataFrame | None = None
    for name in frame["policy"].unique():
        part = frame[frame["policy"] == name].reset_index(drop=True)
        if result is None:
            result = part[["guest", "family", "asked", "kind"]].copy()
        result[name] = part["choice"].astype(str) + ": " + part["verdict"].astype(str)
    return frame[["guest", "family", "asked", "kind"]] if result is None else result
