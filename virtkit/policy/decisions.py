"""Decision tables: what a review found, one line for each thing to decide, as a table to paste into the review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from virtkit.errors import UsageError
from virtkit.policy import comparison
from virtkit.policy.rollout import STAGES, stage_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from virtkit.policy.rollout import Rollout
    from virtkit.policy.slots import Comparison

#: What begins markup within a line; underscores do not within words, nor do other signs.
_MARKUP = re.compile(r"[\\|<`*\[]")

__all__ = ["markdown", "of_policies", "of_rollouts", "of_slots"]


def markdown(frame: pd.DataFrame) -> str:
    """A DataFrame as a Markdown table, without its index; what Markdown would take for markup is escaped."""
    head = [str(name).replace("_", " ") for name in frame.columns]
    rows = [["" if value is None else str(value) for value in row] for row in frame.itertuples(index=False)]
    clean = [[_MARKUP.sub(r"\\\g<0>", " ".join(cell.split())) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *clean]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def of_slots(found: Comparison, baseline: str) -> pd.DataFrame:
    """One line for each slot policy: ``policy, decision, cells_worse, cells_better, guests_broken, buses,
    io_windows, because``.

    The decision is "keep" (the baseline), "reject" (a guest breaks that works under the baseline), "equal" (no
    cell and no bus differs), "adopt" (cells get better or buses fewer, nothing worse), or else "weigh".
    Raises UsageError when the baseline was not compared.
    """
    import pandas as pd

    summary = found.summary.to_dict("records")
    base = next((row for row in summary if row["policy"] == baseline), None)
    if base is None:
        raise UsageError(f"baseline {baseline!r} was not compared")
    rows = []
    for row in summary:
        name = str(row["policy"])
        costs = {
            "PCI controllers": int(row["buses"]) - int(base["buses"]),
            "windows of port I/O": int(row["io_windows"]) - int(base["io_windows"]),
        }
        if name == baseline:
            decision, because = "keep", "the baseline"
        elif row["guests_broken"]:
            decision, because = "reject", _broken(found.broken, name)
        elif not row["better"] and not any(costs.values()):
            decision, because = "equal", "no cell and no bus differs"
        elif max(costs.values()) <= 0:
            decision, because = "adopt", f"nothing gets worse; {_signed(costs)}".removesuffix("; ")
        else:
            decision, because = "weigh", f"no guest breaks, but it costs {_signed(costs)}"
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
    """Differences in words: "+5 windows of port I/O"; those that are none are left out."""
    return ", ".join(f"{count:+d} {word}" for word, count in counts.items() if count)


def _broken(broken: pd.DataFrame, name: str) -> str:
    rows = broken[broken["policy"] == name].sort_values(["guests", "family"], ascending=[False, True])
    told = [f"{row['guests']} {row['family']} (such as {row['example']})" for row in rows.to_dict("records")]
    return f"breaks guests that work under the baseline: {', '.join(told)}"


def of_policies(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """One line for each policy of ``comparison.evaluate``'s frame, best first, against ``baseline``.

    Columns: ``policy, decision, works, buses, guests_failing, better, worse, because``; ``better`` and ``worse``
    count cells. A policy is nowhere worse than the baseline when it has no fewer working cells, no more buses, no
    more guests whose disk or NIC fails, and no cell that is worse. The decision is "keep" (the baseline), "adopt"
    (the first in the order of the score that is before the baseline and nowhere worse), "better" (another such),
    "reject" (none of the three figures better), "equal", or else "weigh". Raises UsageError when the frame does not
    hold the baseline.
    """
    import pandas as pd

    scores = comparison.score(frame)
    records = scores.to_dict("records")
    base = next((row for row in records if row["policy"] == baseline), None)
    if base is None:
        there = ", ".join(str(row["policy"]) for row in records)
        raise UsageError(f"baseline {baseline!r} was not evaluated; there are: {there}")
    rows = []
    adopted = ""
    for row in records:
        name = str(row["policy"])
        effects = comparison.changes(frame, baseline, name)["effect"].value_counts()
        better, worse = int(effects.get("better", 0)), int(effects.get("worse", 0))
        moved = {
            "working cells": int(row["works"]) - base["works"],
            "buses": int(row["buses"]) - base["buses"],
            "guests whose disk or NIC fails": int(row["guests_failing"]) - base["guests_failing"],
        }
        gains = [count if word == "working cells" else -count for word, count in moved.items() if count]
        because = _signed(moved) or "the same figures"
        if name == baseline:
            decision, because = "keep", "the baseline"
        elif not gains:
            decision = "weigh" if better or worse else "equal"
        elif min(gains) > 0 and not worse:
            decision = "better" if adopted else "adopt"
            because += f"; {adopted} is before it" if adopted else ""
            adopted = adopted or name
        else:
            decision = "reject" if max(gains) < 0 else "weigh"
            because += f"; {worse} cells get worse, {better} better"
        rows.append(
            {
                "policy": name,
                "decision": decision,
                "works": int(row["works"]),
                "buses": int(row["buses"]),
                "guests_failing": int(row["guests_failing"]),
                "better": better,
                "worse": worse,
                "because": because,
            }
        )
    return pd.DataFrame(rows)


def of_rollouts(found: Sequence[Rollout], stage: int, limit: int = 40) -> pd.DataFrame:
    """One line for each unknown name, and one for each subject without: what to do before ``stage``. Of each subject
    the ``limit`` most frequent names, and one line for the others.

    Columns: ``subject, name, hypervisor, domains, devices, at_stage, nearest, decision``; ``at_stage`` is what
    becomes of those domains at that stage. Raises UsageError for a stage that is none.
    """
    import pandas as pd

    outcome = STAGES[stage_of(stage)][1]
    rows = []
    for review in found:
        if not review.unknown:
            rows.append((review.subject, "", "", review.domains, 0, "accepted", "", "go on: every name is known"))
        for name in review.unknown[:limit]:
            if name.nearest:
                decision = f"rename to {name.nearest} before stage 2"
            else:
                decision = "find out what is meant, then list the name or rename it, before stage 2"
            where = " ".join(part for part in (name.hypervisor, name.arch) if part)
            row = (review.subject, name.name, where, name.domains, name.devices, outcome, name.nearest, decision)
            rows.append(row)
        if review.names > limit:
            devices = review.devices - sum(name.devices for name in review.unknown[:limit])
            decision = "see the table of names; the domains are those with any unknown name"
            others = f"and {review.names - limit} more"
            rows.append((review.subject, others, "", review.disappear, devices, outcome, "", decision))
    columns = ["subject", "name", "hypervisor", "domains", "devices", "at_stage", "nearest", "decision"]
    return pd.DataFrame(rows, columns=columns)
