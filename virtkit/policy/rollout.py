"""The staged rollout of a check of model names: which domains each stage accepts, taints, refuses or loses."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from heapq import nsmallest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from virtkit import facts
from virtkit.display import Displayable
from virtkit.domain.vocabulary import accepted
from virtkit.errors import UsageError
from virtkit.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from virtkit.domain.domain import Domain
    from virtkit.host import Host

__all__ = [
    "OUTCOMES",
    "STAGES",
    "SUBJECTS",
    "Rollout",
    "Tally",
    "UnknownName",
    "affected_table",
    "known_names",
    "known_table",
    "name_table",
    "nearest",
    "select_subjects",
    "stage_of",
    "stage_table",
]

#: What each stage does with an unknown name. Source: libvir-list, discussion of NIC models, January 2019.
STAGES: Mapping[int, tuple[str, str, str]] = MappingProxyType(
    {
        0: ("today", "accepted", "accepted and passed through"),
        1: ("report and taint", "tainted", "accepted; the guest is tainted and logged"),
        2: ("validate", "refused", "existing guests stay visible; defining or starting one is refused"),
        3: ("enforce", "lost", "the definition no longer parses: the guest disappears"),
    }
)
OUTCOMES = ("accepted", "tainted", "refused", "lost")
#: Limits on memory: the number of distinct names that are counted, and the length to which a name is kept.
_MOST_NAMES, _LONGEST = 100_000, 200

#: What can be checked: the device, its child and the attribute with the name. NIC models were free text. libvirt
#: enumerates the others, so an unknown name there comes from another release or another program.
SUBJECTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "nic-model": ("interface", "model", "type"),
        "video-model": ("video", "model", "type"),
        "sound-model": ("sound", "", "model"),
        "controller-model": ("controller", "", "model"),
    }
)

_HYPERVISORS = MappingProxyType(
    {"kvm": "qemu", "qemu": "qemu", "kqemu": "qemu", "hvf": "qemu", "test": "qemu", "xen": "xen", "vmware": "vmware"}
)


@cache
def _listed(subject: str, hypervisor: str, at: tuple[int, int]) -> tuple[tuple[str, str], ...]:
    if subject == "nic-model":
        table = facts.table("policies/nic-models.csv")
        return tuple((row["model"], row["type"]) for row in table if row["hypervisor"] == hypervisor)
    tag, _, attribute = SUBJECTS[subject]
    found: set[str] = set()
    for (element, name), values in accepted(at).items():
        # Names of controllers include the type: "scsi:lsilogic".
        element, _, variant = element.partition(":")
        if element == tag and name == attribute and bool(variant) == (subject == "controller-model"):
            found.update(f"{variant}:{value}" if variant else value for value in values)
    return tuple((name, "*") for name in sorted(found))


def known_names(subject: str, hypervisor: str, arch: str, host: Host) -> frozenset[str]:
    """The known names of ``subject`` on a hypervisor; on QEMU only those whose device the architecture has.

    Names of controllers include the type: "scsi:lsilogic". Source: data/policies/nic-models.csv and the device list of
    QEMU; for video, sound and controllers the values that libvirt accepts in the release of ``host``.
    """
    emulator = host.emulator(arch) if hypervisor == "qemu" else None
    return frozenset(
        name
        for name, kind in _listed(subject, hypervisor, host.libvirt)
        if kind == "*" or emulator is None or emulator.has(kind) is not False
    )


@cache
def _aliases() -> Mapping[str, str]:
    """The known name that people mean by another one. Source: data/policies/model-aliases.csv."""
    return MappingProxyType({row["written"]: row["meant"] for row in facts.table("policies/model-aliases.csv")})


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that ``name`` most likely means, "" when none is similar; for a controller one of its type."""
    variant, colon, own = name.rpartition(":")
    names = {each.lower().removeprefix(variant + colon): each for each in known if each.startswith(variant + colon)}
    meant = names.get(_aliases().get(own.lower(), ""))
    if meant:
        return meant
    near = difflib.get_close_matches(own.lower(), names, n=1, cutoff=0.6)
    return names[near[0]] if near else ""


