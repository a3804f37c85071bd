"""Releases: how they are written, which are known, and what is answered between two observed ones."""

from __future__ import annotations

import pytest

from tests.writing import OLD, RELEASES
from virtkit import Host, facts
from virtkit.cli import main
from virtkit.errors import UsageError
from virtkit.host import changes, shipped
from virtkit.releases import (
    DEFAULT,
    DEFAULT_QEMU,
    NEWEST,
    OLDEST,
    PAIRS,
    PROBED,
    SUPPORTED,
    bounds,
    dotted,
    has_changed,
    in_release,
    is_uncertain,
    libvirt_for,
    parse,
    qemu_for,
)

#: A release inside the range of several changes: between the two newest observed ones.
INSIDE = (12, 0)


@pytest.mark.parametrize(("text", "release"), [("12.8", (12, 8)), ("12.8.0", (12, 8)), ("9.0", (9, 0))])
def test_a_release_is_read_and_written(text: str, release: tuple[int, int]) -> None:
    """MAJOR.MINOR and MAJOR.MINOR.MICRO are the same release; text is MAJOR.MINOR."""
    assert parse(text) == parse(release) == release
    assert text.startswith(dotted(release))


@pytest.mark.parametrize("text", ["12", "12.8.0.1", "twelve.eight", "12.x", "", "-1.2", "1²2.0"])
def test_a_malformed_release_is_refused(text: str) -> None:
    """The message says which form is expected and what was given."""
    with pytest.raises(UsageError, match=r"expected a release as MAJOR\.MINOR, got"):
        parse(text)


def test_the_data_names_one_default() -> None:
    """The default and every supported release have a QEMU whose facts are shipped."""
    assert [row["default"] for row in facts.table("releases.csv")].count("yes") == 1
    assert (SUPPORTED[0], SUPPORTED[-1]) == (OLDEST, NEWEST)
    assert set(SUPPORTED) <= set(PROBED)
    assert set(PAIRS.values()) <= set(shipped.releases())
    assert PAIRS[DEFAULT] == DEFAULT_QEMU


def test_libvirt_and_qemu_go_together() -> None:
    """A libvirt between two supported ones takes the older one's QEMU, an older one the oldest."""
    assert qemu_for(OLDEST) == qemu_for((5, 0)) == PAIRS[OLDEST]
    assert qemu_for(INSIDE) == PAIRS[max(one for one in SUPPORTED if one <= INSIDE)]
    assert qemu_for(NEWEST) == qemu_for((99, 0)) == PAIRS[NEWEST]
    assert libvirt_for(PAIRS[OLDEST]) == OLDEST
    assert libvirt_for((3, 1)) == DEFAULT


def test_a_change_in_a_range() -> None:
    """Absent up to its lower end, present from its upper end, and inside as at the nearer end."""
    assert bounds("11.3..12.8") == ((11, 3), (12, 8))
    assert bounds("11.5") == ((11, 5), (11, 5))
    states = [has_changed("11.3..12.8", at) for at in ((9, 0), (11, 3), (11, 10), (12, 0), (12, 8), (13, 0))]
    assert states == [False, False, False, True, True, True]
    row = {"since": "", "until": "11.3..12.8"}
    assert in_release(row, (11, 3))
    assert not in_release(row, (12, 8))
    assert [is_uncertain(row, at) for at in ((11, 3), (11, 4), (12, 7), (12, 8))] == [False, True, True, False]
    assert not is_uncertain({"since": "11.5", "until": ""}, (11, 5))


def test_observed_releases_are_certain() -> None:
    """Nothing is uncertain where every fact was observed; inside a range the host names the changes."""
    for release in map(parse, RELEASES):
        assert changes.uncertain(release) == ()
        assert changes.remark(release) == ""
    names = {one.name for one in Host(INSIDE, DEFAULT_QEMU).uncertain if one.subject == "behaviour"}
    assert {"port-for-bridge", "several-iommus"} <= names
    assert "usb-net" not in names


def test_a_warning_names_what_may_differ(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, for a release inside a range only."""
    file = str(facts.path("domains/winxp-pc.xml"))
    assert main(["resolve", file, "--libvirt", dotted(INSIDE)]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--libvirt {dotted(INSIDE)}: " in line
    assert "port-for-bridge" in line
    assert main(["resolve", file, "--libvirt", OLD]) == 0
    assert capsys.readouterr().err == ""
