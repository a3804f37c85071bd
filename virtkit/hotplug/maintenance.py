"""What attaching the same devices to many domains would do to each: the tables of a maintenance window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from virtkit.compat.devices import find_guest
from virtkit.domain.domain import read
from virtkit.errors import VirtkitError
from virtkit.guests import Catalogue, catalogue
from virtkit.host import Host
from virtkit.hotplug.capacity import capacity
from virtkit.hotplug.forms import Names, devices_of
from virtkit.hotplug.moves import moves
from virtkit.hotplug.report import judgements, short_address
from virtkit.hotplug.session import Outcome, Session, Step
from virtkit.resolved import resolve
from virtkit.topology.diff import compare
from virtkit.wording import counted, few

__all__ = ["Maintenance", "maintain"]


class Readable(Protocol):
    """An input with its name in messages."""

    @property
    def label(self) -> str: ...

    def read(self) -> bytes: ...


@dataclass(slots=True)
class Maintenance:
    """One table for each question; a row is a dict.

    ``steps``: file, device, taken, address, error, side, verdict; ``rooms``: file, kind, count (how many more are
    taken), limit; ``moved``: file, device, change, before, after, notices; ``rejected``: file, error.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    rooms: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    @property
    def domains(self) -> int:
        """How many domains were accepted."""
        return len({row["file"] for row in self.rooms})

    def refusing(self) -> list[str]:
        """The files of the domains that refuse at least one device, in order."""
        return list(dict.fromkeys(row["file"] for row in self.steps if not row["taken"]))

    def answer(self) -> list[str]:
        """Sentences on who takes the devices, and what moves at the next start."""
        refusing, moving = self.refusing(), list(dict.fromkeys(row["file"] for row in self.moved))
        taking = self.domains - len(refusing)
        unread = f", and {len(self.rejected):,} could not be read" if self.rejected else ""
        total = counted(self.domains + len(self.rejected), "domain")
        found = [f"{taking:,} of {total} {'takes' if taking == 1 else 'take'} every device while running{unread}."]
        if refusing:
            found.append(f"At least one device is refused by: {few(refusing)}.")
        if moving:
            found.append(f"At the next start, a device differs in: {few(moving)}.")
        return found


def maintain(
    sources: Iterable[Readable],
    devices: Sequence[str],
    side: str = "both",
    host: Host | None = None,
    guest: str = "",
    known: Catalogue | None = None,
) -> Maintenance:
    """Attach the devices, in the forms that ``virtkit attach`` takes, to each domain: "live", "config" or "both".

    ``guest`` names the guest OS of domains without metadata. Raises UsageError for a device that is none, and
    GuestError for a guest that the database does not have.
    """
    found = Maintenance()
    guests = known or catalogue()
    for source in sources:
        try:
            session = Session(resolve(read(source.read(), source.label), host))
        except VirtkitError as error:
            found.rejected.append({"file": source.label, "error": str(error)})
            continue
        _domain(found, source.label, session, devices, side, guest, guests)
    return found


def _domain(
    found: Maintenance, file: str, session: Session, devices: Sequence[str], side: str, guest: str, known: Catalogue
) -> None:
    """Add the rows of one domain."""
    began = session.running.resolved
    for room in capacity(began).rooms:
        found.rooms.append({"file": file, "kind": room.kind, "count": room.count, "limit": room.limit})
    names = Names(session.running.devices)
    asked = [(text, xml) for text in devices for xml in devices_of(text, names)]
    outcomes = [session.step(Step("attach", side, xml)) for _, xml in asked]
    who, _ = find_guest(began.domain, guest if began.domain.osinfo_id is None else None, known)
    judged = judgements(session, outcomes, who, known, True)
    for (text, _), outcome in zip(asked, outcomes, strict=True):
        verdicts = [str(judged[id(one)].verdict) for one in outcome.devices if id(one) in judged]
        found.steps.append(_row(file, text, outcome, verdicts[-1] if verdicts else ""))
    for move in moves(compare(session.running.snapshot().topology, session.definition.resolved.topology)):
        found.moved.append(
            {
                "file": file,
                "device": move.device,
                "change": move.kind,
                "before": move.before,
                "after": move.after,
                "notices": "; ".join(move.notices),
            }
        )


def _row(file: str, text: str, outcome: Outcome, verdict: str) -> dict[str, Any]:
    changes = outcome.live or outcome.config
    return {
        "file": file,
        "device": text,
        "taken": outcome.ok,
        "address": short_address(changes[-1].address) if outcome.ok and changes and changes[-1].address else "",
        "error": outcome.error,
        "side": outcome.side,
        "verdict": verdict,
    }
