"""Inputs of many domains: archives, compressed files, JSON lines and standard input give the same domains."""

from __future__ import annotations

import gzip
import io
import json
import logging
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.writing import domain
from virtkit.domain.document import MAX_BYTES
from virtkit.errors import InputError
from virtkit.fleet.archives import gather
from virtkit.fleet.members import tar_members
from virtkit.inputs import Source
from virtkit.limits import BYTES

NAMES = ("a", "b", "c")
GOOD = {name: domain(f"<disk type='file'><source file='/{name}'/><target dev='vda'/></disk>") for name in NAMES}


def tar(compression: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}") as archive:  # type: ignore[call-overload]
        for name, data in GOOD.items():
            member = tarfile.TarInfo(f"deep/{name}.xml")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        other = tarfile.TarInfo("README")
        archive.addfile(other)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in GOOD.items():
            archive.writestr(f"deep/{name}.xml", data)
        archive.writestr("README", "no domain")
    return out.getvalue()


def lines() -> bytes:
    return b"".join(json.dumps({"name": name, "xml": data.decode()}).encode() + b"\n" for name, data in GOOD.items())


def zstd(data: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    # Two frames, as programs write that compress in parallel.
    half = len(data) // 2
    frames = (pyarrow.compress(part, codec="zstd", asbytes=True) for part in (data[:half], data[half:]))
    return b"".join(frames)


FORMS: dict[str, Callable[[], bytes]] = {
    "all.tar": tar,
    "all.tar.gz": lambda: tar("gz"),
    "all.tar.bz2": lambda: tar("bz2"),
    "all.tar.xz": lambda: tar("xz"),
    "all.tar.zst": lambda: zstd(tar()),
    "all.zip": zipped,
    "all.jsonl": lines,
    "all.jsonl.gz": lambda: gzip.compress(lines()),
    "all.jsonl.zst": lambda: zstd(lines()),
}


def content(found: list[Source]) -> dict[str, bytes]:
    return {source.name: source.read() for source in found}


def reasons(found: list[Source]) -> list[str]:
    """The errors of the sources that cannot be read."""
    result = []
    for source in found:
        try:
            source.read()
        except InputError as problem:
            result.append(str(problem))
    return result


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_domains(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file, as a match of a pattern and from standard input; each domain is named by its member or line."""
    file = tmp_path / form
    file.write_bytes(FORMS[form]())
    assert content(list(gather([str(file)]))) == GOOD
    assert content(list(gather([str(tmp_path / "all*")]))) == GOOD
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    found = list(gather(["-"]))
    assert content(found) == GOOD
    first = "standard input!1" if "jsonl" in form else "standard input!deep/a.xml"
    assert found[0].label == first


def test_one_compressed_file_is_one_input(tmp_path: Path) -> None:
    """A compressed domain is read as it is; its name is that of the file without both endings."""
    file = tmp_path / "guest.xml.gz"
    file.write_bytes(gzip.compress(GOOD["a"]))
    assert content(list(gather([str(file)]))) == {"guest": GOOD["a"]}


def test_forms_of_json_lines(tmp_path: Path) -> None:
    """XML may be anywhere in an object, be the whole line, or be several; a KubeVirt object is a domain too."""
    text = GOOD["a"].decode()
    some: list[object] = [
        {"_source": {"libvirt": [{"xml": text}]}, "id": "deep/one"},
        text,
        {"live": text, "inactive": text},
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachine", "metadata": {"name": "vm"}},
    ]
    file = tmp_path / "some.jsonl"
    file.write_text("\n\n".join(json.dumps(one) for one in some))
    found = list(gather([str(file)]))
    assert [source.name for source in found] == ["deep_one", "some-3", "some-5", "some-5", "vm"]
    assert [source.label.partition("!")[2] for source in found] == ["1", "3", "5 (live)", "5 (inactive)", "7"]
    assert b"VirtualMachine" in found[4].read()


def test_broken_json_lines_do_not_stop_the_others(tmp_path: Path) -> None:
    """Text that is not JSON and objects without a domain are errors with their line."""
    file = tmp_path / "some.jsonl"
    file.write_bytes(b"{oops\n" + b'{"a": 1}\n' + b"[" * 5000 + b"\n" + lines())
    found = list(gather([str(file)]))
    assert [reason.partition(": ")[0].rpartition("!")[2] for reason in reasons(found)] == ["1", "2", "3"]
    assert "expected one JSON value, got text that is not JSON" in reasons(found)[0]
    assert "expected domain XML in one of the strings, or a KubeVirt object" in reasons(found)[1]
    assert content(found[3:]) == GOOD


def test_a_pretty_printed_list_is_no_json_lines(tmp_path: Path) -> None:
    """The output of kubectl in JSON is one input."""
    file = tmp_path / "list.json"
    file.write_text('{\n    "apiVersion": "v1",\n    "items": [],\n    "kind": "List"\n}\n')
    (found,) = gather([str(file)])
    assert found.label == str(file)


@pytest.mark.parametrize("name", ["empty.zip", "empty.tar", "empty.tar.gz"])
def test_an_empty_file_with_the_name_of_an_archive(tmp_path: Path, name: str) -> None:
    """The message for a file without a byte says that an archive is expected."""
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    (found,) = gather([str(tmp_path / name)])
    with pytest.raises(InputError, match="archive cannot be read"):
        found.read()


@pytest.mark.parametrize("form", ["all.tar.gz", "all.tar.zst", "all.jsonl.zst", "all.zip"])
def test_a_truncated_stream_is_reported(form: str, tmp_path: Path) -> None:
    """What is left of an archive is read, and a message says that the rest cannot be read."""
    file = tmp_path / form
    data = FORMS[form]()
    file.write_bytes(data[: len(data) - len(data) // 4])
    (reason,) = reasons(list(gather([str(file)])))
    assert "cannot be read" in reason


def test_a_zip_bomb_costs_no_memory(tmp_path: Path) -> None:
    """Of a member that is larger than a domain may be, no more than that size is decompressed."""
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("huge.xml", b" " * (MAX_BYTES + 1))
        archive.writestr("a.xml", GOOD["a"])
    found = list(gather([str(file)]))
    assert content(found[1:]) == {"a": GOOD["a"]}
    assert reasons(found) == [f"{file}!huge.xml: {BYTES.too_large}"]


def test_a_huge_header_ends_a_tar_archive() -> None:
    """A name of many megabytes is not read into memory."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 1 << 30
    found = list(tar_members(io.BytesIO(header.tobuf(tarfile.USTAR_FORMAT)), "bomb.tar"))
    (reason,) = reasons(found)
    assert "an extended header is larger than 1 MiB" in reason


def test_an_empty_archive_is_reported(tmp_path: Path) -> None:
    """An archive without a domain file says which files it should have."""
    file = tmp_path / "empty.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("README", "")
    (reason,) = reasons(list(gather([str(file)])))
    assert "the archive has no *.xml" in reason


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """What is logged; a command that ran earlier in this process sends it to standard error alone."""
    monkeypatch.setattr(logging.getLogger("virtkit"), "propagate", True)
    caplog.set_level(logging.WARNING, "virtkit")
    return caplog


@pytest.mark.parametrize("name", ["some.tar", "some.tar.gz", "some.tgz", "some.zip", "some.jsonl", "some.ndjson.zst"])
def test_archives_below_a_folder_are_named(name: str, tmp_path: Path, logged: pytest.LogCaptureFixture) -> None:
    """A folder gives its domain files; a warning says which archives and JSON lines it has besides."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.xml").write_bytes(GOOD["a"])
    (tmp_path / "deep" / name).write_bytes(b"")
    assert [source.name for source in gather([str(tmp_path)])] == ["a"]
    (found,) = logged.messages
    assert found.startswith(f"{tmp_path}: 1 archive or file of JSON lines is not read ({name}); name them")


def test_archives_in_an_archive_are_named(logged: pytest.LogCaptureFixture) -> None:
    """The members of an archive inside an archive are not read, and one warning says so."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("one.tar.gz", "two.zip"):
            archive.addfile(tarfile.TarInfo(name))
        member = tarfile.TarInfo("a.xml")
        member.size = len(GOOD["a"])
        archive.addfile(member, io.BytesIO(GOOD["a"]))
    assert [source.name for source in tar_members(io.BytesIO(out.getvalue()), "out.tar")] == ["a"]
    assert logged.messages == [
        "out.tar: archives inside are not read, such as one.tar.gz; extract them and name them"
    ]
