"""What is read is bounded: each limit has a message that names it and the variable that raises it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from virtkit import facts, json_text, limits, read
from virtkit.errors import GuestError, InputError
from virtkit.fleet.json_lines import json_lines
from virtkit.fleet.members import tar_members, zip_members
from virtkit.guests import osinfo
from virtkit.inputs import Source, Unreadable

ROOT = Path(__file__).resolve().parents[2]
GOOD = facts.path("domains/ubuntu24.04-q35.xml").read_text(encoding="utf-8")
#: 1,000 bytes; libxml2 refuses a single text of 10 MB.
COMMENT = f"<!--{' ' * 992}-->\n"
VMI = """apiVersion: kubevirt.io/v1
kind: VirtualMachineInstance
metadata: {name: deep, labels: %s}
spec:
  domain: {devices: {}}
"""


def many_devices(count: int) -> str:
    return GOOD.replace("</devices>", "<hub type='usb'/>" * count + "</devices>")


def long_attribute(length: int) -> str:
    return GOOD.replace("<emulator>", f"<!-- {'x' * 70_000} --><emulator a='{'x' * length}'>")


def nested(levels: int) -> str:
    return VMI % ("[" * levels + "]" * levels)


def aliases(count: int) -> str:
    return VMI % ("[&a [1, 2, 3, 4, 5, 6, 7, 8, 9], " + "*a, " * count + "1]")


#: For each limit a text just beyond it, and one within it.
TEXTS = {
    limits.DEVICES: (many_devices(limits.DEVICES.most + 1), many_devices(8)),
    limits.ATTRIBUTE: (long_attribute(limits.ATTRIBUTE.most + 1), long_attribute(limits.ATTRIBUTE.most)),
    limits.DEPTH: (GOOD.replace("</domain>", "<a>" * 300 + "</a>" * 300 + "</domain>"), GOOD),
    limits.YAML_DEPTH: (nested(limits.YAML_DEPTH.most + 1), nested(50)),
    limits.ALIASED: (aliases(12_000), aliases(5_000)),
    limits.BYTES: (GOOD + COMMENT * 17_000, GOOD + COMMENT),
}


@pytest.mark.slow
@pytest.mark.parametrize("limit", TEXTS, ids=lambda limit: str(limit.what))
def test_an_input_beyond_a_limit_is_refused(limit: limits.Limit) -> None:
    """The message has the file, the number and how to raise the limit; an input within it is read."""
    beyond, within = TEXTS[limit]
    with pytest.raises(InputError) as refused:
        read(beyond.encode(), "a.xml")
    message = str(refused.value)
    assert message.startswith("a.xml:"), message[:100]
    assert limit.size in message
    assert limit.remedy in message
    assert len(message) < 300
    read(within.encode(), "a.xml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("DEVICES", "5000", many_devices(4200)),
        ("ATTRIBUTE", "128K", long_attribute(100_000)),
        ("YAML_DEPTH", "200", nested(150)),
        ("ALIASED", "1M", aliases(12_000)),
        ("BYTES", "20M", GOOD + COMMENT * 17_000),
    ],
)
def test_a_variable_raises_a_limit(variable: str, value: str, text: str, tmp_path: Path) -> None:
    """With the variable that the message names, the same input is read."""
    file = tmp_path / "a.in"
    file.write_text(text)
    code = f"import virtkit; print(virtkit.read({str(file)!r}).name)"
    found = {}
    for name in (f"VIRTKIT_MAX_{variable}", "VIRTKIT_MAX_NOTHING"):
        environment = {**os.environ, name: value}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT)
        found[name] = done.returncode
    assert found == {f"VIRTKIT_MAX_{variable}": 0, "VIRTKIT_MAX_NOTHING": 1}


def test_objects_with_too_many_devices_are_refused_with_their_line() -> None:
    """A machine of KubeVirt that becomes a domain with too many devices is named with its file and its line there."""
    count = limits.DEVICES.most
    disks = "".join(f"      - {{name: d{number}, disk: {{bus: virtio}}}}\n" for number in range(count))
    volumes = "".join(f"  - {{name: d{number}, emptyDisk: {{capacity: 1Gi}}}}\n" for number in range(count))
    head = "# one\n# two\n" + (VMI % "{}").replace("{devices: {}}", "").rstrip()
    with pytest.raises(InputError) as refused:
        read(f"{head}\n    devices:\n      disks:\n{disks}  volumes:\n{volumes}".encode(), "a.yaml")
    assert (refused.value.file, refused.value.line) == ("a.yaml", 3)
    assert limits.DEVICES.remedy in str(refused.value)


@pytest.mark.parametrize(
    ("size", "ends"),
    [(101, "larger than 100 bytes, the largest size that is accepted; {}"), (100, "expected domain XML in one of the")],
)
def test_a_long_line_of_json_is_refused(size: int, ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message on a line beyond the limit has the number and the variable, and the next line is read."""
    monkeypatch.setattr(limits, "LINE_BYTES", limits.Limit(100, "bytes of one line", "VIRTKIT_MAX_BYTES"))
    line = '{"a": "' + "x" * (size - 10) + '"}\n'
    first, second = json_lines(io.BytesIO((line + '{"xml": "<domain/>"}\n').encode()), "a.jsonl")
    assert isinstance(first, Unreadable)
    assert first.reason.startswith(ends.format(limits.LINE_BYTES.remedy))
    assert not isinstance(second, Unreadable)


