"""Policies applied to existing domains: their buses under each slot policy, and the findings of each model policy."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from virtkit.errors import VirtkitError
from virtkit.fleet.domains import Checked, attempt, read_each, resolve_each
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    import pandas as pd

    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.policy.rules import Policy

__all__ = ["rejected", "side_by_side", "under_policies", "under_slots"]


#: What a table says of the verdict on a domain.
_VERDICTS = {"works": "works", "works-with-condition": "depends on a condition", "unknown": "unknown", "fails": "fails"}


def under_slots(
    found: Iterable[Source], names: Sequence[str], host: Host | None = None, *, overrides: bool = True
) -> pd.DataFrame:
    """Each domain resolved under each slot policy of ``names``; an input that cannot be read has a row too.

    Columns: ``domain, file, guest, policy, buses`` (PCI controllers in all, int), ``added`` (those of them that
    libvirt adds, int), ``verdict`` (that of ``survey`` on the whole domain), ``fails`` (labels of devices that the
    guest needs and cannot drive, text), ``refused`` (text). ``overrides`` as for ``check``.
    """
    import pandas as pd

    from virtkit.compat.check import check
    from virtkit.compat.verdict import Verdict
    from virtkit.fleet.surveyed import verdict_on
    from virtkit.policy import slots
    from virtkit.resolved import resolve

    def under(domain: Domain, name: str) -> Checked:
        resolved = resolve(domain, host, slot_policy=slots.policy(name))
        return Checked(resolved, check(resolved, overrides=overrides))

    rows: list[tuple[object, ...]] = []
    for source, domain in read_each(found):
        if isinstance(domain, VirtkitError):
            rows.append((source.name, source.label, "", "", 0, 0, "", "", str(domain)))
            continue
        for name in names:
            outcome = attempt(partial(under, domain, name))
            if isinstance(outcome, VirtkitError):
                rows.append((domain.name, source.label, "", name, 0, 0, "", "", str(outcome)))
                continue
            buses = [one for one in outcome.resolved.inventory.controllers if one.type == "pci"]
            failing = (one for one in outcome.review.devices if one.verdict is Verdict.FAILS and not one.harmless)
            fails, verdict = ", ".join(one.label for one in failing), verdict_on(outcome.review)["verdict"]
            added = sum(1 for one in buses if one.added)
            guest = outcome.review.guest
            rows.append((domain.name, source.label, guest, name, len(buses), added, verdict, fails, ""))
    columns = ["domain", "file", "guest", "policy", "buses", "added", "verdict", "fails", "refused"]
    return pd.DataFrame(rows, columns=columns)


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """The domains of ``under_slots``, one a row: ``file, domain, guest, differs`` (bool), then a text for each policy.

    Domains that the policies treat differently come first. An input that cannot be read has its error in every column.
    """
    import pandas as pd

    names = [name for name in frame["policy"].unique() if name]
    rows: list[dict[str, object]] = []
    for (file, domain), part in frame.groupby(["file", "domain"], sort=True):
        by_policy = {str(row["policy"]): _outcome(row) for row in part.to_dict("records")}
        outcomes = [by_policy.get(name, by_policy.get("", "")) for name in names]
        guest = max(part["guest"])
        rows.append({"file": file, "domain": domain, "guest": guest, "differs": len(set(outcomes)) > 1})
        rows[-1].update(zip(names, outcomes, strict=True))
    result = pd.DataFrame(rows, columns=["file", "domain", "guest", "differs", *names])
    return result.sort_values(["differs", "file", "domain"], ascending=[False, True, True], ignore_index=True)


def _outcome(row: Mapping[Hashable, object]) -> str:
    if row["refused"]:
        return f"refused: {row['refused']}"
    verdict = f"fails: {row['fails']}" if row["fails"] else _VERDICTS[str(row["verdict"])]
    return f"{counted(int(str(row['buses'])), 'PCI controller')}, {row['added']} added; {verdict}"


def rejected(frame: pd.DataFrame, policy: str = "") -> pd.DataFrame:
    """The inputs of ``under_policies`` or ``under_slots`` that could not be read, or that are refused under the slot
    policy ``policy``: file, message."""
    if "level" in frame:
        rows = frame.loc[frame["level"] == "rejected", ["file", "text"]]
    else:
        rows = frame.loc[(frame["refused"] != "") & frame["policy"].isin(["", policy]), ["file", "refused"]]
    return rows.set_axis(["file", "message"], axis="columns")


def under_policies(
    found: Iterable[Source],
    policies: Sequence[Policy],
    host: Host | None = None,
    guest_database: Catalogue | None = None,
) -> pd.DataFrame:
    """The findings of each policy on each domain: one row for each finding, and one for each rejected input.

    Columns: ``policy, level, domain, file, line`` (int), ``guest, device, text``; ``level`` is warn, taint, deny,
    or "rejected" (with no policy).
    """
    import pandas as pd

    from virtkit.policy.review import review

    rows: list[tuple[object, ...]] = []
    for source, resolved in resolve_each(found, host):
        if isinstance(resolved, VirtkitError):
            rows.append(("", "rejected", source.name, source.label, 0, "", "", str(resolved)))
            continue
        for policy in policies:
            rows += [
                (policy.name, one.level, one.domain, one.file, one.line, one.guest, one.device, one.text)
                for one in review(policy, resolved, guest_database=guest_database)
            ]
    columns = ["policy", "level", "domain", "file", "line", "guest", "device", "text"]
    return pd.DataFrame(rows, columns=columns)
