"""The osinfo-db reader: what it reads, how it inherits, what it refuses."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from virtkit import guests
from virtkit.errors import GuestError
from virtkit.guests import osinfo

NET, NET1, BLOCK = "pcisig.com/pci/1af4/1000", "pcisig.com/pci/1af4/1041", "pcisig.com/pci/1af4/1001"


def _os(version: str, inner: str, short: str = "") -> str:
    short = short or f"x{version}"
    return (
        f'<libosinfo version="0.0.1"><os id="http://x.org/x/{version}"><short-id>{short}</short-id>'
        f"<name>X {version}</name><version>{version}</version>{inner}</os></libosinfo>"
    )


def _device(device: str, supported: str = "") -> str:
    attribute = f' supported="{supported}"' if supported else ""
    return f'<device id="http://{device}"{attribute}/>'


def _database(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / "os" / "x.org" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def _devices(*places: Path) -> dict[str, frozenset[str]]:
    return {guest.id: guest.devices for guest in osinfo.read(*places).guests}


def test_nearest_statement_wins(tmp_path: Path) -> None:
    """A child switches a device off for its descendants, and a grandchild switches it on again."""
    files = {
        "x-1.xml": _os("1", f"<devices>{_device(NET)}{_device(BLOCK)}</devices>"),
        "x-2.xml": _os("2", f'<derives-from id="http://x.org/x/1"/><devices>{_device(NET, "false")}</devices>'),
        "x-3.xml": _os("3", '<derives-from id="http://x.org/x/2"/>'),
        "x-4.xml": _os("4", f'<derives-from id="http://x.org/x/3"/><devices>{_device(NET, "FALSE")}</devices>'),
    }
    assert _devices(_database(tmp_path, files)) == {
        "x1": {NET, BLOCK},
        "x2": {BLOCK},
        "x3": {BLOCK},
        "x4": {NET, BLOCK},
    }


def test_clones_come_after_parents_and_upgrades_not_at_all(tmp_path: Path) -> None:
    """What an OS derives from is nearer than what it clones; what it upgrades gives it nothing."""
    files = {
        "x-1.xml": _os("1", f"<devices>{_device(NET, 'false')}</devices>"),
        "x-2.xml": _os("2", f"<devices>{_device(NET)}{_device(NET1)}</devices>"),
        "x-3.xml": _os("3", f"<devices>{_device(BLOCK)}</devices>"),
        "x-4.xml": _os(
            "4",
            '<clones id="http://x.org/x/2"/><derives-from id="http://x.org/x/1"/><upgrades id="http://x.org/x/3"/>',
        ),
    }
    assert _devices(_database(tmp_path, files))["x4"] == {NET1}


def test_a_circle_ends(tmp_path: Path) -> None:
    """A database in which two systems derive from each other is read like any other."""
    files = {
        "x-1.xml": _os("1", f'<derives-from id="http://x.org/x/2"/><devices>{_device(NET)}</devices>'),
        "x-2.xml": _os("2", '<derives-from id="http://x.org/x/1"/><derives-from id="http://x.org/x/9"/>'),
    }
    assert _devices(_database(tmp_path, files)) == {"x1": {NET}, "x2": {NET}}


def test_folders_merge(tmp_path: Path) -> None:
    """A later folder replaces a file of the same name, adds to an OS through NAME.d, and may not do otherwise."""
    first = _database(
        tmp_path / "a",
        {
            "x-1.xml": _os("1", f"<devices>{_device(NET)}</devices>"),
            "x-2.xml": _os("2", f"<devices>{_device(NET)}</devices>"),
        },
    )
    second = _database(
        tmp_path / "b",
        {
            "x-1.xml": _os("1", f"<devices>{_device(BLOCK)}</devices>"),
            "x-2.d/more.xml": _os("2", f"<devices>{_device(NET1)}</devices>"),
            "elsewhere.xml": _os("2", f"<devices>{_device(BLOCK)}</devices>"),
        },
    )
    assert _devices(first, second) == {"x1": {BLOCK}, "x2": {NET, NET1}}
    ignored = osinfo.read(first, second).ignored
    assert len(ignored) == 1
    assert "elsewhere.xml: describes http://x.org/x/2, which belongs in x.org/x-2.xml" in ignored[0]


def test_folders_are_those_of_libosinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the system's, the administrator's and the user's folder, as libosinfo reads it."""
    for name in ("OSINFO_SYSTEM_DIR", "OSINFO_DATA_DIR", "OSINFO_LOCAL_DIR", "OSINFO_USER_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("home/.config/osinfo", "xdg/osinfo", "old", "system", "local", "user"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("OSINFO_DATA_DIR", str(tmp_path / "old"))
    monkeypatch.setenv("OSINFO_LOCAL_DIR", str(tmp_path / "local"))
    assert osinfo.system_folders() == [str(tmp_path / name) for name in ("old", "local", "home/.config/osinfo")]
    monkeypatch.setenv("OSINFO_SYSTEM_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert osinfo.system_folders() == [str(tmp_path / name) for name in ("system", "local", "xdg/osinfo")]
    monkeypatch.setenv("OSINFO_USER_DIR", str(tmp_path / "user"))
    assert osinfo.system_folders()[-1] == str(tmp_path / "user")
    for name in ("OSINFO_SYSTEM_DIR", "OSINFO_LOCAL_DIR", "OSINFO_USER_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(GuestError, match="no osinfo-db on this machine"):
        osinfo.system_folders()


def test_drivers_are_not_inherited(tmp_path: Path) -> None:
    """A driver element belongs to its own OS only."""
    driver = f'<driver arch="i686" location="http://y/win-tools/0.9" signed="false">{_device(NET)}</driver>'
    files = {
        "x-1.xml": _os("1", driver),
        "x-2.xml": _os("2", f'<derives-from id="http://x.org/x/1"/><devices>{_device(BLOCK)}</devices>'),
    }
    first, second = osinfo.read(_database(tmp_path, files)).guests
    assert first.addons[0].title == "win-tools 0.9"
    assert first.support("net").legacy_addon
    assert not first.support("net").unknown
    assert second.addons == ()
    assert not second.support("net").legacy_addon


def test_tarball_is_the_folder(tmp_path: Path) -> None:
    """A tarball gives the same guests as the folder it was made from, and its date as version."""
    folder = _database(tmp_path / "db", {"x-1.xml": _os("1", f"<devices>{_device(NET)}</devices>")})
    archive = tmp_path / "osinfo-db-20300102.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder, "osinfo-db-20300102")
    packed = osinfo.read(archive)
    assert packed.version == "20300102"
    assert {g.id: g.devices for g in packed.guests} == _devices(folder)


def test_refresh_writes_the_same_bytes(tmp_path: Path) -> None:
    """Two refreshes from one database are equal byte for byte, and name it."""
    folder = _database(tmp_path / "db", {"x-1.xml": _os("1", f"<devices>{_device(NET)}</devices>")})
    summary = guests.refresh(folder, tmp_path / "one")
    guests.refresh(folder, tmp_path / "two")
    assert summary.guests == 1
    for name in summary.files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not well-formed"),
        ("<libosinfo><os", "not well-formed"),
        ("<domain/>", "expected <libosinfo>"),
        ("<libosinfo><os/></libosinfo>", "expected an id on <os>, got none"),
        ('<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><domain>&c;</domain>', "expected <libosinfo>"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """A file that is no part of an osinfo-db is named with what is wrong."""
    with pytest.raises(GuestError, match=message):
        osinfo.read(_database(tmp_path, {"x-1.xml": content}))


def test_locations_without_a_database(tmp_path: Path) -> None:
    """A missing place, an empty folder, a file that is no tarball and a truncated one are refused."""
    with pytest.raises(GuestError, match="no such file or folder"):
        osinfo.read(tmp_path / "none")
    with pytest.raises(GuestError, match="not an osinfo-db"):
        osinfo.read(tmp_path)
    text = tmp_path / "a.tar.xz"
    text.write_text("no tarball")
    with pytest.raises(GuestError, match="tarball"):
        osinfo.read(text)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        tar.add(__file__, "osinfo-db/os/x.org/x.xml")
    text.write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(GuestError, match="tarball"):
        osinfo.read(text)


def test_a_tarball_is_not_unpacked_without_end(tmp_path: Path) -> None:
    """A small tarball that unpacks to gigabytes is refused by what its heads say, whatever its members are called."""
    header = tarfile.TarInfo("junk")
    header.size = 2 << 30
    archive = tmp_path / "bomb.tar"
    archive.write_bytes(header.tobuf() + bytes(1024))
    with pytest.raises(GuestError, match="unpacks to more than 256 MiB"):
        osinfo.read(archive)


def test_entities_in_attributes_do_not_grow(tmp_path: Path) -> None:
    """Entities of entities in an attribute are refused, and a version of a hundred thousand digits is read."""
    steps = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    bomb = f'<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">{steps}]><libosinfo><os id="&i;"/></libosinfo>'
    with pytest.raises(GuestError, match="not well-formed"):
        osinfo.read(_database(tmp_path / "bomb", {"x-1.xml": bomb}))
    long = _os("1", "", "x").replace("<version>1", f"<version>{'9' * 100_000}")
    (guest,) = guests.catalogue(_database(tmp_path / "long", {"x-1.xml": long})).guests
    assert guest.id == "x"


def test_entities_are_not_read(tmp_path: Path) -> None:
    """An external entity in a database gives nothing of the file it names."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = (
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret}">]><libosinfo><os id="http://x.org/x/1">'
        "<short-id>x1</short-id><name>&e;</name></os></libosinfo>"
    )
    (guest,) = osinfo.read(_database(tmp_path / "db", {"x-1.xml": text})).guests
    assert "secret" not in guest.name
