"""Asks an installed QEMU for its machine types, device types and properties: the facts in data/qemu."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from virtkit import facts
from virtkit.errors import VerifyError
from virtkit.host.emulator import Emulator, Machine, by_name, default_name
from virtkit.host.qmp import Ask, QemuExited, converse

__all__ = ["describe", "probe", "root_buses"]

#: Arguments of a paused QEMU without devices or display. One TCG thread, because QEMU 7.2's riscv64 binary starts
#: machine ``none`` with a 128-bit CPU, which refuses more; the qtest accelerator is not in every build. KVM is
#: used where there is no TCG (Debian's qemu-system-x86_64-microvm).
_IDLE = ("-accel", "tcg,thread=single", "-accel", "kvm", "-nodefaults", "-display", "none", "-S")
#: A PCI bus in the tree that ``info qtree`` shows (no QMP command gives the type of a bus), and its kind here.
_PCI_BUS = re.compile(r"^ +bus: \S+\r?\n +type (PCIE?)\r?$", re.MULTILINE)
_BUS_KINDS: Mapping[str, str] = MappingProxyType({"PCI": "pci", "PCIE": "pcie"})
#: Ways to start a machine type, tried in turn. Source: what QEMU says when the plain way fails: "no default
#: audio driver available" (11.1.2, boards with sound), "Try appending -machine cap-htm=off" (7.2.22, pseries).
_REMEDIES = (
    ("-machine", "MACHINE"),
    ("-machine", "MACHINE", "-audio", "none"),
    ("-machine", "MACHINE,cap-htm=off"),
)
#: How many device types may abort QEMU before the probe gives up.
_PATIENCE = 40


def probe(binary: str, limit: float = 60.0, roots: bool = False) -> Emulator:
    """The emulator ``binary`` as QMP describes it.

    Asked are query-target, query-version, query-machines, qom-list-types (device types and character device
    back ends, modules included), query-qmp-schema (displays) and device-list-properties of every device type
    for the properties of ``data/qemu/watched.csv``. Some types abort QEMU when they are asked (11.1: four
    RISC-V CPUs, ast2700; a type whose module is installed without another module that it needs); they are
    listed as unasked.
    With ``roots`` each machine type is also started, paused, to read its root bus, in a fraction of a second each.
    Raises VerifyError when QEMU cannot be asked.
    """
    emulator = describe(binary, limit)
    devices = (name for name in emulator.devices if not name.startswith(("chardev-", "display-")))
    owners, unasked = _properties(binary, (*_IDLE, "-machine", "none"), devices, limit)
    machines = [emulator.machines[name] for name in emulator.names]
    if roots:
        seen = root_buses(binary, emulator.names, limit)
        machines = [replace(machine, root=seen[machine.name]) for machine in machines]
    return replace(emulator, machines=by_name(machines), properties=owners, unasked=unasked)


def describe(binary: str, limit: float = 60.0) -> Emulator:
    """As ``probe``, without properties: one start, a fraction of a second."""
    return converse(binary, (*_IDLE, "-machine", "none"), _describe, limit)


async def _describe(ask: Ask) -> Emulator:
    target = (await ask("query-target"))["arch"]
    version = await ask("query-version")
    number = version["qemu"]
    package = str(version.get("package") or "").strip("() ")
    micro = f"{number['major']}.{number['minor']}.{number['micro']}"
    machines = machines_of(await ask("query-machines"))
    types = [
        row["name"]
        for kind in ("device", "chardev")
        for row in await ask("qom-list-types", {"implements": kind, "abstract": False})
    ]
    displays = _displays(await ask("query-qmp-schema"))
    return Emulator(
        arch=target,
        release=(number["major"], number["minor"]),
        package=package or micro,
        machines=by_name(machines),
        default_machine=default_name(machines),
        devices=frozenset((*types, *displays)),
        complete=True,
        source=f"QEMU {micro} ({package or 'no package name'}), qemu-system-{target} asked over QMP",
    )


def _displays(schema: Iterable[Mapping[str, Any]]) -> list[str]:
    """The values that ``-display`` takes, as ``display-sdl``: the type of what query-display-options answers.

    QEMU has that command since 3.1; before, displays are unknown.
    """
    named = {row["name"]: row for row in schema}
    if "query-display-options" not in named:
        return []
    answer = named[named["query-display-options"]["ret-type"]]
    kind = next(member["type"] for member in answer["members"] if member["name"] == "type")
    return [f"display-{value}" for value in named[kind]["values"]]


def _properties(
    binary: str, arguments: Sequence[str], devices: Iterable[str], limit: float
) -> tuple[Mapping[str, frozenset[str]], frozenset[str]]:
    """Which device types have each watched property, and which types abort QEMU when asked."""
    owners: dict[str, set[str]] = {row["property"]: set() for row in facts.table("qemu/watched.csv")}
    pending = sorted(devices, reverse=True)
    unasked: set[str] = set()

    async def talk(ask: Ask) -> None:
        while pending:
            for row in await ask("device-list-properties", {"typename": pending[-1]}):
                if row["name"] in owners:
                    owners[row["name"]].add(pending[-1])
            pending.pop()

    while pending:
        try:
            converse(binary, arguments, talk, limit)
        except QemuExited:
            unasked.add(pending.pop())
            if len(unasked) > _PATIENCE:
                raise
    return MappingProxyType({prop: frozenset(found) for prop, found in owners.items()}), frozenset(unasked)


def machines_of(replies: Iterable[Mapping[str, Any]]) -> list[Machine]:
    """Machines from the ``return`` value of query-machines; ``none`` is not a machine type for domains."""
    return [
        Machine(
            name=row["name"],
            alias=row.get("alias"),
            default=bool(row.get("is-default")),
            deprecated=bool(row.get("deprecated")),
            max_cpus=row.get("cpu-max"),
        )
        for row in replies
        if row["name"] != "none"
    ]


def root_buses(binary: str, names: Iterable[str], limit: float = 60.0) -> dict[str, str | None]:
    """The kind of root bus (``pci``, ``pcie``, ``none``) of each machine type of ``binary``, by starting it.

    None means that the machine type does not start without firmware, an image or special options.
    """

    async def talk(ask: Ask) -> str:
        tree = await ask("human-monitor-command", {"command-line": "info qtree"})
        kinds = _PCI_BUS.findall(str(tree))
        return _BUS_KINDS[kinds[0]] if kinds else "none"

    found: dict[str, str | None] = {}
    for name in names:
        found[name] = None
        for options in _REMEDIES:
            arguments = [option.replace("MACHINE", name) for option in options]
            try:
                found[name] = converse(binary, (*_IDLE, *arguments), talk, limit)
                break
            except VerifyError:
                continue
    return found
