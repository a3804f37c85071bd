"""The one loop over domains: read each source, examine its domains, and give the results and the errors."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from virtkit.errors import GuestError, VirtkitError
from virtkit.inputs import domains_in
from virtkit.readers.contract import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from virtkit.compat.review import Review
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.inputs import Source
    from virtkit.readers.contract import ReaderOptions
    from virtkit.resolved import Resolved

__all__ = [
    "Checked",
    "attempt",
    "check_each",
    "checked",
    "each",
    "guest_unless_named",
    "read_each",
    "resolve_each",
    "say_skipped",
    "shareable",
]

T = TypeVar("T")


class Checked(NamedTuple):
    """A resolved domain and the verdicts on its virtio devices."""

    resolved: Resolved
    review: Review


def each(
    sources: Iterable[Source],
    examine: Callable[[Domain], T],
    options: ReaderOptions | None = None,
    skip: Callable[[Source, Skipped], None] | None = None,
) -> Iterator[tuple[Source, T | VirtkitError]]:
    """Each domain of the sources with what ``examine`` makes of it, or with the error that rejected it.

    ``options`` are those of readers. ``skip`` is called for what is no domain; without it, a message says so.
    Lazy: a source is read when its result is asked for, and nothing is kept. Raises GuestError, because an unknown
    guest OS is a mistake of the caller and not of one domain.
    """
    for source in sources:
        for part, found in domains_in(source, options):
            if isinstance(found, Skipped):
                (skip or say_skipped)(part, found)
            elif isinstance(found, VirtkitError):
                yield part, found
            else:
                yield part, attempt(lambda found=found: examine(found))  # type: ignore[misc]


def say_skipped(source: Source, skipped: Skipped) -> None:
    """Write one line about what is no domain."""
    where = f"{source.label}:{skipped.line}" if (skipped.line or 0) > 1 else source.label
    logging.getLogger("virtkit").info("%s: skipped: %s", where, skipped.reason)


def attempt(step: Callable[[], T]) -> T | VirtkitError:
    """The result of one step, or the error that rejected its domain. Raises GuestError."""
    try:
        return step()
    except GuestError:
        raise
    except VirtkitError as problem:
        return problem


def read_each(
    sources: Iterable[Source], options: ReaderOptions | None = None
) -> Iterator[tuple[Source, Domain | VirtkitError]]:
    """Each domain of the sources as written, or the error that rejected it; ``options`` are those of readers."""
    return each(sources, lambda domain: domain, options)


def resolve_each(
    sources: Iterable[Source],
    host: Host | None = None,
    *,
    machine: str | None = None,
    options: ReaderOptions | None = None,
) -> Iterator[tuple[Source, Resolved | VirtkitError]]:
    """Each domain of the sources resolved, or the error that rejected it; ``options`` are those of readers, the other
    arguments are those of ``resolve``."""
    from virtkit.resolved import resolve

    return each(sources, lambda domain: resolve(domain, host, machine=machine), options)


def check_each(
    sources: Iterable[Source],
    host: Host | None = None,
    guest: str = "",
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
    options: ReaderOptions | None = None,
    skip: Callable[[Source, Skipped], None] | None = None,
) -> Iterator[tuple[Source, Checked | VirtkitError]]:
    """Each domain of the sources resolved and checked, or the error that rejected it.

    ``guest`` is the OS of domains without libosinfo metadata; ``options`` and ``skip`` are those of ``each``, the other
    arguments those of ``checked``.
    """

    def examine(domain: Domain) -> Checked:
        named = guest_unless_named(domain, guest)
        return checked(domain, host, named, overrides=overrides, guest_database=guest_database)

    return each(sources, examine, options, skip)


def checked(
    domain: Domain,
    host: Host | None = None,
    guest: str | None = None,
    *,
    machine: str | None = None,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
    notes: bool = True,
) -> Checked:
    """One domain resolved and checked; arguments and errors are those of ``resolve`` and ``check``."""
    from virtkit.compat.check import check
    from virtkit.resolved import resolve

    resolved = resolve(domain, host, machine=machine)
    review = check(resolved, guest, overrides=overrides, guest_database=guest_database, notes=notes)
    return Checked(resolved, review)


def guest_unless_named(domain: Domain, guest: str) -> str | None:
    """``guest`` for a domain without libosinfo metadata; None for one whose metadata names its guest OS."""
    return None if domain.osinfo_id else guest or None


def shareable(domain: Domain, data: bytes) -> bool:
    """Whether the answer for a domain holds for each text of the shape of ``data``: it is all of the input."""
    # Only a text that is one domain document: its tree is that of the text, and nothing was added in between.
    return domain.document.codec == "utf-8" and not domain.notes and domain.document.text.encode() == data
