"""The same answers as libosinfo itself, asked through its introspection API."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import HANGING
from virtkit.guests import KINDS, Guest, catalogue, kinds, osinfo

PYTHON = Path("/usr/bin/python3")
SYSTEM = Path("/usr/share/osinfo")

# Every fact that the reader also gives, for every OS, as libosinfo resolves it.
ASK = """
import json, sys
import gi
gi.require_version("Libosinfo", "1.0")
from gi.repository import Libosinfo
loader = Libosinfo.Loader.new()
loader.process_default_path()
found = {}
systems = loader.get_db().get_os_list()
for index in range(systems.get_length()):
    system = systems.get_nth(index)
    devices = system.get_all_devices(None)
    found[system.get_id()] = {
        "id": system.get_short_id(),
        "name": system.get_name(),
        "version": system.get_version() or "",
        "vendor": system.get_vendor() or "",
        "family": system.get_family() or "",
        "distro": system.get_distro() or "",
        "release": system.get_release_date_string() or "",
        "eol": system.get_eol_date_string() or "",
        "status": system.get_release_status().value_nick,
        "devices": sorted(devices.get_nth(n).get_id() for n in range(devices.get_length())),
    }
json.dump(found, sys.stdout)
"""


@cache
def _libosinfo(folder: str, local: str = "") -> dict[str, Any]:
    """libosinfo's answers for the database in ``folder``, or a skip where it is not installed."""
    if not PYTHON.exists():
        pytest.skip("no /usr/bin/python3")
    environment = {
        **os.environ,
        "OSINFO_SYSTEM_DIR": folder,
        "OSINFO_LOCAL_DIR": local or "/nonexistent",
        "OSINFO_USER_DIR": "/nonexistent",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [str(PYTHON), "-I", "-c", ASK],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGING,
    )
    if done.returncode:
        pytest.skip("gir1.2-libosinfo-1.0 or python3-gi is not installed")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _compare(ours: tuple[Guest, ...], theirs: dict[str, Any]) -> None:
    assert {guest.uri for guest in ours} == set(theirs)
    for guest in ours:
        answer = theirs[guest.uri]
        for name in ("id", "name", "version", "vendor", "family", "distro", "release", "eol", "status"):
            assert getattr(guest, name) == answer[name], (guest.uri, name)
        listed = {device.removeprefix("http://") for device in answer["devices"]}
        assert guest.devices == listed, guest.uri
        for kind in KINDS:
            ids, support = kinds.kind(kind), guest.support(kind)
            assert (support.legacy, support.modern) == (ids.legacy_id in listed, ids.modern_id in listed)


def test_system_database() -> None:
    """All OSes of this machine's osinfo-db: every device, kind, date and name equal."""
    if not (SYSTEM / "os").is_dir():
        pytest.skip("osinfo-db is not installed")
    _compare(osinfo.read(SYSTEM).guests, _libosinfo(str(SYSTEM)))


# kind: both, legacy only, modern only, neither; of the 790 OSes of Debian 12's osinfo-db.
DEBIAN_12 = {
    "net": (202, 197, 0, 391),
    "block": (202, 194, 4, 390),
    "balloon": (94, 33, 108, 555),
    "console": (174, 93, 28, 495),
    "scsi": (94, 25, 108, 563),
    "rng": (174, 44, 28, 544),
    "9p": (94, 33, 108, 555),
    "gpu": (0, 0, 140, 650),
    "input": (0, 0, 202, 588),
    "vsock": (0, 0, 0, 790),
    "mem": (0, 0, 0, 790),
    "fs": (0, 0, 46, 744),
}


@pytest.mark.parametrize("kind", KINDS)
def test_counts_of_debian_12(kind: str) -> None:
    """How many OSes of Debian 12's database have both drivers, one of them, or neither."""
    version = SYSTEM / "VERSION"
    if not version.is_file() or version.read_text().strip() not in ("20221130", "20221203"):
        pytest.skip("Debian 12's osinfo-db is not installed")
    answers = [guest.support(kind) for guest in catalogue(SYSTEM)]
    both = sum(answer.legacy and answer.modern for answer in answers)
    either = sum(answer.any for answer in answers)
    legacy, modern = (sum(getattr(answer, name) for answer in answers) - both for name in ("legacy", "modern"))
    assert (both, legacy, modern, len(answers) - either) == DEBIAN_12[kind]


def _as_osinfo_db(folder: Path) -> None:
    """The shipped facts written out as an osinfo-db, each OS with its own devices."""
    for guest in catalogue():
        host, _, path = guest.uri.removeprefix("http://").partition("/")
        file = folder / "os" / host / f"{path.replace('/', '-')}.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        devices = "".join(f'<device id="http://{device}"/>' for device in sorted(guest.devices))
        file.write_text(
            f'<libosinfo version="0.0.1"><os id="{guest.uri}"><short-id>{guest.id}</short-id>'
            f"<devices>{devices}</devices></os></libosinfo>"
        )


@pytest.mark.slow
def test_shipped_facts(tmp_path: Path) -> None:
    """The shipped facts equal what libosinfo makes of the database they came from, or of their own copy.

    Set VIRTKIT_OSINFO_DB to the unpacked osinfo-db of data/guests/source.csv to compare with the original.
    """
    original = os.environ.get("VIRTKIT_OSINFO_DB")
    if original:
        _compare(tuple(catalogue()), _libosinfo(original))
        return
    _as_osinfo_db(tmp_path)
    theirs = _libosinfo(str(tmp_path))
    for guest in catalogue():
        assert guest.devices == {d.removeprefix("http://") for d in theirs[guest.uri]["devices"]}


def test_merged_folders(tmp_path: Path) -> None:
    """An administrator's folder over the system's: replaced files, added files and ignored ones alike."""
    system, local = tmp_path / "system" / "os" / "x.org", tmp_path / "local" / "os" / "x.org"
    for folder in (system, local, local / "x-2.d"):
        folder.mkdir(parents=True)

    def text(version: str, devices: str, more: str = "") -> str:
        listed = "".join(f'<device id="http://pcisig.com/pci/1af4/{d}"/>' for d in devices.split())
        return (
            f'<libosinfo version="0.0.1"><os id="http://x.org/x/{version}"><short-id>x{version}</short-id>'
            f"<name>X {version}</name>{more}<devices>{listed}</devices></os></libosinfo>"
        )

    (system / "x-1.xml").write_text(text("1", "1000"))
    (system / "x-2.xml").write_text(text("2", "1001", '<derives-from id="http://x.org/x/1"/>'))
    (local / "x-1.xml").write_text(text("1", "1002"))
    (local / "x-2.d" / "more.xml").write_text(text("2", "1003"))
    (local / "other.xml").write_text(text("2", "1004"))
    theirs = _libosinfo(str(tmp_path / "system"), str(tmp_path / "local"))
    for guest in osinfo.read(tmp_path / "system", tmp_path / "local").guests:
        assert guest.devices == {d.removeprefix("http://") for d in theirs[guest.uri]["devices"]}
