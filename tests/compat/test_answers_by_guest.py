"""What the rules of verdicts and remedies say about guests of every kind, as tables that are read in a diff."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest

from virtkit.compat.boot_disk import boot_condition
from virtkit.compat.emulated import advice_for, judge_emulated, replacement
from virtkit.compat.fallbacks import emulated_nic, fallback, is_optional, virtio_disk
from virtkit.compat.verdict import Judgement, judge
from virtkit.guests import find
from virtkit.guests.hardware import hardware
from virtkit.guests.overrides import support
from virtkit.virtio.interface import Interface

#: Guests with no, legacy, modern and both drivers, with drivers to install, and some whose drivers no source states.
GUESTS = (
    "winnt4.0", "winxp", "win2k8", "win7", "win10", "rhel4.9", "rhel5.4", "rhel6.10", "rhel7.6", "rhel9.2", "fedora36",
    "debian5", "debian12", "ubuntu16.04", "sles11sp4", "freebsd9.0", "freebsd14.0", "openbsd7.0", "netbsd9.0",
    "solaris11", "macosx10.7", "haikur1beta4", "unknown",
)  # fmt: skip
FAMILIES = ("i440fx", "q35", "isapc", "pseries", "aarch64-virt", "s390-ccw-virtio")
KINDS = ("net", "block", "scsi", "9p", "rng", "balloon", "console", "input", "vsock", "gpu", "fs", "mem", "crypto")
JUDGED = ("net", "block", "scsi", "balloon", "gpu", "crypto")


def said(judgement: Judgement) -> str:
    """A judgement in one line."""
    condition = f" if {judgement.condition}" if judgement.condition else ""
    return f"{judgement.verdict} ({judgement.evidence}): {judgement.reason}{condition} [{judgement.source}]"


def table(rows: list[tuple[str, str, str]]) -> str:
    """Each sentence once, with the cases that have it and their guests; rows are (case, guest, sentence)."""
    guests: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case, guest, sentence in rows:
        guests[sentence, case].append(guest)
    lines: dict[str, str] = defaultdict(str)
    for (sentence, case), found in guests.items():
        lines[sentence] += f"    {case}: {'all guests' if len(found) == len(GUESTS) else ' '.join(found)}\n"
    return "".join(f"{sentence or 'nothing'}\n{cases}" for sentence, cases in lines.items())


@pytest.mark.parametrize("kind", JUDGED)
def test_the_verdict_on_each_interface(kind: str, golden: Callable[[str, str], None]) -> None:
    """Of each guest on a virtio device of this kind, with drivers that can be installed and, as "strict", without."""
    rows = []
    for guest in GUESTS:
        for strict in ("", " strict"):
            answer = support(find(guest), kind, overrides=not strict)
            for interface in Interface:
                judgement = judge(answer, kind, interface, addons=not strict)
                rows.append((f"{interface}{strict}", guest, said(judgement)))
    golden(f"by-guest/virtio-{kind}.txt", table(rows))


def test_the_verdict_on_emulated_devices_and_what_to_use_in_their_place(golden: Callable[[str, str], None]) -> None:
    """Of each guest on each emulated controller and NIC; the advice is that for pc and q35 machines."""
    verdicts, advice = [], []
    for guest in map(find, GUESTS):
        for name, known in {**hardware(), "scsi:other": None}.items():
            verdicts.append((name, guest.id, said(judge_emulated(known, name, guest, "", True))))
        for name in ("bus:ide", "bus:sata", "bus:usb", "scsi:lsilogic", "e1000", "scsi:other"):
            for family in ("i440fx", "q35"):
                for strict in ("", " strict"):
                    found = advice_for(hardware().get(name), guest, family, not strict)
                    advice.append((f"{name} {family}{strict}", guest.id, found))
    golden("by-guest/emulated.txt", table(verdicts))
    golden("by-guest/emulated-advice.txt", table(advice))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_remedies_of_a_machine_family(family: str, golden: Callable[[str, str], None]) -> None:
    """The virtio device, the fallback and the emulated NIC for each guest."""
    rows = []
    for guest in map(find, GUESTS):
        rows.append(("NIC", guest.id, emulated_nic(guest, family)))
        rows += [(f"{kind} without virtio", guest.id, fallback(kind, guest, family)) for kind in KINDS]
        for strict in ("", " strict"):
            rows.append((f"disk{strict}", guest.id, virtio_disk(guest, family, overrides=not strict)))
            rows += [
                (f"{kind}{strict}", guest.id, replacement(kind, guest, family, not strict))
                for kind in ("net", "scsi", "block")
            ]
    golden(f"by-guest/remedies-{family}.txt", table(rows))


def test_what_a_boot_disk_needs_besides_a_driver(golden: Callable[[str, str], None]) -> None:
    """Of each guest, for a disk on virtio-blk and on virtio-scsi; an installer and a NIC need nothing."""
    kinds = ("block", "scsi", "net")
    guests = (*GUESTS, "debian12:installer", "debian12:cloud")
    rows = [(kind, guest, boot_condition(find(guest), kind)) for guest in guests for kind in kinds]
    golden("by-guest/boot.txt", table(rows))


def test_an_unknown_guest_has_no_remedy_and_no_verdict() -> None:
    """The reason is the given one, and the advice is empty."""
    known = hardware()["e1000"]
    assert said(judge_emulated(known, "e1000", None, "Not known.", True)) == "unknown (rule): Not known. []"
    assert advice_for(known, None, "q35", True) == ""
    assert [kind for kind in KINDS if is_optional(kind)] == ["rng", "balloon", "console", "vsock"]
