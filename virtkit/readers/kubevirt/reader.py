"""The reader of KubeVirt's objects: YAML or JSON, one object, several documents, or lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from virtkit.domain.origin import KubeVirtOrigin, note_kubevirt
from virtkit.errors import InputError, UsageError
from virtkit.readers.contract import FoundDomain, NotRead, Skipped, document_of
from virtkit.readers.kubevirt import defaults, instancetypes
from virtkit.readers.kubevirt.admission import check_spec
from virtkit.readers.kubevirt.alike import items
from virtkit.readers.kubevirt.conversion import convert
from virtkit.readers.kubevirt.documents import Found, Mapping, documents
from virtkit.readers.kubevirt.instance import Instance, instance_of
from virtkit.readers.kubevirt.instancetypes import Profiles
from virtkit.readers.kubevirt.later import attach, take_out
from virtkit.readers.kubevirt.notes import notes_on
from virtkit.readers.kubevirt.objects import Machine, Profile, check_list, object_of
from virtkit.readers.kubevirt.placement import reserve
from virtkit.readers.kubevirt.portions import portions
from virtkit.readers.kubevirt.ports import on_root_complex, place_on_root_bus, plan, takes_ports
from virtkit.readers.kubevirt.releases import NEWEST, Topology, topology_of_release

if TYPE_CHECKING:
    from virtkit.readers.contract import Item, ReaderOptions, Reading

__all__ = ["READER", "KubeVirt"]

_API = re.compile(rb"""(?<![\w.-])["']?apiVersion["']?\s*:""")
_KIND = re.compile(rb"""["']?kind["']?\s*:\s*["']?[A-Z]""")
_SEARCHED = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the options choose: the topology, the release it came from, and notes on both."""

    topology: Topology
    notes: tuple[str, ...]
    more_disks: int = 0
    first_line: int = 1


class KubeVirt:
    """Reads KubeVirt objects and makes of each virtual machine the domain that KubeVirt defines last.

    Options: ``kubevirt`` is a release (default 1.9), ``topology`` v1, v2, v3, or none for the domain as it is before
    ports are reserved for hotplug; ``more-disks`` is a number of virtio disks to add to each machine,
    ``first-line`` the number of the first line of the text.
    """

    name = "kubevirt"
    title = "KubeVirt YAML or JSON"

    def detects(self, data: bytes, file: str) -> bool:
        """Whether the text begins as a Kubernetes object in YAML or JSON."""
        head = data[:_SEARCHED].replace(b"\0", b"")
        return _API.search(head) is not None and _KIND.search(head) is not None

    def read(self, data: bytes, file: str, options: ReaderOptions) -> Iterator[Reading]:
        """The virtual machines of an input, and what else is in it.

        Raises InputError for a text that is too large, UsageError for options without meaning or a missing PyYAML.
        """
        choice = _chosen(options)
        profiles = Profiles(_profiles(data, file))
        return _named(_readings(data, file, choice, profiles))

    def portions(self, data: bytes, size: int) -> Iterator[bytes]:
        """A long list as lists of about ``size`` bytes, so that several processes can read it."""
        return portions(data, size)

    def alike(self, data: bytes) -> list[Item]:
        """The items of a list, each with a key that machines share which differ only in names and the like."""
        return items(data)


READER = KubeVirt()


def _chosen(options: ReaderOptions) -> _Choice:
    release, wanted = options.values.get("kubevirt", ""), options.values.get("topology", "")
    topology, notes = topology_of_release(release or NEWEST)
    if not release:
        notes = ()
    if wanted:
        if wanted not in set(Topology):
            raise UsageError(f"--topology: expected {', '.join(Topology)}, got {wanted!r}")
        topology = Topology(wanted)
        notes = notes[1:] if len(notes) > 1 else ()
    more = options.values.get("more-disks", "")
    first = int(options.values.get("first-line", "1"))
    return _Choice(topology, notes, int(more) if more.isdigit() else 0, first)


def _profiles(data: bytes, file: str) -> Iterator[Profile]:
    """The instance types and preferences of an input; its problems are reported when the machines are read."""
    if not all(text in data.lower() for text in (b"apiversion", b"instancetype.kubevirt.io")):
        return
    for found in documents(data, file):
        if isinstance(found, Found):
            try:
                one = object_of(found, file)
            except InputError:
                continue
            if isinstance(one, Profile):
                yield one


def _readings(data: bytes, file: str, choice: _Choice, profiles: Profiles) -> Iterator[tuple[Reading, bool]]:
    """Each part of the input, and whether it is an item of a list."""
    notes = choice.notes
    for found in documents(data, file, choice.first_line):
        if isinstance(found, InputError):
            yield NotRead("", found), False
            continue
        try:
            one = object_of(found, file)
        except InputError as error:
            yield NotRead(_name_of(found), error), found.item
            continue
        if isinstance(one, Machine):
            reading = _read(one, file, choice, profiles)
            if notes and isinstance(reading, FoundDomain):
                reading, notes = replace(reading, notes=(*notes, *reading.notes)), ()
            yield reading, found.item
        elif isinstance(one, Profile):
            what = "an instance type" if "instancetype" in one.kind.lower() else "a preference"
            yield Skipped(one.name, f"this is {what}, which machines of the same input use", found.line), found.item
        elif not _is_list(found):
            yield Skipped(one.name, one.reason, one.line), found.item
        else:
            try:
                check_list(found, file)
            except InputError as error:
                yield NotRead("", error), False


def _is_list(found: Found) -> bool:
    """Whether a document is a list, whose items came before it."""
    value = found.value
    return isinstance(value, dict) and not found.item and isinstance(value.get("items"), list)


def _name_of(found: Found) -> str:
    if not isinstance(found.value, Mapping):
        return ""
    metadata = found.value.child("metadata")
    name = metadata.text("name")
    return f"{metadata.text('namespace') or 'default'}.{name}" if name else ""


def _named(parts: Iterable[tuple[Reading, bool]]) -> Iterator[Reading]:
    """The parts with the names of their results: that of the file where it has one machine and no list."""
    first: Reading | None = None
    alone = True
    seen: set[str] = set()
    for reading, item in parts:
        if isinstance(reading, Skipped):
            yield reading
            continue
        if first is None and alone and not item:
            first = reading
            alone = False
            continue
        alone = False
        if first is not None:
            yield _distinct(first, seen)
            first = None
        yield _distinct(reading, seen)
    if first is not None:
        yield replace(first, name="")


def _distinct(reading: Reading, seen: set[str]) -> Reading:
    name, number = reading.name, 1
    while name and name in seen:
        number += 1
        name = f"{reading.name}.{number}"
    seen.add(name)
    return replace(reading, name=name)


def _read(machine: Machine, file: str, choice: _Choice, profiles: Profiles) -> Reading:
    name = f"{machine.namespace}.{machine.name}"
    try:
        if choice.more_disks:
            defaults.add_disks(machine.spec, choice.more_disks)
        instance = _instance(machine, file, profiles)
        building = convert(instance)
        disks = take_out(instance, building)
        if on_root_complex(instance) and instance.arch.root_complex:
            place_on_root_bus(instance, building, file)
        ports = plan(instance, building, choice.topology, file)
        reserve(building, ports, instance.virtio)
        later, unplaced = attach(building, disks)
        slots = ports.placeholders + len(instance.devices.items_of("interfaces"))
        topology = str(choice.topology if takes_ports(instance) else Topology.NONE)
        origin = KubeVirtOrigin(machine.kind, machine.namespace, machine.name, topology, slots)
        note_kubevirt(building.root, origin)
        notes = notes_on(machine, instance, later, unplaced)
        return FoundDomain(name, document_of(building.root, building.lines, file), notes)
    except InputError as error:
        # What is wrong with the XML that was built for libvirt has no place in the file.
        return NotRead(name, error if error.file else InputError(error.what, file or None, machine.line))


def _instance(machine: Machine, file: str, profiles: Profiles) -> Instance:
    """The instance that a machine starts. Raises InputError for one that KubeVirt refuses."""
    spec = machine.spec
    instancetypes.check_conflicts(machine, file)
    instancetype = profiles.of(machine, "instancetype", file)
    preference = profiles.of(machine, "preference", file)
    if machine.vm is not None:
        arch = defaults.architecture_of(spec, machine.path, file)
        defaults.set_machine_type(spec, arch)
        defaults.add_volume_disks(spec)
        if preference is not None:
            instancetypes.apply_autoattach(spec, preference)
        defaults.add_input(spec)
        defaults.add_network(spec)
        if instancetype is not None:
            instancetypes.apply_instancetype(machine, instancetype, preference, file)
        if preference is not None:
            instancetypes.apply_preference(spec, preference)
    arch = defaults.architecture_of(spec, machine.path, file)
    defaults.fill(spec, arch)
    check_spec(spec, arch, machine.path, file)
    return instance_of(machine.name, machine.namespace, machine.annotations, spec, arch, machine.line)

