"""The matrix judges groups of guests with equal drivers; each row is what the guest gets by itself."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

import pandas as pd
import pytest

import virtkit as vk
from virtkit.compat.check import check
from virtkit.guests import KINDS, catalogue
from virtkit.guests.hardware import driven, driven_each, hardware
from virtkit.guests.overrides import support, supports
from virtkit.guests.patterns import PatternIndex
from virtkit.guests.record import fits

_MACHINES = "pc,q35,pc-i440fx-5.2"


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(str).reset_index(drop=True)


@pytest.mark.parametrize("overrides", [True, False])
@pytest.mark.parametrize("models", [None, "all"])
def test_the_rows_of_a_guest_do_not_depend_on_the_other_guests(models: str | None, overrides: bool) -> None:
    """The rows of a guest in the matrix of all guests are those of a matrix of this guest alone."""
    whole = vk.matrix("all", _MACHINES, models, "all", overrides=overrides)
    chosen = [*random.Random(18).sample([guest.id for guest in catalogue()], 25), "debian12"]
    for guest in chosen:
        alone = vk.matrix([guest], _MACHINES, models, "all", overrides=overrides)
        pd.testing.assert_frame_equal(_texts(whole[whole["guest"] == guest]), _texts(alone))


def test_the_rows_of_a_machine_do_not_depend_on_the_other_machines() -> None:
    """The rows of one machine type in a matrix of several are those of a matrix of this machine type alone."""
    whole = vk.matrix("debian*,win*,rhel6.10", _MACHINES, "all", "net,block,gpu")
    for machine in _MACHINES.split(","):
        alone = vk.matrix("debian*,win*,rhel6.10", machine, "all", "net,block,gpu")
        pd.testing.assert_frame_equal(_texts(whole[whole["machine"] == machine]), _texts(alone))


@pytest.mark.parametrize("guest", ["rhel6.10", "win10", "debian12", "openbsd7.0"])
def test_a_cell_and_a_check_agree(guest: str) -> None:
    """The verdict, reason, evidence and source of a cell are those of a check of a domain with this device."""
    xml = (
        "<domain type='kvm'><name>a</name><memory>65536</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
        "<devices><interface type='user'><model type='virtio'/></interface></devices></domain>"
    )
    finding = check(vk.resolve(vk.read(xml.encode())), catalogue().find(guest)).findings[0]
    cell = vk.matrix([guest], "q35", "virtio", "net").iloc[0]
    got = finding.verdict, finding.reason, finding.evidence, finding.source
    assert got == (cell["verdict"], cell["reason"], cell["evidence"], cell["source"])


@pytest.mark.parametrize("overrides", [True, False])
def test_the_drivers_of_all_kinds_are_those_of_each(overrides: bool) -> None:
    """What is known of all drivers of a guest at once is what is known of each of them."""
    devices = tuple(hardware().values())
    for guest in catalogue():
        known = supports(guest, overrides=overrides)
        assert dict(known) == {kind: support(guest, kind, overrides=overrides) for kind in KINDS}, guest.id
        each = tuple(driven(guest, device, overrides=overrides) for device in devices)
        assert driven_each(guest, devices, overrides=overrides) == each, guest.id


@pytest.mark.parametrize(
    "patterns", [["win10"], ["win*"], ["*"], ["rhel[67].*"], ["rhel6.?"], ["fedora**"], ["*bsd7.0", "debian12"], [""]]
)
def test_an_index_finds_what_a_pattern_fits(patterns: Sequence[str]) -> None:
    """An index of patterns finds a list of patterns for the guests of which one pattern fits the short id."""
    index = PatternIndex([["no such guest"], patterns])
    for guest in catalogue():
        expected = [1] if any(fits(guest.id, pattern) for pattern in patterns) else []
        assert index.lists_of(guest) == expected, guest.id
    assert PatternIndex([["family=linux"], ["distro=debian"]]).lists_of(catalogue().find("debian12")) == [0, 1]


@pytest.mark.parametrize("guests", ["win10", "rhel6.10,win10"])
@pytest.mark.parametrize("models", [None, "all"])
def test_a_changed_matrix_does_not_change_the_next(guests: str, models: str | None) -> None:
    """A frame is the user's own: what is written into it is not in the answer to the same question."""
    first = vk.matrix(guests, _MACHINES, models, "net,block")
    before = first.copy()
    for name in first:
        first[name] = first[name].cat.add_categories("changed")
        first.loc[0, name] = "changed"
        first[name] = first[name].cat.rename_categories(str.upper)
    again = vk.matrix(guests, _MACHINES, models, "net,block")
    for name in again:
        again.loc[0, name] = again[name].iloc[-1]
    pd.testing.assert_frame_equal(pd.DataFrame(vk.matrix(guests, _MACHINES, models, "net,block")), before)


def test_a_question_of_another_rule_or_host_has_its_own_answer() -> None:
    """Answers that are kept differ by the guests, the rule for corrections, the host and the models."""
    hosts = vk.Host.named(libvirt="9.0"), vk.Host.named()
    questions = [*product(("win10", "rhel6.10"), ("virtio", "virtio-transitional", "all"), (True, False), hosts)]

    def answer(guest: str, models: str, overrides: bool, host: vk.Host) -> pd.DataFrame:
        return _texts(vk.matrix(guest, "pc,q35", models, "net,gpu", overrides=overrides, host=host))

    expected = [answer(*question) for question in questions]
    for question, frame in reversed([*zip(questions, expected, strict=True)]):
        pd.testing.assert_frame_equal(answer(*question), frame)
        alone = vk.matrix(question[0], "pc", question[1], "net", overrides=question[2], host=question[3])
        own = frame[(frame["machine"] == "pc") & (frame["kind"] == "net")]
        pd.testing.assert_frame_equal(_texts(alone), _texts(own))
