"""The shipped facts: counts, look-ups, and that they load fast."""

from __future__ import annotations

import pytest

from virtkit import facts, guests
from virtkit.errors import GuestError, UsageError
from virtkit.guests import catalogue, kinds

# kind: both, legacy only, modern only, neither; of the 959 OSes of osinfo-db 20260517.
COUNTS = {
    "net": (311, 223, 0, 425),
    "block": (311, 220, 5, 423),
    "balloon": (141, 33, 170, 615),
    "console": (273, 93, 38, 555),
    "scsi": (140, 25, 170, 624),
    "rng": (273, 44, 38, 604),
    "9p": (140, 33, 170, 616),
    "gpu": (0, 0, 231, 728),
    "input": (0, 0, 311, 648),
    "vsock": (0, 0, 57, 902),
    "mem": (0, 0, 49, 910),
    "fs": (0, 0, 98, 861),
}


@pytest.mark.parametrize("kind", guests.KINDS)
def test_counts(kind: str) -> None:
    """How many OSes have both drivers, one of them, or neither, by the database."""
    answers = [guest.support(kind) for guest in catalogue()]
    found = tuple(
        sum((answer.legacy, answer.modern) == wanted for answer in answers)
        for wanted in ((True, True), (True, False), (False, True), (False, False))
    )
    assert found == COUNTS[kind]


def test_unknown_is_not_no() -> None:
    """327 OSes list no device at all: their answer is unknown."""
    assert sum(guest.support("net").unknown for guest in catalogue()) == 327
    assert not guests.find("winxp").support("net").unknown


def test_database_is_named() -> None:
    """The catalogue and every guest name the database and its version."""
    assert catalogue().database == "osinfo-db 20260517"
    assert guests.find("rhel6.10").database == "osinfo-db 20260517"
    assert len(catalogue()) == 959


@pytest.mark.parametrize("name", ["ubuntu20.04", "ubuntufocal", "http://ubuntu.com/ubuntu/20.04", "Ubuntu20.04"])
def test_names(name: str) -> None:
    """A guest is found by short id, alias and URI, in any letter case."""
    assert guests.find(name).id == "ubuntu20.04"


def test_unknown_name_gives_the_nearest() -> None:
    """An unknown id is refused with the ids that look like it."""
    with pytest.raises(GuestError, match=r"no guest OS called 'rhel6\.11' .*nearest: .*rhel6\.10"):
        guests.find("rhel6.11")


def test_selections() -> None:
    """Ids, patterns and family, distro or status choose guests; a word that fits nothing is refused."""
    assert [g.id for g in catalogue().select("rhel6.1?,winxp")] == ["rhel6.10", "winxp"]
    assert {g.family for g in catalogue().select("family=freebsd distro=openbsd")} == {"freebsd", "openbsd"}
    assert len(catalogue().select("all")) == 959
    with pytest.raises(GuestError, match="matches 'beos\\*'"):
        catalogue().select("beos*")


def test_kinds_of_devices() -> None:
    """Device kinds of QEMU fold into those of the database; an unknown name is refused."""
    assert kinds.database_kind("tablet") == "input"
    assert kinds.database_kind("sound") == "sound"
    assert guests.find("fedora40").support("sound").unknown
    with pytest.raises(UsageError, match="no device kind 'disk'"):
        kinds.kind("disk")


def test_modern_ids_follow_the_type_and_legacy_ids_do_not() -> None:
    """rng is 1005 and 1044, balloon 1002 and 1045, scsi 1004 and 1048: a table, not a computation."""
    assert [(k.legacy, k.modern) for k in map(kinds.kind, ("rng", "balloon", "scsi"))] == [
        ("1005", "1044"),
        ("1002", "1045"),
        ("1004", "1048"),
    ]


def test_q35_is_listed_for_367() -> None:
    """The q35 chipset is listed for 367 OSes, RHEL 6 among them, and Windows XP not."""
    assert sum(guest.q35 for guest in catalogue()) == 367
    assert guests.find("rhel6.10").q35
    assert not guests.find("winxp").q35


def test_places_taken_by_other_devices() -> None:
    """Every kind, family and device named in the tables of other devices is known, and every row has a source."""
    families = {record["name"] for record in facts.records("libvirt/machines.toml", "family")}
    devices = {row["device"] for row in facts.table("guests/devices.csv")}
    for row in facts.table("guests/fallbacks.csv"):
        assert set(row["kinds"].split()) <= set(guests.KINDS)
        assert set(row["families"].split()) <= families
        assert row["advice"]
        assert row["source"]
    for row in facts.table("guests/nics.csv"):
        assert set(row["default"].split()) <= set(row["families"].split()) <= families
        assert row["device"] in devices or (row["model"] == "ne2k_isa" and not row["device"])
        assert row["source"]
