"""How verdicts, matrices, guests and policies show themselves in a notebook."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from virtkit.draw.card import Card, Cell, judged
from virtkit.draw.page import said
from virtkit.draw.palette import LOOKS

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.compat.check import Finding, Review
    from virtkit.compat.conversion.machine import Conversion
    from virtkit.compat.recommend import Recommendation
    from virtkit.draw.grid import Grid, State
    from virtkit.fleet.survey import Survey
    from virtkit.guests import Catalogue, Guest
    from virtkit.policy.document import Policy
    from virtkit.policy.review import Findings
    from virtkit.policy.rollout import Rollout
    from virtkit.policy.slots import Comparison, SlotPolicy

__all__ = [
    "catalogue_html",
    "comparison_html",
    "conversion_html",
    "findings_html",
    "guest_html",
    "matrix_html",
    "policy_html",
    "recommendation_html",
    "review_html",
    "rollout_html",
    "slot_policy_html",
    "survey_html",
]

_COLUMNS, _CELLS = 40, 4000  # of a matrix
_LEVELS = {"deny": "fails", "taint": "fails", "warn": "works-with-condition", "allow": "works"}


def review_html(review: Review, was: Review | None = None) -> str:
    """A review: a row for each virtio device with its verdict, what the guest meets, why, and what would help.

    ``was`` is another review of the domain, whose verdicts stand beside where they differ.
    """
    guest = f"{review.guest} ({review.guest_name})" if review.guest else "guest OS unknown"
    card = Card(review.domain, guest, review.machine, review.database)
    card.line(_outcome(review))
    card.table(
        ("verdict", "was", "device", "model", "meets", "line", "why", "what helps", "evidence"),
        [
            (
                judged(finding.verdict, finding.source),
                _was(finding, was),
                Cell(finding.label, finding.device),
                finding.model,
                f"{finding.interface} at {finding.address or finding.location}",
                finding.line,
                finding.reason,
                _help(finding),
                Cell(finding.evidence, finding.source),
            )
            for finding in review.findings
        ],
        what="devices",
    )
    for note in review.notes:
        card.line(f"{note.level}: {note.text}")
    return card.html()


def _was(finding: Finding, review: Review | None) -> Cell:
    if review is None:
        return Cell("")
    old = next((one for one in review.findings if one.device == finding.device), None)
    if old is None:
        return Cell("not there")
    return Cell("") if old.verdict == finding.verdict else judged(old.verdict, old.reason)


def _outcome(review: Review) -> str:
    failing = sum(f.verdict == "fails" and not f.harmless for f in review.findings)
    if failing:
        many = "device does" if failing == 1 else "devices do"
        return f"✗ {failing} {many} not work that the guest needs; {len(review.changes)} can be changed so that they do"
    if not review.ok:
        return "✗ an error, see below"
    unknown = sum(f.verdict == "unknown" for f in review.findings)
    return f"? of {unknown} devices nobody has said" if unknown else "✓ nothing that the guest needs fails"


def _help(finding: Finding) -> str:
    told = (("if ", finding.condition), ("write ", finding.change), ("", finding.advice))
    return "; ".join(f"{word}{text}" for word, text in told if text)


def conversion_html(conversion: Conversion) -> str:
    """A conversion: its steps, and the review of the outcome."""
    card = Card("converted", f"{len(conversion.steps)} steps")
    card.table(("step",), [(step,) for step in conversion.steps], what="steps")
    card.raw(review_html(conversion.review))
    return card.html()


def recommendation_html(found: Recommendation) -> str:
    """A recommendation: what to write for each kind of device, and why."""
    card = Card(found.guest, f"on {found.machine}")
    card.line(f"best machine: {found.best_machine}, because {found.machine_advice}")
    card.table(
        ("kind", "choose", "verdict", "why", "condition"),
        [
            (
                choice.kind,
                Cell(choice.model or choice.xml, choice.xml),
                judged(choice.verdict, choice.source),
                choice.reason,
                choice.condition,
            )
            for choice in found.choices
        ],
    )
    return card.html()


def guest_html(guest: Guest) -> str:
    """A guest OS: its dates, and its virtio drivers of each kind, with the sourced corrections."""
    from virtkit.guests import KINDS
    from virtkit.guests.overrides import support

    card = Card(guest.name, guest.id, guest.vendor, f"released {guest.release}" if guest.release else guest.status)
    chipset = "the q35 chipset is listed" if guest.q35 else "the q35 chipset is not listed"
    card.line(f"{guest.uri} · {guest.listed} devices listed · {chipset} · {guest.database}", soft=True)
    rows = []
    for kind in KINDS:
        answer = support(guest, kind)
        pair = ((answer.legacy, answer.legacy_addon), (answer.modern, answer.modern_addon))
        drivers = [_driver(inbox, addon, answer.unknown) for inbox, addon in pair]
        told = dict.fromkeys(filter(None, (answer.condition, answer.modern_condition, answer.remark)))
        rows.append((kind, *drivers, "; ".join(told), Cell(answer.evidence, answer.source)))
    card.table(("kind", "legacy driver", "modern driver", "note", "evidence"), rows, what="kinds")
    return card.html()


def _driver(inbox: bool, addon: bool, unknown: bool) -> Cell:
    if unknown:
        return Cell("? unknown", "", LOOKS["unknown"])
    if inbox:
        return Cell("✓ comes with it", "", LOOKS["works"])
    return Cell("◐ can be added", "", LOOKS["works-with-condition"]) if addon else Cell("✗ none", "", LOOKS["fails"])


def catalogue_html(catalogue: Catalogue) -> str:
    """All guests of a database, counted by family and distribution."""
    card = Card(f"{len(catalogue)} guest operating systems", catalogue.database)
    card.line("find(name) gives one, select('rhel6*, family=winnt') some, search('red hat 6') by words", soft=True)
    rows = []
    for (family, distro), run in groupby(catalogue, key=lambda guest: (guest.family, guest.distro)):
        members = list(run)
        known = sum(guest.listed > 0 for guest in members)
        rows.append((family, distro, len(members), known, ", ".join(guest.id for guest in members)))
    rows.sort(key=lambda row: (-int(row[2]), str(row[1])))
    card.table(("family", "distro", "guests", "with devices listed", "ids"), rows, what="distributions")
    return card.html()


def policy_html(policy: Policy) -> str:
    """A policy: its sources, and its rules in words; of those that fit, the first decides."""
    from virtkit.policy.document import when_words

    card = Card(policy.name, policy.title, policy.file)
    knows = "corrected database" if policy.knows == "corrected" else "database"
    card.line(f"it knows guests by the {knows} · places devices by slot policy {policy.slots}", soft=True)
    card.table(
        ("line", "about", "when", "gives", "reason"),
        [
            (
                rule.line,
                ", ".join(rule.kinds) or "machine",
                when_words(rule.when) or "always",
                Cell(rule.gives, "", LOOKS[_LEVELS[rule.value]] if rule.outcome == "finding" else ""),
                rule.reason,
            )
            for rule in policy.rules
        ],
        what="rules",
    )
    for source in policy.sources:
        card.line(f"source: {source}", soft=True)
    return card.html()


def findings_html(findings: Findings) -> str:
    """What a policy says of a domain."""
    card = Card(f"{len(findings)} findings", findings.policy)
    card.table(
        ("level", "domain", "guest", "device", "line", "finding"),
        [
            (
                Cell(one.level, "", LOOKS[_LEVELS[one.level]]),
                one.domain,
                one.guest,
                one.device,
                one.line,
                Cell(one.text, f"rule on line {one.rule}" if one.rule else ""),
            )
            for one in findings
        ],
        what="findings",
    )
    return card.html()


def slot_policy_html(policy: SlotPolicy) -> str:
    """A slot policy: the kind of slot for each model."""
    card = Card(policy.name, policy.title, policy.source)
    card.table(("model", "goes into"), policy.places.items())
    return card.html()


def comparison_html(found: Comparison) -> str:
    """Slot policies compared: what each comes to, and the cells that change."""
    card = Card(f"{len(found.summary)} slot policies compared", f"{len(found.cells)} cells")
    heads = [str(name) for name in found.summary.columns]
    card.table([head.replace("_", " ") for head in heads], list(found.summary.itertuples(index=False)))
    card.line(f"{len(found.changed)} cells change against the baseline" + (":" if len(found.changed) else ""))
    names = ["policy", "guest", "kind", "machine", "model", "before", "after", "reason"]
    rows = [
        (*row[:5], judged(str(row[5])), judged(str(row[6])), row[7])
        for row in found.changed[names].head(200).itertuples(index=False, name=None)
    ]
    card.table(names, rows, limit=20, what=f"of {len(found.changed)}")
    return card.html()


def rollout_html(found: Rollout) -> str:
    """A rollout: what becomes of the domains at each stage, and the names that nobody knows."""
    card = Card(f"names of {found.subject}", f"{found.domains} domains", f"{found.rejected} rejected")
    if found.stages:
        outcomes = list(next(iter(found.stages.values())))
        card.table(("stage", *outcomes), [(stage, *counts.values()) for stage, counts in found.stages.items()])
    card.line(f"{found.names} unknown names in {found.disappear} domains")
    card.table(
        ("name", "hypervisor", "arch", "devices", "domains", "nearest known"),
        [(one.name, one.hypervisor, one.arch, one.devices, one.domains, one.nearest) for one in found.unknown],
        what="names",
    )
    return card.html()


def survey_html(survey: Survey) -> str:
    """A folder of domains: what becomes of each, and the files that were rejected."""
    card = Card(f"{len(survey.items)} domains", f"{len(survey.refusals)} files rejected" if survey.refusals else "")
    heads = ["file", "name", "guest", "machine", "verdict", "device", "reason", "added"]
    rows = [
        (*row[:4], judged(str(row[4])), *row[5:]) for row in survey.domains()[heads].itertuples(index=False, name=None)
    ]
    card.table(heads, rows, what="domains")
    card.table(("rejected", "why"), survey.refusals, what="files")
    return card.html()


def matrix_html(frame: pd.DataFrame) -> str:
    """A matrix: equal guests once, a cell for each kind, machine and model, its reason where the pointer rests.

    ``frame`` as for ``grid.arrange``. Beyond 40 columns, or 4000 cells, it is told how much more there is.
    """
    from virtkit.draw.grid import KEY, arrange

    keys = frame.groupby(list(KEY), observed=True, sort=False).ngroup()
    columns = int(keys.max()) + 1 if len(frame) else 0
    grid = arrange(frame if columns <= _COLUMNS else frame[keys < _COLUMNS])
    room = max(1, _CELLS // max(1, min(columns, _COLUMNS)))
    guests = sum(family.guests for family in grid.families)
    card = Card(f"{guests} guests × {columns} columns", str(frame.attrs.get("database", "")))
    card.raw("".join(_grid(grid, room)))
    for number, text in enumerate(_conditions(grid), 1):
        card.line(f"{number}: {text}", soft=True)
    rows = sum(len(family.rows) for family in grid.families)
    more = [
        f"{count} more {what}"
        for count, what in ((columns - len(grid.columns), "columns"), (rows - room, "rows"))
        if count > 0
    ]
    card.line(f"and {' and '.join(more)}; page() gives all" if more else "", soft=True)
    return card.html()


def _conditions(grid: Grid) -> list[str]:
    return list(dict.fromkeys(state.condition for state in grid.states if state.condition))


def _grid(grid: Grid, room: int) -> list[str]:
    parts = ["<div class=o><table class=m><thead>"]
    for level, corner in enumerate(("guest", "", "")):
        parts.append(f"<tr><th>{corner}</th>")
        for name, run in groupby(grid.columns, key=lambda column: column[: level + 1]):
            parts.append(f'<th colspan="{len(list(run))}">{said(name[-1].removeprefix("virtio-"))}</th>')
        parts.append("</tr>")
    parts.append("</thead><tbody>")
    notes = {text: number for number, text in enumerate(_conditions(grid), 1)}
    for family in grid.families:
        if room <= 0:
            break
        parts.append(f'<tr class=fam><th colspan="{len(grid.columns) + 1}">{said(family.title)}</th></tr>')
        for row in family.rows[:room]:
            more = f" and {len(row.spans) - 3} more" if len(row.spans) > 3 else ""
            count = f" <span class=n>({len(row.guests)})</span>" if len(row.guests) > 1 else ""
            tip = said(", ".join(row.guests[:200]))
            parts.append(f'<tr><th scope=row title="{tip}">{said(", ".join(row.spans[:3]))}{more}{count}</th>')
            for n, _ in enumerate(grid.columns):
                codes = dict.fromkeys(part.cells[n] for part in row.parts)
                parts.append(_state([grid.states[code] for code in codes if code >= 0], notes))
            parts.append("</tr>")
        room -= len(family.rows)
    parts.append("</tbody></table></div>")
    return parts


def _state(states: list[State], notes: dict[str, int]) -> str:
    """A cell. Guests of one row may have it from several grounds, which all say the same."""
    if not states:
        return "<td></td>"
    state = states[0]
    cell = judged("refused" if state.interface == "refused" else state.verdict, short=True)
    meets = f"{state.interface}, {state.placement}" if state.placement else state.interface
    note = f"<sup>{notes[state.condition]}</sup>" if state.condition else ""
    why = "; or ".join(dict.fromkeys(f"{one.reason} (evidence: {one.evidence})" for one in states[:4]))
    return f'<td class={cell.look or "u"} title="{said(f"{why}; {meets}")}">{said(cell.text)}{note}</td>'
