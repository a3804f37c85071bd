"""What holds of every scenario, whatever the domain and the steps."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.writing import RELEASES, host
from virtkit import read, resolve
from virtkit.domain.address import CcwAddress, DriveAddress, PciAddress, SerialAddress, UsbAddress
from virtkit.domain.devices import Chardev, Disk
from virtkit.hotplug.changes import rows
from virtkit.hotplug.session import Session
from virtkit.verify.plug_scenarios import scenarios

pytestmark = pytest.mark.property

SEEDS = st.integers(0, 10**9)
RELEASE = st.sampled_from(RELEASES)
COMMON = settings(max_examples=60, deadline=None, print_blob=True)


@COMMON
@given(SEEDS, RELEASE)
def test_no_place_is_given_twice(seed: int, release: str) -> None:
    """After any steps, no two devices of the running domain share an address."""
    (scenario,) = scenarios(1, seed)
    found = Session(resolve(read(scenario.xml.encode()), host(release)))
    for _ in found.run(scenario.steps):
        places = Counter(
            (one.bus if isinstance(one, Disk) else "", str(one.address))
            for one in found.running.devices.in_order()
            if isinstance(one.address, PciAddress | DriveAddress | UsbAddress | CcwAddress | SerialAddress)
            and not (isinstance(one, Chardev) and one.mirror)
        )
        assert [place for place, count in places.items() if count > 1] == []


@COMMON
@given(SEEDS, RELEASE)
def test_a_refused_step_changes_nothing(seed: int, release: str) -> None:
    """A refused step leaves both sides as they were, but for controllers that are listed as left behind."""
    (scenario,) = scenarios(1, seed)
    found = Session(resolve(read(scenario.xml.encode()), host(release)))
    for step in scenario.steps:
        live, config = rows(found.running.devices), found.definition.xml()
        outcome = found.step(step)
        if not outcome.ok:
            left = rows(found.running.devices) - live
            assert {one.element for one in left} <= {"controller"}
            assert sum(left.values()) == len(outcome.live)
            assert found.definition.xml() == config


@COMMON
@given(SEEDS, RELEASE)
def test_the_definition_keeps_its_places_when_it_is_resolved_again(seed: int, release: str) -> None:
    """Every device of the definition has the same place when its XML is resolved anew."""
    (scenario,) = scenarios(1, seed)
    found = Session(resolve(read(scenario.xml.encode()), host(release)))
    outcomes = list(found.run(scenario.steps))
    if any(bus in outcome.step.xml for outcome in outcomes for bus in ("bus='ide'", "bus='sata'")):
        return  # libvirt 9.0 keeps a disk on a bus that it would not define
    again = resolve(read(found.definition.xml().encode()), host(release))
    assert found.definition.rows - rows(again.inventory) == Counter()
