"""A decision record on policies: question, options, evidence and consequences, in Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from virtkit.guests import catalogue
from virtkit.guests.families import FAMILIES
from virtkit.policy import decisions, differences, scoring, weighing
from virtkit.policy.rules import when_words
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.policy.decide import Circumstances
    from virtkit.policy.rules import Criterion, Policy

__all__ = ["of_policies"]

_STATUS = "proposed"
#: How many groups of changed cells the consequences list for each effect.
_CHANGES = 12


@dataclass(frozen=True, slots=True)
class _Question:
    """What the record is about: the results of ``comparison.evaluate``, also on pc, and what they are judged by."""

    frame: pd.DataFrame
    policies: Sequence[Policy]
    baseline: str
    criteria: Sequence[Criterion]
    guest_database: Catalogue | None
    about: Circumstances | None
    on_pc: pd.DataFrame | None


def of_policies(
    frame: pd.DataFrame,
    policies: Sequence[Policy],
    baseline: str,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None = None,
    about: Circumstances | None = None,
    on_pc: pd.DataFrame | None = None,
    *,
    decision: pd.DataFrame | None = None,
) -> str:
    """The decision record of ``comparison.evaluate``'s frame: which of ``policies`` to take in place of ``baseline``.

    ``on_pc`` is the same evaluation with the machine pc; without it the record does not say what pc would save. The
    sections are those of an architecture decision record (ADR): status, context and question, decision drivers,
    options, decision, consequences, evidence. The figures are those of ``decisions.of_policies`` on the same frame,
    which ``decision`` is where it is known already.
    """
    asked = _Question(frame, policies, baseline, criteria, guest_database, about, on_pc)
    table = decision
    if table is None:
        table = decisions.of_policies(frame, baseline, criteria, guest_database, about)
    chosen = next((str(row["policy"]) for row in table.to_dict("records") if row["decision"] == "adopt"), baseline)
    parts = [
        f"# Which policy chooses machine types and device models: {chosen}\n",
        f"## Status\n\n{_STATUS}\n",
        "\n".join(_question(asked)),
        "\n".join(_drivers(criteria)),
        "\n".join(_options(policies)),
        "\n".join(_outcome(table, chosen, baseline)),
        "\n".join(_consequences(asked, table, chosen)),
        "\n".join(_evidence(asked, table)),
    ]
    return "\n".join(parts)


def _question(asked: _Question) -> Iterator[str]:
    guests = counted(int(asked.frame["guest"].nunique()), "guest")
    machines = listed(sorted({str(one) for one in asked.frame["asked"].unique()}))
    machines = machines.replace("own", "the machine that each policy chooses")
    instead = f"in place of {asked.baseline}"
    yield "## Context and question\n"
    yield f"Which policy should choose the machine type and the device models of new domains, {instead}?"
    yield f"{counted(len(asked.policies), 'policy', 'policies')} decided for {guests} on {machines}."
    if asked.guest_database is not None:
        yield f"The guests are those of {asked.guest_database.database}."
    yield "The decision is about new domains. Existing ones keep their machine type until they are converted."
    yield ""


def _drivers(criteria: Sequence[Criterion]) -> Iterator[str]:
    yield "## Decision drivers\n"
    for one in criteria:
        what = scoring.MEASURES.get(one.counts, f"domains with {when_words(one.when)}")
        kinds = f" ({', '.join(one.kinds)})" if one.kinds else ""
        yield f"- **{one.name}**, {one.weight:+g} for each of the {what}{kinds}. {one.reason} Source: {one.source}"
    yield ""


def _options(policies: Sequence[Policy]) -> Iterator[str]:
    yield "## Considered options\n"
    for policy in policies:
        never = f" It never creates {listed(list(policy.never))}." if policy.never else ""
        yield f"- **{policy.name}**: {policy.title}.{never}"
    yield ""


def _outcome(table: pd.DataFrame, chosen: str, baseline: str) -> Iterator[str]:
    yield "## Decision\n"
    because = next(str(row["because"]) for row in table.to_dict("records") if row["policy"] == chosen)
    if chosen == baseline:
        yield f"Keep {baseline}: no other policy improves on it without making something worse."
    else:
        yield f"Adopt {chosen} in place of {baseline}. What changes most: {because}."
    yield ""
    columns = ["policy", "decision", "score", "works", "guests_failing", "buses", "better", "worse", "because"]
    yield decisions.markdown(table[columns])


def _consequences(asked: _Question, table: pd.DataFrame, chosen: str) -> Iterator[str]:
    yield "## Consequences\n"
    if chosen == asked.baseline:
        yield "Nothing changes.\n"
        return
    changed = differences.changes(asked.frame, asked.baseline, chosen)
    grouped = differences.grouped(changed)
    for effect, title in (("better", "Good"), ("worse", "Bad")):
        yield f"### {title}\n"
        yield from _groups(grouped[grouped["effect"] == effect], asked)
        yield from _figures(table, asked.baseline, chosen) if effect == "better" else _costs(asked, changed, chosen)
        yield ""
    yield "### Neutral\n"
    other = grouped[grouped["effect"] == "other"]
    kept = other[other["verdict"] == other["verdict_before"]]
    cells = counted(int(kept["cells"].sum()), "device gets", "devices get")
    yield f"- {cells} another model or place with the same verdict."
    yield from _groups(other[other["verdict"] != other["verdict_before"]], asked)
    apart = differences.apart(asked.frame, asked.baseline, chosen, asked.policies)
    yield from (f"- {text}" for text in differences.apart_words(apart))
    yield ""


def _named(asked: _Question, guest: str) -> str:
    """A guest by its name, with its short id for commands."""
    return f"{(asked.guest_database or catalogue()).find(guest).name} ({guest})"


def _groups(grouped: pd.DataFrame, asked: _Question) -> Iterator[str]:
    """Groups of equal changes, the largest first."""
    rows = grouped.sort_values("cells", ascending=False, kind="stable").to_dict("records")
    for row in rows[:_CHANGES]:
        machine = f" on {row['machine']}" if row["machine"] else ""
        guests = counted(int(row["guests"]), f"{FAMILIES.get(row['family'], row['family'])} guest")
        yield (
            f"- {row['kinds']} of {guests}{machine}, such as {_named(asked, row['example'])}: "
            f"{row['before']} ({row['verdict_before']}) becomes {row['after']} ({row['verdict']})."
        )
    if len(rows) > _CHANGES:
        yield f"- {counted(len(rows) - _CHANGES, 'smaller group')} of equal changes."


def _figures(table: pd.DataFrame, baseline: str, chosen: str) -> Iterator[str]:
    """The guests whose disk or NIC fails, before and after."""
    figures = table.set_index("policy")["guests_failing"]
    before, after = int(figures[baseline]), int(figures[chosen])
    yield f"- Guests without a working disk or NIC: {before} before, {after} after."


def _costs(asked: _Question, changed: pd.DataFrame, chosen: str) -> Iterator[str]:
    """What the chosen policy costs: machines that change, buses that pc would save, devices without a source."""
    first = changed.astype(str).drop_duplicates("guest")
    moved = first[first["machine_before"] != first["machine"]]
    for (before, after), part in moved.groupby(["machine_before", "machine"], sort=True):
        guests = counted(len(part), "guest gets", "guests get")
        example = _named(asked, part["guest"].iloc[0])
        yield (
            f"- {guests} {after} in place of {before}, such as {example}. A domain that is converted gets other PCI "
            "addresses, and its NICs can get other names; `virtkit moves` lists them."
        )
    if asked.on_pc is not None:
        savings = weighing.pc_savings(asked.frame, asked.on_pc, asked.criteria, asked.guest_database, asked.about)
        words = weighing.pc_words(savings, chosen)
        yield from ([f"- {words}"] if words else [])
    cells = scoring.measures(asked.frame)
    unknown = int(((cells["policy"] == chosen) & (cells["measure"] == "unknown")).sum())
    if unknown:
        devices = counted(unknown, "device")
        yield f"- For {devices} no source says whether the guest drives them; test these guests before the change."


def _evidence(asked: _Question, table: pd.DataFrame) -> Iterator[str]:
    yield "## Evidence\n"
    details = scoring.details(asked.frame, asked.criteria, asked.guest_database, asked.about)
    wide = details.pivot(index="criterion", columns="policy", values="points")
    order = [str(name) for name in table["policy"][:6]]
    yield "Points by criterion, best policies first.\n"
    yield decisions.markdown(wide.loc[[one.name for one in asked.criteria], order].reset_index())
    found = weighing.sensitivity(details)
    yield f"Other weights: {weighing.sensitivity_words(found, order[0])}\n"
    yield decisions.markdown(found)
    yield "Sources of the policies.\n"
    for policy in asked.policies:
        release = f" {policy.version}" if policy.version else ""
        yield f"- {policy.name}{release}: {'; '.join(policy.sources)}"
    yield ""
