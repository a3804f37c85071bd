"""The answer of a notebook: a few sentences counted from its tables, shown at the top of its page and in the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from virtkit.policy.rollout import STAGES
from virtkit.reporting.attention import verdict_counts
from virtkit.wording import counted, few, listed

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.fleet.survey import Survey
    from virtkit.policy.rollout import Rollout

__all__ = ["decision_answer", "domains_answer", "matrix_answer", "rollout_answer", "unread_answer"]

_GOOD = ("works", "works-with-condition")

#: What a sentence says of one domain and of several with a verdict.
_DOMAIN_VERDICTS = {
    "fails": ("fails", "fail"),
    "unknown": ("is unknown", "are unknown"),
    "works-with-condition": ("depends on a condition", "depend on a condition"),
    "works": ("works", "work"),
}

#: How a sentence on one policy begins, and one that lists several, by decision.
_DECISIONS = {
    "reject": ("Reject {}", "Reject"),
    "weigh": ("{} is a trade-off", "Trade-offs"),
    "better": ("{} is better than the baseline, too", "Also better than the baseline"),
    "equal": ("{} is equivalent to the baseline", "Equivalent to the baseline"),
}


def matrix_answer(frame: pd.DataFrame, needing: pd.DataFrame) -> list[str]:
    """Sentences on a matrix: which systems need virtio-transitional, which work with plain virtio, which are unknown.

    ``frame`` is a result of ``virtkit.matrix``, ``needing`` that of ``transitional.needs_transitional`` for it.
    """
    plain = frame[["guest", "machine", "model", "kind", "verdict"]].astype("str")
    total = counted(plain["guest"].nunique(), "system")
    found = [
        f"On {machine}, {counted(rows['guest'].nunique(), f'of {total} needs', f'of {total} need')} "
        "virtio-transitional: plain virtio fails for at least one kind of device for which virtio-transitional works."
        for machine, rows in needing.groupby("machine", sort=False)
    ]
    if not found and set(plain["model"]) >= {"virtio", "virtio-transitional"}:
        found.append("No system needs virtio-transitional: plain virtio works wherever virtio-transitional does.")
    found.append(_plain_virtio(plain, total))
    conditional = plain.loc[plain["verdict"] == "works-with-condition", "guest"].nunique()
    if conditional:
        found.append(
            f"For {counted(conditional, 'system')}, some devices work only under a condition, such as an added driver."
        )
    unknown = int((plain["verdict"] == "unknown").groupby(plain["guest"]).all().sum())
    if unknown:
        found.append(
            f"{counted(unknown, 'system is', 'systems are')} unknown for every device: no source says which drivers "
            f"{'it has' if unknown == 1 else 'they have'}."
        )
    return found


def _plain_virtio(plain: pd.DataFrame, total: str) -> str:
    """For how many systems plain virtio works on each machine; without plain virtio, how many cells work."""
    virtio = plain[plain["model"] == "virtio"]
    if virtio.empty:
        good = int(plain["verdict"].isin(_GOOD).sum())
        return f"Cells that work, with or without a condition: {good:,} of {len(plain):,}."
    every = virtio["verdict"].isin(_GOOD).groupby([virtio["machine"], virtio["guest"]], sort=False).all()
    machines = [
        f"{int(systems.sum()):,} of {total} on {machine}" for machine, systems in every.groupby(level=0, sort=False)
    ]
    kinds = few(list(dict.fromkeys(virtio["kind"])))
    return f"Plain virtio works for every kind of device ({kinds}) for {listed(machines)}."


def decision_answer(decision: pd.DataFrame, baseline: str) -> list[str]:
    """Sentences on a table of ``virtkit.policy.decisions`` with the columns policy, decision and because.

    The first sentence says which policy to adopt or to keep, the others what to do about each of the rest.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in decision.to_dict("records"):
        groups.setdefault(str(row["decision"]), []).append((str(row["policy"]), str(row["because"])))
    adopt = groups.pop("adopt", [])
    groups.pop("keep", None)
    found = [f"Adopt {name} instead of {baseline}: {because}." for name, because in adopt[:1]]
    found += [f"Adopt {name} as well: {because}." for name, because in adopt[1:]]
    if not found:
        harmful = next((row for row in groups.get("reject", ()) if row[1].startswith("leaves ")), None)
        if harmful:
            groups["reject"].remove(harmful)
            groups = {word: rows for word, rows in groups.items() if rows}
        words = " ".join(harmful) if harmful else "no other policy improves on it without making something worse"
        found = [f"Keep {baseline}: {words}."]
    for word in sorted(groups, key=[*_DECISIONS, *groups].index):
        one, several = _DECISIONS.get(word, (f"{word}: {{}}", word))
        if len(groups[word]) == 1:
            name, because = groups[word][0]
            found.append(f"{one.format(name)}: {because}.")
        else:
            found.append(f"{several}: {few([name for name, _ in groups[word]])}.")
    return found


