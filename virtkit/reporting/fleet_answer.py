"""The answer of the notebook on a fleet: how many domains fail, in how few shapes, and which lack free ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Survey

__all__ = ["fleet_answer"]

_WORST = 3  # shapes that a sentence counts together


def fleet_answer(found: Survey, worst: pd.DataFrame, ports: pd.DataFrame) -> list[str]:
    """Sentences on a fleet; ``worst`` and ``ports`` are the tables of ``offenders`` and ``ports_left`` for it."""
    if not found.total:
        return ["There are no domains."]
    shapes = counted(len(found.shapes()), "shape")
    failing = int(worst["domains"].sum())
    lead = f"{counted(found.total, 'domain')} of {shapes}: "
    lead += f"{counted(failing, 'fails', 'fail')}" if failing else "none fails"
    lead += f", {len(found.refusals):,} could not be read." if found.refusals else "."
    sentences = [lead]
    if failing:
        first = worst.head(_WORST)
        share = int(first["domains"].sum())
        few = "One shape has" if len(first) == 1 else f"The worst {len(first)} shapes have"
        sentences.append(f"{few} {share:,} of the {counted(failing, 'domain that fails', 'domains that fail')}.")
        mended = int(worst.loc[worst["remedy"] != "", "domains"].sum())
        sentences.append(f"For {mended:,} of them a remedy is known.")
    for row in ports.to_dict("records"):
        if row["none"] and "PCI" in str(row["kind"]):
            full = counted(int(row["none"]), "domain has", "domains have")
            sentences.append(f"{full} no free {row['kind']} slot for hotplug.")
    return sentences
