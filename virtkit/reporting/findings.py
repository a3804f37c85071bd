"""What a notebook found, in the few sentences that stand on top of its page; counted, never written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from virtkit.policy.rollout import STAGES

if TYPE_CHECKING:
    import pandas as pd

    from virtkit.policy.rollout import Rollout

__all__ = ["of_decision", "of_matrix", "of_rollouts"]

_SHOWN = 6  # names that a sentence lists


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def of_matrix(frame: pd.DataFrame, needing: pd.DataFrame) -> list[str]:
    """Sentences on a matrix: who needs another model than plain virtio, for whom that does, and what nobody knows.

    ``frame`` as ``virtkit.matrix`` gives it, ``needing`` as ``questions.needs_transitional`` makes of it.
    """
    plain = frame[["guest", "machine", "model", "kind", "verdict"]].astype("str")
    total = plain["guest"].nunique()
    found = []
    models = set(plain["model"])
    for machine, rows in needing.groupby("machine", sort=False):
        found.append(
            f"On {machine}, {rows['guest'].nunique():,} of {_count(total, 'system')} need virtio-transitional: plain "
            "virtio fails there for at least one kind of device where virtio-transitional works."
        )
    if not found and models >= {"virtio", "virtio-transitional"}:
        found.append("No system needs virtio-transitional: wherever that works, plain virtio works as well.")
    virtio = plain[plain["model"] == "virtio"]
    good = virtio["verdict"].isin(("works", "works-with-condition"))
    told = [
        f"on {machine} for {int(every.sum()):,}"
        for machine, every in good.groupby([virtio["machine"], virtio["guest"]], sort=False)
        .all()
        .groupby(level=0, sort=False)
    ]
    if told:
        kinds = _few(list(dict.fromkeys(virtio["kind"])))
        found.append(
            f"Plain virtio works for every kind asked ({kinds}) {', '.join(told)} of {_count(total, 'system')}."
        )
    else:
        works = plain["verdict"].isin(("works", "works-with-condition"))
        found.append(f"{int(works.sum()):,} of {_count(len(plain), 'cell')} work, at once or with a condition.")
    conditional = plain.loc[plain["verdict"] == "works-with-condition", "guest"].nunique()
    if conditional:
        need = "needs" if conditional == 1 else "need"
        found.append(f"{_count(conditional, 'system')} first {need} what a numbered condition says, such as a driver.")
    dark = int((plain["verdict"] == "unknown").groupby(plain["guest"]).all().sum())
    if dark:
        found.append(f"Of {_count(dark, 'system')} nobody knows any of it. Unknown is not no.")
    return found


def of_decision(decision: pd.DataFrame, baseline: str) -> list[str]:
    """Sentences on a decision table of ``virtkit.policy.decisions`` with columns policy, decision and because.

    The first says what to do, the others what becomes of the other policies.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in decision.to_dict("records"):
        groups.setdefault(str(row["decision"]), []).append((str(row["policy"]), str(row["because"])))
    adopt = groups.pop("adopt", [])
    groups.pop("keep", None)
    found = [f"Adopt {name} in place of {baseline}: {because}." for name, because in adopt[:1]]
    found += [f"Adopt {name} as well: {because}." for name, because in adopt[1:]]
    found = found or [f"Keep {baseline}: no other is better without being worse somewhere."]
    words = {"reject": "Reject", "weigh": "Weigh", "better": "Better than the baseline too", "equal": "No different"}
    for word in sorted(groups, key=[*words, *groups].index):
        said = words.get(word, word)
        if len(groups[word]) == 1:
            name, because = groups[word][0]
            found.append(f"{said}{':' if word in ('better', 'equal') else ''} {name}: {because}.")
        else:
            found.append(f"{said}: {_few([name for name, _ in groups[word]])}.")
    return found


def of_rollouts(found: Sequence[Rollout], stage: int) -> list[str]:
    """Sentences on a rollout: what ``stage`` does to the domains, subject by subject, and what to do before it."""
    return list(_rollouts(found, stage))


def _rollouts(found: Sequence[Rollout], stage: int) -> Iterator[str]:
    name, outcome, _ = STAGES[stage]
    dirty = [review for review in found if review.unknown]
    asked = found[0].domains if found else 0
    if not dirty:
        yield f"Go on to stage {stage} ({name}): every name in {_count(asked, 'domain')} is known."
    for place, review in enumerate(dirty):
        names = _count(review.names, "unknown name")
        verb = "is" if review.disappear == 1 else "are"
        fate = f"{review.disappear:,} of {_count(review.domains, 'domain')} {verb} {outcome} at stage {stage} ({name})"
        lead = "Not ready: " if place == 0 and stage else ""
        yield f"{lead}{fate}, by {names} of {review.subject}."
        near = [f"{each.name} to {each.nearest}" for each in review.unknown if each.nearest]
        far = [each.name for each in review.unknown if not each.nearest]
        if near:
            yield f"Rename {_few(near)}."
        if far:
            yield f"Find out what is meant by {_few(far)}."
    known = [review.subject for review in found if not review.unknown]
    if known and dirty:
        yield f"Every name of {_few(known)} is known."
    if found and found[0].rejected:
        verb = "is" if found[0].rejected == 1 else "are"
        yield f"{_count(found[0].rejected, 'file')} could not be read and {verb} not counted."
