"""A running libvirt as input: a stand-in for its binding, libvirt's own test driver, and a real libvirtd if named."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import virtkit as vk
from virtkit.cli import main
from virtkit.commands.report_live import saved
from virtkit.connection.live import Live, connect
from virtkit.connection.uri import is_uri
from virtkit.errors import CapabilityError, InputError, VerifyError
from virtkit.host import Host

URI = "qemu+ssh://root@host.example/system"
DEFINED = """<domain type='qemu'><name>{0}</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='{1}'>hvm</type></os>
  <devices>{2}<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>"""
NIC = "<interface type='user'><model type='virtio'/></interface>"
CAPABILITIES = """<capabilities><guest><os_type>hvm</os_type><arch name='x86_64'>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  <machine maxCpus='255'>pc-q35-7.2</machine><machine canonical='pc-q35-7.2' maxCpus='255'>q35</machine>
  <machine maxCpus='255'>pc-q35-vendor</machine>
  <domain type='qemu'/></arch></guest></capabilities>"""
WITHOUT_QXL = """<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path><domain>qemu</domain>
  <machine>pc-q35-7.2</machine><arch>x86_64</arch><devices>
  <video supported='yes'><enum name='modelType'><value>vga</value><value>virtio</value></enum></video>
  </devices></domainCapabilities>"""


class libvirtError(Exception):  # noqa: N801 - the name that libvirt-python gives it
    """What the stand-in raises."""


class FakeDomain:
    """A domain with a definition and, if it runs, a state."""

    def __init__(self, name: str, defined: str, state: str = "") -> None:
        self._name, self._defined, self._state = name, defined, state
        self.gone = False

    def name(self) -> str:
        return self._name

    def isActive(self) -> bool:  # noqa: N802
        return bool(self._state)

    def XMLDesc(self, flags: int) -> str:  # noqa: N802
        if self.gone:
            raise libvirtError("Domain not found")
        return self._defined if flags == FakeModule.VIR_DOMAIN_XML_INACTIVE else self._state


class FakeConnection:
    """A libvirtd with one domain that is defined and one that runs with a NIC that its definition lacks."""

    def __init__(self) -> None:
        self.driver, self.libvirt, self.qemu = "QEMU", 9_000_000, 7_002_022
        self.domains = [
            FakeDomain("web", DEFINED.format("web", "q35", ""), DEFINED.format("web", "q35", NIC)),
            FakeDomain("db", DEFINED.format("db", "pc-q35-vendor", "")),
        ]

    def close(self) -> int:
        return 0

    def getType(self) -> str:  # noqa: N802
        return self.driver

    def getLibVersion(self) -> int:  # noqa: N802
        return self.libvirt

    def getVersion(self) -> int:  # noqa: N802
        return self.qemu

    def getCapabilities(self) -> str:  # noqa: N802
        return CAPABILITIES

    def getDomainCapabilities(self, *_arguments: object) -> str:  # noqa: N802
        return WITHOUT_QXL

    def listAllDomains(self, flags: int) -> list[FakeDomain]:  # noqa: N802
        return [one for one in self.domains if not flags or one.isActive()]

    def lookupByName(self, name: str) -> FakeDomain:  # noqa: N802
        found = [one for one in self.domains if one.name() == name]
        if not found:
            raise libvirtError(f"Domain not found: {name}")
        return found[0]

    def lookupByUUIDString(self, _uuid: str) -> FakeDomain:  # noqa: N802
        raise libvirtError("invalid UUID")


class FakeModule(ModuleType):
    """The part of libvirt-python that a connection uses; opening for writing is an error."""

    VIR_DOMAIN_XML_INACTIVE = 2
    VIR_CONNECT_LIST_DOMAINS_ACTIVE = 1
    libvirtError = libvirtError  # noqa: N815

    def __init__(self, peer: FakeConnection) -> None:
        super().__init__("libvirt")
        self.peer, self.refusal = peer, ""
        self.opened: list[str] = []

    def registerErrorHandler(self, _handler: object, _context: object) -> None:  # noqa: N802
        """Nothing to silence."""

    def openReadOnly(self, uri: str) -> FakeConnection:  # noqa: N802
        if self.refusal:
            raise libvirtError(self.refusal)
        self.opened.append(uri)
        return self.peer


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnection]:
    """A stand-in for the binding and the libvirtd behind it."""
    found = FakeConnection()
    monkeypatch.setitem(sys.modules, "libvirt", FakeModule(found))
    connect.cache_clear()
    yield found
    connect.cache_clear()


def module() -> FakeModule:
    """The stand-in for libvirt-python."""
    found = sys.modules["libvirt"]
    assert isinstance(found, FakeModule)
    return found


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("qemu:///system", True),
        ("qemu+ssh://root@host/system", True),
        ("qemu+unix:///system?socket=/run/s", True),
        ("guest.xml", False),
        ("/etc/libvirt/qemu", False),
        ("qemu:guest.xml", False),
        ("-", False),
    ],
)
def test_a_uri_is_told_from_a_file(text: str, known: bool) -> None:
    """A text is a connection when it begins with a driver, an optional transport and ://."""
    assert is_uri(text) is known


