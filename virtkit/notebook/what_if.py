"""What-if scenarios: a domain resolved and checked on another machine type or host, with other models or guest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from virtkit.compat.check import check
from virtkit.compat.conversion.models import models_of, text_with_models
from virtkit.compat.review import Review
from virtkit.domain.domain import Domain
from virtkit.domain.domain import read as read_xml
from virtkit.errors import InputError, Refused
from virtkit.host import Host
from virtkit.inputs import read
from virtkit.resolved import Resolved, resolve

if TYPE_CHECKING:
    from virtkit.host.emulator import Machine

__all__ = ["ALL_KINDS", "Outcome", "Scenario", "evaluate", "machine_types", "read_domain", "virtio_models"]

#: Stands for every kind of device in Scenario.models.
ALL_KINDS = "all"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to change in a domain; "" leaves a thing as written.

    ``models`` maps a device kind (net, blk, …, or ALL_KINDS for the kinds not named) to the virtio model of its
    devices, for which libvirt then allocates new addresses. ``guest`` is a short id, URI or alias.
    """

    machine: str = ""
    guest: str = ""
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario beside the domain as written.

    ``before`` and ``after`` are resolved, ``review_before`` and ``review`` the reviews of them. ``before`` is None if
    the host refuses the domain as written, and ``refusal`` says why; ``review_before`` is None if both are the same.
    """

    before: Resolved | None
    after: Resolved
    review_before: Review | None
    review: Review
    refusal: str = ""


def read_domain(text: str) -> Domain:
    """The domain in ``text``, in any format that ``virtkit.read`` takes, or in the file that it names. Raises
    InputError."""
    text = text.strip()
    if not text:
        raise InputError("expected the XML of a domain or the path of a file, got nothing")
    if text.startswith("<"):
        return read(text.encode("utf-8", "replace"), "pasted XML")
    if "\n" in text or len(text) > 4096:
        return read(text.encode("utf-8", "replace"), "pasted text")
    try:
        return read(Path(text).expanduser())
    except (RuntimeError, ValueError) as problem:
        raise InputError(f"expected the path of a file: {problem}") from None


@lru_cache(maxsize=32)
def _as_written(domain: Domain, host: Host) -> Resolved | Refused:
    try:
        return resolve(domain, host)
    except Refused as refusal:
        return refusal


def evaluate(domain: Domain, scenario: Scenario, host: Host) -> Outcome:
    """Resolve and check a domain as the scenario has it, and as written.

    Raises Refused when libvirt would refuse the scenario, and GuestError for an unknown guest.
    """
    found = _as_written(domain, host)
    before, refusal = (found, "") if isinstance(found, Resolved) else (None, str(found))
    machine = scenario.machine or None
    after = resolve(domain, host, machine=machine) if machine or before is None else before
    models = {
        place: model
        for place, device in enumerate(after.virtio_devices)
        if (model := scenario.models.get(device.kind) or scenario.models.get(ALL_KINDS) or "") in models_of(device)
    }
    if models:
        text = text_with_models(after, models, models)
        after = resolve(read_xml(text.encode(domain.document.codec), domain.path), host, machine=machine)
    review = check(after, scenario.guest or None)
    same = before is None or before is after
    review_before = None if same or before is None else check(before, scenario.guest or None, changes=False)
    return Outcome(before, after, review_before, review, refusal)


def machine_types(domain: Domain, host: Host) -> tuple[str, ...]:
    """The machine types of the host for the domain's architecture: aliases first, then names, the newest first."""
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


def virtio_models(domain: Domain, host: Host) -> dict[str, tuple[str, ...]]:
    """The kinds of virtio devices in a domain, with the models each may have; empty if the host refuses the domain."""
    found = _as_written(domain, host)
    devices = found.virtio_devices if isinstance(found, Resolved) else ()
    return {device.kind: models_of(device) for device in devices if models_of(device)}
