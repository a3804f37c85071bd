"""The emulators whose facts ship with the package: one JSON file for each release and architecture."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from virtkit import facts
from virtkit.errors import CapabilityError, FactsError
from virtkit.host.emulator import Emulator, Machine, by_name, default_name

__all__ = ["FORMAT", "architectures", "dump", "folder", "load", "load_all", "read", "releases"]

#: The ``format`` value of the files; a reader refuses any other.
FORMAT = 1

_NONE = type(None)
#: The types that each field of a machine type accepts.
_MACHINE: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "name": (str,),
        "alias": (str, _NONE),
        "default": (bool,),
        "deprecated": (bool,),
        "max_cpus": (int, _NONE),
        "root": (str, _NONE),
    }
)
_NEEDED = ("format", "arch", "release", "package", "source", "machines", "devices", "properties")
#: What the name of an architecture looks like.
_ARCH = re.compile(r"[A-Za-z0-9_]{1,32}")


def folder() -> Path:
    """``data/qemu``, or the folder named by the environment variable VIRTKIT_DATA_QEMU."""
    named = os.environ.get("VIRTKIT_DATA_QEMU")
    return Path(named) if named else facts.path("qemu")


def releases() -> tuple[tuple[int, int], ...]:
    """The QEMU releases with facts, oldest first."""
    return _releases(os.environ.get("VIRTKIT_DATA_QEMU"), facts.root())


@cache
def _releases(_named: str | None, _root: Path) -> tuple[tuple[int, int], ...]:
    # The arguments decide which folder is read, so that a change of either is noticed.
    base = folder()
    found = []
    for entry in base.iterdir() if base.is_dir() else ():
        major, dot, minor = entry.name.partition(".")
        if dot and major.isdigit() and minor.isdigit() and entry.is_dir():
            found.append((int(major), int(minor)))
    return tuple(sorted(found))


def load(release: tuple[int, int], arch: str) -> Emulator | None:
    """The shipped emulator of QEMU ``release`` for QEMU's ``arch``; None when there is none.

    Raises FactsError when the file is malformed.
    """
    if not _ARCH.fullmatch(arch):
        # The name comes from the input, and becomes that of a file.
        return None
    return _load(os.environ.get("VIRTKIT_DATA_QEMU"), facts.root(), release, arch)


def architectures(release: tuple[int, int]) -> tuple[str, ...]:
    """QEMU's names of the architectures with facts of QEMU ``release``, sorted."""
    base = folder() / f"{release[0]}.{release[1]}"
    return tuple(sorted(file.stem for file in base.glob("*.json")))


def load_all(release: tuple[int, int]) -> tuple[Emulator, ...]:
    """The shipped emulators of QEMU ``release``. Raises FactsError when a file is malformed."""
    found = (load(release, arch) for arch in architectures(release))
    return tuple(emulator for emulator in found if emulator)


@cache
def _load(_named: str | None, _root: Path, release: tuple[int, int], arch: str) -> Emulator | None:
    # The first two arguments decide which folder is read, so that a change of either is noticed.
    file = folder() / f"{release[0]}.{release[1]}" / f"{arch}.json"
    try:
        text = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return read(text, str(file))
    except CapabilityError as error:
        raise FactsError(str(error)) from None


def read(text: bytes, name: str) -> Emulator:
    """An emulator from the JSON that ``virtkit data refresh`` writes; raises CapabilityError."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CapabilityError(f"{name}: expected JSON: {error}") from None
    return from_document(document, name)


def from_document(document: Any, name: str) -> Emulator:
    """As ``read``, from the parsed JSON."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CapabilityError(f'{name}: expected facts of an emulator with "format": {FORMAT}')
    lacking = [key for key in _NEEDED if key not in document]
    if lacking:
        raise CapabilityError(f"{name}: the facts of the emulator have no {', '.join(lacking)}")
    try:
        machines = [_machine(row) for row in document["machines"]]
        major, minor = document["release"]
        return Emulator(
            arch=_text(document["arch"]),
            release=(int(major), int(minor)),
            package=_text(document["package"]),
            machines=by_name(machines),
            default_machine=default_name(machines),
            devices=_names(document["devices"]),
            complete=True,
            source=_text(document["source"]),
            properties=MappingProxyType({prop: _names(drivers) for prop, drivers in document["properties"].items()}),
            unasked=_names(document.get("unasked", ())),
        )
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CapabilityError(f"{name}: the facts of the emulator are malformed: {error}") from None


def _machine(row: Any) -> Machine:
    machine = Machine(**row)
    for key, kinds in _MACHINE.items():
        value = getattr(machine, key)
        if not isinstance(value, kinds):
            raise TypeError(f"machine type {machine.name!r:.80}: {key} is {value!r:.80}")
    for text in (machine.name, machine.alias or ""):
        _text(text)
    return machine


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.80}")
    if not value.isprintable():
        raise ValueError(f"expected printable text, got {value!r:.80}")
    return value


def _names(values: Any) -> frozenset[str]:
    if not isinstance(values, list | tuple):
        raise TypeError(f"expected a list of names, got {values!r:.80}")
    return frozenset(_text(value) for value in values)


def dump(emulator: Emulator) -> str:
    """The JSON text for ``emulator``, in a stable order with one machine or device on each line, for readable diffs."""
    lines = ["{", f' "format": {FORMAT},']
    head: tuple[tuple[str, object], ...] = (
        ("arch", emulator.arch),
        ("release", list(emulator.release)),
        ("package", emulator.package),
        ("source", emulator.source),
        ("unasked", sorted(emulator.unasked)),
    )
    for key, content in head:
        lines.append(f" {json.dumps(key)}: {json.dumps(content)},")
    rows = []
    for name in sorted(emulator.names):
        machine = emulator.machines[name]
        row: dict[str, Any] = {"name": machine.name}
        for key, value in (
            ("alias", machine.alias),
            ("default", machine.default),
            ("deprecated", machine.deprecated),
            ("max_cpus", machine.max_cpus),
            ("root", machine.root),
        ):
            if value:
                row[key] = value
        rows.append("  " + json.dumps(row))
    lines += [' "machines": [', ",\n".join(rows), " ],", ' "properties": {']
    lines.append(
        ",\n".join(
            f"  {json.dumps(prop)}: {json.dumps(sorted(drivers))}"
            for prop, drivers in sorted(emulator.properties.items())
        )
    )
    lines += [" },", ' "devices": [']
    lines.append(",\n".join(f"  {json.dumps(driver)}" for driver in sorted(emulator.devices)))
    lines += [" ]", "}"]
    return "\n".join(line for line in lines if line) + "\n"
