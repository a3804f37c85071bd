"""The rollout of model names, stage by stage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from virtkit.errors import UsageError
from virtkit.host import Host
from virtkit.inputs import Source, sources
from virtkit.policy import rollout


class _Text(Source):
    """A source that holds its text."""

    texts: dict[str, str] = {}  # noqa: RUF012 - filled by each test

    def read(self) -> bytes:
        return self.texts[self.name].encode()


def _sources(*domains: str) -> list[Source]:
    _Text.texts = {str(n): text for n, text in enumerate(domains)}
    return [_Text(name, None) for name in _Text.texts]


def _domain(kind: str, *models: str, arch: str = "x86_64") -> str:
    nics = "".join(f"<interface type='user'><model type='{model}'/></interface>" for model in models)
    return (
        f"<domain type='{kind}'><name>d</name><os><type arch='{arch}'>hvm</type></os>"
        f"<devices>{nics}<interface type='user'/></devices></domain>"
    )


def test_stages() -> None:
    """An unknown name is accepted, tainted, refused and lost in turn; a known one is always accepted."""
    found = rollout.review(_sources(_domain("kvm", "virtio"), _domain("kvm", "virtio-net", "e1000")))
    assert found.stages == {
        0: {"accepted": 2, "tainted": 0, "refused": 0, "lost": 0},
        1: {"accepted": 1, "tainted": 1, "refused": 0, "lost": 0},
        2: {"accepted": 1, "tainted": 0, "refused": 1, "lost": 0},
        3: {"accepted": 1, "tainted": 0, "refused": 0, "lost": 1},
    }
    (name,) = found.unknown
    assert (name.name, name.nearest, name.devices) == ("virtio-net", "virtio", 1)
    assert found.disappear == 1


@pytest.mark.parametrize(
    ("kind", "arch", "model", "known"),
    [
        ("kvm", "x86_64", "vmxnet3", True),
        ("kvm", "x86_64", "E1000", True),
        ("kvm", "s390x", "ne2k_isa", False),
        ("kvm", "ppc64", "spapr-vlan", True),
        ("kvm", "x86_64", "spapr-vlan", False),
        ("vmware", "x86_64", "vmxnet3", True),
        ("vmware", "x86_64", "virtio", False),
        ("xen", "x86_64", "netfront", True),
        ("hyperv", "x86_64", "anything", False),
        ("bhyve", "x86_64", "e1000", True),
    ],
)
def test_names_by_hypervisor(kind: str, arch: str, model: str, known: bool) -> None:
    """Each hypervisor, and each architecture of QEMU, knows its own names, in any letter case."""
    found = rollout.review(_sources(_domain(kind, model, arch=arch)))
    assert (found.disappear == 0) is known


def test_rejected_inputs_are_counted(tmp_path: Path) -> None:
    """What cannot be read is told and does not stop the rest."""
    (tmp_path / "a.xml").write_text(_domain("kvm", "virtio"))
    (tmp_path / "b.xml").write_text("<domain")
    found = rollout.review(sources([str(tmp_path)]))
    assert (found.domains, found.rejected) == (1, 1)
    assert "b.xml" in found.errors[0]


def test_subjects() -> None:
    """Video and sound have libvirt's list; an unknown subject is refused."""
    text = "<domain type='kvm'><name>d</name><devices><sound model='ich9'/><sound model='gus'/></devices></domain>"
    assert [n.name for n in rollout.review(_sources(text), "sound-model").unknown] == ["gus"]
    text = (
        "<domain type='kvm'><name>d</name><devices><controller type='scsi' model='lsilogicc'/>"
        "<controller type='usb' model='qemu-xhci'/><controller type='sata' model='odd'/></devices></domain>"
    )
    (name,) = rollout.review(_sources(text), "controller-model").unknown
    assert (name.name, name.nearest) == ("scsi:lsilogicc", "scsi:lsilogic")
    text = "<domain type='kvm'><name>d</name><devices><sound model='virtio'/></devices></domain>"
    for libvirt, unknown in (("9.0", 1), ("12.8", 0)):
        host = Host.default(libvirt=libvirt)
        assert rollout.review(_sources(text), "sound-model", host).disappear == unknown
    with pytest.raises(UsageError, match="known: nic-model"):
        rollout.review([], "disk-model")
    assert "qxl" in rollout.known_names("video-model", "qemu", "x86_64", Host.default())


def test_tables() -> None:
    """Stages and affected domains as DataFrames, for a notebook."""
    found = rollout.reviews(_sources(_domain("kvm", "odd")), ("nic-model", "sound-model"))
    stages = rollout.stage_table(found)
    assert len(stages) == 2 * 4
    assert list(stages[stages["subject"] == "nic-model"]["lost"]) == [0, 0, 0, 1]
    assert rollout.affected_table(found).to_dict("records") == [
        {"subject": "nic-model", "domain": "d", "file": "standard input", "names": "odd"}
    ]


def test_thousands_are_fast() -> None:
    """A thousand domains in under six seconds: ten thousand in a minute."""
    many = _sources(*[_domain("kvm", "virtio", f"odd{n % 7}") for n in range(1000)])
    start = time.perf_counter()
    found = rollout.review(many, limit=10)
    assert time.perf_counter() - start < 6
    assert (found.disappear, len(found.affected), len(found.unknown)) == (1000, 10, 7)
