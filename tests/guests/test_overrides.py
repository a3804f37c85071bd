"""Linters over the file of corrections, and the drivers that the corrections give."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests import KINDS, catalogue, find
from virtkit.guests import overrides as module
from virtkit.guests.overrides import overrides, overrides_of, support

OVERRIDES = overrides()
FIELDS = ("legacy", "modern", "legacy_addon", "modern_addon")


def test_a_correction_is_whole() -> None:
    """Every correction has a source and a confidence, states something, and covers a guest of the database."""
    for override in OVERRIDES:
        assert override.source, override.id
        assert override.unknown or any(getattr(override, field) for field in FIELDS), override.id
        assert any(override in overrides_of(guest) for guest in catalogue()), override.id


def test_a_correction_has_a_first_release() -> None:
    """Every correction names the release that brought the driver, except one that leaves the drivers unknown."""
    assert [one.id for one in OVERRIDES if bool(one.since) is one.unknown] == []


def test_recalled_is_not_sure() -> None:
    """A source that was recalled and not read again does not give high confidence."""
    recalled = [one for one in OVERRIDES if "recalled" in one.source]
    assert [one.id for one in recalled if one.confidence not in ("low", "medium")] == []


def test_rebuilds_are_derivatives() -> None:
    """A correction of RHEL or Slackware does not name the systems that rebuild them: they are its derivatives."""
    rebuilds = {"centos", "ol", "oel", "scientificlinux", "rocky", "almalinux", "asianux"}
    for override in OVERRIDES:
        if not override.derived_from and "family=linux" not in override.guests:
            said = {guest.distro for guest in catalogue() if override in overrides_of(guest)}
            assert not ("rhel" in said and said & rebuilds), override.id
            assert not ("slackware" in said and "freenix" in said), override.id


def test_every_id_is_known() -> None:
    """Every id and pattern of a correction fits a guest of the database."""
    words = {(override.id, word) for override in OVERRIDES for word in override.guests}
    assert [named for named in sorted(words) if not catalogue().select(named[1])] == []


def test_partial_needs_a_remark_and_a_condition() -> None:
    """Support that is partial says what must hold, and why."""
    partial = [one for one in OVERRIDES if one.partial]
    assert partial
    assert [one.id for one in partial if not (one.remark and (one.condition or one.modern_condition))] == []


def test_unknown_needs_a_remark() -> None:
    """A correction that takes the database's answer away says why, and gives no other."""
    unknown = [one for one in OVERRIDES if one.unknown]
    assert unknown
    for override in unknown:
        assert override.remark, override.id
        assert {getattr(override, field) for field in FIELDS} == {""}, override.id
        assert {override.condition, override.modern_condition} == {""}, override.id
        for guest in catalogue():
            if override in overrides_of(guest):
                assert all(support(guest, kind).unknown for kind in override.kinds), (override.id, guest.id)


def test_no_correction_has_low_confidence() -> None:
    """A correction without a good source says unknown instead."""
    assert [one.id for one in OVERRIDES if one.confidence == "low" and not one.unknown] == []


def test_addons_are_named() -> None:
    """A driver that can be added is named."""
    added = [one for one in OVERRIDES if "yes" in (one.legacy_addon, one.modern_addon)]
    assert added
    assert [one.id for one in added if not (one.condition or one.modern_condition)] == []


def test_derivatives_agree_with_their_origin() -> None:
    """A derivative states the same drivers of the same kinds as the correction that it belongs to."""
    origins = {one.id: one for one in OVERRIDES}
    fields = (*FIELDS, "kinds", "first_version", "last_version", "since")
    for override in (one for one in OVERRIDES if one.derived_from):
        origin = origins[override.derived_from]
        assert [getattr(override, field) for field in fields] == [getattr(origin, field) for field in fields], override


def test_corrections_do_not_overlap() -> None:
    """No two corrections firmly state the same thing about the same guest and kind."""
    said: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for override in OVERRIDES:
        for guest in catalogue():
            if override in overrides_of(guest):
                for kind in override.kinds:
                    for field in FIELDS:
                        if getattr(override, field) in ("yes", "no"):
                            said[guest.id, kind, field].append(override.id)
    assert {key: ids for key, ids in said.items() if len(ids) > 1} == {}


WHOLE = 'id = "x"\nguests = ["rhel6.0"]\nkinds = ["net"]\nsource = "s"\nconfidence = "high"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'[[override]]\n{WHOLE}legacy = "maybe"\n', "x: legacy is 'maybe', expected one of yes, no, as-modern"),
        (f"[[override]]\n{WHOLE}legcay = true\n", "x: missing keys: none; unknown keys: ['legcay']"),
        ('[[override]]\nid = "y"\n', "y: missing keys: ['guests', 'source', 'confidence', 'kinds']"),
        (f'[[override]]\n{WHOLE}unknown = true\nlegacy = "no"\n', "x: unknown = true excludes legacy"),
        (f"[[override]]\n{WHOLE}[[override]]\n{WHOLE}", "two corrections have the same id"),
        (f'[[override]]\n{WHOLE.replace("net", "tape")}', "x: kinds ['tape'], expected 'transitional' or one of net"),
        (f'[[override]]\n{WHOLE}[[override.derivative]]\nid = "z"\n', "z: expected the keys id, guests, source"),
        ("[[correction]]\n", "expected only [[override]] records, got correction"),
        ("[[override\n", "not TOML: Expected"),
    ],
)
def test_a_wrong_record_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    """A record that breaks the format is named, with what was expected."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    monkeypatch.setattr(module, "_FILE", str(file))
    monkeypatch.setattr(facts, "path", Path)
    with pytest.raises(FactsError) as caught:
        overrides.__wrapped__()
    assert message in str(caught.value)


def test_bounds_are_in_order() -> None:
    """The first version of a correction is not after its last."""
    for override in OVERRIDES:
        assert not override.last_version or override.first_version <= override.last_version, override.id


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
        ("freebsd12.4", "net", True, False),
        ("freebsd13.0", "block", True, True),
        ("openbsd6.5", "net", True, False),
        ("openbsd6.6", "net", True, True),
        ("netbsd9.4", "net", True, False),
        ("netbsd10.0", "net", True, True),
        ("haikur1beta4", "block", True, False),
        ("haikur1beta4", "net", True, False),
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
        ("haikunightly", "net", True, True),
        ("rhel6.2", "rng", True, False),
        ("centos6.4", "scsi", True, False),
        ("rhel7.6", "vsock", False, True),
        ("rhel8.3", "fs", False, True),
    ],
)
def test_in_box_drivers(guest: str, kind: str, legacy: bool, modern: bool) -> None:
    """The known errors and gaps of the database are corrected, and what is right stays."""
    answer = support(find(guest), kind)
    assert (answer.legacy, answer.modern) == (legacy, modern)


@pytest.mark.parametrize(
    ("guest", "kind"),
    [("freebsd9.1", "net"), ("mageia9", "scsi"), ("ubuntu15.10", "9p"), ("ubuntu16.10", "9p"), ("solus", "9p")],
)
def test_what_no_source_states_is_unknown(guest: str, kind: str) -> None:
    """Drivers that were assumed from the age of the kernel alone are unknown."""
    assert support(find(guest), kind).unknown


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
    """A corrected answer says override, its source, its correction and its confidence."""
    answer = support(find("ubuntu16.04"), "net")
    assert answer.evidence == "override"
    assert "Linux 4.4" in answer.source
    assert "[linux4-ubuntu, high confidence]" in answer.source