def test_the_persistent_definitions_are_read(peer: FakeConnection) -> None:
    """All domains are given by name, as they are defined, over one read-only connection."""
    found = {source.name: source.read().decode() for source in connect(URI).sources()}
    assert list(found) == ["db", "web"]
    assert "<interface" not in found["web"]
    assert connect(URI).host() is connect(URI).host()
    assert module().opened == [URI]


def test_running_domains_are_read_as_they_are(peer: FakeConnection) -> None:
    """With ``running`` only the domains that run are given, as they are now; a named one that does not run fails."""
    (web,) = connect(URI).sources(running=True)
    assert "<interface" in web.read().decode()
    (db,) = connect(URI).sources(["db"], running=True)
    with pytest.raises(InputError, match="does not run; leave out --live"):
        db.read()


def test_a_domain_that_is_gone_does_not_stop_the_others(peer: FakeConnection) -> None:
    """An unknown name and a domain that vanished give sources whose reading fails; the others are read."""
    peer.domains[1].gone = True
    web, db, none = connect(URI).sources(["web", "db", "nothing"])
    assert web.read()
    for source, text in ((db, "libvirt does not give its XML"), (none, "there is no domain 'nothing'")):
        with pytest.raises(InputError, match=text):
            source.read()


def test_a_libvirt_without_domains_is_an_error(peer: FakeConnection) -> None:
    """No domain at all gives one source that says so."""
    peer.domains.clear()
    (source,) = connect(URI).sources()
    with pytest.raises(InputError, match="no domain is defined there"):
        source.read()


def test_the_host_is_that_of_the_connection(peer: FakeConnection) -> None:
    """Releases and machine types are those of the connection; devices are the shipped ones less those it lacks."""
    host = connect(URI).host()
    assert (host.libvirt, host.qemu, host.fixed) == ((9, 0), (7, 2), True)
    emulator, shipped = host.emulator("x86_64"), Host.default("9.0").emulator("x86_64")
    assert emulator is not None
    assert shipped is not None
    assert emulator.names == ("pc-q35-7.2", "pc-q35-vendor")
    assert (emulator.has("qxl"), shipped.has("qxl")) == (False, True)
    assert emulator.devices == shipped.devices - emulator.absent
    assert emulator.complete


def test_an_unknown_qemu_release_has_only_what_its_documents_state(peer: FakeConnection) -> None:
    """For a QEMU release without shipped facts, a device that the documents do not mention is unknown."""
    peer.libvirt, peer.qemu = 10_000_000, 8_002_000
    host = connect(URI).host()
    emulator = host.emulator("x86_64")
    assert emulator is not None
    assert (host.libvirt, emulator.release) == ((10, 0), (8, 2))
    assert (emulator.has("virtio-rng-pci"), emulator.has("qxl")) == (None, False)


def test_another_driver_has_no_host(peer: FakeConnection) -> None:
    """The host of a driver other than QEMU's is an error that names the driver."""
    peer.driver = "Xen"
    with pytest.raises(CapabilityError, match="expected a connection to libvirt's QEMU driver, got Xen"):
        connect(URI).host()


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory", "start libvirt"),
        ("authentication unavailable: no polkit agent", "add your user to the group libvirt"),
        ("Cannot recv data: Host key verification failed.", "check that ssh reaches the host"),
        ("no connection driver available for quemu:///system", "write a URI such as qemu:///system"),
        ("something else", f"virsh -c {URI} version"),
    ],
)
def test_a_failed_connection_names_uri_reason_and_remedy(peer: FakeConnection, reason: str, remedy: str) -> None:
    """The error of a connection that fails names the URI, libvirt's reason and what helps."""
    module().refusal = reason
    with pytest.raises(VerifyError) as caught:
        connect(URI)
    assert all(part in str(caught.value) for part in (URI, reason, remedy))


