"""What a change of release, host or machine type means for many domains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from virtkit.domain.domain import Domain
from virtkit.errors import InputError, VirtkitError
from virtkit.fleet.domains import attempt
from virtkit.inputs import domains_in, in_memory

if TYPE_CHECKING:
    from virtkit.hotplug.upgrade import Upgrade
    from virtkit.inputs import Source
    from virtkit.readers.contract import ReaderOptions

__all__ = ["Compared", "compared"]


class Compared(NamedTuple):
    """One domain of a folder or list: its name in messages, and what changes or the error that rejected it."""

    label: str
    outcome: Upgrade | VirtkitError


def compared(
    sources: Iterable[Source],
    readers: tuple[ReaderOptions, ReaderOptions],
    change: Callable[[Domain, Domain], Upgrade],
) -> Iterator[Compared]:
    """Each domain, read with the options of before and of after, with what ``change`` says of the two; lazy.

    What is no domain is left out.
    """
    for source in sources:
        try:
            kept = in_memory(source)
        except InputError as problem:
            yield Compared(source.label, problem)
            continue
        for (part, before), (_, after) in zip(*(domains_in(kept, one) for one in readers), strict=True):
            if isinstance(before, InputError):
                yield Compared(part.label, before)
            elif isinstance(after, InputError):
                yield Compared(part.label, after)
            elif isinstance(before, Domain) and isinstance(after, Domain):
                yield Compared(part.label, attempt(lambda pair=(before, after): change(*pair)))  # type: ignore[misc]
