"""How a guest OS and the catalogue of guests are shown, and what guests are called in tables and charts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from virtkit import display
from virtkit.draw.html_card import Card, Cell
from virtkit.draw.labels import Label, label
from virtkit.draw.palette import LOOKS
from virtkit.guests import KINDS, Catalogue, Guest, catalogue
from virtkit.guests.overrides import support
from virtkit.wording import counted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["catalogue_html", "guest_html", "guest_labels", "with_names"]


def guest_labels(idents: Iterable[str]) -> dict[str, Label]:
    """Labels of guests (short ids) from the shipped guest database; an id that it lacks is its own name."""
    names = catalogue().names
    found = {}
    for ident in dict.fromkeys(map(str, idents)):
        guest = names.get(ident)
        if guest is None:
            found[ident] = label(ident)
        else:
            found[ident] = Label(ident, guest.name, guest.family, guest.distro, guest.version)
    return found


def with_names(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The frame with names of guests ("Fedora Linux 42") in place of short ids in ``columns``; other text stays."""
    names = {ident: label.name for ident, label in guest_labels(catalogue().names).items()}
    return frame.assign(**{column: [names.get(str(one), one) for one in frame[column]] for column in columns})


@display.html.register(Guest)
def guest_html(guest: Guest) -> str:
    """A guest OS: its dates, and its virtio drivers of each kind, sourced corrections included."""
    card = Card(guest.name, guest.id, guest.vendor, f"released {guest.release}" if guest.release else guest.status)
    chipset = "the q35 chipset is listed" if guest.q35 else "the q35 chipset is not listed"
    devices = f"{counted(guest.listed, 'device')} listed"
    card.line(f"{guest.uri} · {devices} · {chipset} · {guest.database}", soft=True)
    rows = []
    for kind in KINDS:
        answer = support(guest, kind)
        pair = ((answer.legacy, answer.legacy_addon), (answer.modern, answer.modern_addon))
        drivers = [_driver(inbox, addon, answer.unknown) for inbox, addon in pair]
        notes = dict.fromkeys(filter(None, (answer.condition, answer.modern_condition, answer.remark)))
        rows.append((kind, *drivers, "; ".join(notes), Cell(answer.evidence, answer.source)))
    card.table(("kind", "legacy driver", "modern driver", "note", "evidence"), rows, noun="kind")
    return card.html()


def _driver(inbox: bool, addon: bool, unknown: bool) -> Cell:
    if unknown:
        return Cell("? unknown", "the guest database does not say", LOOKS["unknown"])
    if inbox:
        return Cell("✓ in-box", "the driver is part of the OS", LOOKS["works"])
    if addon:
        return Cell("◐ add-on", "the driver can be installed", LOOKS["works-with-condition"])
    return Cell("✗ none", "", LOOKS["fails"])


@display.html.register(Catalogue)
def catalogue_html(catalogue: Catalogue) -> str:
    """All guests of a database, counted by family and distribution."""
    card = Card(f"{len(catalogue)} guest operating systems", catalogue.database)
    card.line(
        "find(name) returns one guest, select('rhel6*, family=winnt') several, search('red hat 6') those that match "
        "the words",
        soft=True,
    )
    rows = []
    for (family, distro), run in groupby(catalogue, key=lambda guest: (guest.family, guest.distro)):
        members = list(run)
        listing = sum(guest.listed > 0 for guest in members)
        rows.append((family, distro, len(members), listing, ", ".join(guest.id for guest in members)))
    rows.sort(key=lambda row: (-int(row[2]), str(row[1])))
    card.table(("family", "distribution", "guests", "with devices listed", "ids"), rows, noun="distribution")
    return card.html()
