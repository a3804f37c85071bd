"""A decision record on policies: question, options, evidence and consequences, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.policy import decisions, differences, scoring
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.policy.rules import Criterion, Policy

__all__ = ["of_policies"]

_STATUS = "proposed"
#: How many groups of changed cells the consequences list.
_CHANGES = 12


def of_policies(
    frame: pd.DataFrame,
    policies: Sequence[Policy],
    baseline: str,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None = None,
) -> str:
    """The decision record of ``comparison.evaluate``'s frame: which of ``policies`` to take in place of ``baseline``.

    Its sections are those of an architecture decision record (ADR): status, context and question, decision drivers,
    options, outcome, consequences, evidence. The figures are those of ``decisions.of_policies`` on the same frame.
    """
    table = decisions.of_policies(frame, baseline, criteria, guest_database)
    chosen = next((str(row["policy"]) for row in table.to_dict("records") if row["decision"] == "adopt"), baseline)
    parts = [
        f"# Which policy chooses machine types and device models: {chosen}\n",
        f"## Status\n\n{_STATUS}\n",
        "\n".join(_question(frame, policies, baseline, guest_database)),
        "\n".join(_drivers(criteria)),
        "\n".join(_options(policies)),
        "\n".join(_outcome(table, chosen, baseline)),
        "\n".join(_consequences(frame, policies, chosen, baseline)),
        "\n".join(_evidence(frame, policies, table, criteria, guest_database)),
    ]
    return "\n".join(parts)


def _question(
    frame: pd.DataFrame, policies: Sequence[Policy], baseline: str, guest_database: Catalogue | None
) -> Iterator[str]:
    guests = counted(int(frame["guest"].nunique()), "guest")
    machines = listed(sorted({str(one) for one in frame["asked"].unique()}))
    asked = machines.replace("own", "the machine that each policy chooses")
    yield "## Context and question\n"
    yield f"Which policy should choose the machine type and the device models of new domains, in place of {baseline}?"
    yield f"{counted(len(policies), 'policy', 'policies')} decided for {guests} on {asked}."
    if guest_database is not None:
        yield f"The guests are those of {guest_database.database}."
    yield ""


def _drivers(criteria: Sequence[Criterion]) -> Iterator[str]:
    yield "## Decision drivers\n"
    for one in criteria:
        what = scoring.MEASURES.get(one.counts, "domains for which the condition holds")
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


def _consequences(
    frame: pd.DataFrame, policies: Sequence[Policy], chosen: str, baseline: str
) -> Iterator[str]:
    yield "## Consequences\n"
    if chosen == baseline:
        yield "Nothing changes.\n"
        return
    grouped = differences.grouped(differences.changes(frame, baseline, chosen))
    for effect, title in (("worse", "Worse"), ("better", "Better"), ("other", "Different")):
        part = grouped[grouped["effect"] == effect]
        rows = part.to_dict("records")
        for row in rows[:_CHANGES]:
            machine = f" on {row['machine']}" if row["machine"] else ""
            guests = counted(int(row["guests"]), f"{row['family']} guest")
            yield (
                f"- {title}: {row['kinds']} of {guests}{machine}, such as {row['example']}: "
                f"{row['before']} ({row['verdict_before']}) becomes {row['after']} ({row['verdict']})."
            )
        if len(rows) > _CHANGES:
            yield f"- {title}: {counted(len(rows) - _CHANGES, 'more group')} of equal changes."
    apart = differences.apart(frame, baseline, chosen, policies)
    yield from (f"- {text}" for text in differences.apart_words(apart))
    yield ""


def _evidence(
    frame: pd.DataFrame,
    policies: Sequence[Policy],
    table: pd.DataFrame,
    criteria: Sequence[Criterion],
    guest_database: Catalogue | None,
) -> Iterator[str]:
    yield "## Evidence\n"
    points = scoring.details(frame, criteria, guest_database)
    wide = points.pivot(index="criterion", columns="policy", values="points")
    order = [str(name) for name in table["policy"][:6]]
    yield "Points by criterion, best policies first.\n"
    yield decisions.markdown(wide.loc[[one.name for one in criteria], order].reset_index())
    yield "Sources of the policies.\n"
    for policy in policies:
        release = f" {policy.version}" if policy.version else ""
        yield f"- {policy.name}{release}: {'; '.join(policy.sources)}"
    yield ""
