"""What fuzzing found: each input is now an error of one line, or read."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from fuzzing.attempt import attempt
from fuzzing.packed import archive_mutator, tarred
from fuzzing.properties import given_twice
from fuzzing.targets import TARGETS
from fuzzing.way import go
from virtkit import facts, limits, read, resolve
from virtkit.commands.attach import steps_of
from virtkit.domain.address import UsbAddress
from virtkit.domain.devices import Input
from virtkit.domain.domain import Domain
from virtkit.errors import CapabilityError, GuestError, InputError, Refused, UsageError, VirtkitError
from virtkit.fleet.archives import gather
from virtkit.guests import osinfo
from virtkit.guests.kernel_files import read_kernel
from virtkit.host import Host, domcaps, shipped
from virtkit.host.documents import document_of
from virtkit.hotplug.forms import Names, devices_of
from virtkit.inputs import InMemory, domains_in
from virtkit.policy import document
from virtkit.reporting import parameters
from virtkit.serialization import explanation

GOOD = facts.path("domains/ubuntu24.04-q35.xml").read_bytes()
LINES = b"".join(json.dumps({"xml": GOOD.decode(), "n": number}).encode() + b"\n" for number in range(200))


def results(file: Path) -> tuple[int, list[str]]:
    """How many domains an archive gives, and the messages of what cannot be read."""
    found = [one for source in gather([str(file)]) for _, one in domains_in(source)]
    errors = [str(one) for one in found if isinstance(one, InputError)]
    return len(found) - len(errors), errors


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("data", [GOOD, LINES], ids=["xml", "lines"])
def test_broken_compressed_data_is_one_error(tmp_path: Path, pack: Callable[[bytes], bytes], data: bytes) -> None:
    """Compressed data with wrong bytes, or that end too early, give one error of one line."""
    packed = bytearray(pack(data))
    whole = tmp_path / "whole.bin"
    whole.write_bytes(packed)
    assert results(whole) == (1 if data is GOOD else 200, [])
    for number, broken in enumerate((packed[: len(packed) // 2], packed[:40] + bytes(30) + packed[70:])):
        file = tmp_path / f"broken-{number}.bin"
        file.write_bytes(broken)
        _, errors = results(file)
        assert len(errors) == 1
        assert errors[0].isprintable()


def test_a_broken_member_of_a_zip_archive_is_one_error(tmp_path: Path) -> None:
    """Members that are stored with LZMA and are broken are errors; the others are read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD, zipfile.ZIP_LZMA)
        archive.writestr("b.xml", GOOD)
    data = bytearray(out.getvalue())
    data[60:90] = bytes(30)
    (tmp_path / "a.zip").write_bytes(data)
    count, errors = results(tmp_path / "a.zip")
    assert count == 1
    assert len(errors) == 1
    assert errors[0].startswith(f"{tmp_path}/a.zip!a.xml: cannot be read: ")


@pytest.mark.parametrize(
    "data",
    [b"", b"x" * 600, gzip.compress(b"x" * 600)[:-12], lzma.compress(b"y" * 9000)[:60]],
    ids=["empty", "text", "gzip", "xz"],  # a gzip header has the time, and every worker collects the same names
)
def test_what_is_no_tarball_is_one_line(tmp_path: Path, data: bytes) -> None:
    """An osinfo-db that is no tarball, or a broken one, is an error of one line."""
    (tmp_path / "db.tar").write_bytes(data)
    with pytest.raises(GuestError) as refused:
        osinfo.read(tmp_path / "db.tar")
    assert str(refused.value).startswith(f"{tmp_path}/db.tar: expected a folder or a tarball of an osinfo-db; ")
    assert str(refused.value).isprintable()


def test_a_gzipped_tarball_with_wrong_bytes_is_an_error(tmp_path: Path) -> None:
    """Wrong bytes inside the compressed data are an error as well."""
    data = bytearray(gzip.compress(GOOD * 20))
    data[200:260] = bytes(60)
    (tmp_path / "db.tar.gz").write_bytes(data)
    with pytest.raises(VirtkitError):
        osinfo.read(tmp_path / "db.tar.gz")


