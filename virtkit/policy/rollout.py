"""The staged rollout of model names: which domains each stage accepts, taints, refuses or loses, and why."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.errors import UsageError, VirtkitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from virtkit.domain.domain import Domain
    from virtkit.host import Host
    from virtkit.inputs import Source

__all__ = ["OUTCOMES", "STAGES", "SUBJECTS", "Name", "Rollout", "known_names", "nearest", "review"]

#: What each stage does with an unknown name. Source: libvir-list, the NIC model argument of January 2019.
STAGES: Mapping[int, tuple[str, str, str]] = MappingProxyType(
    {
        0: ("today", "accepted", "accepted and passed through"),
        1: ("report and taint", "tainted", "accepted; the guest is tainted and logged"),
        2: ("validate", "refused", "existing guests stay visible, defining or starting one is refused"),
        3: ("enforce", "lost", "the definition no longer parses: the guest disappears"),
    }
)
OUTCOMES = ("accepted", "tainted", "refused", "lost")

#: What can be rolled out: the element and attribute that hold the name.
SUBJECTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "nic-model": ("interface", "model", "type"),
        "video-model": ("video", "model", "type"),
        "sound-model": ("sound", "", "model"),
    }
)

_HYPERVISORS = MappingProxyType(
    {"kvm": "qemu", "qemu": "qemu", "kqemu": "qemu", "hvf": "qemu", "test": "qemu", "xen": "xen", "vmware": "vmware"}
)
#: Names that people write for a known one. Source: QEMU's own driver names; issue trackers of management tools.
_MEANT = MappingProxyType(
    {
        "virtio-net": "virtio",
        "virtio-net-pci": "virtio",
        "virtio-pci": "virtio",
        "virtio-net-ccw": "virtio",
        "ne2k": "ne2k_pci",
        "ne2000": "ne2k_pci",
        "vmxnet-generation3": "vmxnet3",
        "vmxnet-3": "vmxnet3",
        "intel-e1000": "e1000",
    }
)


@cache
def _listed(subject: str, hypervisor: str) -> tuple[tuple[str, str], ...]:
    if subject == "nic-model":
        table = facts.table("policies/nic-models.csv")
        return tuple((row["model"], row["type"]) for row in table if row["hypervisor"] == hypervisor)
    element, _, attribute = SUBJECTS[subject]
    found: set[str] = set()
    for row in facts.table("libvirt/accepted-values.csv"):
        if (row["element"], row["attribute"]) == (element, attribute):
            found.update(row["value"].split())
    return tuple((name, "*") for name in sorted(found))


def known_names(subject: str, hypervisor: str, arch: str, host: Host) -> frozenset[str]:
    """The known names of ``subject`` on a hypervisor; on QEMU those whose device the architecture has.

    Source: data/policies/nic-models.csv and the device list of QEMU; for video and sound libvirt's own list.
    """
    emulator = host.emulator(arch) if hypervisor == "qemu" else None
    return frozenset(
        name
        for name, kind in _listed(subject, hypervisor)
        if kind == "*" or emulator is None or emulator.has(kind) is not False
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most likely meant, "" when none is near."""
    names = {each.lower(): each for each in known}
    meant = _MEANT.get(name.lower())
    if meant in names.values():
        return meant or ""
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return names[near[0]] if near else ""


@dataclass(frozen=True, slots=True)
class Name:
    """An unknown name: how many devices and domains have it, on which hypervisor, and the nearest known one."""

    name: str
    hypervisor: str
    arch: str
    devices: int
    domains: int
    nearest: str


@dataclass(slots=True)
class Rollout:
    """The review of a rollout. ``domains`` counts those read, ``rejected`` those that could not be.

    ``stages`` maps a stage to counts by outcome; ``unknown`` the unknown names, most frequent first; ``affected``
    the domains that hold one, as (domain, file, names), at most ``limit`` of them; ``disappear`` how many in all.
    """

    subject: str
    domains: int = 0
    rejected: int = 0
    disappear: int = 0
    stages: dict[int, dict[str, int]] = field(default_factory=dict)
    unknown: tuple[Name, ...] = ()
    affected: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "subject": self.subject,
            "domains": self.domains,
            "rejected": self.rejected,
            "disappear": self.disappear,
            "stages": [{"stage": stage, "name": STAGES[stage][0], **counts} for stage, counts in self.stages.items()],
            "unknown": [
                {
                    "name": n.name,
                    "hypervisor": n.hypervisor,
                    "arch": n.arch,
                    "devices": n.devices,
                    "domains": n.domains,
                    "nearest": n.nearest,
                }
                for n in self.unknown
            ],
            "affected": [{"domain": d, "file": f, "names": list(names)} for d, f, names in self.affected],
            "errors": self.errors,
        }


def _names(domain: Domain, subject: str) -> Iterator[str]:
    tag, child, attribute = SUBJECTS[subject]
    for holder in domain.document.root.iterchildren("devices"):
        for device in holder.iterchildren(tag):
            element = device.find(child) if child else device
            name = None if element is None else element.get(attribute)
            if name:
                yield name


def review(
    sources: Iterable[Source], subject: str = "nic-model", host: Host | None = None, limit: int = 1000
) -> Rollout:
    """What each stage does to the domains of ``sources``, read one at a time so that memory stays bounded.

    Domains are read, not resolved: what a stage refuses need not resolve. A name is matched whatever its letter
    case. Raises UsageError for an unknown ``subject``.
    """
    from virtkit.domain.domain import read
    from virtkit.host import Host as TheHost

    if subject not in SUBJECTS:
        raise UsageError(f"no rollout of {subject!r}; known: {', '.join(SUBJECTS)}")
    host = host or TheHost.default()
    known: dict[tuple[str, str], frozenset[str]] = {}
    devices: Counter[tuple[str, str, str]] = Counter()
    holders: Counter[tuple[str, str, str]] = Counter()
    found = Rollout(subject)
    for source in sources:
        try:
            domain = read(source.read(), source.label)
        except VirtkitError as problem:
            found.rejected += 1
            if len(found.errors) < limit:
                found.errors.append(str(problem))
            continue
        found.domains += 1
        hypervisor = _HYPERVISORS.get(domain.type, domain.type)
        place = (hypervisor, domain.arch if hypervisor == "qemu" else "")
        if place not in known:
            known[place] = frozenset(n.lower() for n in known_names(subject, hypervisor, domain.arch, host))
        strange = [name for name in _names(domain, subject) if name.lower() not in known[place]]
        devices.update((name, *place) for name in strange)
        holders.update((name, *place) for name in set(strange))
        if strange:
            found.disappear += 1
            if len(found.affected) < limit:
                found.affected.append((domain.name, source.label, tuple(sorted(set(strange)))))
    for stage, (_, outcome, _) in STAGES.items():
        counts = dict.fromkeys(OUTCOMES, 0)
        counts["accepted"] = found.domains - found.disappear
        counts[outcome] += found.disappear
        found.stages[stage] = counts
    found.unknown = tuple(
        Name(
            name,
            hypervisor,
            arch,
            count,
            holders[name, hypervisor, arch],
            nearest(name, known_names(subject, hypervisor, arch or "x86_64", host)),
        )
        for (name, hypervisor, arch), count in sorted(devices.items(), key=lambda item: (-item[1], item[0]))
    )
    return found