@dataclass(frozen=True, slots=True)
class UnknownName:
    """An unknown name: where it occurs, how many devices and domains have it, and the most similar known name."""

    name: str
    hypervisor: str
    arch: str
    devices: int
    domains: int
    nearest: str


@dataclass(slots=True, repr=False)
class Rollout(Displayable):
    """The review of a rollout. ``domains`` counts the domains that were read, ``rejected`` those that could not be.

    ``known`` has the known names by hypervisor and architecture ("" where it does not matter); ``stages`` maps a stage
    to counts by outcome; ``unknown`` has the unknown names, most frequent first, ``affected`` the domains with one, as
    (domain, file, names), at most ``limit`` of each. ``names`` and ``disappear`` count all of them, ``devices`` the
    devices with an unknown name. At most 100,000 names are counted; ``uncounted`` counts the devices with other names.
    """

    subject: str
    domains: int = 0
    rejected: int = 0
    disappear: int = 0
    names: int = 0
    devices: int = 0
    uncounted: int = 0
    known: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    stages: dict[int, dict[str, int]] = field(default_factory=dict)
    unknown: tuple[UnknownName, ...] = ()
    affected: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        names = counted(self.names, "unknown name")
        return f"<Rollout {self.subject}: {names} in {self.disappear} of {counted(self.domains, 'domain')}>"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "subject": self.subject,
            "domains": self.domains,
            "rejected": self.rejected,
            "disappear": self.disappear,
            "names": self.names,
            "devices": self.devices,
            "uncounted": self.uncounted,
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


def stage_table(found: Iterable[Rollout]) -> pd.DataFrame:
    """Counts of domains: ``subject, stage, name``, one column for each of OUTCOMES, and
    ``unknown_names_are`` (text)."""
    import pandas as pd

    rows = [
        (one.subject, stage, STAGES[stage][0], *(counts[outcome] for outcome in OUTCOMES), STAGES[stage][2])
        for one in found
        for stage, counts in one.stages.items()
    ]
    return pd.DataFrame(rows, columns=["subject", "stage", "name", *OUTCOMES, "unknown_names_are"])


def affected_table(found: Iterable[Rollout]) -> pd.DataFrame:
    """The domains that stage 3 would lose: ``subject, domain, file, names``."""
    import pandas as pd

    rows = [(one.subject, domain, file, ", ".join(names)) for one in found for domain, file, names in one.affected]
    return pd.DataFrame(rows, columns=["subject", "domain", "file", "names"])


def name_table(found: Iterable[Rollout]) -> pd.DataFrame:
    """The unknown names: ``subject, name, hypervisor, arch, devices, domains`` (int), ``nearest``."""
    import pandas as pd

    rows = [
        (one.subject, name.name, name.hypervisor, name.arch, name.devices, name.domains, name.nearest)
        for one in found
        for name in one.unknown
    ]
    return pd.DataFrame(rows, columns=["subject", "name", "hypervisor", "arch", "devices", "domains", "nearest"])


def known_table(found: Iterable[Rollout]) -> pd.DataFrame:
    """The known names on the hypervisors of the domains: ``subject, hypervisor, arch, count`` (int), ``names``.

    Architectures on which a hypervisor knows the same names share a row.
    """
    import pandas as pd

    rows = []
    for one in found:
        arches: dict[tuple[str, frozenset[str]], list[str]] = {}
        for (hypervisor, arch), names in sorted(one.known.items()):
            arches.setdefault((hypervisor, frozenset(names)), []).append(arch)
        for (hypervisor, known), sharing in arches.items():
            rows.append((one.subject, hypervisor, ", ".join(sharing), len(known), ", ".join(sorted(known))))
    return pd.DataFrame(rows, columns=["subject", "hypervisor", "arch", "count", "names"])


