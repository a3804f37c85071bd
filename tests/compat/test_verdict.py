"""The table of verdicts, cell by cell."""

from __future__ import annotations

import pytest

from virtkit.compat.verdict import Verdict, judge
from virtkit.guests import Support
from virtkit.virtio.interface import Interface

LEGACY, TRANSITIONAL, MODERN = Interface.LEGACY, Interface.TRANSITIONAL, Interface.MODERN
BOTH = Support(True, True)
OLD = Support(True, False)
NEW = Support(False, True)
NONE = Support(False, False)
UNSTATED = Support(False, False, unknown=True)
ADDED = Support(False, False, legacy_addon=True, modern_addon=True, condition="drivers", modern_condition="new drivers")
FROZEN = Support(False, False, legacy_addon=True, condition="old drivers", modern_condition="old drivers")


@pytest.mark.parametrize(
    ("support", "interface", "verdict"),
    [
        (BOTH, LEGACY, "works"),
        (BOTH, TRANSITIONAL, "works"),
        (BOTH, MODERN, "works"),
        (OLD, LEGACY, "works"),
        (OLD, TRANSITIONAL, "works"),
        (OLD, MODERN, "fails"),
        (NEW, LEGACY, "fails"),
        (NEW, TRANSITIONAL, "works"),
        (NEW, MODERN, "works"),
        (NONE, LEGACY, "fails"),
        (NONE, TRANSITIONAL, "fails"),
        (NONE, MODERN, "fails"),
        (UNSTATED, LEGACY, "unknown"),
        (UNSTATED, TRANSITIONAL, "unknown"),
        (UNSTATED, MODERN, "unknown"),
        (ADDED, TRANSITIONAL, "works-with-condition"),
        (ADDED, MODERN, "works-with-condition"),
        (FROZEN, TRANSITIONAL, "works-with-condition"),
        (FROZEN, MODERN, "fails"),
    ],
)
def test_table(support: Support, interface: Interface, verdict: str) -> None:
    """Each kind of driver against each interface."""
    assert judge(support, "net", interface).verdict == verdict


@pytest.mark.parametrize("interface", Interface)
def test_strict_counts_no_added_driver(interface: Interface) -> None:
    """The strict rule ignores drivers that can be installed."""
    assert judge(ADDED, "net", interface, addons=False).verdict is Verdict.FAILS


def test_conditions_are_those_of_the_driver_in_use() -> None:
    """A modern device needs the modern driver's condition; a transitional one is served by the legacy driver."""
    assert judge(ADDED, "net", MODERN).condition == "new drivers"
    assert judge(ADDED, "net", TRANSITIONAL).condition == "drivers"
    partial = Support(True, True, modern_condition="a newer kernel")
    assert judge(partial, "net", TRANSITIONAL).verdict is Verdict.WORKS
    assert judge(partial, "net", MODERN).verdict is Verdict.CONDITION


def test_kind_without_an_id_is_unknown() -> None:
    """The database has no device id for virtio-crypto, so the verdict is unknown."""
    judgement = judge(Support(False, False, unknown=True), "crypto", MODERN)
    assert judgement.verdict is Verdict.UNKNOWN
    assert "no device id for virtio-crypto" in judgement.reason


@pytest.mark.parametrize(("modern", "own"), [(True, "has no suitable"), (False, "includes no")])
def test_a_driver_to_install_is_named_beside_the_one_that_is_there(modern: bool, own: str) -> None:
    """The reason says whether the guest has a driver that does not suit, or none."""
    reason = judge(Support(False, modern, legacy_addon=True, condition="drivers"), "net", LEGACY).reason
    only = "only the legacy interface (virtio 0.9)"
    assert reason == (
        f"The guest {own} net driver, but one that supports {only} can be installed; the device offers {only}."
    )
