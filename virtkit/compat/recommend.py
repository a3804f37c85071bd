"""The machine to choose for a guest, and the model to choose for each kind of device."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from virtkit.compat.fallbacks import fallback
from virtkit.compat.prober import Prober, probes
from virtkit.compat.verdict import Judgement, Verdict, judge, qemu_refusal
from virtkit.display import Displayable
from virtkit.guests import KINDS, catalogue
from virtkit.guests.overrides import support
from virtkit.host import Host
from virtkit.host.family import family_of
from virtkit.virtio.kinds import MODELS
from virtkit.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from virtkit.guests import Guest

__all__ = ["Choice", "Recommendation", "recommend", "recommend_machine"]

#: The source of a probe's disk, which is no part of a recommendation.
_SOURCE = re.compile(r"<source file='[^']*'/>")


@dataclass(frozen=True, slots=True)
class Choice:
    """What to write for one kind: a virtio ``model`` and its ``xml``, or "" and advice on another device in ``xml``."""

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
    """The choices for a guest on ``machine``; ``machine_advice`` says why ``best_machine`` is best for the guest.

    ``note`` says how the name of the guest was understood, "" where it is exact.
    """

    guest: str
    machine: str
    best_machine: str
    machine_advice: str
    choices: tuple[Choice, ...]
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        said = ", ".join(f"{choice.kind} {choice.model or 'another device'}" for choice in self.choices)
        return f"<Recommendation {self.guest} on {self.machine}: {said}>"


def recommend_machine(guest: Guest, *, overrides: bool = True) -> tuple[str, str]:
    """pc or q35 for a guest on x86, and why.

    A guest with legacy virtio drivers only gets pc, where plain virtio is transitional; so does one for which the
    database lists neither the q35 chipset nor modern drivers. Every other guest gets q35.
    Source: virt-manager commit edab908f4 (the machine type follows the driver).
    """
    net, block = (support(guest, kind, overrides=overrides) for kind in ("net", "block"))
    legacy_only = [
        name
        for name, answer in (("net", net), ("block", block))
        if (answer.legacy or answer.legacy_addon) and not (answer.modern or answer.modern_addon)
    ]
    if net.unknown and block.unknown:
        reason = f"the guest database does not say what {guest.id} drives; pc has the devices of the oldest systems"
        return "pc", reason
    if legacy_only:
        more = "; on q35 it needs virtio-transitional" if guest.q35 else ""
        drivers = f"{listed(legacy_only)} {'driver supports' if len(legacy_only) == 1 else 'drivers support'}"
        return "pc", f"the guest's {drivers} only virtio 0.9, and plain virtio is transitional on pc{more}"
    if guest.devices and not guest.q35 and not (net.modern and block.modern):
        return "pc", f"the guest database does not list the q35 chipset for {guest.id}"
    more = ", and the guest database lists the q35 chipset" if guest.q35 else ""
    return "q35", f"the guest's drivers support virtio 1.0{more}"


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
    A model that works goes before one that works with a condition; of equals plain virtio goes before the named models,
    and fewer added buses before more. Where no model works, the choice is another device. Raises UsageError for an
    unknown machine, GuestError for an unknown guest.

    >>> import virtkit as vk
    >>> vk.recommend("rhel6.10", "q35", kinds=("net", "block"))
    <Recommendation rhel6.10 on q35: net virtio-transitional, block virtio-transitional>
    """
    guest = catalogue().find(guest) if isinstance(guest, str) else guest
    best, why = recommend_machine(guest, overrides=overrides)
    host = host or Host.default()
    prober = Prober(host, arch)
    name = machine or best
    canonical = prober.machine(name)
    choices = tuple(_choice(guest, kind, canonical, prober, overrides) for kind in kinds)
    return Recommendation(guest.id, name, best, why, choices, guest.note)


def _choice(guest: Guest, kind: str, machine: str, prober: Prober, overrides: bool) -> Choice:
    answer = support(guest, kind, overrides=overrides)
    found: list[tuple[tuple[int, int, int], str, Judgement, str, str]] = []
    why_not = ""
    for number, model in enumerate(MODELS):
        placement, shown = prober.shown(machine, kind, model)
        if shown is None or shown.interface is None:
            why_not = why_not or placement.refusal or (qemu_refusal(shown) if shown else "")
            continue
        judged = judge(answer, kind, shown.interface, addons=overrides)
        rank = {Verdict.WORKS: 0, Verdict.CONDITION: 1}.get(judged.verdict)
        if rank is not None:
            key = (rank, 0 if number == 0 else 1, placement.buses)
            found.append((key, model, judged, placement.location, shown.interface.value))
        elif number == 0:
            why_not = judged.reason
    if found:
        _, model, judged, location, interface = min(found, key=lambda one: one[0])
        xml = _SOURCE.sub("", probes()[kind].device(model) or "")
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
    other = fallback(kind, guest, family.name if family else "")
    verdict = Verdict.UNKNOWN if answer.unknown else Verdict.FAILS
    unknown = "Unknown: the guest database does not say whether this guest drives virtio."
    reason = unknown if answer.unknown else why_not
    return Choice(kind, "", other, verdict.value, "", "", reason, "", answer.source)
