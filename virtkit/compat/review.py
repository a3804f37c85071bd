"""What a check finds: the verdict on each virtio device, disk and NIC, and remarks on the whole domain."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from virtkit.compat.verdict import Evidence, Verdict
from virtkit.display import Displayable
from virtkit.wording import text_lines

__all__ = ["Finding", "Remark", "Review"]

_SIGNS = MappingProxyType({Verdict.WORKS: "ok", Verdict.CONDITION: "if", Verdict.FAILS: "NO", Verdict.UNKNOWN: "? "})


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one device.

    ``interface`` is legacy, transitional, modern, "refused" when QEMU refuses the device, or "emulated" for a device
    that is not virtio. ``model`` is the present
    model, ``better`` the model that makes the device work ("" for none), ``moved`` whether its written address has to
    go as well, and ``change`` all of that in words. ``boot`` says what else must hold for the system to start from the
    device, on the boot disk only. ``advice`` names another remedy. ``harmless`` is true when the
    guest runs as well without the device.
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
    boot: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark on the whole domain; ``level`` is "error", "warning" or "note"."""

    level: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Review(Displayable):
    """The result of checking one domain.

    ``guest`` is the guest's short id, "" when it is not known. ``findings`` are about the virtio devices, in order;
    ``emulated`` about the disks and NICs that are not virtio. ``virtkit.check`` makes one.

    >>> import virtkit as vk
    >>> review = vk.check(vk.samples() / "rhel6-q35-virtio.xml")
    >>> review
    <Review 'erp-db-rhel6' rhel6.10 on pc-q35-8.2: 3 fails>
    >>> review.ok
    False
    >>> review.findings[0].reason
    "The guest's block driver supports only the legacy interface (virtio 0.9); the device offers only virtio 1.0."
    """

    domain: str
    machine: str
    guest: str
    guest_name: str
    database: str
    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...]
    emulated: tuple[Finding, ...] = ()

    @property
    def devices(self) -> tuple[Finding, ...]:
        """The findings on all devices, virtio first."""
        return self.findings + self.emulated

    @property
    def ok(self) -> bool:
        """Whether no device that the guest needs fails and no remark is an error; unknown is not a failure."""
        failed = any(f.verdict is Verdict.FAILS and not f.harmless for f in self.devices)
        return not failed and not self.errors

    @property
    def errors(self) -> tuple[Remark, ...]:
        """The remarks that are errors."""
        return tuple([remark for remark in self.remarks if remark.level == "error"])

    @property
    def changes(self) -> tuple[Finding, ...]:
        """The findings that another model puts right."""
        return tuple(finding for finding in self.devices if finding.better)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "ok": self.ok}

    def text(self) -> str:
        """The review as lines for a terminal."""
        guest = f"{self.guest} ({self.guest_name})" if self.guest else "guest OS unknown"
        lines = [f"{self.domain}: {guest} on {self.machine}; {self.database}"]
        for f in self.devices:
            line = f", line {f.line}" if f.line else ""
            place = f.address or f.location
            where = f"{f.interface} at {place}" if place else f.interface
            lines.append(f"  {_SIGNS[f.verdict]} {f.label} [{f.device}, {f.model}, {where}{line}]: {f.verdict}")
            lines.append(f"      {f.reason} ({f.evidence})")
            for name in ("condition", "boot", "change", "advice"):
                text = getattr(f, name)
                if text:
                    lines.append(f"      {name}: {text}")
        lines += [f"  {remark.level}: {remark.text}" for remark in self.remarks]
        return text_lines(lines)

    def __repr__(self) -> str:
        counts = Counter(finding.verdict.value for finding in self.findings)
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "no virtio devices"
        return f"<Review {self.domain!r} {self.guest or 'guest OS unknown'} on {self.machine}: {verdicts}>"
