"""Emulators read from a user's documents: what a document does not state is unknown, not absent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lxml import etree

from virtkit import facts, releases
from virtkit.errors import CapabilityError
from virtkit.host import domcaps, replies, shipped
from virtkit.host.emulator import Emulator, Machine, by_name, default_name, emulator_arch
from virtkit.host.xml import load, parse

__all__ = ["UNKNOWN_RELEASE", "Document", "document_of", "read_document"]

#: Emulator.release of a document that does not name QEMU's release; Host puts in the one that goes with libvirt.
UNKNOWN_RELEASE = (0, 0)

_KNOWN = "<qemuCaps>, <domainCapabilities>, <capabilities>, or JSON of query-machines or qom-list-types"


@dataclass(frozen=True, slots=True)
class Document:
    """The emulators that one file describes, and the libvirt release that wrote it (None when it does not say)."""

    emulators: tuple[Emulator, ...]
    libvirt: tuple[int, int] | None


def read_document(file: Path) -> Document:
    """The document in ``file``; its content decides which kind it is. Raises CapabilityError."""
    return document_of(load(file), str(file))


def document_of(data: bytes, name: str) -> Document:
    """The document with this content; ``name`` is its name in messages. Raises CapabilityError."""
    if data.lstrip()[:1] in (b"{", b"["):
        return Document((_json(data, name),), None)
    root = parse(data, name)
    if root.tag == "qemuCaps":
        return _cache(root, name)
    if root.tag == "domainCapabilities":
        return Document((_domain_capabilities(domcaps.from_root(root, name), name),), None)
    if root.tag == "capabilities":
        return Document(tuple(_capabilities(root, name)), None)
    raise CapabilityError(f"{name}: expected a capability document ({_KNOWN}), got <{root.tag}>")


def _json(data: bytes, name: str) -> Emulator:
    found = replies.decode(data, name)
    if isinstance(found, dict) and "format" in found:
        return shipped.from_document(found, name)
    return replies.emulator(found, name)


def _cache(root: etree._Element, name: str) -> Document:
    """libvirt's QEMU capability cache (``/var/cache/libvirt/qemu/capabilities/*.xml``)."""
    lacking = [f"<{tag}>" for tag in ("arch", "version") if not root.findtext(tag)]
    lacking += [f"<{tag} .../>" for tag in ("flag", "machine") if root.find(tag) is None]
    if lacking:
        raise CapabilityError(f"{name}: the capability cache has no {', '.join(lacking)}")
    arch = emulator_arch(root.findtext("arch") or "")
    release = _number(root.findtext("version") or "", name, "version")
    written_by = _number(root.findtext("selfvers") or "0", name, "selfvers")
    machines = _unique(_cache_machine(node, name) for node in root.iterchildren("machine"))
    flags = {node.get("name", "") for node in root.iterchildren("flag")}
    devices, absent, having, lacks = _by_flags(flags, arch, written_by)
    package = root.findtext("package") or f"{release[0]}.{release[1]}"
    emulator = Emulator(
        arch=arch,
        release=release,
        package=package,
        machines=by_name(machines),
        default_machine=default_name(machines),
        devices=frozenset(devices),
        complete=False,
        source=f"{name}: capability cache of libvirt {written_by[0]}.{written_by[1]}, QEMU package {package}",
        absent=frozenset(absent),
        properties=MappingProxyType({prop: frozenset(drivers) for prop, drivers in having.items()}),
        lacking=frozenset(lacks),
    )
    return Document((emulator,), written_by if written_by != UNKNOWN_RELEASE else None)


def _cache_machine(node: etree._Element, name: str) -> Machine:
    given = node.get("name")
    if not given:
        raise CapabilityError(f"{name}:{node.sourceline}: a <machine> of the capability cache has no name=")
    cpus = node.get("maxCpus", "")
    return Machine(
        name=given,
        alias=node.get("alias"),
        default=node.get("default") == "yes",
        deprecated=node.get("deprecated") == "yes",
        max_cpus=_count(cpus),
    )


def _by_flags(
    flags: set[str], arch: str, libvirt: tuple[int, int]
) -> tuple[set[str], set[str], dict[str, set[str]], set[tuple[str, str]]]:
    """Device types present and absent, properties present and absent. Source: ``data/qemu/capability-flags.csv``."""
    devices: set[str] = set()
    absent: set[str] = set()
    having: dict[str, set[str]] = {}
    lacking: set[tuple[str, str]] = set()
    for row in facts.table("qemu/capability-flags.csv"):
        if row["arches"] and arch not in row["arches"].split():
            continue
        drivers, prop = row["drivers"].split(), row["property"]
        if row["flag"] in flags:
            if prop:
                having.setdefault(prop, set()).update(drivers)
            else:
                devices.update(drivers)
        elif releases.in_release(row, libvirt) and not releases.is_uncertain(row, libvirt):
            if prop:
                lacking.update((driver, prop) for driver in drivers)
            else:
                absent.update(drivers)
    return devices, absent - devices, having, lacking


