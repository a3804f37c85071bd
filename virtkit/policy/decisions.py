"""Decision tables: one line for each thing to decide, as a table to paste into a review."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit.errors import UsageError
from virtkit.guests import catalogue
from virtkit.policy import differences, document, scoring
from virtkit.policy.rollout import STAGES, stage_of
from virtkit.wording import counted, listed, plural

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.policy.decide import Circumstances
    from virtkit.policy.rollout import Rollout
    from virtkit.policy.rules import Criterion
    from virtkit.policy.slots import Comparison

#: Characters that begin markup within a line; underscores inside words do not.
_MARKUP = re.compile(r"[\\|<`*\[]")

#: What criteria of these names count: a noun, and the verbs of one and of several, for the sentence on a policy.
_COUNTED = MappingProxyType(
    {
        "works": ("device", "works", "work"),
        "condition": ("device", "needs a driver to be installed", "need a driver to be installed"),
        "emulated": ("disk or NIC", "is emulated", "are emulated"),
        "fails": ("device", "fails", "fail"),
        "idle": ("device", "is idle", "are idle"),
        "left-out": ("useful device", "is left out", "are left out"),
        "no-disk-or-nic": ("domain", "lacks a working disk or NIC", "lack a working disk or NIC"),
        "buses": ("PCI controller", "is added", "are added"),
        "no-free-port": ("domain", "lacks a free port", "lack a free port"),
    }
)
_PLURALS = MappingProxyType({"disk or NIC": "disks or NICs"})

__all__ = ["markdown", "of_policies", "of_rollouts", "of_slots", "together"]


def markdown(frame: pd.DataFrame) -> str:
    """A DataFrame as a Markdown table, without its index; characters that begin markup are escaped."""
    head = [str(name).replace("_", " ") for name in frame.columns]
    rows = [["" if value is None else str(value) for value in row] for row in frame.itertuples(index=False)]
    clean = [[_MARKUP.sub(r"\\\g<0>", " ".join(cell.split())) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *clean]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def together(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with rows that are equal but for ``column`` (text) as one, their texts joined by commas."""
    others = [name for name in frame.columns if name != column]
    joined = frame.groupby(others, sort=False, as_index=False, dropna=False, observed=True).agg({column: ", ".join})
    return joined[list(frame.columns)]


def of_slots(found: Comparison, baseline: str) -> pd.DataFrame:
    """One line for each slot policy: ``policy, decision, cells_worse, cells_better, guests_broken, buses,
    io_windows, because``.

    The decision is "keep" (the baseline), "reject" (a guest breaks that works under the baseline), "equal" (no cell and
    no bus differs), "adopt" (better cells or fewer buses, and nothing worse), or else "weigh". Raises UsageError when
    the comparison does not include the baseline.
    """
    import pandas as pd

    summary = found.summary.to_dict("records")
    base = next((row for row in summary if row["policy"] == baseline), None)
    if base is None:
        there = ", ".join(str(row["policy"]) for row in summary)
        raise UsageError(f"the comparison does not include the baseline {baseline!r}; expected one of {there}")
    rows = []
    for row in summary:
        name = str(row["policy"])
        costs = {
            "PCI controller": int(row["buses"]) - int(base["buses"]),
            "port I/O window": int(row["io_windows"]) - int(base["io_windows"]),
        }
        if name == baseline:
            decision, because = "keep", "the baseline"
        elif row["guests_broken"]:
            decision, because = "reject", _broken(found, name)
        elif not row["better"] and not any(costs.values()):
            decision, because = "equal", "no verdict and no bus count differs"
        elif max(costs.values()) <= 0:
            decision, because = "adopt", f"no guest breaks; {_signed(costs)}".removesuffix("; ")
        else:
            decision, because = "weigh", f"no guest breaks, but the cost is {_signed(costs)}"
        rows.append(
            {
                "policy": name,
                "decision": decision,
                "cells_worse": int(row["worse"]),
                "cells_better": int(row["better"]),
                "guests_broken": int(row["guests_broken"]),
                "buses": int(row["buses"]),
                "io_windows": int(row["io_windows"]),
                "because": because,
            }
        )
    return pd.DataFrame(rows)


def _signed(counts: Mapping[str, int]) -> str:
    """Differences in words: "+5 port I/O windows"; zero differences are left out."""
    changed = [(number, noun) for noun, number in counts.items() if number]
    return ", ".join(f"{'+' if n > 0 else ''}{counted(n, noun)}" for n, noun in changed)


def _broken(found: Comparison, name: str) -> str:
    """The consequence of a slot policy: the systems that lose a device which works under the baseline."""
    worse = found.changed[(found.changed["policy"] == name) & (found.changed["effect"] == "worse")]
    vital = worse[worse["kind"].isin(scoring.VITAL)]
    rows = vital if len(vital) else worse
    lost = "a disk or NIC" if len(vital) else "a device"
    names = {guest.id: guest.name for guest in catalogue()}
    groups = []
    for (machine, model), part in rows.groupby(["machine", "model"], sort=True):
        guests = sorted(set(part["guest"]))
        systems = counted(len(guests), "system")
        example = names.get(guests[0], guests[0])
        groups.append(f"{systems} without {lost} of the model {model} on {machine} (such as {example})")
    return f"leaves {listed(groups)}, which work under the baseline"


