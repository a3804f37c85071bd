"""What moves between two libvirts, played by stand-ins; real ones are asked where two variables name them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from tests.writing import NEW, OLD, domain, host
from virtkit import read, resolve
from virtkit.cli import main
from virtkit.errors import Refused
from virtkit.verify.libvirt import Libvirt, connect
from virtkit.verify.upgrades import Libvirts

DISKS = "".join(
    f"<disk type='file'><source file='/a{one}'/><target dev='vd{one}' bus='virtio'/></disk>" for one in "abc"
)
NIC = "<interface type='user'><model type='virtio'/></interface>"


class FakeLibvirt:
    """A libvirtd that answers as virtkit does for a release, or with ``change`` made to its answer."""

    def __init__(self, release: str, change: Callable[[str], str] = lambda text: text) -> None:
        self.host, self.change, self.asked = host(release), change, b""

    def define(self, data: bytes) -> tuple[str | None, str]:
        self.asked = data
        try:
            return self.change(resolve(read(data), self.host).xml()), ""
        except Refused as error:
            return None, str(error)


def both(*peers: FakeLibvirt) -> Libvirts:
    """The two stand-ins as libvirts."""
    return Libvirts(*(cast(Libvirt, peer) for peer in peers))


def test_agreement() -> None:
    """A domain whose devices move in both the prediction and the answers has no difference."""
    outcome = both(FakeLibvirt(OLD), FakeLibvirt(NEW)).ask(domain(NIC + DISKS, machine="virt", arch="aarch64"), "d")
    assert outcome.differences == []
    assert outcome.predicted == outcome.observed


def test_the_answers_are_matched_by_alias() -> None:
    """Each written device goes to the libvirts with an alias, and each NIC with a MAC address."""
    peer = FakeLibvirt(NEW)
    both(FakeLibvirt(OLD), peer).ask(domain(NIC + DISKS), "d")
    assert peer.asked.count(b"ua-virtkit-") == 4
    assert b"<mac " in peer.asked


def test_a_move_that_was_not_predicted() -> None:
    """A disk that the second libvirt puts elsewhere is listed with both places."""
    outcome = both(FakeLibvirt(NEW), FakeLibvirt(NEW, lambda text: text.replace("bus='0x04'", "bus='0x1e'"))).ask(
        domain(DISKS + "<controller type='pci' index='30' model='pcie-root-port'/>"), "d"
    )
    assert outcome.differences == ["only observed: disk 0000:04:00.0 → 0000:1e:00.0 (modern → modern)"]


def test_one_refusal_is_a_difference() -> None:
    """A side that refuses what was predicted to be accepted, or the reverse, is listed."""

    class Refusing(FakeLibvirt):
        def define(self, data: bytes) -> tuple[str | None, str]:
            return None, "unsupported configuration: no"

    outcome = both(FakeLibvirt(OLD), Refusing(NEW)).ask(domain(NIC), "d")
    assert outcome.differences == ["after: predicted accepted; observed unsupported configuration: no"]
    assert outcome.observed is None


def test_an_answer_that_libvirt_refuses_itself() -> None:
    """libvirt writes a second USB controller of model none, which it then refuses; such a domain is not compared."""
    disabled = "<controller type='usb' index='1' model='none'/>"
    peer = FakeLibvirt(NEW, lambda text: text.replace("</devices>", f"{disabled}</devices>"))
    outcome = both(FakeLibvirt(NEW), peer).ask(domain("<controller type='usb' index='0' model='qemu-xhci'/>"), "d")
    assert "USB is disabled" in outcome.unread
    assert outcome.differences == []


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeLibvirt]:
    """Stand-ins by URI in place of connections."""
    found = {"test:///old": FakeLibvirt(OLD), "test:///new": FakeLibvirt(NEW)}

    @contextmanager
    def connected(uri: str, *_rest: Any) -> Iterator[FakeLibvirt]:
        yield found[uri]

    monkeypatch.setattr("virtkit.verify.libvirt.connect", connected)
    return found


SIDES = ["--before", "test:///old", "--after", "test:///new"]


def test_the_command(peers: dict[str, FakeLibvirt], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command compares files and as many random domains as both libvirts accept."""
    file = tmp_path / "d.xml"
    file.write_bytes(domain(NIC))
    assert main(["verify", "moves", str(file), "--random", "3", "--platform", "q35", *SIDES]) == 0
    assert "4 domains with" in capsys.readouterr().out


def test_the_command_lists_what_differs(
    peers: dict[str, FakeLibvirt], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A difference gives exit code 1 and its line."""
    file = tmp_path / "d.xml"
    file.write_bytes(domain(NIC + "<controller type='pci' index='30' model='pcie-root-port'/>"))
    peers["test:///new"].change = lambda text: text.replace("bus='0x01'", "bus='0x1e'")
    assert main(["verify", "moves", str(file), *SIDES]) == 1
    assert "only observed: interface 0000:01:00.0 → 0000:1e:00.0" in capsys.readouterr().out


@pytest.mark.live
@pytest.mark.skipif("VIRTKIT_LIBVIRT_BEFORE" not in os.environ, reason="VIRTKIT_LIBVIRT_BEFORE names no libvirtd")
def test_real_libvirts_agree() -> None:
    """Of one plain domain, the same devices move between two real libvirts as predicted."""
    uris = (os.environ[f"VIRTKIT_LIBVIRT_{side}"] for side in ("BEFORE", "AFTER"))
    with connect(next(uris)) as before, connect(next(uris)) as after:
        assert Libvirts(before, after).ask(domain(NIC + DISKS), "d").differences == []
