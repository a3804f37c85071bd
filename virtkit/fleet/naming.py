"""The naming question of 2019 on existing domains: a new value of a disk's ``bus``, or an attribute ``model``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.domain.devices import Disk
from virtkit.errors import VirtkitError
from virtkit.fleet.domains import check_each
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from virtkit.compat.review import Review
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.resolved import Resolved

__all__ = ["bus_uses", "disks", "naming_answer"]

_NAMED = ("virtio-transitional", "virtio-non-transitional")
_DISKS = ("file", "domain", "target", "today", "needs", "as_model", "as_bus", "boots_first", "reason")


def disks(
    found: Iterable[Source], host: Host | None = None, guest_database: Catalogue | None = None
) -> pd.DataFrame:
    """The virtio disks of the domains, with what either name would write: one row each; rejected inputs have none.

    Columns: ``file, domain, target, today`` (the model that is written, or ""), ``needs`` (the model that the disk has
    or that makes it work; "" when plain virtio is enough), ``as_model`` and ``as_bus`` (the attribute of each form),
    ``boots_first`` (bool: the first virtio disk, from which boot dev='hd' starts), ``reason`` (why it needs the model).
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    for source, checked in check_each(found, host, guest_database=guest_database):
        if not isinstance(checked, VirtkitError):
            rows += _rows(source.label, checked.resolved, checked.review)
    return pd.DataFrame(rows, columns=list(_DISKS))


def _rows(file: str, resolved: Resolved, review: Review) -> Iterator[tuple[object, ...]]:
    findings = {finding.device: finding for finding in review.findings}
    virtio = [one for one in resolved.devices if isinstance(one, Disk) and one.bus == "virtio"]
    for number, disk in enumerate(virtio):
        finding = findings.get(disk.id)
        today = disk.model if disk.model in _NAMED else ""
        better = finding.better if finding is not None and finding.better in _NAMED else ""
        needs = today or better
        as_model, as_bus = (f"model='{needs}'", f"bus='{needs}'") if needs else ("", "")
        reason = "the domain names it" if today else finding.reason if finding is not None and better else ""
        yield file, resolved.domain.name, disk.target, today or "", needs, as_model, as_bus, number == 0, reason


def bus_uses(table: pd.DataFrame) -> pd.DataFrame:
    """What software ties to the bus, and how many disks of ``disks`` a new value would have changed in each.

    Columns: ``use, software, tied, with_model`` (text: what the attribute changes), ``with_bus`` (text), ``disks,
    domains`` (int), ``source``. Source: data/policies/bus-uses.csv.
    """
    import pandas as pd

    needing = table[table["needs"] != ""]
    first = needing[needing["boots_first"].astype(bool)]
    rows = []
    for row in facts.table("policies/bus-uses.csv"):
        part = first if row["use"] == "boot order" else needing
        domains = int(part.drop_duplicates(["file", "domain"]).shape[0])
        unchanged = "nothing: the bus stays virtio"
        rows.append(
            (row["use"], row["software"], row["tied"], unchanged, row["with_bus"], len(part), domains, row["source"])
        )
    columns = ["use", "software", "tied", "with_model", "with_bus", "disks", "domains", "source"]
    return pd.DataFrame(rows, columns=columns)


def naming_answer(table: pd.DataFrame, uses: pd.DataFrame) -> str:
    """One sentence: how many disks either name is about, and in how many places a new bus value matters."""
    needing = table[table["needs"] != ""]
    domains = needing.drop_duplicates(["file", "domain"]).shape[0]
    places = f"{counted(len(uses), 'place')} in {counted(uses['software'].nunique(), 'program')}"
    need = f"{len(needing)} of {counted(len(table), 'virtio disk')}, in {counted(domains, 'domain')}"
    return (
        f"{need}, have or need a named model. The attribute model leaves their bus and target names as they are; a new "
        f"value of bus would have changed {places}."
    )