def test_other_files_of_an_archive_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message on an archive with too many other files has the number and the variable."""
    monkeypatch.setattr(limits, "OTHER_BYTES", limits.Limit(2048, limits.OTHER_BYTES.what, "VIRTKIT_MAX_OTHER_BYTES"))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for _ in range(4):
            member = tarfile.TarInfo("a.bin")
            member.size = 1000
            archive.addfile(member, io.BytesIO(bytes(1000)))
    (found,) = tar_members(io.BytesIO(out.getvalue()), "a.tar")
    assert isinstance(found, Unreadable)
    assert found.reason.endswith(f"more than 2 KiB of other files; {limits.OTHER_BYTES.remedy}")


@pytest.mark.parametrize("name", ["OSINFO_BYTES", "BYTES"])
def test_an_osinfo_db_is_bounded(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database, or a file in it, that is too large is refused with the number and the variable."""
    small = limits.Limit(1 << 10, getattr(limits, name).what, f"VIRTKIT_MAX_{name}")
    monkeypatch.setattr(limits, name, small)
    (tmp_path / "db" / "os").mkdir(parents=True)
    (tmp_path / "db" / "os" / "a.xml").write_text(f"<libosinfo>{' ' * 2000}</libosinfo>")
    with tarfile.open(tmp_path / "db.tar", "w") as archive:
        archive.add(tmp_path / "db" / "os" / "a.xml", "osinfo-db/os/a.xml")
    for place in ("db.tar", "db") if name == "BYTES" else ("db.tar",):
        with pytest.raises(GuestError, match=f"1 KiB.*{small.remedy}"):
            osinfo.read(tmp_path / place)


@pytest.mark.parametrize(
    ("text", "levels"), [("[" * 100 + "]" * 100, 100), ('{"a": ' * 100 + "1" + "}" * 100, 100), ("[]", 1), ("1", 0)]
)
def test_json_has_a_limit_of_levels(text: str, levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON with as many levels as the limit is read, and with one more it is refused."""
    json_text.value(text)
    if levels:
        monkeypatch.setattr(limits, "YAML_DEPTH", replace(limits.YAML_DEPTH, most=levels - 1))
        with pytest.raises(json_text.TooDeep, match=f"more than {levels - 1} levels of YAML or JSON; the environment"):
            json_text.value(text)


def test_a_variable_without_a_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable is set to something that is no number, the message says that the value is ignored."""
    plain = limits.BYTES.remedy
    for text, ignored in (("64MB", True), ("many", True), ("64M", False), ("", False)):
        monkeypatch.setenv("VIRTKIT_MAX_BYTES", text)
        assert limits.BYTES.remedy.startswith(plain)
        assert (f"its value '{text}' is ignored, expected a number such as 100, 64K" in limits.BYTES.remedy) is ignored


def test_a_value_that_is_no_number_keeps_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable counts only as digits with K, M, G or T; the highest value that is possible is not exceeded."""
    found = {}
    for text in ("many", "-1", "1.5G", "0", "", "2K", "3", "900"):
        monkeypatch.setenv("VIRTKIT_MAX_X", text)
        found[text] = limits._limit(100, "levels", "X", 500).most
    assert found == {"many": 100, "-1": 100, "1.5G": 100, "0": 100, "": 100, "2K": 500, "3": 3, "900": 500}


def tar(count: int, size: int) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.xml")
            member.size = size
            archive.addfile(member, io.BytesIO(b" " * size))
    return io.BytesIO(out.getvalue())


def packed(count: int, size: int) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(count):
            archive.writestr(f"{number}.xml", b" " * size)
    return io.BytesIO(out.getvalue())


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("name", ["ARCHIVE_MEMBERS", "ARCHIVE_BYTES"])
def test_an_archive_ends_at_its_limits(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members up to the limit are read; then one error names the limit, and nothing more is unpacked."""
    small = limits.Limit(3 if name == "ARCHIVE_MEMBERS" else 3000, getattr(limits, name).what, f"VIRTKIT_MAX_{name}")
    monkeypatch.setattr(limits, name, small)
    archive = tar(6, 1000) if kind == "tar" else packed(6, 1000)
    found: list[Source] = list((tar_members if kind == "tar" else zip_members)(archive, "a"))
    assert len(found) == 4
    assert isinstance(found[-1], Unreadable)
    assert small.remedy in found[-1].reason
    assert small.size in found[-1].reason


def test_the_page_lists_every_limit() -> None:
    """docs/inputs.md has each limit with its number and variable, and no other."""
    page = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (?:`(VIRTKIT_MAX_\w+)`|fixed) \|$", page, re.M)
    assert rows == [(limit.what, limit.size, limit.variable) for limit in limits.LIMITS]
