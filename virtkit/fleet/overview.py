"""Tables on the domains of a survey as a whole: worst offenders, verdicts by guest and machine, ports, policies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from virtkit.compat.verdict import Verdict
from virtkit.fleet.causes import remedy
from virtkit.fleet.surveyed import NOT_STATED, ORDER, verdict_on

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Survey
    from virtkit.policy.rules import Policy

__all__ = ["PolicyReviews", "offenders", "ports_left", "verdicts_by_guest", "with_guests"]

#: The levels of findings of a policy, the heaviest first; a domain counts with the heaviest of its findings.
LEVELS = ("deny", "taint", "warn", "none")
#: How many free slots a domain has, in classes: the most of each class, and its name.
_ROOMS = ((0, "none"), (2, "1 to 2"), (5, "3 to 5"), (None, "6 or more"))


def offenders(found: Survey) -> pd.DataFrame:
    """One row for each shape that fails, the one with the most failing devices in all its domains first.

    Columns: shape (its number, int), domains (int), failing (devices of one domain that fail although the guest needs
    them, int), total (failing devices in all domains, int), guest, machine, device, reason, remedy, example (a file).
    """
    rows: list[dict[str, Any]] = []
    for shape in found.shapes():
        item, summary = shape.first, verdict_on(shape.first.review)
        if summary["verdict"] != "fails":
            continue
        failing = sum(one.verdict is Verdict.FAILS and not one.harmless for one in item.review.devices)
        row: dict[str, Any] = {"shape": shape.number, "domains": len(shape.items), "failing": failing}
        row |= {"total": failing * len(shape.items), "guest": item.review.guest, "machine": item.topology.machine}
        row |= {"device": summary["device"], "reason": summary["reason"]}
        rows.append(row | {"remedy": remedy(item, summary["device"]), "example": item.file})
    rows.sort(key=lambda row: (-row["total"], -row["domains"], row["shape"]))
    return _frame(rows, "shape domains failing total guest machine device reason remedy example")


def verdicts_by_guest(found: Survey) -> pd.DataFrame:
    """One row for each guest and machine type, those with the most failing domains first: guest ("" where no source
    names it), machine, and the number of domains with each verdict (int)."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for shape in found.shapes():
        item = shape.first
        key = (item.review.guest, item.topology.machine)
        counts.setdefault(key, Counter())[item.verdict] += len(shape.items)
    rows = [
        {"guest": guest, "machine": machine, **{verdict: count[verdict] for verdict in ORDER}}
        for (guest, machine), count in counts.items()
    ]
    rows.sort(key=lambda row: (*(-int(str(row[verdict])) for verdict in ORDER), row["guest"], row["machine"]))
    return _frame(rows, f"guest machine {' '.join(ORDER)}")


def with_guests(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as a page shows it: words in its column ``guest`` where no source names the guest OS."""
    return frame.assign(guest=[guest or NOT_STATED for guest in frame["guest"]])


def ports_left(found: Survey) -> pd.DataFrame:
    """One row for each kind of slot: kind, and the number of domains (int) that have no free slot of it for hotplug,
    1 to 2, 3 to 5, or 6 or more. A domain whose machine has no such slots is not counted."""
    counts: dict[str, Counter[str]] = {}
    for shape in found.shapes():
        for room in shape.first.topology.headroom:
            name = next(name for most, name in _ROOMS if most is None or room.free <= most)
            counts.setdefault(room.kind, Counter())[name] += len(shape.items)
    names = [name for _, name in _ROOMS]
    rows = [{"kind": kind, **{name: count[name] for name in names}} for kind, count in sorted(counts.items())]
    return _frame(rows, "kind", names)


class PolicyReviews:
    """What policies find on the domains of a survey; equal domains are reviewed once for each policy."""

    __slots__ = ("_found",)

    def __init__(self, found: Survey, policies: Iterable[Policy]) -> None:
        from virtkit.policy.review import review

        domains = [(shape, shape.first) for shape in found.shapes()]
        self._found = [
            (policy.name, [(shape, review(policy, one.resolved, one.guest or None)) for shape, one in domains])
            for policy in policies
        ]

    def changes(self) -> pd.DataFrame:
        """One row for each policy, level and sentence.

        Columns: policy, level (deny, taint or warn), text, devices and domains (numbers, int), example (a file).
        """
        rows: list[dict[str, Any]] = []
        for policy, shapes in self._found:
            groups: dict[tuple[str, str], dict[str, Any]] = {}
            for shape, findings in shapes:
                for (level, text), count in Counter((one.level, one.text) for one in findings).items():
                    row = groups.setdefault(
                        (level, text), {"policy": policy, "level": level, "text": text, "devices": 0, "domains": 0}
                    )
                    row.setdefault("example", shape.first.file)
                    row["devices"] += count * len(shape.items)
                    row["domains"] += len(shape.items)
            rows += sorted(groups.values(), key=lambda row: (LEVELS.index(row["level"]), -row["domains"], row["text"]))
        return _frame(rows, "policy level text devices domains example")

    def levels(self) -> pd.DataFrame:
        """One row for each policy: policy, and the number of domains (int) by the heaviest finding on them: deny,
        taint, warn or none."""
        rows: list[dict[str, Any]] = []
        for policy, shapes in self._found:
            counts: Counter[str] = Counter()
            for shape, findings in shapes:
                levels = [*(one.level for one in findings), "none"]
                counts[min(levels, key=LEVELS.index)] += len(shape.items)
            rows.append({"policy": policy, **{level: counts[level] for level in LEVELS}})
        return _frame(rows, f"policy {' '.join(LEVELS)}")


def _frame(rows: list[dict[str, Any]], columns: str, more: Sequence[str] = ()) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=[*columns.split(), *more])
