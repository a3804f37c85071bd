"""The one loop over domains: read each source, examine it, and give the result or the error that rejected it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from virtkit.domain.domain import read
from virtkit.errors import GuestError, VirtkitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from virtkit.compat.review import Review
    from virtkit.domain.domain import Domain
    from virtkit.guests import Catalogue
    from virtkit.host import Host
    from virtkit.inputs import Source
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
]

T = TypeVar("T")


class Checked(NamedTuple):
    """A resolved domain and the verdicts on its virtio devices."""

    resolved: Resolved
    review: Review


def each(sources: Iterable[Source], examine: Callable[[Domain], T]) -> Iterator[tuple[Source, T | VirtkitError]]:
    """Each source with what ``examine`` makes of its domain, or with the error that rejected it.

    Lazy: a source is read when its result is asked for, and nothing is kept. Raises GuestError, because an unknown
    guest OS is a mistake of the caller and not of one domain.
    """
    for source in sources:
        yield source, attempt(lambda source=source: examine(read(source.read(), source.label)))  # type: ignore[misc]


def attempt(step: Callable[[], T]) -> T | VirtkitError:
    """The result of one step, or the error that rejected its domain. Raises GuestError."""
    try:
        return step()
    except GuestError:
        raise
    except VirtkitError as problem:
        return problem


def read_each(sources: Iterable[Source]) -> Iterator[tuple[Source, Domain | VirtkitError]]:
    """Each source with its domain as written, or with the error that rejected it."""
    return each(sources, lambda domain: domain)


def resolve_each(
    sources: Iterable[Source], host: Host | None = None, *, machine: str | None = None
) -> Iterator[tuple[Source, Resolved | VirtkitError]]:
    """Each source with its resolved domain, or with the error that rejected it; arguments as for ``resolve``."""
    from virtkit.resolved import resolve

    return each(sources, lambda domain: resolve(domain, host, machine=machine))


def check_each(
    sources: Iterable[Source],
    host: Host | None = None,
    guest: str = "",
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
) -> Iterator[tuple[Source, Checked | VirtkitError]]:
    """Each source resolved and checked, or with the error that rejected it.

    ``guest`` is the OS of domains without libosinfo metadata; the other arguments are those of ``checked``.
    """

    def examine(domain: Domain) -> Checked:
        named = guest_unless_named(domain, guest)
        return checked(domain, host, named, overrides=overrides, guest_database=guest_database)

    return each(sources, examine)


def checked(
    domain: Domain,
    host: Host | None = None,
    guest: str | None = None,
    *,
    machine: str | None = None,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
) -> Checked:
    """One domain resolved and checked; arguments and errors are those of ``resolve`` and ``check``."""
    from virtkit.compat.check import check
    from virtkit.resolved import resolve

    resolved = resolve(domain, host, machine=machine)
    return Checked(resolved, check(resolved, guest, overrides=overrides, guest_database=guest_database))


def guest_unless_named(domain: Domain, guest: str) -> str | None:
    """``guest`` for a domain without libosinfo metadata; None for one whose metadata names its guest OS."""
    return None if domain.osinfo_id else guest or None
