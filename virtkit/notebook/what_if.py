"""A domain tried otherwise: on another machine or host, with other models, for another guest; and how that shows.

Holds no rule: each answer is asked of the package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.compat.check import Review, check
from virtkit.compat.conversion.models import models_of, rewritten
from virtkit.domain.domain import Domain, read
from virtkit.errors import InputError, Refused, VirtkitError
from virtkit.host import Host
from virtkit.resolved import Resolved, resolve

if TYPE_CHECKING:
    from virtkit.host.emulator import Machine

__all__ = [
    "ALL",
    "Trial",
    "Wish",
    "attempt",
    "error_html",
    "kinds_of",
    "machines_of",
    "opened",
    "picture_of",
    "verdicts",
]

#: Stands for every kind of device in Wish.models.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Wish:
    """What to try; "" leaves a thing as written.

    ``models`` maps a device kind (net, blk, …, or ALL for the kinds not named) to the virtio model of its devices,
    which libvirt then places anew. ``guest`` is a short id, URI or alias.
    """

    machine: str = ""
    guest: str = ""
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome: the domain as it is now (None where the host refuses that, with ``why``), and as wished.

    ``before`` and ``after`` are resolved, ``was`` and ``review`` the verdicts on them.
    """

    before: Resolved | None
    after: Resolved
    was: Review | None
    review: Review
    why: str = ""


def opened(text: str) -> Domain:
    """The domain that a person means: its XML, or the path of a file that holds it. Raises InputError."""
    text = text.strip()
    if not text:
        raise InputError("nothing was given; the XML of a domain or the path of a file is right")
    if text.startswith("<"):
        return read(text.encode("utf-8", "replace"), "pasted XML")
    if "\n" in text or len(text) > 4096:
        raise InputError("neither the XML of a domain, which begins with '<', nor the path of a file")
    try:
        return read(Path(text).expanduser())
    except (RuntimeError, ValueError) as problem:
        raise InputError(f"no path: {problem}") from None


@lru_cache(maxsize=32)
def _as_written(domain: Domain, host: Host) -> Resolved | Refused:
    try:
        return resolve(domain, host)
    except Refused as refusal:
        return refusal


def attempt(domain: Domain, wish: Wish, host: Host) -> Trial:
    """Resolve a domain as wished, beside as it is. Raises Refused when libvirt would refuse the wish, GuestError for
    an unknown guest."""
    found = _as_written(domain, host)
    before, why = (found, "") if isinstance(found, Resolved) else (None, str(found))
    after = resolve(domain, host, machine=wish.machine or None) if wish.machine or before is None else before
    models = {
        place: model
        for place, device in enumerate(after.virtio_devices)
        if (model := wish.models.get(device.kind) or wish.models.get(ALL) or "") in models_of(device)
    }
    if models:
        text = rewritten(after, models, models)
        changed = read(text.encode(domain.document.codec), domain.path)
        after = resolve(changed, host, machine=wish.machine or None)
    review = check(after, wish.guest or None)
    was = None if before is None or before is after else check(before, wish.guest or None, changes=False)
    return Trial(before, after, was, review, why)


def machines_of(domain: Domain, host: Host) -> tuple[str, ...]:
    """Every machine type that the host has for a domain's architecture: aliases, then the newest first."""
    emulator = host.emulator(domain.arch)
    if emulator is None:
        return ()

    def order(machine: Machine) -> tuple[str, tuple[int, ...]]:
        base, _, version = machine.name.rpartition("-")
        numbers = tuple(-int(part) for part in version.split(".") if part.isdigit())
        return (base, numbers) if numbers else (machine.name, ())

    machines = sorted(dict.fromkeys(emulator.machines.values()), key=order)
    aliases = sorted(name for name, machine in emulator.machines.items() if name != machine.name)
    return (*aliases, *(machine.name for machine in machines))


def kinds_of(domain: Domain, host: Host) -> dict[str, tuple[str, ...]]:
    """The kinds of virtio devices that a domain has, with the models each may take; none where it is refused."""
    found = _as_written(domain, host)
    devices = found.virtio_devices if isinstance(found, Resolved) else ()
    return {device.kind: models_of(device) for device in devices if models_of(device)}


def verdicts(trial: Trial) -> str:
    """The verdicts as HTML, with what changed against the domain as it is, and the XML that comes out."""
    from virtkit.draw.card import Card
    from virtkit.draw.table import preformatted
    from virtkit.notebook.verdict_html import review_html
    from virtkit.topology.diff import compare

    card = Card("")
    if trial.before is None:
        card.line(f"As it is written, this host refuses it: {trial.why}")
    elif trial.before is not trial.after:
        card.line(f"Against as it is: {compare(trial.before.topology, trial.after.topology).summary()}")
    card.raw(review_html(trial.review, trial.was))
    card.raw(preformatted(trial.after.xml(), "The XML as libvirt would keep it").text)
    return card.html()


def picture_of(trial: Trial) -> str:
    """The buses as HTML, with what changed against the domain as it is."""
    from virtkit.draw.picture import svg
    from virtkit.notebook.domain_html import picture_html

    before = None if trial.before is None or trial.before is trial.after else trial.before.topology
    return picture_html(svg(trial.after.topology, before))


def error_html(error: VirtkitError) -> str:
    """Why there is nothing to show."""
    from virtkit.draw.card import Card

    card = Card("libvirt would refuse it" if isinstance(error, Refused) else "There is nothing to show")
    card.line(str(error))
    return card.html()
