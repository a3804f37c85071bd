"""How a survey of a folder is shown in a notebook."""

from __future__ import annotations

from virtkit import display
from virtkit.draw.html_card import Card, verdict_cell
from virtkit.fleet.survey import Survey
from virtkit.wording import counted

__all__ = ["survey_html"]


@display.html.register(Survey)
def survey_html(survey: Survey) -> str:
    """A folder of domains: the verdict on each, and the files that were rejected."""
    rejected = f"{len(survey.refusals):,} could not be read" if survey.refusals else ""
    card = Card(counted(survey.total, "domain"), rejected)
    heads = ["file", "name", "guest", "machine", "verdict", "device", "reason", "added"]
    rows = [
        (*row[:4], verdict_cell(str(row[4])), *row[5:])
        for row in survey.domains()[heads].itertuples(index=False, name=None)
    ]
    card.table(heads, rows, noun="domain")
    card.table(("rejected file", "error"), survey.refusals, noun="file")
    if survey.skipped:
        card.line(f"{counted(len(survey.skipped), 'file contains', 'files contain')} no domain")
    return card.html()
