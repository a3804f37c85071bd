"""Policies on domains that exist: what each slot policy makes of them, and what each model policy says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.errors import VirtkitError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    import pandas as pd

    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.policy.document import Policy

__all__ = ["side_by_side", "under_policies", "under_slots"]


def under_slots(found: Iterable[Source], names: Sequence[str], host: Host | None = None) -> pd.DataFrame:
    """Each domain resolved under each slot policy of ``names``; what cannot be read has its row too.

    Columns: ``domain, file, guest, policy, buses`` (PCI controllers in all, int), ``added`` (those of them that
    libvirt adds, int), ``fails`` (labels of devices that the guest cannot drive, text), ``refused`` (text).
    """
    import pandas as pd

    from virtkit.compat.check import check
    from virtkit.compat.verdict import Verdict
    from virtkit.domain.domain import read
    from virtkit.policy import slots
    from virtkit.resolved import resolve

    rows: list[tuple[object, ...]] = []
    for source in found:
        try:
            domain = read(source.read(), source.label)
        except VirtkitError as problem:
            rows.append((source.name, source.label, "", "", 0, 0, "", str(problem)))
            continue
        for name in names:
            try:
                resolved = resolve(domain, host, slot_policy=slots.policy(name))
                seen = check(resolved, changes=False)
            except VirtkitError as problem:
                rows.append((domain.name, source.label, "", name, 0, 0, "", str(problem)))
                continue
            buses = [one for one in resolved.devices if one.kind == "controller" and getattr(one, "type", "") == "pci"]
            fails = ", ".join(one.label for one in seen.findings if one.verdict is Verdict.FAILS)
            added = sum(1 for one in buses if one.added)
            rows.append((domain.name, source.label, seen.guest, name, len(buses), added, fails, ""))
    columns = ["domain", "file", "guest", "policy", "buses", "added", "fails", "refused"]
    return pd.DataFrame(rows, columns=columns)


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """The domains of ``under_slots`` one a row: ``file, domain, guest, differs`` (bool), then a text for each policy.

    Domains that the policies treat differently come first. What cannot be read says so under every policy.
    """
    import pandas as pd

    names = [name for name in frame["policy"].unique() if name]
    rows: list[dict[str, object]] = []
    for (file, domain), part in frame.groupby(["file", "domain"], sort=True):
        told = {str(row["policy"]): _told(row) for row in part.to_dict("records")}
        said = [told.get(name, told.get("", "")) for name in names]
        guest = max(part["guest"])
        rows.append({"file": file, "domain": domain, "guest": guest, "differs": len(set(said)) > 1})
        rows[-1].update(zip(names, said, strict=True))
    result = pd.DataFrame(rows, columns=["file", "domain", "guest", "differs", *names])
    return result.sort_values(["differs", "file", "domain"], ascending=[False, True, True], ignore_index=True)


def _told(row: Mapping[Hashable, object]) -> str:
    if row["refused"]:
        return f"refused: {row['refused']}"
    fails = f"; fails: {row['fails']}" if row["fails"] else ""
    return f"{row['buses']} PCI controllers, {row['added']} added{fails}"


def under_policies(
    found: Iterable[Source],
    policies: Sequence[Policy],
    host: Host | None = None,
    guest_database: Catalogue | None = None,
) -> pd.DataFrame:
    """What each policy says of each domain: one row for each finding, and one for each input that is rejected.

    Columns: ``policy, level, domain, file, line`` (int), ``guest, device, text``; ``level`` is warn, taint, deny,
    or "rejected" (with no policy).
    """
    import pandas as pd

    from virtkit.domain.domain import read
    from virtkit.policy.review import review
    from virtkit.resolved import resolve

    rows: list[tuple[object, ...]] = []
    for source in found:
        try:
            resolved = resolve(read(source.read(), source.label), host)
        except VirtkitError as problem:
            rows.append(("", "rejected", source.name, source.label, 0, "", "", str(problem)))
            continue
        for policy in policies:
            rows += [
                (policy.name, one.level, one.domain, one.file, one.line, one.guest, one.device, one.text)
                for one in review(policy, resolved, guest_database=guest_database)
            ]
    columns = ["policy", "level", "domain", "file", "line", "guest", "device", "text"]
    return pd.DataFrame(rows, columns=columns)
