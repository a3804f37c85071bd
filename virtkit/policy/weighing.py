"""How firm a ranking of policies is: what pc would save instead of q35, and whether other weights change the order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.policy import scoring
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.policy.decide import Circumstances
    from virtkit.policy.rules import Criterion

__all__ = ["FACTORS", "pc_savings", "pc_words", "sensitivity", "sensitivity_words"]

#: The factors by which ``sensitivity`` changes one weight at a time.
FACTORS = (0.0, 0.5, 2.0)


def pc_savings(
    frame: pd.DataFrame,
    on_pc: pd.DataFrame,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
) -> pd.DataFrame:
    """What the q35 domains of each policy would save, and lose, on pc.

    ``frame`` and ``on_pc`` are results of ``comparison.evaluate`` for the same policies and guests, the latter with the
    machine pc. Columns: ``policy, domains`` (on q35), ``buses, buses_on_pc, saved`` (PCI controllers, int), ``score,
    score_on_pc`` (of these domains, float).
    """
    import pandas as pd

    names = [str(name) for name in frame["policy"].unique()]
    mine = frame[frame["machine"] == "q35"]
    guests = {name: mine.loc[mine["policy"] == name, "guest"].unique() for name in names}
    # A guest may be on q35 twice, as the policy's own choice and because it was asked for.
    mine = mine[~mine.duplicated(["policy", "guest", "kind"])]
    others = [on_pc[(on_pc["policy"] == name) & on_pc["guest"].isin(guests[name])] for name in names]
    on_q35 = _figures(mine, criteria, guest_database, about)
    there = _figures(pd.concat(others), criteria, guest_database, about)
    rows = []
    for name in names:
        (buses, score), (buses_on_pc, score_on_pc) = (one.get(name, (0, 0.0)) for one in (on_q35, there))
        rows.append((name, len(guests[name]), buses, buses_on_pc, buses - buses_on_pc, score, score_on_pc))
    columns = ["policy", "domains", "buses", "buses_on_pc", "saved", "score", "score_on_pc"]
    return pd.DataFrame(rows, columns=columns)


def _figures(
    frame: pd.DataFrame,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None,
    about: Circumstances | None,
) -> dict[str, tuple[int, float]]:
    """The PCI controllers and the score of the domains of each policy that has rows."""
    if frame.empty:
        return {}
    details = scoring.details(frame, criteria, guest_database, about)
    domains = frame.drop_duplicates(["policy", "guest", "asked"])
    return {
        str(name): (
            int(domains.loc[domains["policy"] == name, "domain_buses"].sum()),
            round(float(points.sum()), 2),
        )
        for name, points in details.groupby("policy", sort=False)["points"]
    }


def pc_words(savings: pd.DataFrame, policy: str) -> str:
    """What pc would save for a policy, as a sentence; "" for a policy that never chooses q35 here."""
    row = next((row for row in savings.to_dict("records") if row["policy"] == policy), None)
    if row is None or not row["domains"]:
        return ""
    domains = counted(int(row["domains"]), "q35 domain")
    each = int(row["saved"]) / int(row["domains"])
    lost = float(row["score"]) - float(row["score_on_pc"])
    change = f"lose {lost:,.1f} points" if lost >= 0 else f"gain {-lost:,.1f} points"
    saved = counted(int(row["saved"]), "PCI controller")
    return f"On pc the {domains} of {policy} would save {saved} ({each:.1f} each) and {change}."


def sensitivity(details: pd.DataFrame) -> pd.DataFrame:
    """Which policy is first when one weight is 0, half or twice as large; ``details`` is that of ``scoring.details``.

    Columns: ``criterion, weight, at_0, at_half, at_double`` (the first policy, text) and ``margin`` (by how many points
    the criterion separates the first two policies, float).
    """
    import pandas as pd

    points = details.pivot(index="criterion", columns="policy", values="points").astype(float)
    weights = details.drop_duplicates("criterion").set_index("criterion")["weight"]
    total = points.sum()
    order = _order(total)
    rows = []
    for criterion in details["criterion"].unique():
        leaders = [_order(total + (factor - 1) * points.loc[criterion])[0] for factor in FACTORS]
        of_policies = dict(zip(points.columns, points.loc[criterion].to_list(), strict=True))
        margin = round(of_policies[order[0]] - of_policies[order[min(1, len(order) - 1)]], 2)
        rows.append((str(criterion), float(weights[criterion]), *leaders, margin))
    return pd.DataFrame(rows, columns=["criterion", "weight", "at_0", "at_half", "at_double", "margin"])


def _order(total: pd.Series[float]) -> list[str]:
    """The policies by their sums, best first; equal ones by name."""
    return [name for _, name in sorted((-round(float(value), 2), str(name)) for name, value in total.items())]


def sensitivity_words(found: pd.DataFrame, leader: str) -> str:
    """Whether a policy stays first, as a sentence that names the weights which decide."""
    words = {"at_0": "is 0", "at_half": "is halved", "at_double": "is doubled"}
    exceptions = [
        f"{row['criterion']} {word} ({row[column]} is first)"
        for row in found.to_dict("records")
        for column, word in words.items()
        if row[column] != leader
    ]
    if not exceptions:
        return f"{leader} stays first when any one weight is 0, halved or doubled."
    return f"{leader} is no longer first when the weight of {listed(exceptions)}."
