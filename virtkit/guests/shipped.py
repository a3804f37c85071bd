"""The guest facts in ``data/guests``: made from an osinfo-db, and read without one."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit import facts
from virtkit.errors import FactsError
from virtkit.guests.record import AddOn, Guest
from virtkit.values import maker
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from virtkit.guests.osinfo import Database

    _Table = tuple[Sequence[str], Sequence[Sequence[str]]]

__all__ = ["Summary", "load", "refresh"]

_HEAD = (
    "id",
    "uri",
    "name",
    "version",
    "vendor",
    "family",
    "distro",
    "release",
    "eol",
    "status",
    "aliases",
    "devices",
    "nics",
)
_ORIGIN = "osinfo-db (gitlab.com/libosinfo/osinfo-db), GPL-2.0-or-later"


_made = maker(Guest)
#: The kernel, the virtio-win release and the flavour of a guest of the database.
_OF_DATABASE = ("", "", "")


@dataclass(frozen=True, slots=True)
class Summary:
    """What a refresh wrote: the database's version and origin, and the number of records of each sort."""

    version: str
    origin: str
    guests: int
    devices: int
    device_sets: int
    addons: int
    files: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"osinfo-db {self.version} ({self.origin}): {counted(self.guests, 'operating system')}, "
            f"{counted(self.devices, 'device')}, {counted(self.device_sets, 'set of devices', 'sets of devices')}, "
            f"{counted(self.addons, 'driver add-on')}"
        )


def refresh(path: str | Path, out_dir: str | Path) -> Summary:
    """Rebuilds the guest facts in ``out_dir`` from the osinfo-db at ``path`` (folder or tarball).

    Writes source.csv, devices.csv, device-sets.csv, addons.csv and guests.csv, all or none of them; the same database
    gives the same bytes. Raises GuestError when the database cannot be read, InputError when a table cannot be written.
    """
    from virtkit.guests import osinfo
    from virtkit.outputs import writing

    place, folder = Path(path), Path(out_dir)
    database = osinfo.read(place)
    sets = sorted({guest.devices for guest in database.guests}, key=lambda s: (len(s), sorted(s)))
    tables = {
        "source.csv": _source_table(database, place),
        "devices.csv": (
            ("device", "name", "class"),
            [(device, name, group) for device, (name, group) in database.devices.items()],
        ),
        "device-sets.csv": (
            ("set", "devices"),
            [(str(number), " ".join(sorted(devices))) for number, devices in enumerate(sets)],
        ),
        "addons.csv": _addon_table(database),
        "guests.csv": (_HEAD, _guest_rows(database, sets)),
    }
    remark = f"Made by `virtkit data refresh --osinfo` from osinfo-db {database.version}; see README.md."
    folder.mkdir(parents=True, exist_ok=True)
    with writing(*(folder / name for name in tables)) as scratches:
        for scratch, (head, rows) in zip(scratches, tables.values(), strict=True):
            _write(scratch, head, rows, remark)
    addons = sum(len(guest.addons) for guest in database.guests)
    counts = (len(database.guests), len(database.devices), len(sets), addons)
    return Summary(database.version, database.origin, *counts, tuple(tables))


def _write(file: Path, head: Sequence[str], rows: Iterable[Sequence[str]], remark: str) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        stream.write(f"# {remark}\n")
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(head)
        out.writerows(rows)


def _source_table(database: Database, place: Path) -> _Table:
    """The table with the version of the database, and the digest of its file."""
    import hashlib

    digest = hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else ""
    row = ("osinfo-db", database.version, database.origin, digest, str(len(database.guests)), _ORIGIN)
    return ("database", "version", "origin", "sha256", "guests", "source"), [row]


def _addon_table(database: Database) -> _Table:
    """The table of the drivers that a guest does not ship."""
    rows = [
        (
            guest.id,
            addon.arch,
            addon.location,
            "yes" if addon.pre_installable else "no",
            "yes" if addon.signed else "no",
            " ".join(sorted(addon.devices)),
        )
        for guest in database.guests
        for addon in guest.addons
    ]
    return ("guest", "arch", "location", "pre_installable", "signed", "devices"), rows


def _guest_rows(database: Database, sets: Sequence[frozenset[str]]) -> list[Sequence[str]]:
    """The rows of the guests; each names its devices by the number of their set."""
    number = {devices: str(index) for index, devices in enumerate(sets)}
    return [
        (
            g.id,
            g.uri.removeprefix("http://"),
            g.name,
            g.version,
            g.vendor,
            g.family,
            g.distro,
            g.release,
            g.eol,
            g.status,
            " ".join(g.aliases),
            number[g.devices],
            " ".join(g.nics),
        )
        for g in database.guests
    ]


def load() -> tuple[str, tuple[Guest, ...]]:
    """The name of the shipped database, and its guests. Raises FactsError."""
    source = facts.table("guests/source.csv")
    if len(source) != 1:
        raise FactsError(f"guests/source.csv: expected 1 row, got {len(source)}")
    database = f"{source[0]['database']} {source[0]['version']}"
    sets = {row["set"]: frozenset(row["devices"].split()) for row in facts.table("guests/device-sets.csv")}
    addons: dict[str, list[AddOn]] = {}
    for row in facts.table("guests/addons.csv"):
        addons.setdefault(row["guest"], []).append(
            AddOn(
                row["arch"],
                row["location"],
                row["pre_installable"] == "yes",
                row["signed"] == "yes",
                frozenset(row["devices"].split()),
            )
        )
    guests = []
    try:
        for row in facts.table("guests/guests.csv"):
            guests.append(
                _made(
                    row["id"],
                    "http://" + row["uri"],
                    row["name"],
                    row["version"],
                    row["vendor"],
                    row["family"],
                    row["distro"],
                    row["release"],
                    row["eol"],
                    row["status"],
                    tuple(row["aliases"].split()),
                    sets[row["devices"]],
                    tuple(addons.get(row["id"], ())),
                    database,
                    *_OF_DATABASE,
                    tuple(row["nics"].split()),
                    "",
                )
            )
    except KeyError as problem:
        raise FactsError(f"guests/guests.csv: no such device set or column: {problem}") from None
    return database, tuple(guests)
