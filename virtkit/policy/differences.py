"""The differences between two policies: changed cells, devices that only one side writes, shares by family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from virtkit.errors import UsageError
from virtkit.guests import KINDS
from virtkit.policy.scoring import VITAL
from virtkit.wording import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from virtkit.policy.rules import Policy

__all__ = ["added_buses", "apart", "apart_words", "by_family", "changes", "grouped", "rule_words", "side_by_side"]

_ABSENT = "absent"


def changes(frame: pd.DataFrame, before: str, after: str) -> pd.DataFrame:
    """The cells in which two policies of ``evaluate``'s frame differ, in choice or verdict.

    Only devices that both policies write are compared; ``apart`` has the others.

    Columns: ``guest, family, asked, kind, machine_before, machine, before, after, verdict_before, verdict,
    effect, buses, reason``; ``effect`` is better, worse or other, ``buses`` the difference in the buses of this device
    alone. Raises UsageError when the frame does not have one of the policies.
    """
    old, new = _sides(frame, before, after)
    both = (old["verdict"] != _ABSENT) & (new["verdict"] != _ABSENT)
    old, new = old[both], new[both]
    # Both parts come from one frame, so equal words have equal codes.
    differ = (old["choice"].cat.codes != new["choice"].cat.codes) | (
        (old["verdict"].cat.codes != new["verdict"].cat.codes) | (old["machine"].cat.codes != new["machine"].cat.codes)
    )
    old, new = old[differ], new[differ]
    result = new[["guest", "family", "asked", "kind"]].copy()
    result["machine_before"], result["machine"] = old["machine"], new["machine"]
    result["before"], result["after"] = old["choice"], new["choice"]
    result["verdict_before"], result["verdict"] = old["verdict"], new["verdict"]
    result["effect"] = _effects(old["verdict"], new["verdict"])
    result["buses"] = new["buses"] - old["buses"]
    result["reason"] = new["reason"]
    return result.reset_index(drop=True)


def _sides(frame: pd.DataFrame, before: str, after: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of two policies, cell beside cell. Raises UsageError when the frame does not have one of them."""
    there = set(frame["policy"].unique())
    for name in (before, after):
        if name not in there:
            raise UsageError(f"policy {name!r} was not evaluated; expected one of {', '.join(sorted(there))}")
    columns = ["guest", "family", "asked", "kind", "created", "machine", "choice", "verdict", "buses", "reason"]
    old = frame.loc[frame["policy"] == before, columns].reset_index(drop=True)
    new = frame.loc[frame["policy"] == after, columns].reset_index(drop=True)
    return old, new


def apart(frame: pd.DataFrame, before: str, after: str, policies: Iterable[Policy] = ()) -> pd.DataFrame:
    """The devices that only one of two policies writes, or that one never writes and the other writes on request.

    Columns: ``kind, written_by, not_by`` (policies), ``created`` (what the other policy says: never, on-request, or
    "sometimes" when it writes the device for other guests), ``guests, cells`` (int; 0 for a device that is only
    written on request), ``example`` (a guest), ``choice`` (what is written for it), ``reason`` (of the policy that does
    not write it). With ``policies``, "never" is about all guests; without them, about those of the frame. Raises
    UsageError when the frame does not have one of the policies.
    """
    import pandas as pd

    old, new = _sides(frame, before, after)
    sometimes = {(policy.name, kind) for policy in policies for kind in KINDS if kind not in policy.never}
    rows = []
    for kind in KINDS:
        for one, other, writer, lacking in ((old, new, before, after), (new, old, after, before)):
            mine = one["kind"] == kind
            only = mine & (one["verdict"] != _ABSENT) & (other["verdict"] == _ABSENT)
            said = set(other.loc[mine, "created"].astype(str))
            created = said.pop() if len(said) == 1 else "sometimes"
            if created == "never" and (lacking, kind) in sometimes:
                created = "sometimes"
            could = only if only.any() else mine & (one["created"] != "never")
            if not could.any() or (created != "never" and not only.any()):
                continue
            first = could.idxmax()
            rows.append(
                {
                    "kind": kind,
                    "written_by": writer,
                    "not_by": lacking,
                    "created": created,
                    "guests": int(one.loc[only, "guest"].nunique()),
                    "cells": int(only.sum()),
                    "example": str(one.at[first, "guest"]),
                    "choice": str(one.at[first, "choice"]) if only.any() else "",
                    "reason": str(other.at[first, "reason"]),
                }
            )
    columns = ["kind", "written_by", "not_by", "created", "guests", "cells", "example", "choice", "reason"]
    return pd.DataFrame(rows, columns=columns)


