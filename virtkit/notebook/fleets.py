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
    rejected = f"{counted(len(survey.refusals), 'file')} rejected" if survey.refusals else ""
    card = Card(counted(len(survey.items), "domain"), rejected)
    heads = ["file", "name", "guest", "machine", "verdict", "device", "reason", "added"]
    rows = [
        (*row[:4], verdict_cell(str(row[4])), *row[5:])
        for row in survey.domains()[heads].itertuples(index=False, name=None)
    ]
    card.table(heads, rows, noun="domain")
    card.table(("rejected file", "error"), survey.refusals, noun="file")
    return card.html()
