"""Why domains fail, are unknown or depend on a condition: the domains of a survey by cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from virtkit.fleet.surveyed import NOT_STATED, verdict_on

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Shape, Survey
    from virtkit.fleet.surveyed import Item

__all__ = ["causes", "remedy"]

_COLUMNS = ("verdict", "kind", "cause", "remedy", "domains", "shapes", "guests", "example")
_GUESTS = 4  # that a cell names


def causes(found: Survey) -> pd.DataFrame:
    """One row for each cause, the worst verdict first and of equal verdicts the cause of the most domains.

    Columns: verdict, kind (of the device, "" for the domain as a whole), cause, remedy ("" where none is known),
    domains and shapes (their numbers, int), guests (ids with their number of domains), example (a file).
    """
    import pandas as pd

    groups: dict[tuple[str, ...], list[Shape]] = {}
    for shape in found.shapes():
        summary = verdict_on(shape.first.review)
        if summary["verdict"] != "works":
            device = summary["device"]
            kind = next((one.kind for one in shape.first.review.devices if device and one.label == device), "")
            key = (summary["verdict"], kind, summary["reason"], remedy(shape.first, device))
            groups.setdefault(key, []).append(shape)
    rows: list[dict[str, Any]] = []
    for (verdict, kind, cause, change), shapes in groups.items():
        row: dict[str, Any] = {"verdict": verdict, "kind": kind, "cause": cause, "remedy": change}
        row |= {"domains": sum(len(shape.items) for shape in shapes), "shapes": len(shapes)}
        rows.append(row | {"guests": _guests(shapes), "example": shapes[0].first.file})
    order = list(dict.fromkeys(row["verdict"] for row in rows))
    rows.sort(key=lambda row: (order.index(row["verdict"]), -row["domains"]))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def remedy(item: Item, label: str) -> str:
    """What helps the device ``label`` of a domain: a change of its model, or another remedy; "" where none is known."""
    worst = next((one for one in item.review.devices if label and one.label == label), None)
    return "" if worst is None else worst.change or worst.advice


def _guests(shapes: list[Shape]) -> str:
    """The guests of some shapes with their numbers of domains, the most frequent first."""
    counts: dict[str, int] = {}
    for shape in shapes:
        name = shape.first.review.guest or NOT_STATED
        counts[name] = counts.get(name, 0) + len(shape.items)
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    words = [f"{name} ({count:,})" for name, count in ranked[:_GUESTS]]
    more = len(ranked) - _GUESTS
    return ", ".join(words) + (f" and {more:,} more" if more > 0 else "")
