"""Linters over the table of corrections, and what the corrections say."""

from __future__ import annotations

from collections import defaultdict

import pytest

from virtkit.guests import KINDS, catalogue, find
from virtkit.guests.overrides import Override, overrides, support

ROWS = overrides()
FIELDS = ("legacy", "modern", "legacy_addon", "modern_addon")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_row_is_whole(row: Override) -> None:
    """Every row has a source and a confidence, says something, and speaks of a guest that exists."""
    assert row.source
    assert any(getattr(row, name) for name in FIELDS)
    assert any(row.applies(guest) for guest in catalogue())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_since_is_told(row: Override) -> None:
    """Every row says since which version it holds, but one that says that nobody knows."""
    assert bool(row.since) is (row.legacy != "unknown")


@pytest.mark.parametrize("row", [row for row in ROWS if "recalled" in row.source], ids=lambda row: row.row)
def test_recalled_is_not_sure(row: Override) -> None:
    """What was recalled and not read again is not of high confidence."""
    assert row.confidence in ("low", "medium")


@pytest.mark.parametrize("row", [row for row in ROWS if not row.mirror], ids=lambda row: row.row)
def test_rebuilds_are_stated_by_mirror(row: Override) -> None:
    """A row of RHEL or Slackware itself does not name those that rebuild them: they mirror it."""
    said = {guest.distro for guest in catalogue() if row.applies(guest) and "family=linux" not in row.guests}
    assert not ("rhel" in said and said & {"centos", "ol", "oel", "scientificlinux", "rocky", "almalinux", "asianux"})
    assert not ("slackware" in said and "freenix" in said)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.row)
def test_every_id_is_known(row: Override) -> None:
    """No word of the guest column, pattern or id, fits nothing."""
    for word in row.guests:
        assert catalogue().select(word), word


@pytest.mark.parametrize("row", [row for row in ROWS if row.partial], ids=lambda row: row.row)
def test_partial_needs_a_note_and_a_condition(row: Override) -> None:
    """Support that is partial says what must hold, and why."""
    assert row.note
    assert row.condition or row.modern_condition


@pytest.mark.parametrize("row", [row for row in ROWS if row.legacy == "unknown"], ids=lambda row: row.row)
def test_unknown_needs_a_note(row: Override) -> None:
    """A row that takes the database's answer away says why, and gives no other."""
    assert row.note
    assert row.modern == "unknown"
    assert {row.legacy_addon, row.modern_addon, row.condition, row.modern_condition} == {""}
    for guest in catalogue():
        if row.applies(guest):
            assert all(support(guest, kind).unknown for kind in row.kinds)


@pytest.mark.parametrize("row", [row for row in ROWS if row.confidence == "low"], ids=lambda row: row.row)
def test_low_confidence_is_told(row: Override) -> None:
    """Whoever sees an answer of low confidence is told so."""
    cells = [(guest, kind) for guest in catalogue() if row.applies(guest) for kind in row.kinds]
    told = [support(guest, kind).source for guest, kind in cells if support(guest, kind) != guest.support(kind)]
    if not told:
        pytest.skip("the shipped database agrees; an older one does not")
    assert any(f"[{row.row}, low confidence]" in source for source in told)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "yes" in (row.legacy_addon, row.modern_addon)], ids=lambda row: row.row
)
def test_addons_say_which(row: Override) -> None:
    """A driver that can be added is named."""
    assert row.condition or row.modern_condition


@pytest.mark.parametrize("row", [row for row in ROWS if row.mirror], ids=lambda row: row.row)
def test_mirrors_agree_with_what_they_mirror(row: Override) -> None:
    """A mirroring row holds the statement of the mirrored one."""
    (other,) = (candidate for candidate in ROWS if candidate.row == row.mirror)
    assert [getattr(row, name) for name in (*FIELDS, "kinds")] == [getattr(other, name) for name in (*FIELDS, "kinds")]


