"""Reads an osinfo-db, from folders or a tarball, with libosinfo's own inheritance."""

from __future__ import annotations

import io
import os
import re
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

from virtkit import limits
from virtkit.errors import GuestError
from virtkit.guests.device_order import returned_order
from virtkit.guests.record import AddOn, Guest
from virtkit.wording import xml_problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["DEFAULT_FOLDERS", "Database", "read", "system_folders"]

#: Where libosinfo looks, in its order: the environment variables that name the folder, and the folder without them.
#: Source: libosinfo 1.10, as observed; OSINFO_DATA_DIR is the old name of OSINFO_SYSTEM_DIR.
DEFAULT_FOLDERS = (
    (("OSINFO_SYSTEM_DIR", "OSINFO_DATA_DIR"), "/usr/share/osinfo"),
    (("OSINFO_LOCAL_DIR",), "/etc/osinfo"),
    (("OSINFO_USER_DIR",), "${XDG_CONFIG_HOME}/osinfo"),
)

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DATED = re.compile(r"(\d{8})")


@dataclass(slots=True)
class _Os:
    """One ``<os>``, collected from all files that describe it."""

    uri: str
    text: dict[str, str] = field(default_factory=dict)
    short_ids: list[str] = field(default_factory=list)
    links: dict[str, bool] = field(default_factory=dict)
    derives: list[str] = field(default_factory=list)
    clones: list[str] = field(default_factory=list)
    addons: list[AddOn] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Database:
    """A guest database: its ``version``, the ``origin`` that it was read from, its guests and devices.

    ``devices`` maps a device id (without "http://") to (name, class), each "" when no file describes it.
    ``ignored`` lists the descriptions that were left out because they are in the wrong file.
    """

    version: str
    origin: str
    guests: tuple[Guest, ...]
    devices: dict[str, tuple[str, str]]
    ignored: tuple[str, ...] = ()


def read(*locations: str | Path) -> Database:
    """The database at ``locations``: tarballs or folders, merged in order; a later file replaces one of its name.

    Without locations it reads the folders that libosinfo reads by default. Files are untrusted: entities and the
    network are off, sizes are bounded. Raises GuestError for a location that is missing, not an osinfo-db, or broken.
    Source: libosinfo 1.10 as observed through its introspection API.
    """
    chosen = [Path(place).expanduser() for place in locations or system_folders()]
    files: dict[str, tuple[str, bytes]] = {}
    versions = []
    for place in chosen:
        before = len(files)
        version = ""
        for name, data in _entries(place):
            if name == "VERSION":
                version = data.decode("utf-8", "replace").strip()
            else:
                files[name] = (f"{place}/{name}", data)
        if len(files) == before and not version:
            raise GuestError(f"{place}: not an osinfo-db: expected os/ or device/ with XML files")
        versions.append(version or _version_of(place))
    systems: dict[str, _Os] = {}
    devices: dict[str, tuple[str, str]] = {}
    # The folder NAME.d comes after NAME.xml, so its statements are the later ones.
    ignored: list[str] = []
    for name in sorted(files, key=lambda n: n.replace(".xml", ".0xml")):
        label, data = files[name]
        for element in _elements(data, label):
            uri = element.get("id", "")
            if not _may_describe(uri, name):
                ignored.append(f"{label}: describes {uri}, which belongs in {_home(uri)}.xml")
            elif element.tag == "os":
                _take_os(element, systems.setdefault(uri, _Os(uri)))
            else:
                texts = _texts(element)
                known, group = devices.get(_short(uri), ("", ""))
                devices[_short(uri)] = (known or texts.get("name", ""), texts.get("class", group))
    version = "+".join(v for v in versions if v) or "unknown"
    guests = tuple(sorted(_guests(systems, devices, version), key=lambda g: (g.distro, g.id)))
    origin = ", ".join(place.name or str(place) for place in chosen)
    return Database(version, origin, guests, dict(sorted(devices.items())), tuple(ignored))