def unread_answer(rejected: pd.DataFrame) -> list[str]:
    """A sentence on the domains that could not be read, the rows of ``rejected``; none where there are none."""
    return [f"{counted(len(rejected), 'domain')} could not be read."] if len(rejected) else []


def rollout_answer(found: Sequence[Rollout], stage: int) -> list[str]:
    """Sentences on a rollout: what ``stage`` does to the domains, and which names to change before it."""
    return list(_rollout_answer(found, stage))


def _rollout_answer(found: Sequence[Rollout], stage: int) -> Iterator[str]:
    name, outcome, _ = STAGES[stage]
    unready = [review for review in found if review.unknown]
    if not unready:
        domains = counted(found[0].domains if found else 0, "domain")
        yield f"Ready for stage {stage} ({name}): every name in {domains} is known.{_unread(found)}"
    for number, review in enumerate(unready):
        share = f"{review.disappear:,} of {counted(review.domains, 'domain')}"
        names = counted(review.names, f"unknown {review.subject} name")
        be = ("is" if review.disappear == 1 else "are") if stage == 0 else "would be"
        lead = f"Not ready for stage {stage} ({name}): " if number == 0 and stage else ""
        yield f"{lead}{share} {be} {outcome} because of {names}.{_unread(found) if number == 0 else ''}"
        near = [f"{each.name} to {each.nearest}" for each in review.unknown if each.nearest]
        far = [each.name for each in review.unknown if not each.nearest]
        if near:
            yield f"Rename {few(near)}."
        if far:
            yield f"No known name is similar to {few(far)}."
    known = [review.subject for review in found if not review.unknown]
    if known and unready:
        yield f"Every {listed(known)} name is known."


def _unread(found: Sequence[Rollout]) -> str:
    """What a sentence says of the domains that could not be read; "" where all could."""
    return f" {counted(found[0].rejected, 'more domain')} could not be read." if found and found[0].rejected else ""


def domains_answer(found: Survey) -> list[str]:
    """Sentences on domains: how many have each verdict, how many can be changed, how many have no room for hotplug."""
    if not found.total:
        return ["There are no domains."]
    (_, failing), *others = verdict_counts(found)
    counts = [counted(failing, *_DOMAIN_VERDICTS["fails"])] if failing else []
    # A rejected domain may be the one that matters: it comes before those that are fine.
    counts += [f"{len(found.refusals):,} could not be read"] if found.refusals else []
    counts += [counted(count, *_DOMAIN_VERDICTS[name]) for name, count in others if count]
    sentences = [f"{counted(found.total, 'domain')}: {', '.join(counts)}."]
    shapes = found.shapes()
    if len(shapes) < len(found.items):
        sentences.append(f"They have {counted(len(shapes), 'shape')}: equal domains are shown once, with their number.")
    failing_shapes = [shape for shape in shapes if shape.first.verdict == "fails"]
    able = sum(len(shape.items) for shape in failing_shapes if shape.first.review.changes)
    if able:
        which = counted(able, "domain that fails", "domains that fail")
        sentences.append(f"virtkit check --fix can change {which}; the result is drawn below.")
    slots = found.headroom()
    full = slots[(slots["free"] == 0) & slots["kind"].str.contains("PCI")]["file"].nunique()
    if full:
        sentences.append(f"{counted(full, 'domain has', 'domains have')} no free PCI slot of some kind for hotplug.")
    return sentences
