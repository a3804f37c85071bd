"""The rollout of model names, stage by stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.writing import NEW, OLD
from virtkit.errors import UsageError
from virtkit.fleet.rollout import review_rollout, review_rollouts
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
    found = review_rollout(_sources(_domain("kvm", "virtio"), _domain("kvm", "virtio-net", "e1000")))
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
    found = review_rollout(_sources(_domain(kind, model, arch=arch)))
    assert (found.disappear == 0) is known


def test_rejected_inputs_are_counted(tmp_path: Path) -> None:
    """A file that cannot be read is reported and does not stop the others."""
    (tmp_path / "a.xml").write_text(_domain("kvm", "virtio"))
    (tmp_path / "b.xml").write_text("<domain")
    found = review_rollout(sources([str(tmp_path)]))
    assert (found.domains, found.rejected) == (1, 1)
    assert "b.xml" in found.errors[0]


def test_subjects() -> None:
    """Video and sound have libvirt's list; an unknown subject is refused."""
    text = "<domain type='kvm'><name>d</name><devices><sound model='ich9'/><sound model='gus'/></devices></domain>"
    assert [n.name for n in review_rollout(_sources(text), "sound-model").unknown] == ["gus"]
    text = (
        "<domain type='kvm'><name>d</name><devices><controller type='scsi' model='lsilogicc'/>"
        "<controller type='usb' model='qemu-xhci'/><controller type='sata' model='odd'/></devices></domain>"
    )
    (name,) = review_rollout(_sources(text), "controller-model").unknown
    assert (name.name, name.nearest) == ("scsi:lsilogicc", "scsi:lsilogic")
    text = "<domain type='kvm'><name>d</name><devices><sound model='virtio'/></devices></domain>"
    for libvirt, unknown in ((OLD, 1), (NEW, 0)):
        host = Host.default(libvirt=libvirt)
        assert review_rollout(_sources(text), "sound-model", host).disappear == unknown
    with pytest.raises(UsageError, match="expected one of nic-model"):
        review_rollout([], "disk-model")
    assert "qxl" in rollout.known_names("video-model", "qemu", "x86_64", Host.default())


def test_tables() -> None:
    """Stages and affected domains as DataFrames, for a notebook."""
    found = review_rollouts(_sources(_domain("kvm", "odd")), ("nic-model", "sound-model"))
    stages = rollout.stage_table(found)
    assert len(stages) == 2 * 4
    assert list(stages[stages["subject"] == "nic-model"]["lost"]) == [0, 0, 0, 1]
    assert rollout.affected_table(found).to_dict("records") == [
        {"subject": "nic-model", "domain": "d", "file": "standard input", "names": "odd"}
    ]


def test_names_of_boards_are_those_of_their_architecture() -> None:
    """A NIC that Arm boards have built in is known on Arm, and not on x86."""
    host = Host.default()
    for name, arches in {"lan9118": {"aarch64", "armv7l"}, "spapr-vlan": {"ppc64"}, "mcf-fec": set()}.items():
        knowing = {
            arch
            for arch in ("x86_64", "aarch64", "armv7l", "ppc64", "s390x", "riscv64")
            if name in rollout.known_names("nic-model", "qemu", arch, host)
        }
        assert knowing == arches, name
    assert "mcf-fec" in rollout.known_names("nic-model", "qemu", "m68k", host)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("virtio-net-pci", "virtio"),
        ("VirtIO", "virtio"),
        ("e1000-82545emm", "e1000-82545em"),
        ("ne2k", "ne2k_pci"),
        ("rtl8193", "rtl8139"),
        ("zzz", ""),
    ],
)
def test_nearest_known_name(written: str, meant: str) -> None:
    """What is commonly written for a known name, else the nearest spelling, else nothing."""
    assert rollout.nearest(written, rollout.known_names("nic-model", "qemu", "x86_64", Host.default())) == meant


def test_many_are_counted_and_few_are_named() -> None:
    """Every domain is counted, but only the given number is listed by name."""
    many = _sources(*[_domain("kvm", "virtio", f"odd{n % 7}") for n in range(100)])
    found = review_rollout(many, limit=10)
    assert (found.disappear, len(found.affected), len(found.unknown)) == (100, 10, 7)


def test_names_and_known_names_as_tables() -> None:
    """Unknown names with the nearest known one, and what the hypervisors of the domains know."""
    found = review_rollouts(_sources(_domain("kvm", "rtl8193"), _domain("vmware", "vmxnet3")), ("nic-model",))
    assert rollout.name_table(found).to_dict("records") == [
        {
            "subject": "nic-model",
            "name": "rtl8193",
            "hypervisor": "qemu",
            "arch": "x86_64",
            "devices": 1,
            "domains": 1,
            "nearest": "rtl8139",
        }
    ]
    known = rollout.known_table(found)
    assert list(known["hypervisor"]) == ["qemu", "vmware"]
    assert known.loc[1, "names"] == "e1000, e1000e, vlance, vmxnet, vmxnet2, vmxnet3"


def test_architectures_with_the_same_names_share_a_row() -> None:
    """The table of known names has one row for the architectures on which a hypervisor knows the same names."""
    nothing = rollout.Rollout("nic-model")
    known = {("qemu", "i686"): frozenset({"a", "b"}), ("qemu", "x86_64"): frozenset({"b", "a"})}
    table = rollout.known_table([replace(nothing, known={**known, ("qemu", "s390x"): frozenset({"a"})})])
    assert table[["arch", "names"]].to_numpy().tolist() == [["i686, x86_64", "a, b"], ["s390x", "a"]]


def test_selections() -> None:
    """Subjects and stages are checked by name."""
    assert rollout.select_subjects("") == rollout.select_subjects("all") == tuple(rollout.SUBJECTS)
    assert rollout.select_subjects("sound-model, nic-model") == ("sound-model", "nic-model")
    for wrong in (4, True, "2"):
        with pytest.raises(UsageError, match="expected one of 0, 1, 2, 3, got"):
            rollout.stage_of(wrong)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent names are listed, shortened, and names are counted up to a limit."""
    monkeypatch.setattr(rollout, "_MOST_NAMES", 5)
    domains = [_domain("kvm", f"strange-{number}", "x" * 5000) for number in range(8)]
    found = review_rollout(_sources(*domains), limit=3)
    assert found.disappear == 8
    assert (found.names, found.uncounted) == (5, 4)
    assert [name.domains for name in found.unknown] == [8, 1, 1]
    assert len(found.unknown[0].name) == 200
    assert len(found.affected) == 3