def system_folders() -> list[str]:
    """The DEFAULT_FOLDERS that exist on this machine, the system's first. Raises GuestError when none exists."""
    settings = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    asked = [
        next(filter(None, map(os.environ.get, variables)), folder.replace("${XDG_CONFIG_HOME}", settings))
        for variables, folder in DEFAULT_FOLDERS
    ]
    found = [str(path) for path in (Path(folder).expanduser() for folder in asked) if path.is_dir()]
    if not found:
        raise GuestError(f"no osinfo-db on this machine: none of {', '.join(asked)} exists")
    return found


def _version_of(place: Path) -> str:
    dated = _DATED.search(place.name)
    return dated.group(1) if dated else ""


def _entries(place: Path) -> Iterator[tuple[str, bytes]]:
    """The relevant files of one location: (path from the top of the database, content)."""
    if place.is_dir():
        yield from _folder(place)
    elif place.is_file():
        yield from _tarball(place)
    else:
        raise GuestError(f"{place}: no such file or folder")


def _wanted(name: str) -> bool:
    return name == "VERSION" or (name.startswith(("os/", "device/")) and name.endswith(".xml"))


def _folder(place: Path) -> Iterator[tuple[str, bytes]]:
    top = place / "osinfo-db" if (place / "osinfo-db" / "os").is_dir() else place
    try:
        for file in sorted([top / "VERSION", *(top / "device").rglob("*"), *(top / "os").rglob("*")]):
            name = file.relative_to(top).as_posix()
            if _wanted(name) and file.is_file():
                if file.stat().st_size > limits.BYTES.most:
                    raise GuestError(f"{file}: {limits.BYTES.too_large}")
                yield name, file.read_bytes()
    except OSError as problem:
        raise GuestError(f"{problem.filename or place}: cannot be read: {problem.strerror or problem}") from None


