"""The model to choose for each kind of device, for a guest on a machine, and which machine."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from virtkit.compat import advice
from virtkit.compat.prober import PROBES, Prober
from virtkit.compat.verdict import Judgement, Verdict, judge
from virtkit.display import Displayable
from virtkit.guests import KINDS
from virtkit.guests.overrides import support
from virtkit.host.family import family_of
from virtkit.virtio.kinds import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.guests import Guest
    from virtkit.host import Host

_SOURCE = re.compile(r"<source file='[^']*'/>")

__all__ = ["Choice", "Recommendation", "recommend", "recommend_machine"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to write for one kind: ``model`` is a virtio model, or "" where ``xml`` says another device."""

    kind: str
    model: str
    xml: str
    verdict: str
    placement: str
    interface: str
    reason: str
    condition: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Recommendation(Displayable):
    """The choices for a guest on ``machine``; ``machine_advice`` says which machine is best and why."""

    guest: str
    machine: str
    best_machine: str
    machine_advice: str
    choices: tuple[Choice, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        said = ", ".join(f"{choice.kind} {choice.model or 'another device'}" for choice in self.choices)
        return f"<Recommendation {self.guest} on {self.machine}: {said}>"


def recommend_machine(guest: Guest, *, overrides: bool = True) -> tuple[str, str]:
    """pc or q35 for a guest on x86, and why.

    The rule: a guest with legacy virtio drivers only goes on pc, where plain virtio is transitional; one for
    which q35 is not listed too; else q35. Source: virt-manager commit edab908f4 (the machine guards the driver).
    """
    net, block = (support(guest, kind, overrides=overrides) for kind in ("net", "block"))
    legacy_only = [
        name
        for name, answer in (("net", net), ("block", block))
        if (answer.legacy or answer.legacy_addon) and not (answer.modern or answer.modern_addon)
    ]
    if net.unknown and block.unknown:
        return "pc", f"nothing is known of {guest.id}; pc has the devices that the oldest systems know"
    if legacy_only:
        more = "; q35 works with virtio-transitional" if guest.q35 else ""
        return "pc", f"its {' and '.join(legacy_only)} driver is legacy only, and virtio is transitional on pc{more}"
    if guest.devices and not guest.q35 and not (net.modern and block.modern):
        return "pc", f"the guest OS database does not list the q35 chipset for {guest.id}"
    return "q35", "it drives modern virtio devices" + (", and the database lists the chipset" if guest.q35 else "")


def recommend(
    guest: Guest | str,
    machine: str | None = None,
    *,
    kinds: Iterable[str] = KINDS,
    overrides: bool = True,
    host: Host | None = None,
    arch: str = "x86_64",
) -> Recommendation:
    """The model for each kind: the plainest one that works on ``machine`` (None: the best machine).

    ``guest`` is a Guest, or a short id, URI or alias; ``machine`` a machine type or alias of ``host``.
    Works goes before works-with-condition; of equals plain virtio goes before the named models, and fewer added
    buses before more. Where no model works, another device. Raises UsageError for an unknown machine,
    GuestError for an unknown guest.

    >>> import virtkit as vk
    >>> vk.recommend("rhel6.10", "q35", kinds=("net", "block"))
    <Recommendation rhel6.10 on q35: net virtio-transitional, block virtio-transitional>
    """
    from virtkit.guests import catalogue
    from virtkit.host import Host as TheHost

    guest = catalogue().find(guest) if isinstance(guest, str) else guest
    best, why = recommend_machine(guest, overrides=overrides)
    host = host or TheHost.default()
    prober = Prober(host, arch)
    name = machine or best
    canonical = prober.machine(name)
    choices = tuple(_choice(guest, kind, canonical, prober, overrides) for kind in kinds)
    return Recommendation(guest.id, name, best, why, choices)


def _choice(guest: Guest, kind: str, machine: str, prober: Prober, overrides: bool) -> Choice:
    answer = support(guest, kind, overrides=overrides)
    found: list[tuple[tuple[int, int, int], str, Judgement, str, str]] = []
    why_not = ""
    for number, model in enumerate(MODELS):
        placed, shown = prober.shown(machine, kind, model)
        if shown is None or shown.interface is None:
            why_not = why_not or placed.refusal or (shown.message or shown.reason if shown else "")
            continue
        judged = judge(answer, kind, shown.interface, addons=overrides)
        rank = {Verdict.WORKS: 0, Verdict.CONDITION: 1}.get(judged.verdict)
        if rank is not None:
            key = (rank, 0 if number == 0 else 1, placed.buses)
            found.append((key, model, judged, placed.location, shown.interface.value))
        elif number == 0:
            why_not = judged.reason
    if found:
        _, model, judged, location, interface = min(found, key=lambda one: one[0])
        xml = _SOURCE.sub("", PROBES[kind].device(model) or "")
        return Choice(
            kind,
            model,
            xml,
            judged.verdict.value,
            location,
            interface,
            judged.reason,
            judged.condition,
            judged.source,
        )
    family = family_of(prober.arch, machine, prober.host.libvirt)
    other = advice.instead(kind, guest, family.name if family else "")
    verdict = Verdict.UNKNOWN if answer.unknown else Verdict.FAILS
    reason = "nothing is known of this OS; virtio is a guess" if answer.unknown else why_not
    return Choice(kind, "", other, verdict.value, "", "", reason, "", answer.source)
