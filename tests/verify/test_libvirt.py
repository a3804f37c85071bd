"""The comparison with a libvirtd, played by a stand-in; a real one is asked where VIRTKIT_LIBVIRT_URI names it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree

from tests.writing import OLD
from virtkit import read, resolve
from virtkit.commands import verify
from virtkit.errors import InputError, VerifyError
from virtkit.host import Host
from virtkit.verify.libvirt import connect

DOMAIN = b"""<domain type='qemu'><name>mine</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><emulator>/usr/local/bin/qemu</emulator>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>"""


class libvirtError(Exception):  # noqa: N801 - the name libvirt-python gives it
    """What the stand-in raises."""


class FakeDomain:
    """A defined domain."""

    def __init__(self, connection: FakeConnection, text: str) -> None:
        self.connection, self.text = connection, text

    def name(self) -> str:
        return etree.fromstring(self.text).findtext("name") or ""

    def isActive(self) -> bool:  # noqa: N802
        return False

    def XMLDesc(self, _flags: int) -> str:  # noqa: N802
        if self.connection.interrupt:
            raise KeyboardInterrupt
        return self.connection.answer(self.text)

    def undefineFlags(self, _flags: int) -> None:  # noqa: N802
        self.connection.defined.remove(self)


class FakeConnection:
    """A libvirtd that answers as virtkit would, or otherwise on request."""

    def __init__(self) -> None:
        self.defined: list[FakeDomain] = []
        self.refusal = ""
        self.change: tuple[str, str] | None = None
        self.interrupt = self.gone = self.closed = False

    def answer(self, text: str) -> str:
        found = resolve(read(text.encode()), host=Host.default(OLD)).xml()
        return found.replace(*self.change) if self.change else found

    def defineXML(self, text: str) -> FakeDomain:  # noqa: N802
        if self.refusal:
            raise libvirtError(self.refusal)
        assert "<emulator>" not in text
        domain = FakeDomain(self, text)
        self.defined.append(domain)
        return domain

    def isAlive(self) -> bool:  # noqa: N802
        return not self.gone

    def getLibVersion(self) -> int:  # noqa: N802
        return 9_000_000

    def getVersion(self) -> int:  # noqa: N802
        return 7_002_022

    def listAllDomains(self, _flags: int) -> list[FakeDomain]:  # noqa: N802
        return list(self.defined)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnection]:
    """libvirt-python with one stand-in connection."""
    connection = FakeConnection()
    module = ModuleType("libvirt")
    module.__dict__.update(
        libvirtError=libvirtError,
        open=lambda _uri: connection,
        registerErrorHandler=lambda _function, _context: None,
        VIR_DOMAIN_XML_INACTIVE=2,
        VIR_DOMAIN_UNDEFINE_NVRAM=4,
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE=1,
    )
    monkeypatch.setitem(sys.modules, "libvirt", module)
    yield connection
    assert connection.closed
    assert connection.defined == []


def test_agreement(peer: FakeConnection) -> None:
    """The releases are the peer's; nothing stays defined, and the name is not the domain's own."""
    with connect() as libvirt:
        assert (libvirt.host.libvirt, libvirt.host.qemu) == ((9, 0), (7, 2))
        outcome = libvirt.ask(DOMAIN, "mine.xml")
    assert outcome.agrees
    assert outcome.observed is not None
    assert "<name>virtkit-verify-" in outcome.observed


def test_a_difference_is_found(peer: FakeConnection) -> None:
    """And says what was predicted and what observed."""
    peer.change = ("model='qemu-xhci'", "model='nec-xhci'")
    with connect() as libvirt:
        outcome = libvirt.ask(DOMAIN, "mine.xml")
    assert [str(one) for one in outcome.differences] == [
        "controller usb 0: model: predicted qemu-xhci, observed nec-xhci"
    ]


def test_both_refuse_is_agreement_and_one_alone_is_not(peer: FakeConnection) -> None:
    """The texts are kept either way."""
    peer.refusal = "unsupported configuration: no"
    with connect() as libvirt:
        alone = libvirt.ask(DOMAIN, "mine.xml")
        both = libvirt.ask(DOMAIN.replace(b"'virtio'", b"'nonsense'"), "mine.xml")
    assert [one.aspect for one in alone.differences] == ["verdict"]
    assert both.agrees
    assert "nonsense" in both.our_refusal


def test_a_crash_of_ours_is_a_finding(peer: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other domains are still asked."""

    def broken(*_words: object, **_named: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("virtkit.verify.libvirt.resolve", broken)
    with connect() as libvirt:
        outcome = libvirt.ask(DOMAIN, "mine.xml")
    assert [one.aspect for one in outcome.differences] == ["crash"]
    assert "ZeroDivisionError: oops" in outcome.crash


def test_an_interruption_while_the_binding_waits(peer: FakeConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """libvirt-python wraps it in a SystemError; it stays an interruption, and nothing stays defined."""
    define = peer.defineXML

    def interrupted(text: str) -> FakeDomain:
        define(text)
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    monkeypatch.setattr(peer, "defineXML", interrupted)
    with pytest.raises(KeyboardInterrupt), connect() as libvirt:
        libvirt.ask(DOMAIN, "d")
    assert peer.defined == []


def test_an_interruption_leaves_nothing_defined(peer: FakeConnection) -> None:
    """Ctrl-C between define and undefine."""
    peer.interrupt = True
    with pytest.raises(KeyboardInterrupt), connect() as libvirt:
        libvirt.ask(DOMAIN, "mine.xml")


def test_a_peer_that_goes_away(peer: FakeConnection) -> None:
    """Is an error, not a refusal."""
    peer.refusal, peer.gone = "broken pipe", True
    with connect() as libvirt, pytest.raises(VerifyError, match="closed the connection"):
        libvirt.ask(DOMAIN, "mine.xml")


def test_what_is_no_domain(peer: FakeConnection) -> None:
    """The message has the name and the line."""
    with connect() as libvirt, pytest.raises(InputError, match=r"mine\.xml:1"):
        libvirt.ask(b"<domain", "mine.xml")


def test_the_command_keeps_what_differs(
    peer: FakeConnection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Input, both results and the list of differences; exit code 1."""
    peer.change = ("model='qemu-xhci'", "model='nec-xhci'")
    source = tmp_path / "mine.in.xml"
    source.write_bytes(DOMAIN)
    parser = argparse.ArgumentParser()
    verify.register(parser.add_subparsers())
    args = parser.parse_args(["verify", "libvirt", str(source), "-o", str(tmp_path / "out")])
    assert args.run(args) == 1
    assert "libvirt 9.0: 1 domain compared (0 refused by libvirt), 1 not as predicted" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "mine.diff",
        "mine.in.xml",
        "mine.observed.xml",
        "mine.predicted.xml",
    ]


@pytest.mark.live
@pytest.mark.skipif("VIRTKIT_LIBVIRT_URI" not in os.environ, reason="VIRTKIT_LIBVIRT_URI names no libvirtd")
def test_a_real_libvirtd_agrees() -> None:
    """On one plain domain."""
    with connect(os.environ["VIRTKIT_LIBVIRT_URI"]) as libvirt:
        assert libvirt.ask(DOMAIN, "mine.xml").differences == ()
