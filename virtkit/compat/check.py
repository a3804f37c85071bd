"""One resolved domain against its guest OS: which virtio devices it drives, and the smallest change that would help."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from virtkit.compat import advice
from virtkit.compat import boot_evidence as booted
from virtkit.compat.conversion.models import models_of, remodelled, rewritten
from virtkit.compat.prober import beside_pci
from virtkit.compat.verdict import Evidence, Judgement, Verdict, judge
from virtkit.display import Displayable
from virtkit.errors import GuestError, Refused
from virtkit.guests import Catalogue, Guest, catalogue
from virtkit.guests.kinds import database_kind
from virtkit.guests.overrides import support
from virtkit.topology.port_io import budget
from virtkit.virtio.interface import Interface

if TYPE_CHECKING:
    from virtkit.domain.domain import Domain
    from virtkit.resolved import Resolved
    from virtkit.virtio.devices import VirtioDevice

__all__ = ["Finding", "Note", "Review", "check", "fixed", "guest_of"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one virtio device.

    ``interface`` is what the guest meets ("refused" when QEMU refuses the device); ``change`` the smallest
    change that makes it work, such as "model='virtio-transitional'", ``model`` the model as it is now and
    ``better`` the model to change to ("" for none), ``moved`` that its written address has to go then, too;
    ``advice`` what else would help; ``harmless`` that the guest runs without this device.
    """

    device: str
    label: str
    kind: str
    model: str
    address: str
    location: str
    interface: str
    device_id: str
    line: int | None
    verdict: Verdict
    reason: str
    condition: str
    evidence: Evidence
    source: str
    harmless: bool
    change: str = ""
    better: str = ""
    moved: bool = False
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on the whole domain; ``level`` is "error", "warning" or "note"."""

    level: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Review(Displayable):
    """What ``check`` found of one domain. ``guest`` is the short id, "" when nobody says which OS it is."""

    domain: str
    machine: str
    guest: str
    guest_name: str
    database: str
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing that the guest needs fails; unknown is not a failure."""
        failed = any(f.verdict is Verdict.FAILS and not f.harmless for f in self.findings)
        return not failed and not any(note.level == "error" for note in self.notes)

    @property
    def changes(self) -> tuple[Finding, ...]:
        """The findings that a change of the model puts right."""
        return tuple(finding for finding in self.findings if finding.better)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "ok": self.ok}

    def text(self) -> str:
        """The review as lines for a terminal."""
        who = f"{self.guest} ({self.guest_name})" if self.guest else "guest OS unknown"
        lines = [f"{self.domain}: {who} on {self.machine}; {self.database}"]
        for f in self.findings:
            where = f", line {f.line}" if f.line else ""
            place = f"{f.interface} at {f.address or f.location}"
            lines.append(f"  {_SIGNS[f.verdict]} {f.label} [{f.device}, {f.model}, {place}{where}]: {f.verdict}")
            lines.append(f"      {f.reason} ({f.evidence})")
            for name in ("condition", "change", "advice"):
                said = getattr(f, name)
                if said:
                    lines.append(f"      {name}: {said}")
        lines += [f"  {note.level}: {note.text}" for note in self.notes]
        return "\n".join(lines) + "\n"

    def __repr__(self) -> str:
        counts = Counter(finding.verdict.value for finding in self.findings)
        said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "no virtio device"
        return f"<Review {self.domain!r} {self.guest or 'guest OS unknown'} on {self.machine}: {said}>"


_SIGNS = {Verdict.WORKS: "ok", Verdict.CONDITION: "if", Verdict.FAILS: "NO", Verdict.UNKNOWN: "? "}


def guest_of(domain: Domain, guest: str | Guest | None, known: Catalogue) -> tuple[Guest | None, str]:
    """The guest OS of a domain, and why there is none.

    ``guest`` named by the caller is taken first (GuestError when there is none such), then the libosinfo id in
    the domain's metadata.
    """
    if isinstance(guest, Guest):
        return guest, ""
    if guest:
        return known.find(guest), ""
    if not domain.osinfo_id:
        return None, "the domain has no libosinfo metadata, and no guest OS was named"
    try:
        return known.find(domain.osinfo_id), ""
    except GuestError as problem:
        return None, str(problem)


def check(
    resolved: Resolved,
    guest: str | Guest | None = None,
    *,
    overrides: bool = True,
    guest_database: Catalogue | None = None,
    changes: bool = True,
) -> Review:
    """Whether the guest drives each virtio device of a resolved domain, and what to change where not.

    ``guest`` is a short id, URI or alias; None takes the libosinfo metadata of the XML. ``overrides`` False is
    the strict rule. ``changes`` False leaves out the search for changes, which resolves the domain again.
    Raises GuestError for a ``guest`` that the database does not know.

    >>> import virtkit as vk
    >>> review = vk.check(vk.resolve(vk.read(vk.samples() / "rhel6-q35-virtio.xml")), "rhel6.10")
    >>> review.ok, review.findings[0].reason
    (False, "the guest's block driver knows the legacy interface only; it meets a modern device (virtio 1.0)")
    >>> review.changes[0].better
    'virtio-transitional'
    """
    if not hasattr(resolved, "virtio_devices"):
        raise TypeError(f"check() takes what resolve() gives, not {type(resolved).__name__}")
    known = guest_database or catalogue()
    who, why = guest_of(resolved.domain, guest, known)
    idle = _scsi_is_idle(resolved)
    findings = tuple(
        _finding(device, resolved.machine, who, why, overrides, idle) for device in resolved.virtio_devices
    )
    if changes and who is not None:
        findings = _with_changes(resolved, who, findings, overrides)
    return Review(
        domain=resolved.domain.name or "domain",
        machine=resolved.machine,
        guest=who.id if who else "",
        guest_name=who.name if who else "",
        database=known.database + ("" if overrides else ", overrides off"),
        findings=findings,
        notes=tuple(advice.notes(resolved, who)) if changes else (),
    )