def apart_words(found: pd.DataFrame) -> list[str]:
    """The table of ``apart`` as sentences: "virt-v2v never creates gpu, input and fs."."""
    said = []
    for (policy, created), part in found.groupby(["not_by", "created"], sort=True):
        kinds = listed(list(part["kind"]))
        if created == "never":
            said.append(f"{policy} never creates {kinds}.")
        elif created == "on-request":
            said.append(f"{policy} creates {kinds} on request only.")
        else:
            each = (f"{row['kind']} ({counted(row['guests'], 'guest')})" for row in part.to_dict("records"))
            said.append(f"{policy} does not create for some guests: {', '.join(each)}.")
    return said


def grouped(changed: pd.DataFrame) -> pd.DataFrame:
    """The cells of ``changes`` by guest family, equal changes of several kinds together, worse ones first.

    Columns: ``effect, family, machine, kinds, before, after, verdict_before, verdict, cells, guests, example,
    reason``; ``machine`` is "pc -> q35" where the policies choose different ones, ``cells`` and ``guests`` are
    counts, ``reason`` belongs to the example.
    """
    plain = changed.drop(columns=["buses"]).astype(str)
    moved = plain["machine_before"] != plain["machine"]
    plain["machine"] = plain["machine"].where(~moved, plain["machine_before"] + " -> " + plain["machine"])
    plain["family"] = plain["family"].replace("", "other")
    keys = ["effect", "family", "machine", "before", "after", "verdict_before", "verdict"]
    found = (
        plain.groupby(keys, sort=True)
        .agg(
            kinds=("kind", lambda kinds: ", ".join(sorted(set(kinds), key=KINDS.index))),
            cells=("kind", "size"),
            guests=("guest", "nunique"),
            example=("guest", "first"),
            reason=("reason", "first"),
        )
        .reset_index()
    )
    rank = {"worse": 0, "better": 1, "other": 2}
    found["order"] = found["effect"].map(rank)
    found = found.sort_values(["order", *keys], ignore_index=True)
    last = ["before", "after", "verdict_before", "verdict", "cells", "guests", "example", "reason"]
    return found[["effect", "family", "machine", "kinds", *last]]


#: Verdicts from bad to good; "unknown" is neither.
_RANK = {"fails": 0, "works-with-condition": 2, "emulated": 2, "works": 3}


def _effects(before: pd.Series[Any], after: pd.Series[Any]) -> pd.Series[Any]:
    """Better, worse or other, for each pair of verdicts."""
    then, now = (one.astype(object).map(_RANK) for one in (before, after))
    effect = before.astype(object).where(before.isna(), "other")
    return effect.mask(now > then, "better").mask(now < then, "worse")


def rule_words(before: Policy, after: Policy) -> list[str]:
    """The rules that only one of two releases of the same policy has, as sentences; none for different policies."""
    if before.file != after.file or before.name == after.name:
        return []
    said = []
    for one, other in ((before, after), (after, before)):
        for rule in one.current:
            if rule not in other.current:
                about = ", ".join(rule.kinds) or rule.outcome
                said.append(f"only {one.name}: {about} -> {rule.gives}: {rule.reason}")
    return said or [f"{before.name} and {after.name} have the same rules."]


def added_buses(frame: pd.DataFrame, name: str) -> int:
    """The PCI controllers that all domains of a policy have beyond those of domains without devices."""
    domains = frame[frame["policy"] == name].drop_duplicates(["guest", "asked"])
    return int(domains["domain_buses"].sum())


def by_family(frame: pd.DataFrame, good: Sequence[str] = ()) -> pd.DataFrame:
    """The share (0 to 1) of the written devices with one of the verdicts ``good``, by guest family and policy.

    Without ``good`` it is the share of devices that do not fail. A disk or NIC that is not written counts as one that
    fails; other devices that are not written do not count. Rows are families ("" becomes "other"), columns the policies
    in order of name.
    """
    frame = frame[(frame["verdict"] != _ABSENT) | frame["kind"].isin(VITAL)]
    right = frame["verdict"].isin(list(good)) if good else ~frame["verdict"].isin(["fails", _ABSENT])
    part = frame.assign(good=right.astype(float), family=frame["family"].astype(str).replace("", "other"))
    table = part.pivot_table(index="family", columns="policy", values="good", aggfunc="mean", observed=True)
    table.columns.name = None
    return table.round(4)


def side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each guest, machine asked for and kind; a column for each policy: "virtio: works", "not created".

    Columns: ``guest, family, asked, kind``, then the policies in the order of ``frame``; all text.
    """
    result: pd.DataFrame | None = None
    for name in frame["policy"].unique():
        part = frame[frame["policy"] == name].reset_index(drop=True)
        if result is None:
            result = part[["guest", "family", "asked", "kind"]].copy()
        said = part["choice"].astype(str) + ": " + part["verdict"].astype(str)
        words = part["created"].astype(str).map({"on-request": "on request only"}).fillna("not created")
        result[name] = said.where(part["verdict"] != _ABSENT, words)
    return frame[["guest", "family", "asked", "kind"]] if result is None else result
