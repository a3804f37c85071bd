"""A verdict that is kept for other devices and domains is the one that would be made again."""

from __future__ import annotations

import pytest

import virtkit as vk
from tests.writing import domain
from virtkit.compat import judges
from virtkit.compat.check import check
from virtkit.compat.review import Review

SAMPLES = sorted(vk.samples().glob("*.xml"))
GUESTS = ("", "rhel6.10", "debian12:cloud")
MACHINES = (None, "pc", "q35")
#: What is written below each disk but the first one.
OPTIONS = (
    "",
    "<alias name='ua-{name}'/>",
    "<boot order='{order}'/>",
    "<driver name='qemu' iommu='on'/>",
    "<acpi index='7'/>",
)
DISKS = (("vda", "virtio"), ("vdb", "virtio"), ("sda", "scsi"), ("hda", "sata"))
NICS = "".join(f"<interface type='user'><model type='{model}'/></interface>" for model in ("virtio", "e1000"))


def texts() -> dict[str, bytes]:
    """The samples, and domains that differ in firmware, aliases, boot order and options, by name."""
    found = {path.stem: path.read_bytes() for path in SAMPLES}
    for option in OPTIONS:
        disks = ""
        for order, (name, bus) in enumerate(DISKS):
            more = option.format(name=name, order=9 - order) if order else ""
            source = f"<source file='/{name}'/><target dev='{name}' bus='{bus}'/>"
            disks += f"<disk type='file' device='disk'>{source}{more}</disk>"
        found[f"with {option}"] = domain(disks + NICS)
    efi = b"<os firmware='efi'><firmware><feature enabled='no' name='secure-boot'/></firmware>"
    return {**found, "efi": found["with "].replace(b"<os>", efi)}


def reviewed(text: bytes, machine: str | None, guest: str, overrides: bool) -> Review | None:
    """The review of a domain; None for one that libvirt refuses."""
    try:
        resolved = vk.resolve(vk.read(text), machine=machine)
    except vk.VirtkitError:
        return None
    return check(resolved, guest or None, overrides=overrides)


def forget() -> None:
    """Empty the memories of judges."""
    judges._judges.cache_clear()
    judges._judge_of.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [True, False])
@pytest.mark.parametrize("guest", GUESTS)
def test_kept_verdicts_are_those_made_anew(guest: str, overrides: bool) -> None:
    """The review of each domain is the same whether its judge has judged nothing before or all other domains."""
    asked = [(text, machine) for text in texts().values() for machine in MACHINES]
    forget()
    for text, machine in asked:
        reviewed(text, machine, guest, overrides)
    kept = [reviewed(text, machine, guest, overrides) for text, machine in asked]
    assert sum(one is not None for one in kept) > 30
    for (text, machine), review in zip(asked, kept, strict=True):
        forget()
        assert reviewed(text, machine, guest, overrides) == review


def test_kept_verdicts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that may keep one verdict gives the same reviews as one that keeps all."""
    kept = [reviewed(text, None, "rhel6.10", True) for text in texts().values()]
    forget()
    monkeypatch.setattr(judges, "_KEPT", 1)
    assert [reviewed(text, None, "rhel6.10", True) for text in texts().values()] == kept


@pytest.mark.parametrize("guest", GUESTS)
def test_models_that_no_slot_makes_work_are_not_tried(guest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedies are those that are found when every model is tried."""
    asked = [(text, machine) for text in texts().values() for machine in (None, "pc")]
    found = [reviewed(text, machine, guest, True) for text, machine in asked]
    monkeypatch.setattr(judges.Judge, "may_drive", lambda *_: True)
    assert [reviewed(text, machine, guest, True) for text, machine in asked] == found


def test_what_a_guest_may_drive() -> None:
    """A guest with legacy drivers may drive what shows the legacy interface in some slot, and no modern device."""
    guest = vk.catalogue().find("rhel6.10")
    judge = judges.judge_of(guest, "", True)
    assert judge.may_drive("blk", "virtio")
    assert judge.may_drive("blk", "virtio-transitional")
    assert not judge.may_drive("blk", "virtio-non-transitional")
    assert not judge.may_drive("fs", "virtio")


@pytest.mark.parametrize("libvirt", ["5.0", "9.0", "12.8"])
def test_a_review_without_notes_has_every_error(libvirt: str) -> None:
    """Without notes a review has the same findings, and of the remarks exactly the errors."""
    host = vk.Host.named(libvirt=libvirt, qemu="4.0" if libvirt == "5.0" else "")
    ports = "".join("<interface type='user'><model type='e1000e'/></interface>" for _ in range(17))
    model = "<memballoon model='virtio-transitional'/>"
    more = [domain(ports), domain(model, machine="pc"), *texts().values()]
    errors = 0
    for text in more:
        try:
            resolved = vk.resolve(vk.read(text), host)
        except vk.VirtkitError:
            continue
        whole, short = check(resolved), check(resolved, notes=False)
        assert short.devices == whole.devices
        assert short.ok == whole.ok
        assert short.remarks == tuple(one for one in whole.remarks if one.level == "error")
        errors += len(short.remarks)
    assert errors
