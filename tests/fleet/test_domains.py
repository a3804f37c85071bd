"""The one loop over domains: lazy, complete, and no rejected input stops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.writing import domain
from virtkit.domain.domain import Domain
from virtkit.errors import GuestError, InputError, Refused
from virtkit.fleet.domains import Checked, check_each, read_each, resolve_each
from virtkit.inputs import InMemory, Source, Unreadable
from virtkit.resolved import Resolved

GOOD = domain("<disk type='file'><source file='/d'/><target dev='vda'/></disk>")
SOURCES = (
    InMemory("good", None, "good.xml", data=GOOD),
    Unreadable("gone", None, "gone.xml", reason="is gone"),
    InMemory("refused", None, "refused.xml", data=domain("<rng/>")),
)


def test_each_source_has_its_result_in_order() -> None:
    """Every part gives one result for each source; a domain that libvirt refuses can still be read."""
    parts: list[tuple[Iterable[tuple[Source, object]], list[type]]] = [
        (read_each(SOURCES), [Domain, InputError, Domain]),
        (resolve_each(SOURCES), [Resolved, InputError, Refused]),
        (check_each(SOURCES), [Checked, InputError, Refused]),
    ]
    for results, kinds in parts:
        found = list(results)
        assert [source for source, _ in found] == list(SOURCES)
        assert [type(result) for _, result in found] == kinds


def test_errors_name_the_source() -> None:
    """An error carries the label of its source."""
    errors = [str(result) for _, result in resolve_each(SOURCES[1:])]
    assert errors[0] == "gone.xml: is gone"
    assert errors[1].startswith("refused.xml:")


def test_a_source_is_read_when_its_result_is_asked_for() -> None:
    """The loop reads no further than its caller."""
    taken = 0

    def endless() -> Iterator[Source]:
        nonlocal taken
        while True:
            taken += 1
            yield SOURCES[0]

    found = read_each(endless())
    next(found)
    next(found)
    assert taken == 2


def test_guest_of_domains_without_metadata() -> None:
    """``guest`` is the OS of a domain that names none; an unknown one is an error of the caller."""
    ((_, found),) = check_each(SOURCES[:1], guest="rhel6.10")
    assert isinstance(found, Checked)
    assert found.review.guest == "rhel6.10"
    with pytest.raises(GuestError, match="rhel66"):
        list(check_each(SOURCES[:1], guest="rhel66"))