def of_policies(
    frame: pd.DataFrame,
    baseline: str,
    criteria: Sequence[Criterion] | None = None,
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
) -> pd.DataFrame:
    """One line for each policy of ``comparison.evaluate``'s frame, best first, compared with ``baseline``.

    Columns: ``policy, decision, score, works, guests_failing, buses, better, worse, because``; ``better`` and ``worse``
    count cells whose device both policies write, ``because`` names the criteria that move the score most. The decision
    is "keep" (the baseline), "adopt" (the best policy with a higher score, no more guests whose disk or NIC fails, and
    no worse cell), "better" (another such policy), "reject" (a lower score and no fewer failing guests), "equal", or
    else "weigh". ``criteria`` are those of the recommended policy unless given. Raises UsageError when the frame does
    not have the baseline.
    """
    import pandas as pd

    chosen = document.builtin("recommended").scoring if criteria is None else criteria
    points = scoring.details(frame, chosen, guest_database, about)
    records = scoring.score(frame, chosen, guest_database, about, points=points).to_dict("records")
    base = next((row for row in records if row["policy"] == baseline), None)
    if base is None:
        there = ", ".join(str(row["policy"]) for row in records)
        raise UsageError(f"the baseline {baseline!r} was not evaluated; expected one of {there}")
    rows = []
    adopted = ""
    for row in records:
        name = str(row["policy"])
        effects = differences.changes(frame, baseline, name)["effect"].value_counts()
        better, worse = int(effects.get("better", 0)), int(effects.get("worse", 0))
        decision = _decision(row, base, better, worse)
        because = _moved(points, baseline, name) or "the figures are equal"
        if name == baseline:
            decision, because = "keep", "the baseline"
        elif decision == "adopt" and adopted:
            decision, because = "better", f"{because}; {adopted} scores higher"
        elif decision == "adopt":
            adopted = name
        elif worse:
            because += f"; {counted(worse, 'cell is', 'cells are')} worse, {better} better"
        figures = {key: row[key] for key in ("score", "works", "guests_failing", "buses")}
        rows.append(
            {"policy": name, "decision": decision, **figures, "better": better, "worse": worse, "because": because}
        )
    return pd.DataFrame(rows)


def _decision(row: Mapping[Hashable, Any], base: Mapping[Hashable, Any], better: int, worse: int) -> str:
    gained = float(row["score"]) - float(base["score"])
    saved = int(base["guests_failing"]) - int(row["guests_failing"])
    if gained > 0 and saved >= 0 and not worse:
        return "adopt"
    if gained < 0 and saved <= 0:
        return "reject"
    return "weigh" if gained or saved or better or worse else "equal"


def _moved(points: pd.DataFrame, baseline: str, name: str, limit: int = 3) -> str:
    """The consequences that move the score most: "13 more devices work and 2 fewer devices fail".

    Criteria on domains that change by the same number share a part.
    """
    by_policy = points.pivot(index="criterion", columns="policy", values="points")
    counts = points.pivot(index="criterion", columns="policy", values="count")
    changes = (counts[name] - counts[baseline]).to_dict()
    moved = (by_policy[name] - by_policy[baseline]).round(2)
    largest = sorted(moved[moved != 0].items(), key=lambda item: (-abs(item[1]), str(item[0])))
    parts: list[list[str]] = []
    of_domains: dict[int, list[str]] = {}
    for criterion in (str(name) for name, _ in largest):
        same = of_domains.get(int(changes[criterion])) if criterion not in _COUNTED else None
        if same is not None:
            same.append(criterion)
        elif len(parts) < limit:
            parts.append([criterion])
            if criterion not in _COUNTED:
                of_domains[int(changes[criterion])] = parts[-1]
    return listed([_consequence(names, int(changes[names[0]])) for names in parts])


def _consequence(criteria: Sequence[str], change: int) -> str:
    """What a change in the count of criteria means: "2 fewer domains lack a free port"."""
    number, comparative = abs(change), "more" if change > 0 else "fewer"
    noun, one, several = _COUNTED.get(criteria[0], ("domain", "", ""))
    words = counted(number, f"{comparative} {noun}", f"{comparative} {_PLURALS.get(noun, plural(noun))}")
    if criteria[0] in _COUNTED:
        return f"{words} {one if number == 1 else several}"
    drawbacks = "drawback" if len(criteria) == 1 else "drawbacks"
    return f"{words} {'has' if number == 1 else 'have'} the {drawbacks} {listed(criteria)}"


def of_rollouts(found: Sequence[Rollout], stage: int, limit: int = 40) -> pd.DataFrame:
    """What to do before ``stage``: one line for each unknown name, and one for each subject without unknown names.

    Each subject has the ``limit`` most frequent names and one line for the rest. Columns: ``subject, name, hypervisor,
    domains, devices, at_stage, nearest, decision``; ``at_stage`` is what that stage does to the domains. Raises
    UsageError for an unknown stage.
    """
    import pandas as pd

    outcome = STAGES[stage_of(stage)][1]
    rows = []
    for review in found:
        if not review.unknown:
            rows.append((review.subject, "", "", review.domains, 0, "accepted", "", "continue: every name is known"))
        for name in review.unknown[:limit]:
            if name.nearest:
                decision = f"rename to {name.nearest} before stage 2"
            else:
                decision = "find out what the name means, then add it to the list or rename it before stage 2"
            where = " ".join(part for part in (name.hypervisor, name.arch) if part)
            row = (review.subject, name.name, where, name.domains, name.devices, outcome, name.nearest, decision)
            rows.append(row)
        if review.names > limit:
            devices = review.devices - sum(name.devices for name in review.unknown[:limit])
            decision = "see the table of names; the domain count includes every unknown name"
            others = f"and {review.names - limit} more"
            rows.append((review.subject, others, "", review.disappear, devices, outcome, "", decision))
    columns = ["subject", "name", "hypervisor", "domains", "devices", "at_stage", "nearest", "decision"]
    return pd.DataFrame(rows, columns=columns)
