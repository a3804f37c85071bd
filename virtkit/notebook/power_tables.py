"""Which firmware finds a device where, and which kernel has which driver: matrices with the evidence in each cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from virtkit.draw.html import Html
from virtkit.draw.html_card import Card, Cell
from virtkit.draw.palette import LOOKS, verdict

__all__ = ["firmware_matrix", "kernel_matrix", "lacking_drivers"]

#: The verdict whose look a result has.
_LOOKS = {
    "boots": "works",
    "seen": "works-with-condition",
    "not-found": "fails",
    "refused": "refused",
    "unknown": "unknown",
    "yes": "works",
    "no": "fails",
}


def firmware_matrix(rows: Iterable[Mapping[str, str]]) -> Html:
    """The rows of ``firmware_table`` by firmware, machine and interface, with a column for each place.

    The tip of a cell gives the reason and the evidence.
    """
    return _matrix(rows, ("firmware", "arch", "machine", "interface"), "place", "result", ("reason", "evidence"))


def kernel_matrix(rows: Iterable[Mapping[str, str]]) -> Html:
    """The rows of ``kernel_table`` by kernel, with a column for each kind; the tip of a cell gives the evidence."""
    return _matrix(rows, ("kernel", "package"), "kind", "driver", ("evidence",))


def lacking_drivers(rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The kernels of ``kernel_table`` that lack a driver, one row each: kernel, package, kinds, and what is missing."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row in rows:
        if row["driver"] == "no":
            missing = row["evidence"].removeprefix(f"{row['package']}: ")
            found.setdefault((row["kernel"], row["package"]), []).append((row["kind"], missing))
    return [
        {
            "kernel": kernel,
            "package": package,
            "kinds": ", ".join(kind for kind, _ in lacking),
            "missing": "; ".join(dict.fromkeys(missing for _, missing in lacking)),
        }
        for (kernel, package), lacking in found.items()
    ]


def _matrix(
    rows: Iterable[Mapping[str, str]], keys: Sequence[str], across: str, value: str, tips: Sequence[str]
) -> Html:
    heads: dict[str, None] = {}
    lines: dict[tuple[str, ...], dict[str, Cell]] = {}
    for row in rows:
        heads[row[across]] = None
        tip = "; ".join(row[name] for name in tips if row[name])
        look = _LOOKS[row[value]]
        cell = Cell(f"{verdict(look).glyph} {row[value]}", tip, LOOKS.get(look, ""))
        lines.setdefault(tuple(row[name] for name in keys), {})[row[across]] = cell
    card = Card("")
    body = [[*key, *(cells.get(head) for head in heads)] for key, cells in lines.items()]
    card.table([*keys, *heads], body, limit=200)
    return Html(card.html())