def _judgement(
    device: VirtioDevice, machine: str, guest: Guest | None, why: str, overrides: bool
) -> tuple[Judgement, str]:
    """The verdict and the interface that it is about."""
    kind = database_kind(device.kind)
    seen = device.shown or beside_pci(device.transport, machine, device.kind, device.driver)
    if seen.interface is None:
        reason = f"QEMU refuses the device ({seen.reason})" + (f": {seen.message}" if seen.message else "")
        return Judgement(Verdict.FAILS, reason, "", Evidence.QEMU, seen.source), "refused"
    # A virtio-mmio transport serves drivers of either age: the PCI rules do not apply there.
    mmio = device.transport == "virtio-mmio"
    interface = Interface.TRANSITIONAL if mmio else Interface(seen.interface)
    source = seen.source
    if guest is None:
        return Judgement(Verdict.UNKNOWN, why, "", Evidence.RULE, source), interface.value
    judged = judge(support(guest, kind, overrides=overrides), kind, interface, addons=overrides)
    judged = replace(judged, source=f"{judged.source} | {source}")
    judged = booted.proved(judged, guest.id, kind, machine, device.location or "", device.model)
    return judged, interface.value


def _scsi_is_idle(resolved: Resolved) -> bool:
    """Whether nothing hangs on a SCSI controller."""
    return not any(
        (device.kind == "disk" and getattr(device, "bus", "") == "scsi")
        or (device.kind == "hostdev" and getattr(device, "type", "") == "scsi")
        for device in resolved.devices
    )


def _finding(
    device: VirtioDevice, machine: str, guest: Guest | None, why: str, overrides: bool, idle_scsi: bool
) -> Finding:
    judged, interface = _judgement(device, machine, guest, why, overrides)
    kind = database_kind(device.kind)
    return Finding(
        device=device.id,
        label=device.label,
        kind=kind,
        model=device.model,
        address=device.address,
        location=device.location or device.transport,
        interface=interface,
        device_id=device.shown.device_id if device.shown else "",
        line=device.line or None,
        verdict=judged.verdict,
        reason=judged.reason,
        condition=judged.condition,
        evidence=judged.evidence,
        source=judged.source,
        harmless=advice.is_idle(kind) or (device.kind == "scsi" and idle_scsi),
    )


def _with_changes(
    resolved: Resolved, guest: Guest, findings: tuple[Finding, ...], overrides: bool
) -> tuple[Finding, ...]:
    """Each failing device with the first model that makes it work when the domain is resolved with it."""
    result = list(findings)
    devices = resolved.virtio_devices
    for model in ("virtio", "virtio-transitional", "virtio-non-transitional"):
        asked = [
            n
            for n, finding in enumerate(result)
            if finding.verdict is Verdict.FAILS
            and not finding.better
            and finding.model != model
            and model in models_of(devices[n])
        ]
        if not asked:
            continue
        try:
            tried = remodelled(resolved, dict.fromkeys(asked, model))
        except Refused:
            continue
        if len(tried.virtio_devices) != len(devices):
            continue
        for n in asked:
            judged, _ = _judgement(tried.virtio_devices[n], tried.machine, guest, "", overrides)
            if judged.good:
                result[n] = _changed(result[n], tried.virtio_devices[n], model, judged)
    _keep_port_io(resolved, guest, result, overrides)
    for n, finding in enumerate(result):
        if finding.verdict is Verdict.FAILS and not finding.better:
            other = advice.instead(finding.kind, guest, resolved.family)
            result[n] = replace(finding, advice=f"harmless: {other}" if finding.harmless and other else other)
    return tuple(result)


def _changed(finding: Finding, device: VirtioDevice, model: str, judged: Judgement, moved: bool = False) -> Finding:
    """The finding with the change that makes ``device`` of it, told in words."""
    spelled = "virtio-scsi" if model == "virtio" and device.kind == "scsi" else model
    told = f"model='{spelled}'" if device.kind != "net" else f"<model type='{spelled}'/>"
    told = f"{told}, and no <address>" if moved else told
    note = f"{told} ({judged.reason.rpartition('it meets ')[2]} at {device.location})"
    return replace(finding, change=note, better=model, moved=moved)


def _keep_port_io(resolved: Resolved, guest: Guest, result: list[Finding], overrides: bool) -> None:
    """Takes the written addresses away where the changed models would need more port I/O windows than there are.

    On a bridge, where libvirt then puts them, they share one. Source: ``virtkit.topology.port_io``.
    """
    models = {n: finding.better for n, finding in enumerate(result) if finding.better}
    if not models or not budget(remodelled(resolved, models).topology).exceeded:
        return
    tried = remodelled(resolved, models, models)
    devices = tried.virtio_devices
    if len(devices) != len(result) or budget(tried.topology).exceeded:
        return
    judged = {n: _judgement(devices[n], tried.machine, guest, "", overrides)[0] for n in models}
    if all(judgement.good for judgement in judged.values()):
        for n, judgement in judged.items():
            result[n] = _changed(result[n], devices[n], models[n], judgement, moved=True)


def fixed(resolved: Resolved, review: Review) -> str:
    """The text of a reviewed domain with the changes of its review, everything else character for character."""
    findings = list(enumerate(review.findings))
    models = {n: finding.better for n, finding in findings if finding.better}
    return rewritten(resolved, models, {n for n, finding in findings if finding.moved})