def _domain_capabilities(document: domcaps.DomainCapabilities, name: str) -> Emulator:
    """One machine type of one emulator, from ``virsh domcapabilities``."""
    if document.domain not in ("qemu", "kvm"):
        raise CapabilityError(
            f"{name}: expected the domain capabilities of qemu or kvm, got those of {document.domain!r}; "
            "virtkit domcaps --compare can compare them"
        )
    if not document.machine:
        raise CapabilityError(f"{name}: the domain capabilities have no <machine>")
    present, absent = domcaps.proven_devices(document, (999, 0))
    machines = [Machine(document.machine)]
    return Emulator(
        arch=emulator_arch(document.arch),
        release=UNKNOWN_RELEASE,
        package="",
        machines=by_name(machines),
        default_machine=None,
        devices=frozenset(present),
        complete=False,
        source=f"{name}: virsh domcapabilities",
        absent=frozenset(absent),
        all_machines=False,
    )


def _capabilities(root: etree._Element, name: str) -> Iterable[Emulator]:
    """The guests of ``virsh capabilities``: architectures and machine types; it lists no device types."""
    found: dict[str, Emulator] = {}
    for arch in root.iterfind("guest/arch"):
        types = {node.get("type") for node in arch.iterchildren("domain")}
        nodes = arch.findall("machine") + arch.findall("domain/machine")
        if not types & {"qemu", "kvm"} or not nodes or not arch.get("name"):
            continue
        aliases = {node.get("canonical"): (node.text or "").strip() for node in nodes if node.get("canonical")}
        cpus = {(node.text or "").strip(): node.get("maxCpus", "") for node in nodes}
        names = dict.fromkeys(
            text for node in nodes if (text := (node.text or "").strip()) and not node.get("canonical")
        )
        # An alias may be listed without its canonical name.
        names.update(dict.fromkeys(canonical for canonical in aliases if canonical))
        machines = [
            Machine(
                one,
                alias=aliases.get(one),
                deprecated=any(node.get("deprecated") == "yes" and (node.text or "").strip() == one for node in nodes),
                max_cpus=_count(cpus.get(one, "")),
            )
            for one in names
        ]
        qemu_arch = emulator_arch(arch.get("name") or "")
        emulator = Emulator(
            arch=qemu_arch,
            release=replies.release_by_aliases(machines) or UNKNOWN_RELEASE,
            package="",
            machines=by_name(machines),
            default_machine=None,
            devices=frozenset(),
            complete=False,
            source=f"{name}: virsh capabilities",
        )
        found.setdefault(qemu_arch, emulator)
    if not found:
        raise CapabilityError(
            f"{name}: the capabilities have no <guest> with <arch>, <domain type='qemu'> and <machine>"
        )
    return found.values()


def merged(one: Emulator, other: Emulator, place: str) -> Emulator:
    """Two documents about one emulator, combined; raises CapabilityError when their releases differ."""
    releases = {one.release, other.release} - {UNKNOWN_RELEASE}
    if len(releases) > 1:
        raise CapabilityError(f"{place}: two documents describe the emulator of {one.arch} with different releases")
    first, second = (one, other) if one.all_machines >= other.all_machines else (other, one)
    machines = first.machines or second.machines
    devices = one.devices | other.devices
    properties: dict[str, Any] = {
        prop: one.properties.get(prop, frozenset()) | other.properties.get(prop, frozenset())
        for prop in (*one.properties, *other.properties)
    }
    return replace(
        first,
        release=releases.pop() if releases else UNKNOWN_RELEASE,
        package=one.package or other.package,
        machines=machines,
        default_machine=one.default_machine or other.default_machine,
        devices=devices,
        complete=one.complete or other.complete,
        absent=(one.absent | other.absent) - devices,
        properties=MappingProxyType(properties),
        lacking=one.lacking | other.lacking,
        unasked=one.unasked | other.unasked,
        all_machines=one.all_machines or other.all_machines,
        source=f"{one.source}; {other.source}",
    )


def _unique(machines: Iterable[Machine]) -> list[Machine]:
    """Each machine once: the cache lists them for every accelerator."""
    return list({machine.name: machine for machine in machines}.values())


def _count(text: str) -> int | None:
    """A number of CPUs; None when ``text`` is no number."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _number(text: str, name: str, tag: str) -> tuple[int, int]:
    """libvirt's ``MAJOR * 1000000 + MINOR * 1000 + MICRO`` as (major, minor)."""
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise CapabilityError(f"{name}: expected a release number such as 9000000 in <{tag}>, got {text!r}")
    number = int(text)
    return number // 1_000_000, number // 1000 % 1000
