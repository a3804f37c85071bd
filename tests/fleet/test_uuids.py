"""UUIDs of domains in audits: those that libvirt takes and refuses, whether answers are shared or not."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.writing import domain, resolved
from virtkit import Refused, read
from virtkit.fleet.examination import Known, examine
from virtkit.fleet.question import Question
from virtkit.inputs import InMemory

ONE, TWO = "15ba1a3c-7874-4db5-a596-dfd435b8f05a", "25ba1a3c-7874-4db5-a596-dfd435b8f05a"
THIRD = "35ba1a3c-7874-4db5-a596-dfd435b8f05a"
DISK = "<disk type='file'><source file='/d'/><target dev='vda' bus='virtio'/></disk>"


def smbios(uuid: str) -> str:
    return f"<sysinfo type='smbios'><system><entry name='uuid'>{uuid}</entry></system></sysinfo>"


def own(uuid: str) -> str:
    return f"<uuid>{uuid}</uuid>"


@pytest.mark.parametrize(
    "written",
    [ONE, ONE.upper(), ONE.replace("-", ""), f" {ONE}\n", f"-{ONE}", "15ba--1a3c78744db5a596dfd435b8f05a", ""],
)
def test_uuids_that_libvirt_accepts(written: str) -> None:
    """Dashes and spaces may stand before each pair of digits, white space around all; an empty one is none."""
    assert resolved(domain(more=own(written))).domain.uuid == written.strip()


@pytest.mark.parametrize("written", ["xyz", f"{{{ONE}}}", ONE[:-1], f"{ONE}ff", f"{ONE}-", f"1-{ONE[1:]}", " "])
def test_malformed_uuids(written: str) -> None:
    """libvirt refuses what does not have 32 digits in pairs; the message has its line and the form."""
    with pytest.raises(Refused, match=r"internal error: malformed uuid element.*expected 32 hexadecimal") as refusal:
        resolved(domain(more=own(written)))
    assert refusal.value.line == 4


def test_uuid_of_smbios() -> None:
    """A domain without a UUID has that of its SMBIOS; a malformed or another one is refused."""
    assert read(domain(more=smbios(ONE))).uuid == ONE
    assert resolved(domain(more=own(ONE) + smbios(ONE.upper()))).domain.uuid == ONE
    with pytest.raises(Refused, match="malformed <sysinfo> uuid element: 'zz'"):
        resolved(domain(more=smbios("zz")))
    with pytest.raises(Refused, match=f"UUID mismatch between <uuid> and <sysinfo>: {ONE} and {TWO}"):
        resolved(domain(more=own(ONE) + smbios(TWO)))


KINDS = (
    own(ONE), own(TWO), own("xyz"), own(f" {ONE} "), own("x" * 36), smbios(ONE), smbios(TWO), smbios("zz"),
    own(ONE) + smbios(ONE), own(ONE) + smbios(ONE.upper()), own(ONE) + smbios(TWO), own(TWO) + smbios(TWO),
    own(ONE) + smbios("zz"), "",
)  # fmt: skip


def test_shared_answers_have_the_uuids_of_their_own_domains() -> None:
    """In any order, domains that share answers have the UUIDs and refusals that each has alone."""
    question = Question()
    sources = [InMemory(str(n), None, f"{n}.xml", data=domain(DISK, more=kind)) for n, kind in enumerate(KINDS)]
    alone = {}
    for source in sources:
        found = examine((source,), question, Known())
        alone[source.label] = [(one.uuid, one.judged) for one in found.accepted], [one.message for one in found.refused]
    assert sum(bool(messages) for _, messages in alone.values()) == 5
    for first, second in itertools.permutations(sources, 2):
        known = Known()
        # The second text of a shape is kept, and the third can have its answer.
        for source in (first, first, second, first, second):
            found = examine((source,), question, known)
            expected = alone[source.label]
            assert [(one.uuid, one.judged) for one in found.accepted] == expected[0]
            assert [one.message for one in found.refused] == expected[1]


def test_rows_of_a_fleet_with_smbios(tmp_path: Path) -> None:
    """Texts that differ in the UUID of their SMBIOS only share an answer, and each keeps its UUID."""
    known = Known()
    for uuid in (ONE, TWO, THIRD):
        found = examine((InMemory("x", None, "x.xml", data=domain(DISK, more=smbios(uuid))),), Question(), known)
        assert [one.uuid for one in found.accepted] == [uuid]
    assert known.texts.hits == 1