def test_a_missing_binding_names_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without libvirt-python the command names the extra that brings it."""
    monkeypatch.setitem(sys.modules, "libvirt", None)
    connect.cache_clear()
    assert main(["check", "qemu:///system"]) == 1
    assert "pip install 'virtkit[verify]'" in capsys.readouterr().err


def test_commands_take_a_connection_as_input(peer: FakeConnection, tmp_path: Path) -> None:
    """resolve writes one file for each domain, resolved for the host of the connection."""
    assert main(["resolve", URI, "-o", str(tmp_path)]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["db.xml", "web.xml"]
    assert vk.read(tmp_path / "db.xml").machine == "pc-q35-vendor"
    assert main(["resolve", "--connect", URI, "web", "-o", str(tmp_path / "one.xml")]) == 0
    assert main(["resolve", "web", "--connect", URI, "--live", "-o", str(tmp_path / "live.xml")]) == 0
    both = [(tmp_path / name).read_text(encoding="utf-8") for name in ("one.xml", "live.xml")]
    assert ["<interface" in text for text in both] == [False, True]


def test_a_named_host_wins(peer: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    """--libvirt resolves the domains of a connection for another release; its own machine types are then unknown."""
    assert main(["topology", URI, "--domain", "web", "--libvirt", "12.8"]) == 0
    assert "pc-q35-11.1" in capsys.readouterr().out
    assert main(["topology", URI, "--domain", "db", "--libvirt", "12.8"]) == 1
    assert "does not support machine type 'pc-q35-vendor'" in capsys.readouterr().err


def test_one_domain_is_chosen_by_name(peer: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    """A command about one domain takes --domain NAME or --connect URI NAME, and lists the names otherwise."""
    assert main(["topology", URI]) == 2
    assert "expected one domain, got 2; name one with --domain: db, web" in capsys.readouterr().err
    assert main(["topology", "--connect", URI, "web"]) == main(["topology", URI, "--domain", "web"]) == 0
    assert main(["topology", "--connect", URI, "nothing"]) == 1
    assert "there is no domain 'nothing'" in capsys.readouterr().err


def test_attach_uses_the_running_state(peer: FakeConnection, capsys: pytest.CaptureFixture[str]) -> None:
    """attach to a domain of a connection finds one place on the running domain, and another in its definition."""
    assert main(["attach", URI, "--domain", "web", "rng", "--format", "json"]) == 0
    (step,) = json.loads(capsys.readouterr().out)["steps"]
    assert step["live"] != step["config"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "--connect", "web"], "expected a libvirt URI such as qemu:///system, then domain names"),
        (["check", URI, "qemu:///session"], "expected one libvirt connection"),
    ],
)
def test_wrong_uses_of_a_connection(
    peer: FakeConnection, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--connect needs a URI first, and only one connection is taken."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_an_input_is_still_required(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file and without --connect the command asks for an input."""
    with pytest.raises(SystemExit) as leaving:
        main(["check"])
    assert leaving.value.code == 2
    assert "required: IN" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("libvirt") is None, reason="libvirt-python is not installed")
def test_libvirts_test_driver_is_read() -> None:
    """The domain of libvirt's test driver is read, and its driver is not taken for QEMU's."""
    connect.cache_clear()
    (source,) = connect("test:///default").sources(["test"])
    assert vk.read(source.read()).name == "test"
    with pytest.raises(CapabilityError, match="got TEST"):
        connect("test:///default").host()


@pytest.mark.live
@pytest.mark.skipif("VIRTKIT_LIBVIRT_URI" not in os.environ, reason="VIRTKIT_LIBVIRT_URI names no libvirtd")
def test_a_real_host_resolves_what_it_stored() -> None:
    """A definition that a real libvirtd stored is resolved to itself, for the host of that connection."""
    import libvirt

    uri = os.environ["VIRTKIT_LIBVIRT_URI"]
    name = f"virtkit-test-{os.getpid():x}"
    writing = libvirt.open(uri)
    domain = writing.defineXML(DEFINED.format(name, "q35", NIC))
    try:
        live: Live = connect(uri)
        (source,) = live.sources([name])
        stored = vk.read(source.read())
        assert vk.resolve(stored, live.host()).xml() == stored.document.text
    finally:
        domain.undefine()
        writing.close()


def test_a_report_takes_a_connection(peer: FakeConnection, tmp_path: Path) -> None:
    """The definitions and capabilities of a connection are written beside the runs, for its own host."""
    given, unread = saved(URI, tmp_path)
    assert (given["libvirt"], unread) == ("9.0", {})
    assert sorted(path.name for path in Path(given["domains"]).iterdir()) == ["db.xml", "web.xml"]
    emulator = Host.named(given["qemu"], given["libvirt"]).emulator("x86_64")
    assert emulator is not None
    assert emulator.machine("pc-q35-vendor") is not None
    peer.domains[0].gone = True
    _, unread = saved(URI, tmp_path)
    assert list(unread) == [f"{URI} (web)"]
    assert not (Path(given["domains"]) / "web.xml").exists()


def test_running_domains_of_a_report_are_as_they_are(peer: FakeConnection, tmp_path: Path) -> None:
    """With --live only the domains that run are written, as they are now."""
    given, _ = saved(URI, tmp_path, running=True)
    (file,) = Path(given["domains"]).iterdir()
    assert "<interface" in file.read_text(encoding="utf-8")


def test_live_without_a_connection_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """report --live needs a libvirt URI, and the message says so."""
    assert main(["report", "--live"]) == 2
    assert "--live: expected --domains with a libvirt URI" in capsys.readouterr().err
