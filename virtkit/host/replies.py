"""Emulators read from saved QMP replies: query-machines, qom-list-types, with or without greeting and other replies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from virtkit import json_text
from virtkit.errors import CapabilityError
from virtkit.host.emulator import ARCHITECTURES, VERSIONED, Emulator, Machine, by_name, default_name

__all__ = ["decode", "emulator", "release_by_aliases"]

#: CPU type names end in ``-ARCH-cpu``; both Arm binaries say ``arm``, so ``arm`` proves nothing.
_CPU = re.compile(r".+-(x86_64|i386|riscv64|s390x|powerpc64|loongarch)-cpu")
_CPU_ARCH: Mapping[str, str] = {"powerpc64": "ppc64", "loongarch": "loongarch64"}
#: Names of QEMU binaries, to recognise the architecture in a file name.
_ARCHES = ("x86_64", "i386", "aarch64", "arm", "riscv64", "ppc64", "s390x", "loongarch64")


def decode(data: bytes, name: str) -> Any:
    """The JSON value of ``data``, or the list of values of a transcript with one JSON value a line.

    Raises CapabilityError when ``data`` is no JSON or is nested too deeply.
    """
    try:
        return json_text.value(data)
    except json_text.TooDeep as deep:
        raise CapabilityError(f"{name}: {deep}") from None
    except ValueError as whole:
        try:
            return [json_text.value(line) for line in data.splitlines() if line.strip()]
        except json_text.TooDeep as deep:
            raise CapabilityError(f"{name}: {deep}") from None
        except ValueError:
            raise CapabilityError(f"{name}: corrupt or truncated JSON: {whole}") from None


def emulator(found: Any, name: str) -> Emulator:
    """The emulator that replies describe: one reply, a transcript, or an object of command name to reply.

    Device types are complete when a reply to qom-list-types is there, else unknown. Raises CapabilityError when there
    are neither machine types nor device types, or nothing names the architecture.
    """
    values = [_bare(value) for value in _pieces(found)]
    machines: list[Machine] = []
    types: set[str] = set()
    release: tuple[int, int] | None = None
    package = arch = ""
    for value in values:
        if isinstance(value, Mapping):
            number = value.get("qemu")
            if isinstance(number, Mapping) and {"major", "minor"} <= number.keys():
                release = _release(number, name)
                package = str(value.get("package") or "")
            if isinstance(value.get("arch"), str):
                arch = value["arch"]
        elif _is_machines(value):
            machines = [_machine(row, name) for row in value if row.get("name") != "none"]
            arch = arch or _arch_by_cpus(row.get("default-cpu-type") for row in value)
        elif _is_types(value):
            types = {row["name"] for row in value}
            arch = arch or _arch_by_cpus(types)
    if not machines and not types:
        raise CapabilityError(
            f"{name}: the JSON has neither machine types (reply to query-machines: a list with name and cpu-max) "
            "nor device types (reply to qom-list-types: a list with name and parent)"
        )
    arch = arch or _arch_by_name(name)
    if not arch:
        raise CapabilityError(
            f"{name}: the architecture is unknown; add the reply to query-target, "
            "or put the architecture into the file name"
        )
    if not machines:
        machines = [Machine(kind.removesuffix("-machine")) for kind in sorted(types) if kind.endswith("-machine")]
    release = release or release_by_aliases(machines)
    return Emulator(
        arch=arch,
        release=release or (0, 0),
        package=package.strip("() "),
        machines=by_name(machines),
        default_machine=default_name(machines),
        devices=frozenset(types),
        complete=bool(types),
        source=f"{name}: QMP replies",
        all_machines=bool(machines),
    )


def release_by_aliases(machines: Iterable[Machine]) -> tuple[int, int] | None:
    """QEMU's release, from the versioned machine type that has its family's alias: it is the newest one.

    Observed: QEMU 7.2.22, 10.0 and 11.1.2 (``pc`` is an alias of pc-i440fx-11.1 in 11.1).
    """
    for machine in machines:
        match = VERSIONED.fullmatch(machine.name)
        if match and machine.alias:
            return int(match[1]), int(match[2])
    return None


def _pieces(found: Any) -> list[Any]:
    """The single replies in what was saved."""
    if isinstance(found, Mapping):
        if found.keys() & {"return", "QMP", "qemu", "arch"}:
            return [found]
        return list(found.values())
    if isinstance(found, list) and found and isinstance(found[0], Mapping) and "name" not in found[0]:
        return found
    return [found]


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "return" in value:
            return value["return"]
        if isinstance(value.get("QMP"), Mapping):
            return value["QMP"].get("version", {})
    return value


def _is_list_of(value: Any, keys: set[str]) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, Mapping) and isinstance(row.get("name"), str) for row in value)
        and any(keys & row.keys() for row in value)
    )


def _is_machines(value: Any) -> bool:
    return _is_list_of(value, {"cpu-max"})


def _is_types(value: Any) -> bool:
    return _is_list_of(value, {"parent", "abstract"})


def _release(number: Mapping[str, Any], name: str) -> tuple[int, int]:
    major, minor = number["major"], number["minor"]
    if type(major) is not int or type(minor) is not int or not (0 <= major < 1000 and 0 <= minor < 1000):
        got = f"major {major!r:.40} and minor {minor!r:.40}"
        raise CapabilityError(f"{name}: query-version: expected two numbers, got {got}")
    return major, minor


def _machine(row: Mapping[str, Any], name: str) -> Machine:
    cpus = row.get("cpu-max")
    if cpus is not None and type(cpus) is not int:
        what = f"machine type {row['name']!r:.80}: expected a number as cpu-max, got {cpus!r:.40}"
        raise CapabilityError(f"{name}: {what}")
    alias = row.get("alias")
    for text in (row["name"], "" if alias is None else alias):
        if not isinstance(text, str) or not text.isprintable():
            raise CapabilityError(f"{name}: expected the name of a machine type, got {text!r:.80}")
    return Machine(
        name=row["name"],
        alias=alias,
        default=row.get("is-default") is True,
        deprecated=row.get("deprecated") is True,
        max_cpus=cpus,
    )


def _arch_by_cpus(names: Iterable[Any]) -> str:
    seen = {match[1] for one in names if isinstance(one, str) and (match := _CPU.fullmatch(one))}
    if len(seen) != 1:
        return ""
    found = seen.pop()
    return _CPU_ARCH.get(found, found)


def _arch_by_name(name: str) -> str:
    words = re.split(r"[-.]", PurePath(name).name)
    for word in words:
        if word in _ARCHES or word in ARCHITECTURES:
            return ARCHITECTURES.get(word, word)
    return ""