def test_rows_do_not_overlap() -> None:
    """No two rows firmly state the same thing of the same guest and kind."""
    said: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in ROWS:
        for guest in catalogue():
            if row.applies(guest):
                for kind in row.kinds:
                    for name in FIELDS:
                        if getattr(row, name) in ("yes", "no"):
                            said[guest.id, kind, name].append(row.row)
    assert {key: rows for key, rows in said.items() if len(rows) > 1} == {}


def test_bounds_are_in_order() -> None:
    """A row's first version is not after its last."""
    for row in ROWS:
        assert not row.last or row.first <= row.last, row.row


@pytest.mark.parametrize(
    ("guest", "kind", "legacy", "modern"),
    [
        ("ubuntu15.04", "net", True, False),
        ("ubuntu16.04", "net", True, True),
        ("ubuntu17.04", "balloon", True, True),
        ("rhel5.2", "net", False, False),
        ("rhel5.3", "block", True, False),
        ("ol5.5", "block", True, False),
        ("rhel6.10", "net", True, False),
        ("rhel6.10", "balloon", True, False),
        ("ubuntu16.04", "rng", True, True),
        ("ubuntu24.04", "fs", False, True),
        ("freebsd14.0", "scsi", True, True),
        ("rhel7.1", "net", True, False),
        ("rhel7.2", "balloon", True, True),
        ("sles11sp1", "net", True, False),
        ("sles12sp1", "net", True, False),
        ("alpinelinux3.7", "rng", True, True),
        ("mageia5", "net", True, False),
        ("mageia7", "net", True, True),
        ("slackwarearm14.2", "block", True, True),
        ("freebsd9.1", "net", True, False),
        ("freebsd12.4", "net", True, False),
        ("freebsd13.0", "block", True, True),
        ("openbsd6.5", "net", True, False),
        ("openbsd6.6", "net", True, True),
        ("netbsd9.4", "net", True, False),
        ("netbsd10.0", "net", True, True),
        ("haikur1beta4", "block", True, True),
        ("haikur1beta4", "net", True, True),
        ("openbsd5.4", "scsi", False, False),
        ("openbsd6.5", "scsi", True, False),
        ("openbsd7.8", "rng", True, True),
        ("rhel-atomic-7.2", "scsi", True, True),
        ("rhel7.1", "scsi", True, False),
        ("rhel9.4", "9p", False, False),
        ("centos7.0", "9p", False, False),
        ("centos7.0", "scsi", True, True),
        ("ol9.4", "9p", True, True),
        ("mageia5", "scsi", False, False),
        ("mageia9", "scsi", True, True),
        ("ubuntu16.04", "9p", True, True),
    ],
)
def test_in_box_drivers(guest: str, kind: str, legacy: bool, modern: bool) -> None:
    """The known errors and gaps of the database are corrected, and what is right stays."""
    answer = support(find(guest), kind)
    assert (answer.legacy, answer.modern) == (legacy, modern)


@pytest.mark.parametrize(
    ("guest", "legacy", "modern"), [("winxp", True, False), ("win2k3", True, False), ("win10", True, True)]
)
def test_windows_drivers_are_added_never_in_box(guest: str, legacy: bool, modern: bool) -> None:
    """Windows has no virtio driver of its own; virtio-win has one, for XP and 2003 the legacy one only."""
    answer = support(find(guest), "net")
    assert not answer.any
    assert (answer.legacy_addon, answer.modern_addon) == (legacy, modern)
    assert "virtio-win" in answer.condition


def test_wrongly_legacy() -> None:
    """47 OSes are legacy only by the database although their kernel has the modern driver."""
    wrong = [
        guest.id
        for guest in catalogue()
        if guest.support("net").legacy and not guest.support("net").modern and support(guest, "net").modern
    ]
    assert len(wrong) == 47


def test_switched_off_is_the_database() -> None:
    """Without corrections every answer is the database's own."""
    for guest in catalogue():
        for kind in KINDS:
            assert support(guest, kind, overrides=False) == guest.support(kind)


def test_corrections_name_their_source() -> None:
    """A corrected answer says override, its source, its row and its confidence."""
    answer = support(find("ubuntu16.04"), "net")
    assert answer.evidence == "override"
    assert "Linux 4.4" in answer.source
    assert "[linux4-ubuntu, high confidence]" in answer.source
