"""Domain capabilities: the device enumerations that libvirt reports, as values, and the difference of two reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lxml import etree

from virtkit import facts, releases
from virtkit.errors import CapabilityError
from virtkit.host.emulator import emulator_arch
from virtkit.host.machine_types import machine_version
from virtkit.host.xml import parse

__all__ = ["DomainCapabilities", "Element", "differences", "read", "row_applies"]


@dataclass(frozen=True, slots=True)
class Element:
    """One device kind of the report: whether it is supported, and its enumerations by name, in order."""

    name: str
    supported: bool
    enums: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DomainCapabilities:
    """A domain capabilities report.

    ``domain`` is the virtualization type (``qemu``, ``kvm``, ``bhyve``, ``xen``); ``machine`` and ``path`` are
    "" where the driver has none. ``unknown`` lists "element enum value" entries about which the host's source says
    nothing; they are not in ``devices``.
    """

    path: str
    domain: str
    machine: str
    arch: str
    devices: tuple[Element, ...]
    unknown: tuple[str, ...] = field(default=())

    def xml(self) -> str:
        """The report in the form of ``virsh domcapabilities``, devices only."""
        root = etree.Element("domainCapabilities")
        for tag, text in (
            ("path", self.path),
            ("domain", self.domain),
            ("machine", self.machine),
            ("arch", self.arch),
        ):
            if text:
                etree.SubElement(root, tag).text = text
        devices = etree.SubElement(root, "devices")
        for element in self.devices:
            node = etree.SubElement(devices, element.name, supported="yes" if element.supported else "no")
            for name, values in element.enums.items():
                listing = etree.SubElement(node, "enum", name=name)
                for value in values:
                    etree.SubElement(listing, "value").text = value
        etree.indent(root)
        return etree.tostring(root, encoding="unicode").replace('"', "'") + "\n"

    def rows(self) -> list[tuple[str, str, str]]:
        """(element, enum, values joined by spaces), one for each enumeration; an unsupported element has one."""
        found = []
        for element in self.devices:
            if not element.supported:
                found.append((element.name, "", "not supported"))
            found.extend((element.name, name, " ".join(values)) for name, values in element.enums.items())
        return found


def read(data: bytes, name: str) -> DomainCapabilities:
    """A report from the XML of ``virsh domcapabilities``, of any hypervisor driver; raises CapabilityError."""
    return from_root(parse(data, name), name)


def from_root(root: etree._Element, name: str) -> DomainCapabilities:
    """As ``read``, from the parsed document."""
    if root.tag != "domainCapabilities":
        raise CapabilityError(f"{name}: expected a <domainCapabilities> document, got <{root.tag}>")
    devices = root.find("devices")
    lacking = [tag for tag in ("domain", "arch") if not root.findtext(tag)]
    if devices is None:
        lacking.append("devices")
    if lacking or devices is None:
        missing = ", ".join(f"<{tag}>" for tag in lacking)
        raise CapabilityError(f"{name}: the domain capabilities have no {missing}")
    elements = []
    for node in devices.iterchildren(tag=etree.Element):
        enums = {
            enum.get("name", ""): tuple(value.text or "" for value in enum.iterchildren("value"))
            for enum in node.iterchildren("enum")
        }
        elements.append(Element(str(node.tag), node.get("supported") == "yes", MappingProxyType(enums)))
    return DomainCapabilities(
        path=root.findtext("path") or "",
        domain=root.findtext("domain") or "",
        machine=root.findtext("machine") or "",
        arch=root.findtext("arch") or "",
        devices=tuple(elements),
    )


def differences(ours: DomainCapabilities, theirs: DomainCapabilities) -> list[str]:
    """One line for each enumeration (or element) that differs between two reports; empty when they agree."""
    left = {(element.name): element for element in ours.devices}
    right = {(element.name): element for element in theirs.devices}
    lines = []
    for name in dict.fromkeys((*left, *right)):
        one, other = left.get(name), right.get(name)
        if one is None or other is None:
            lines.append(f"{name}: only in the {'second' if one is None else 'first'}")
            continue
        if one.supported != other.supported:
            lines.append(f"{name}: supported={_yes(one.supported)} in the first, {_yes(other.supported)} in the second")
            continue
        for enum in dict.fromkeys((*one.enums, *other.enums)):
            if (enum in one.enums) != (enum in other.enums):
                lines.append(f"{name} {enum}: only in the {'first' if enum in one.enums else 'second'}")
                continue
            mine, its = one.enums[enum], other.enums[enum]
            differences = [f"only in the first: {value}" for value in mine if value not in its]
            differences += [f"only in the second: {value}" for value in its if value not in mine]
            if not differences and mine != its:
                differences = ["the same values in another order"]
            lines += [f"{name} {enum}: {line}" for line in differences]
    return lines


def proven_devices(document: DomainCapabilities, libvirt: releases.Release) -> tuple[set[str], set[str]]:
    """The device types that a report proves present, and those it proves absent.

    A value proves a driver only when no other driver could provide it; a missing enumeration proves nothing.
    """
    present: set[str] = set()
    absent: set[str] = set()
    elements = {element.name: element for element in document.devices}
    for row in facts.table("qemu/domcaps.csv"):
        needs = row["needs"].split()
        element = elements.get(row["element"])
        if not needs or element is None or not row_applies(row, emulator_arch(document.arch), document.machine):
            continue
        values = element.enums.get(row["enum"])
        if values is None and element.supported:
            continue
        if values is not None and row["value"] in values:
            present.update(needs if len(needs) == 1 else ())
        elif releases.in_release(row, libvirt) and not releases.is_uncertain(row, libvirt):
            absent.update(needs)
    return present, absent - present


def row_applies(row: Mapping[str, str], arch: str, machine: str) -> bool:
    """Whether the row is for this architecture and machine family (``!`` in front: for all but that one)."""
    if row["arch"] and arch not in row["arch"].split():
        return False
    family = row["machine"]
    if family.startswith("!"):
        return not _of_family(machine, family[1:])
    return not family or any(_of_family(machine, one) for one in family.split())


def _of_family(machine: str, family: str) -> bool:
    if machine == family or machine.startswith(f"{family}-") or (machine, family) == ("pc", "pc-i440fx"):
        return True
    return machine_version(machine)[0] == family


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