def test_a_compressed_zip_archive_that_ends_early_is_one_error(tmp_path: Path) -> None:
    """A zip archive inside gzip is copied first; where the copy fails, the archive is an error."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(range(256)) * 600)
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    assert results(file) == (1, [])
    file.write_bytes(gzip.compress(out.getvalue(), 0)[:140_000])
    _, errors = results(file)
    assert len(errors) == 1
    assert errors[0].startswith(f"{file}: the archive cannot be read: ")


def test_the_copy_of_a_zip_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compressed zip archive that unpacks to more than the limit is refused before it fills the disk."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.xml", GOOD)
        archive.writestr("b.txt", bytes(1 << 20))
    file = tmp_path / "a.zip.gz"
    file.write_bytes(gzip.compress(out.getvalue()))
    monkeypatch.setattr(limits, "ARCHIVE_BYTES", replace(limits.ARCHIVE_BYTES, most=1 << 19))
    _, errors = results(file)
    assert errors == [f"{file}: the archive cannot be read: larger than 512 KiB, the largest size that is accepted; "
                      "the environment variable VIRTKIT_MAX_ARCHIVE_BYTES raises this limit"]  # fmt: skip


@pytest.mark.parametrize("arch", ["a" * 300, "../7.2/s390x", "x/y", "x\u00e9"])
def test_the_name_of_an_architecture_is_no_path(arch: str) -> None:
    """An architecture that looks like no architecture is unknown; no file of that name is looked for."""
    text = f"<domain type='kvm'><os><type arch='{arch}'>hvm</type></os></domain>"
    with pytest.raises(Refused):
        resolve(text)
    assert shipped.load((7, 2), arch) is None


def test_a_message_on_capabilities_is_one_bounded_line() -> None:
    """What a message quotes of a reply or a document is short and printable."""
    number = {"qemu": {"major": list(range(3000)), "minor": 1}, "package": ""}
    for data in (json.dumps({"return": number}).encode(), "<\ufeff>".encode(), b"<a>" * 300):
        with pytest.raises(CapabilityError) as refused:
            document_of(data, "caps")
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 300
        assert "XML_PARSE_HUGE" not in str(refused.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_nested_too_deeply_is_an_error(tmp_path: Path, text: str) -> None:
    """Steps, parameters and JSON lines with endless nesting are an error of one line."""
    for name, read_it in (("s.json", steps_of), ("p.json", lambda file: parameters.read(Path(file)))):
        (tmp_path / name).write_text(text)
        with pytest.raises(UsageError, match=limits.YAML_DEPTH.remedy):
            read_it(str(tmp_path / name))
    (tmp_path / "a.jsonl").write_text('{"xml": ' + text + "}\n" + json.dumps({"xml": GOOD.decode()}))
    count, errors = results(tmp_path / "a.jsonl")
    assert (count, len(errors)) == (1, 1)
    assert limits.YAML_DEPTH.remedy in errors[0]


@pytest.mark.parametrize("text", ["x: &a [*a]", "x: " + "[" * 120 + "]" * 120, "x: " + "[" * 9000], ids=len)
def test_parameters_are_bounded(tmp_path: Path, text: str) -> None:
    """Parameters that contain themselves, or are nested too deeply, are refused."""
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"alias without an anchor|VIRTKIT_MAX_YAML_DEPTH"):
        parameters.read(tmp_path / "p.yaml")


def test_a_command_line_with_too_many_devices_names_the_limit() -> None:
    """The message has the number that is accepted, and the variable that raises it."""
    line = "qemu-system-x86_64 -M q35 " + "-device virtio-rng-pci " * (limits.DEVICES.most + 1)
    with pytest.raises(InputError) as refused:
        read(line.encode())
    assert limits.DEVICES.remedy in str(refused.value)


def _member(name: str, size: int) -> bytes:
    """A Debian package of two members, of which the second is cut off."""
    rows = (("debian-binary", 4, b"2.0\n"), (name, size, b""))
    heads = [f"{one:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{length:<10}`\n".encode() for one, length, _ in rows]
    return b"!<arch>\n" + b"".join(head + data for head, (*_, data) in zip(heads, rows, strict=True))


@pytest.mark.parametrize(
    ("read_it", "data", "quoted"),
    [
        (lambda file: domcaps.read(file.read_bytes(), "caps.xml"), "<a\ufeff/>".encode(), "got <a\\ufeff>"),
        (read_kernel, _member("control\n.tar.xz", 9), "control\\n.tar.xz is cut off"),
        (read_kernel, _member("control.tar.x\vz", 0), "control.tar.x\\x0bz cannot be read"),
        (osinfo.read, "<a><b></b\ufeff></a>".encode(), "b\\ufeff"),
        (parameters.read, b'"a\\ufeff": 1\n"a\\ufeff": 2', "'a\\ufeff' is there twice"),
        (lambda file: document.load(str(file)), b"a: \0", "not allowed\\n"),
        (lambda file: devices_of(file.read_text(), Names()), b"nic:\t", "nic:\\t: expected letters"),
    ],
    ids=["domcaps", "cut off", "no archive", "osinfo-db", "parameters", "policy", "short form"],
)  # fmt: skip
def test_what_a_message_quotes_is_escaped(
    tmp_path: Path, read_it: Callable[[Path], object], data: bytes, quoted: str
) -> None:
    """Control characters, format characters and line breaks of an input are escaped in every message."""
    file = tmp_path / "os" / "x.org" / "x-1.xml" if read_it is osinfo.read else tmp_path / "p.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    with pytest.raises(VirtkitError) as refused:
        read_it(tmp_path if read_it is osinfo.read else file)
    assert quoted in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("error", [VirtkitError, InputError, UsageError, lambda text: Refused("XML error", text)])
def test_a_message_is_bounded(error: Callable[[str], VirtkitError]) -> None:
    """An endless message keeps its beginning and its end, and no secret at the cut."""
    text = str(error("begin " + "x" * 1980 + " https://user:sesame@host/ " + "y" * 9000 + " remedy"))
    assert len(text) == 4000
    assert "begin " in text[:20]
    assert text.endswith("y remedy")
    assert "sesame" not in text


def test_the_name_of_a_member_is_escaped(tmp_path: Path) -> None:
    """The name of a member of an archive stands in messages without control and format characters."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\u202el.xml", b"x")
    _, errors = results(tmp_path / "a.zip")
    assert [one.startswith(f"{tmp_path}/a.zip!\\u202el.xml:1: ") for one in errors] == [True]
    (tmp_path / "a.jsonl").write_text(json.dumps({"m\ufeff": "<domain>", "n": GOOD.decode()}))
    count, errors = results(tmp_path / "a.jsonl")
    assert (count, len(errors)) == (1, 1)
    assert "(m\\ufeff)" in errors[0]