def _tarball(place: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    try:
        with tarfile.open(place) as archive:
            for member in archive:
                # All members count, because skipping one means unpacking it; a header has 512 bytes.
                total += member.size + 512
                if total > limits.OSINFO_BYTES.most:
                    limit = limits.OSINFO_BYTES
                    raise GuestError(f"{place}: it unpacks to more than {limit.size}; {limit.remedy}")
                parts = member.name.lstrip("./").split("/")
                while parts and parts[0] not in ("os", "device", "VERSION"):
                    parts.pop(0)
                name = "/".join(parts)
                if not member.isfile() or not _wanted(name):
                    continue
                if member.size > limits.BYTES.most:
                    raise GuestError(f"{place}: {member.name}: {limits.BYTES.too_large}")
                stream = archive.extractfile(member)
                yield name, stream.read(limits.BYTES.most) if stream else b""
    except GuestError:
        raise
    except Exception as problem:  # each way to compress, and each field of a header, has its own
        # tarfile lists on further lines what it tried.
        reason = str(problem).partition("\n")[0].removesuffix(":")
        what = "expected a folder or a tarball of an osinfo-db; not a readable tarball"
        raise GuestError(f"{place}: {what}: {reason}") from None


def _parse(data: bytes, label: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.parse(io.BytesIO(data), parser).getroot()
    except etree.XMLSyntaxError as problem:
        raise GuestError(f"{label}:{problem.lineno}: not well-formed: {xml_problem(problem.msg)}") from None


def _short(uri: str) -> str:
    return uri.removeprefix("http://")


def _home(uri: str) -> str:
    """Where a URI may be described: http://redhat.com/rhel/6.1 in redhat.com/rhel-6.1 (.xml or .d/)."""
    host, _, path = uri.partition("://")[2].partition("/")
    return f"{host}/{path.replace('/', '-')}"


def _may_describe(uri: str, name: str) -> bool:
    """Whether a file may describe a URI: libosinfo ignores, with a warning, descriptions in a file of another name."""
    place = name.partition("/")[2]
    home = _home(uri)
    return place == f"{home}.xml" or place.startswith(f"{home}.d/")


def _elements(data: bytes, label: str) -> Iterator[etree._Element]:
    root = _parse(data, label)
    if root.tag != "libosinfo":
        raise GuestError(f"{label}: the root element is <{root.tag}>, expected <libosinfo>")
    for element in root:
        if element.tag in ("os", "device"):
            if not element.get("id"):
                raise GuestError(f"{label}:{element.sourceline}: expected an id on <{element.tag}>, got none")
            yield element


def _texts(element: etree._Element) -> dict[str, str]:
    """The text of each child that is not a translation, by name; the first of a name counts."""
    found: dict[str, str] = {}
    for child in element:
        if child.get(_LANGUAGE) is None and child.text and isinstance(child.tag, str):
            found.setdefault(child.tag, child.text.strip())
    return found


def _take_os(element: etree._Element, system: _Os) -> None:
    system.text.update(_texts(element))
    for child in element.iterchildren("short-id"):
        text = (child.text or "").strip()
        if text and text not in system.short_ids:
            system.short_ids.append(text)
    for link in element.iterfind("devices/device[@id]"):
        # Within one OS the last statement on an id counts; only the exact text "false" means no.
        system.links[_short(link.get("id", ""))] = link.get("supported") != "false"
    system.derives += [c.get("id", "") for c in element.iterchildren("derives-from")]
    system.clones += [c.get("id", "") for c in element.iterchildren("clones")]
    for driver in element.iterchildren("driver"):
        system.addons.append(
            AddOn(
                arch=driver.get("arch", ""),
                location=driver.get("location", ""),
                pre_installable=driver.get("pre-installable") == "true",
                signed=driver.get("signed", "true") != "false",
                devices=frozenset(_short(d.get("id", "")) for d in driver.iterchildren("device")),
            )
        )


def _statements(uri: str, systems: dict[str, _Os]) -> dict[str, bool]:
    """The devices that an OS names, nearest first, and whether it supports each: the nearest statement counts.

    The search is depth-first and pre-order: the OS, then what it derives from, then what it clones, each list from its
    end. ``upgrades`` is not followed. No OS is visited twice, so a database that derives from itself does no harm.
    """
    seen: set[str] = set()
    said: dict[str, bool] = {}
    stack = [uri]
    while stack:
        current = stack.pop()
        system = systems.get(current)
        if current in seen or system is None:
            continue
        seen.add(current)
        for device, supported in system.links.items():
            said.setdefault(device, supported)
        # The stack returns the last entry first, which is the end of each list; derives go above clones.
        stack += system.clones
        stack += system.derives
    return said


def _nics(said: Mapping[str, bool], classes: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """The supported devices of class "net", in the order in which libosinfo returns them.

    libosinfo removes those that are not supported last, so they too take part in the order.
    """
    cards = (f"http://{device}" for device in said if classes.get(device, ("", ""))[1] == "net")
    return tuple(device for uri in returned_order(cards) if said[device := _short(uri)])


def _guests(
    systems: dict[str, _Os], classes: Mapping[str, tuple[str, str]], version: str
) -> Iterable[Guest]:
    known: dict[frozenset[str], frozenset[str]] = {}
    for uri, system in systems.items():
        said = _statements(uri, systems)
        devices = frozenset(device for device, supported in said.items() if supported)
        devices = known.setdefault(devices, devices)
        text = system.text
        names: Sequence[str] = system.short_ids or [_short(uri)]
        yield Guest(
            id=names[0],
            uri=uri,
            name=text.get("name", names[0]),
            version=text.get("version", ""),
            vendor=text.get("vendor", ""),
            family=text.get("family", ""),
            distro=text.get("distro", ""),
            release=text.get("release-date", ""),
            eol=text.get("eol-date", ""),
            status=text.get("release-status", "released"),
            aliases=tuple(names[1:]),
            devices=devices,
            addons=tuple(system.addons),
            database=f"osinfo-db {version}",
            nics=_nics(said, classes),
        )
