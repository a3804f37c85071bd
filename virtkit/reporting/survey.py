"""A folder of domains resolved and checked, as tables: what the topology notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.difference import nodes

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.compat.check import Review
    from virtkit.host import Host
    from virtkit.resolution import Resolved
    from virtkit.topology import Topology

__all__ = ["Item", "Survey", "survey"]


@dataclass(frozen=True, slots=True)
class Item:
    """One domain that was accepted: its file, what became of it, and the verdicts on its devices."""

    file: str
    resolved: Resolved
    topology: Topology
    review: Review


@dataclass(slots=True, repr=False)
class Survey:
    """All domains of a folder: ``items`` accepted, ``refusals`` of (file, message)."""

    items: list[Item] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    def _repr_html_(self) -> str:
        from virtkit.draw.answers import survey_html

        return survey_html(self)

    def __repr__(self) -> str:
        return f"<Survey of {len(self.items)} domains, {len(self.refusals)} rejected>"

    def domains(self) -> pd.DataFrame:
        """One row a domain: file, name, guest, machine, verdict, reason, added (int), and free slots by kind (int)."""
        rows: list[dict[str, Any]] = []
        for item in self.items:
            rooms = {room.kind: room.free for room in item.topology.headroom}
            rows.append(
                {
                    "file": item.file,
                    "name": item.topology.name,
                    "guest": item.review.guest,
                    "machine": item.topology.machine,
                    **_sum(item.review),
                    "added": sum(1 for node in nodes(item.topology) if node.added),
                    "free_express": rooms.get("PCI Express", 0),
                    "free_conventional": rooms.get("conventional PCI", 0),
                }
            )
        return _frame(rows, "file name guest machine verdict reason added free_express free_conventional")

    def devices(self) -> pd.DataFrame:
        """One row a virtio device: file, device, label, model, address, interface, verdict, reason, condition, change,
        evidence, source."""
        rows = [
            {
                "file": item.file,
                "device": finding.device,
                "label": finding.label,
                "model": finding.model,
                "address": finding.address,
                "interface": finding.interface,
                "verdict": str(finding.verdict),
                "reason": finding.reason,
                "condition": finding.condition,
                "change": finding.change,
                "evidence": str(finding.evidence),
                "source": finding.source,
            }
            for item in self.items
            for finding in item.review.findings
        ]
        return _frame(rows, "file device label model address interface verdict reason condition change evidence source")

    def added(self) -> pd.DataFrame:
        """One row for each controller or device that resolution added: file, device, title, driver (or title), address,
        and the reason why it was added."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver or node.title,
                "address": node.address,
                "reason": node.reason.partition("\n")[0],
            }
            for item in self.items
            for node in nodes(item.topology)
            if node.added
        ]
        return _frame(rows, "file device title driver address reason")

    def places(self) -> pd.DataFrame:
        """One row for each device and controller of a domain, in the order of the tree: file, device, title, driver,
        address, interface (text, "" where it shows none), placed, added (bool)."""
        rows = [
            {
                "file": item.file,
                "device": node.id,
                "title": node.title,
                "driver": node.driver,
                "address": node.address,
                "interface": node.interface or "",
                "placed": node.placed,
                "added": node.added,
            }
            for item in self.items
            for node in nodes(item.topology)
        ]
        return _frame(rows, "file device title driver address interface placed added")

    def headroom(self) -> pd.DataFrame:
        """One row for each kind of slot of a domain: file, kind, free (int), used (int), reason."""
        rows = [
            {"file": item.file, "kind": room.kind, "free": room.free, "used": room.used, "reason": room.reason}
            for item in self.items
            for room in item.topology.headroom
        ]
        return _frame(rows, "file kind free used reason")

    def refused(self) -> pd.DataFrame:
        """One row for each file that was rejected: file, message."""
        return _frame([{"file": file, "message": message} for file, message in self.refusals], "file message")


def survey(folder: str = "", guest: str = "", host: Host | None = None, overrides: bool = True) -> Survey:
    """Read, resolve and check every ``*.xml`` below a folder ("" means the sample domains), sorted by name.

    ``guest`` names the OS of domains that do not say theirs. A file that is rejected goes to ``refusals`` and the
    others go on. Raises UsageError when the folder is missing and GuestError for an unknown ``guest``.

    >>> import virtkit as vk
    >>> found = vk.survey()
    >>> table = found.domains()
    >>> table.loc[table["verdict"] == "fails", ["file", "guest", "machine"]]
                        file     guest     machine
    ... rhel6-q35-virtio.xml  rhel6.10  pc-q35-8.2
    """
    import virtkit as vk
    from virtkit.compat import check
    from virtkit.errors import UsageError, VirtkitError
    from virtkit.guests import catalogue
    from virtkit.inputs import sources

    base = Path(folder) if folder else facts.path("domains")
    if not base.is_dir():
        raise UsageError(f"domains = {folder!r}: not a folder")
    if guest:
        catalogue().find(guest)
    found = Survey()
    for source in sources([str(base)]):
        name = source.path.relative_to(base).as_posix() if source.path and source.path != base else source.label
        try:
            domain = vk.read(source.read(), name)
            resolved = vk.resolve(domain, host=host)
            review = check(resolved, None if domain.osinfo_id else guest or None, overrides=overrides)
        except VirtkitError as error:
            found.refusals.append((name, str(error)))
            continue
        found.items.append(Item(name, resolved, resolved.topology, review))
    return found


def _sum(review: Review) -> dict[str, str]:
    """The verdict on a whole domain: its worst needed device's, and that device's reason."""
    order = ("fails", "unknown", "works-with-condition", "works")
    needed = [finding for finding in review.findings if not finding.harmless]
    for verdict in order:
        for finding in needed:
            if str(finding.verdict) == verdict:
                return {
                    "verdict": verdict,
                    "reason": "" if verdict == "works" else f"{finding.label}: {finding.reason}",
                }
    return {"verdict": "works", "reason": "no virtio device that the guest needs"}


def _frame(rows: list[dict[str, Any]], columns: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=columns.split())
