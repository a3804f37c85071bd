"""Decision tables: what a review found, one line for each thing to decide, as a table to paste into the review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.errors import UsageError
from virtkit.policy import comparison
from virtkit.policy.rollout import STAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from virtkit.policy.rollout import Rollout
    from virtkit.policy.slots import Comparison

__all__ = ["markdown", "of_policies", "of_rollouts", "of_slots"]


def markdown(frame: pd.DataFrame) -> str:
    """A DataFrame as a Markdown table, without its index; bars and line ends in cells are escaped."""
    head = [str(name).replace("_", " ") for name in frame.columns]
    rows = [["" if value is None else str(value) for value in row] for row in frame.itertuples(index=False)]
    clean = [[cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *clean]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def of_slots(found: Comparison, baseline: str) -> pd.DataFrame:
    """One line for each slot policy: ``policy, decision, cells_worse, cells_better, guests_broken, buses,
    io_windows, because``.

    The decision is "keep" (the baseline), "reject" (a guest breaks that works under the baseline), "equal" (no
    cell and no bus differs), "adopt" (cells get better or buses fewer, nothing worse), or else "weigh".
    """
    import pandas as pd

    summary = found.summary.to_dict("records")
    base = next((row for row in summary if row["policy"] == baseline), None)
    if base is None:
        raise UsageError(f"baseline {baseline!r} was not compared")
    rows = []
    for row in summary:
        name = str(row["policy"])
        broken = found.broken[found.broken["policy"] == name].to_dict("records")
        fewer = int(base["buses"]) - int(row["buses"])
        ports = int(row["io_windows"]) - int(base["io_windows"])
        families = ", ".join(
            f"{one['family'] or 'other'} ({one['guests']} guests, such as {one['example']})" for one in broken
        )
        if name == baseline:
            decision, because = "keep", "the baseline"
        elif row["guests_broken"]:
            decision, because = "reject", f"breaks {families}"
        elif not row["better"] and not fewer and not ports:
            decision, because = "equal", "no cell and no bus differs"
        elif fewer >= 0 and ports <= 0:
            decision, because = "adopt", "nothing gets worse"
        else:
            decision, because = "weigh", f"{-fewer:+d} buses and {ports:+d} windows of port I/O against the baseline"
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


def of_policies(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """One line for each policy of ``comparison.evaluate``'s frame, best first, against ``baseline``.

    Columns: ``policy, decision, works, buses, guests_failing, better, worse, because``; ``better`` and ``worse``
    count cells. The decision is "keep" (the baseline), "adopt" (no fewer working cells, no more buses, no more
    guests whose disk or NIC fails, one of these better, and no cell worse), "reject" (the reverse), "equal", or
    else "weigh". Raises UsageError when the frame does not hold the baseline.
    """
    import pandas as pd

    scores = comparison.score(frame)
    records = scores.to_dict("records")
    base = next((row for row in records if row["policy"] == baseline), None)
    if base is None:
        there = ", ".join(str(row["policy"]) for row in records)
        raise UsageError(f"baseline {baseline!r} was not evaluated; there are: {there}")
    rows = []
    for row in records:
        name = str(row["policy"])
        changed = comparison.changes(frame, baseline, name)
        effects = changed["effect"].value_counts()
        gains = {
            "working cells": int(row["works"]) - base["works"],
            "buses": base["buses"] - int(row["buses"]),
            "guests without disk or NIC": base["guests_failing"] - int(row["guests_failing"]),
        }
        signs = [gain for gain in gains.values() if gain]
        if name == baseline:
            decision = "keep"
        elif not signs:
            decision = "equal"
        elif min(signs) > 0 and not effects.get("worse", 0):
            decision = "adopt"
        else:
            decision = "reject" if max(signs) < 0 else "weigh"
        told = [f"{gain if word == 'working cells' else -gain:+d} {word}" for word, gain in gains.items() if gain]
        rows.append(
            {
                "policy": name,
                "decision": decision,
                "works": int(row["works"]),
                "buses": int(row["buses"]),
                "guests_failing": int(row["guests_failing"]),
                "better": int(effects.get("better", 0)),
                "worse": int(effects.get("worse", 0)),
                "because": "the baseline" if name == baseline else ", ".join(told) or "the same figures",
            }
        )
    return pd.DataFrame(rows)


def of_rollouts(found: Sequence[Rollout], stage: int) -> pd.DataFrame:
    """One line for each unknown name, and one for each subject without: what to do before ``stage``.

    Columns: ``subject, name, hypervisor, domains, devices, at_stage, nearest, decision``; ``at_stage`` is what
    becomes of those domains at that stage. Raises UsageError for a stage that is none.
    """
    import pandas as pd

    if stage not in STAGES:
        raise UsageError(f"stage {stage!r} is none of {', '.join(map(str, STAGES))}")
    outcome = STAGES[stage][1]
    rows = []
    for review in found:
        if not review.unknown:
            rows.append((review.subject, "", "", review.domains, 0, "accepted", "", "go on: every name is known"))
        for name in review.unknown:
            if name.nearest:
                decision = f"rename to {name.nearest} before stage 2"
            else:
                decision = "find out what is meant, then list the name or rename it, before stage 2"
            where = " ".join(part for part in (name.hypervisor, name.arch) if part)
            row = (review.subject, name.name, where, name.domains, name.devices, outcome, name.nearest, decision)
            rows.append(row)
    columns = ["subject", "name", "hypervisor", "domains", "devices", "at_stage", "nearest", "decision"]
    return pd.DataFrame(rows, columns=columns)