def select_subjects(text: str) -> tuple[str, ...]:
    """The subjects that a list names, "" or "all" for all of them. Raises UsageError."""
    wanted = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not wanted or "all" in wanted:
        return tuple(SUBJECTS)
    for subject in wanted:
        if subject not in SUBJECTS:
            raise UsageError(f"no rollout of {subject!r}; expected one of {', '.join(SUBJECTS)}, all")
    return wanted


def stage_of(value: object) -> int:
    """``value`` itself when it is a stage. Raises UsageError."""
    if isinstance(value, int) and not isinstance(value, bool) and value in STAGES:
        return value
    raise UsageError(f"stage: expected one of {', '.join(map(str, STAGES))}, got {value!r}")


def _names(domain: Domain, subject: str, at: tuple[int, int]) -> Iterator[str]:
    tag, child, attribute = SUBJECTS[subject]
    for holder in domain.document.root.iterchildren("devices"):
        for device in holder.iterchildren(tag):
            element = device.find(child) if child else device
            name = None if element is None else element.get(attribute)
            if name and subject == "controller-model":
                variant = device.get("type", "")
                if variant in _enumerated(at):
                    yield f"{variant}:{name}"
            elif name:
                yield name


@cache
def _enumerated(at: tuple[int, int]) -> frozenset[str]:
    """The controller types whose models libvirt enumerates."""
    return frozenset(element.partition(":")[2] for element, _ in accepted(at) if element.startswith("controller:"))


class Tally:
    """Counts the unknown names of one subject, domain by domain, with at most ``limit`` names, domains and messages."""

    def __init__(self, subject: str, host: Host, limit: int) -> None:
        self.found = Rollout(subject)
        self.host, self.limit = host, limit
        self.lower: dict[tuple[str, str], frozenset[str]] = {}
        self.devices: Counter[tuple[str, str, str]] = Counter()
        self.holders: Counter[tuple[str, str, str]] = Counter()

    def reject(self, message: str) -> None:
        """Count an input that could not be read."""
        self.found.rejected += 1
        if len(self.found.errors) < self.limit:
            self.found.errors.append(message)

    def add(self, domain: Domain, file: str) -> None:
        """Count the unknown names of a domain that was read from ``file``."""
        subject, found = self.found.subject, self.found
        found.domains += 1
        hypervisor = _HYPERVISORS.get(domain.type, domain.type)
        platform = (hypervisor, domain.arch if hypervisor == "qemu" else "")
        if platform not in self.lower:
            names = known_names(subject, hypervisor, domain.arch, self.host)
            found.known[platform] = names
            self.lower[platform] = frozenset(name.lower() for name in names)
        written = _names(domain, subject, self.host.libvirt)
        strange = [name for name in written if name.lower() not in self.lower[platform]]
        if not strange:
            return
        found.devices += len(strange)
        for name, count in Counter(one[:_LONGEST] for one in strange).items():
            key = (name, *platform)
            if key in self.devices or len(self.devices) < _MOST_NAMES:
                self.devices[key] += count
                self.holders[key] += 1
            else:
                found.uncounted += count
        found.disappear += 1
        if len(found.affected) < self.limit:
            found.affected.append((domain.name, file, tuple(sorted({name[:_LONGEST] for name in strange}))))

    def result(self) -> Rollout:
        """The review of all domains that were added."""
        found = self.found
        for stage, (_, outcome, _) in STAGES.items():
            counts = dict.fromkeys(OUTCOMES, 0)
            counts["accepted"] = found.domains - found.disappear
            counts[outcome] += found.disappear
            found.stages[stage] = counts
        found.names = len(self.devices)
        most = nsmallest(self.limit, self.devices.items(), key=lambda item: (-item[1], item[0]))
        found.unknown = tuple(
            UnknownName(
                name,
                hypervisor,
                arch,
                count,
                self.holders[name, hypervisor, arch],
                nearest(name, found.known[hypervisor, arch]),
            )
            for (name, hypervisor, arch), count in most
        )
        return found