@pytest.mark.parametrize(
    "device",
    [
        "<input type='mouse'>{}</input>", "<sound model='pcspk'>{}</sound>", "<sound model='ac97'>{}</sound>",
        "<rng model='virtio'><backend model='random'/>{}</rng>", "<memballoon model='virtio'>{}</memballoon>",
        "<filesystem><source dir='/a'/><target dir='b'/>{}</filesystem>",
    ],
    ids=["mouse", "pcspk", "ac97", "rng", "balloon", "filesystem"],
)  # fmt: skip
def test_the_usb_port_of_a_device_on_another_bus_is_free(device: str) -> None:
    """A USB address that is written for a device on another bus is kept and not reserved (observed: libvirt 9.0)."""
    written = device.format("<address type='usb' bus='0' port='1'/>")
    keyboards = "<input type='keyboard' bus='usb'/>" * 2
    text = (
        "<domain type='qemu'><os><type arch='x86_64' machine='pc'>hvm</type></os>"
        f"<devices>{written}{keyboards}</devices></domain>"
    )
    found = resolve(text, Host.default("9.0"))
    keyboard, other = (one for one in found.devices if isinstance(one, Input) and one.bus == "usb")
    ports = [one.address.port for one in found.devices if isinstance(one.address, UsbAddress)]
    assert sorted(ports) == [(1,), (1,), (2,)]
    assert given_twice(found) == []
    other.address = keyboard.address
    assert given_twice(found) == [("usb", 0, (1,))]


def test_a_usb_mouse_with_another_address_is_refused_where_libvirt_checks_it() -> None:
    """A mouse that becomes a USB mouse may have a spapr-vio address only where its bus is checked as it is written."""
    text = (
        "<domain type='qemu'><os><type arch='ppc64' machine='pseries'>hvm</type></os>"
        "<devices><input type='mouse'><address type='spapr-vio'/></input></devices></domain>"
    )
    with pytest.raises(Refused, match="Invalid address for a USB device"):
        resolve(text, Host.default("9.0"))
    assert "<input type='mouse' bus='usb'>" in resolve(text, Host.default("12.8")).xml()
    assert attempt(TARGETS["way-domain-xml"], text.encode(), every=True).text == ""


def test_an_assumed_host_is_not_a_device() -> None:
    """Where a host is assumed, the explanation has a row about the domain, and at least one for each device."""
    ((_, domain),) = domains_in(InMemory("in", None, "100.conf", data=b"ostype: win11\n"))
    assert isinstance(domain, Domain)
    assert explanation(resolve(domain))[0]["rule"] == "assumed-host"
    go(domain, 0, every=True)


def test_a_model_that_was_default_is_written() -> None:
    """A USB disk of model "default" gets libvirt's model in its XML, as one without a model does."""
    text = (
        "<domain type='kvm'><os><type>hvm</type></os><devices>"
        "<disk{}><source file='/a'/><target dev='sda' bus='usb'/></disk></devices></domain>"
    )
    written, plain = (resolve(text.format(model)).xml() for model in (" model='default'", ""))
    assert "<disk model='usb-storage'>" in written
    assert written == plain


def test_bare_pci_addresses_stay_where_there_is_no_pci_bus() -> None:
    """On a machine without PCI, addresses without numbers are kept and place nothing (observed: libvirt 9.0)."""
    devices = (
        "<controller type='virtio-serial' index='0'><address type='pci'/></controller>"
        "<vsock model='virtio'><cid auto='yes'/><address type='pci'/></vsock><memballoon model='none'/>"
    )
    os = "<os><type arch='armv7l' machine='vexpress-a15'>hvm</type></os>"
    found = resolve(f"<domain type='qemu'>{os}<devices>{devices}</devices></domain>", Host.default("9.0"))
    assert found.xml().count("<address type='pci'/>") == 2
    assert given_twice(found) == []


def test_an_enormous_member_does_not_stop_the_mutations() -> None:
    """A tar header whose size is beyond every file has no members for the fuzzer, which takes those of the seeds."""
    data = bytearray(tarred([("a.xml", GOOD), ("b.xml", GOOD)]))
    data[124:136] = b"\x80" + b"\xff" * 11
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    mutate = archive_mutator([tarred([("a.xml", GOOD)])], lambda member, random: member)
    assert all(mutate(bytes(data), Random(seed)) for seed in range(20))
