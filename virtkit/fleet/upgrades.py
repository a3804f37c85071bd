"""What a change of release, host or machine type means for many domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from virtkit.compat.devices import find_guest
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, VirtkitError
from virtkit.fleet.domains import attempt
from virtkit.guests import catalogue
from virtkit.host.distribution import chosen
from virtkit.hotplug.pinning import pin_advice
from virtkit.hotplug.upgrade import Rank, Upgrade, upgrade
from virtkit.inputs import domains_in, in_memory
from virtkit.readers.contract import ReaderOptions
from virtkit.resolved import resolve
from virtkit.wording import counted

if TYPE_CHECKING:
    from virtkit.host import Host
    from virtkit.inputs import Source

__all__ = ["Compared", "Side", "Upgrades", "compared", "upgrades"]

#: What to do about a domain, by the worst that happens to it; a decision with a pin is made when one is known.
_DECISIONS = {
    Rank.BREAKS_BOOT: ("change its devices first", "pin its addresses first"),
    Rank.LOSES_NETWORK: ("prepare the guest", "pin its addresses first"),
    Rank.DISK_OFFLINE: ("prepare the guest", "pin its addresses first"),
    Rank.COSMETIC: ("upgrade", "upgrade"),
    Rank.NOTHING: ("upgrade", "upgrade"),
}


class Compared(NamedTuple):
    """One domain of a folder or list: its name in messages, and what changes or the error that rejected it."""

    label: str
    outcome: Upgrade | VirtkitError


def compared(
    sources: Iterable[Source],
    readers: tuple[ReaderOptions, ReaderOptions],
    change: Callable[[Domain, Domain], Upgrade],
) -> Iterator[Compared]:
    """Each domain, read with the options of before and of after, with what ``change`` says of the two; lazy.

    What is no domain is left out.
    """
    for source in sources:
        try:
            kept = in_memory(source)
        except InputError as problem:
            yield Compared(source.label, problem)
            continue
        for (part, before), (_, after) in zip(*(domains_in(kept, one) for one in readers), strict=True):
            if isinstance(before, InputError):
                yield Compared(part.label, before)
            elif isinstance(after, InputError):
                yield Compared(part.label, after)
            elif isinstance(before, Domain) and isinstance(after, Domain):
                yield Compared(part.label, attempt(lambda pair=(before, after): change(*pair)))  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an upgrade: its host, and the options with which other formats are read."""

    host: Host
    readers: ReaderOptions

    @staticmethod
    def named(host: str = "", kubevirt: str = "") -> Side:
        """A side by the name of its host (debian-12) or its libvirt release (9.0), and by its KubeVirt release.

        Raises UsageError for an unknown one.
        """
        release = not host or host[0].isdigit()
        found = chosen("", "", host) if release else chosen(host)
        return Side(found, ReaderOptions({"kubevirt": kubevirt} if kubevirt else {}))


@dataclass(slots=True)
class Upgrades:
    """The tables of an upgrade; a row is a dict.

    ``decisions``: file, domain, guest, worst, devices (how many change), decision, pin; ``moves``: file, device,
    change, old, new, cost, reason, condition; ``rejected``: file, error.
    """

    decisions: list[dict[str, Any]] = field(default_factory=list)
    moves: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def add(self, label: str, found: Upgrade) -> None:
        """Add the rows of one domain."""
        decision = _DECISIONS[found.rank][bool(found.pin) and found.moved > 0]
        self.decisions.append(
            {
                "file": label,
                "domain": found.domain,
                "guest": found.guest,
                "worst": str(found.rank),
                "devices": len(found.consequences),
                "decision": decision,
                "pin": found.pin if decision.startswith("pin") else "",
            }
        )
        for one in found.consequences:
            move = one.move
            self.moves.append(
                {
                    "file": label,
                    "device": move.device,
                    "change": move.kind,
                    "old": move.before,
                    "new": move.after,
                    "cost": str(one.rank),
                    "reason": one.reason,
                    "condition": one.condition,
                }
            )

    def sort(self) -> None:
        """Put the worst first, and the rest in the order of the files."""
        order = {str(rank): rank.order for rank in Rank}
        self.decisions.sort(key=lambda row: order[row["worst"]])
        self.moves.sort(key=lambda row: order[row["cost"]])

    def answer(self) -> list[str]:
        """Sentences on how many domains are safe, what happens to the others, and what to pin."""
        counts = Counter(row["worst"] for row in self.decisions)
        safe = counts[Rank.NOTHING] + counts[Rank.COSMETIC]
        total = counted(len(self.decisions) + len(self.rejected), "domain")
        unread = f", and {len(self.rejected):,} cannot be compared" if self.rejected else ""
        verb = "loses" if safe == 1 else "lose"
        found = [f"{safe:,} of {total} {verb} nothing that matters{unread}."]
        for rank in (Rank.BREAKS_BOOT, Rank.LOSES_NETWORK, Rank.DISK_OFFLINE):
            files = [row["file"] for row in self.decisions if row["worst"] == rank]
            if files:
                found.append(f"{str(rank).capitalize()}: {', '.join(files)}.")
        pins = sum(row["decision"].startswith("pin") for row in self.decisions)
        if pins:
            found.append(f"Pinned addresses prevent this in {counted(pins, 'domain')}.")
        return found


def upgrades(sources: Iterable[Source], before: Side, after: Side, guest: str = "") -> Upgrades:
    """What happens to each domain between two sides; ``guest`` is the guest OS of domains without metadata.

    Raises GuestError for a guest that the database does not have.
    """
    known = catalogue()
    if guest:
        known.find(guest)

    def change(one: Domain, other: Domain) -> Upgrade:
        who, _ = find_guest(one, guest if guest and one.osinfo_id is None else None, known)
        first, second = resolve(one, before.host), resolve(other, after.host)
        return upgrade(first, second, who, pin=pin_advice(first, second))

    found = Upgrades()
    for label, outcome in compared(sources, (before.readers, after.readers), change):
        if isinstance(outcome, VirtkitError):
            found.rejected.append({"file": label, "error": str(outcome)})
        else:
            found.add(label, outcome)
    found.sort()
    return found
