"""Policies side by side: what each decides for every guest, whether it works, what it costs, where two differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.compat.placement import Prober
from virtkit.compat.verdict import judge
from virtkit.guests import KINDS, Guest, catalogue
from virtkit.guests.overrides import support
from virtkit.policy import slots
from virtkit.policy.decide import decide, decide_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue, Support
    from virtkit.host import Host
    from virtkit.policy.document import Policy

__all__ = ["COLUMNS", "OWN", "by_family", "changes", "evaluate", "score"]

#: The machine that a policy chooses by itself, among the machines of ``evaluate``.
OWN = "own"

#: Columns of ``evaluate``; ``buses`` is int, the others are text.
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
    "reason",
)


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
    """What each policy decides for each guest and kind, and whether it works: one row each, columns COLUMNS.

    ``machines`` are "own" (the policy's choice), "pc" and "q35"; ``asked`` is that word, ``machine`` the outcome.
    ``choice`` is a virtio model, an emulated device, or "none". ``verdict`` is that of the matrix, or "emulated"
    (another device, which needs no virtio driver) or "absent" (nothing is added). ``buses`` counts the PCI
    controllers that the device alone causes. The verdict is by the database with or without ``overrides``,
    whatever the policy itself knows. Raises UsageError and GuestError.
    """
    import pandas as pd

    from virtkit.host import Host as TheHost

    host = host or TheHost.default()
    known = guest_database or catalogue()
    chosen = known.select(guests) if guests is None or isinstance(guests, str) else tuple(guests)
    asked = tuple(machines)
    wanted = tuple(kinds)
    probers = {name: Prober(host, policy=slots.policy(name)) for name in {policy.slots for policy in policies}}
    rows: list[tuple[object, ...]] = []
    for policy in policies:
        prober = probers[policy.slots]
        made: dict[tuple[object, ...], _Outcome] = {}
        for guest in chosen:
            answers = [support(guest, kind, overrides=overrides) for kind in wanted]
            own = decide_machine(policy, guest).value or "pc" if OWN in asked else ""
            for name in asked:
                machine = own if name == OWN else name
                for kind, answer in zip(wanted, answers, strict=True):
                    decision = decide(policy, guest, machine, kind)
                    key = (machine, kind, decision.outcome, decision.value, decision.line, answer)
                    outcome = made.get(key)
                    if outcome is None:
                        outcome = made[key] = _outcome(
                            prober, machine, kind, decision.outcome, decision.value, answer, overrides
                        )
                    rows.append(
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
                            f"{decision.reason}; {outcome.reason}" if outcome.reason else decision.reason,
                        )
                    )
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    text = [column for column in COLUMNS if column != "buses"]
    return frame.astype(dict.fromkeys(text, "category"))


def _outcome(
    prober: Prober, machine: str, kind: str, outcome: str, value: str, answer: Support, overrides: bool
) -> _Outcome:
    if outcome == "device":
        return _Outcome(value, "", "", "emulated", 0, "")
    if outcome != "model" or value == "none":
        return _Outcome("none", "", "", "absent", 0, "")
    placed, shown = prober.shown(prober.machine(machine), kind, value)
    if shown is None or shown.interface is None:
        reason = placed.refusal or (shown.message or shown.reason if shown else "")
        return _Outcome(value, placed.location, "refused", "fails", 0, reason)
    judged = judge(answer, kind, shown.interface, addons=overrides)
    return _Outcome(value, placed.location, shown.interface.value, judged.verdict.value, placed.buses, judged.reason)


def score(frame: pd.DataFrame) -> pd.DataFrame:
    """The score of each policy: counts of cells by verdict, ``guests_ok`` and ``buses``, best first.

    Columns: ``policy, works, condition, emulated, absent, unknown, fails, guests_failing, buses``.
    ``guests_failing`` counts guests with a disk or NIC that fails. Order: fewest failing cells, most
    working ones, fewest buses.
    """
    import pandas as pd

    rows = []
    for name, part in frame.groupby("policy", observed=True, sort=True):
        counts = part["verdict"].value_counts()
        vital = part[(part["verdict"] == "fails") & part["kind"].isin(["net", "block"])]
        rows.append(
            {
                "policy": str(name),
                "works": int(counts.get("works", 0)),
                "condition": int(counts.get("works-with-condition", 0)),
                "emulated": int(counts.get("emulated", 0)),
                "absent": int(counts.get("absent", 0)),
                "unknown": int(counts.get("unknown", 0)),
                "fails": int(counts.get("fails", 0)),
                "guests_failing": int(vital["guest"].nunique()),
                "buses": int(part["buses"].sum()),
            }
        )
    result = pd.DataFrame(rows)
    order = ["fails", "works", "buses", "policy"]
    return result.sort_values(order, ascending=[True, False, True, True], ignore_index=True)


def changes(frame: pd.DataFrame, before: str, after: str) -> pd.DataFrame:
    """The cells in which two policies of ``evaluate``'s frame differ, in choice or verdict.

    Columns: ``guest, family, asked, kind, machine_before, machine, before, after, verdict_before, verdict,
    effect, buses, reason``; ``effect`` is better, worse or other, ``buses`` the difference.
    """
    columns = ["guest", "family", "asked", "kind", "machine", "choice", "verdict", "buses", "reason"]
    old = frame.loc[frame["policy"] == before, columns].reset_index(drop=True)
    new = frame.loc[frame["policy"] == after, columns].reset_index(drop=True)
    differ = (
        (old["choice"].astype(str) != new["choice"].astype(str))
        | (old["verdict"].astype(str) != new["verdict"].astype(str))
        | (old["machine"].astype(str) != new["machine"].astype(str))
    )
    old, new = old[differ], new[differ]
    result = new[["guest", "family", "asked", "kind"]].copy()
    result["machine_before"], result["machine"] = old["machine"], new["machine"]
    result["before"], result["after"] = old["choice"], new["choice"]
    result["verdict_before"], result["verdict"] = old["verdict"], new["verdict"]
    pairs = zip(old["verdict"].astype(str), new["verdict"].astype(str), strict=True)
    result["effect"] = [_effect(a, b) for a, b in pairs]
    result["buses"] = new["buses"] - old["buses"]
    result["reason"] = new["reason"]
    return result.reset_index(drop=True)


def _effect(before: str, after: str) -> str:
    rank = {"fails": 0, "absent": 1, "works-with-condition": 2, "emulated": 2, "works": 3}
    if before not in rank or after not in rank or rank[before] == rank[after]:
        return "other"
    return "better" if rank[after] > rank[before] else "worse"


def by_family(frame: pd.DataFrame) -> pd.DataFrame:
    """The matrix of policies by family of guest: the share (0 to 1) of cells that do not fail.

    Rows are families ("" is "other"), columns the policies, in order of name.
    """
    part = frame.assign(
        good=frame["verdict"].ne("fails").astype(float), family=frame["family"].astype(str).replace("", "other")
    )
    table = part.pivot_table(index="family", columns="policy", values="good", aggfunc="mean", observed=True)
    table.columns.name = None
    return table.round(4)
