"""The staged rollout of model names over domains that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from virtkit.errors import VirtkitError
from virtkit.fleet.domains import read_each
from virtkit.policy.rollout import SUBJECTS, Tally, select_subjects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.policy.rollout import Rollout
    from virtkit.readers.contract import ReaderOptions

__all__ = ["review_rollout", "review_rollouts"]


def review_rollout(
    sources: Iterable[Source], subject: str = "nic-model", host: Host | None = None, limit: int = 1000
) -> Rollout:
    """What each stage does to the domains of ``sources``: ``review_rollouts`` for one subject.

    >>> import virtkit as vk
    >>> from virtkit.fleet.rollout import review_rollout
    >>> from virtkit.inputs import sources
    >>> review_rollout(sources([str(vk.samples())]), "nic-model")
    <Rollout nic-model: 2 unknown names in 1 of ... domains>
    """
    return review_rollouts(sources, (subject,), host, limit)[0]


def review_rollouts(
    sources: Iterable[Source],
    subjects: Iterable[str] = tuple(SUBJECTS),
    host: Host | None = None,
    limit: int = 1000,
    *,
    options: ReaderOptions | None = None,
) -> tuple[Rollout, ...]:
    """What each stage does to the domains of ``sources``, one review for each subject.

    Domains are read one at a time, so that memory stays bounded, and not resolved: a domain that a stage refuses need
    not resolve. Names match in any letter case. Each review lists at most ``limit`` names, domains and messages.
    ``options`` are those of readers. Raises UsageError for an unknown subject.
    """
    from virtkit.host import Host as TheHost

    host = host or TheHost.default()
    tallies = [Tally(subject, host, limit) for subject in select_subjects(" ".join(subjects))]
    for source, domain in read_each(sources, options):
        for tally in tallies:
            if isinstance(domain, VirtkitError):
                tally.reject(str(domain))
            else:
                tally.add(domain, source.label)
    return tuple(tally.result() for tally in tallies)
