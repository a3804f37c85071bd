"""Hot plug steps run on a domain that a live libvirtd started paused, compared with the prediction.

No guest code runs. The domain has a generated name, and is destroyed and undefined at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from virtkit.domain.domain import read
from virtkit.domain.reader import read_devices
from virtkit.hotplug.changes import Change, changes, rows
from virtkit.hotplug.session import Outcome, Session, Step
from virtkit.resolved import resolve
from virtkit.verify.libvirt import Libvirt

__all__ = ["Asked", "Observed", "ask"]

_SOURCE = re.compile(r"(<source file=)(['\"])[^'\"]*/([^'\"/]+)\2")
_FLAGS = {"live": ("AFFECT_LIVE",), "config": ("AFFECT_CONFIG",), "both": ("AFFECT_LIVE", "AFFECT_CONFIG")}
IMAGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Observed:
    """What libvirt did in a step; ``error`` is its refusal, "" when it took the device."""

    error: str
    live: tuple[Change, ...]
    config: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Steps that both sides answered. ``observed`` ends with the first step whose answers differ."""

    predicted: tuple[Outcome, ...]
    observed: tuple[Observed, ...]

    @property
    def taken(self) -> int:
        """How many of the steps libvirt took."""
        return sum(not one.error for one in self.observed)

    def differences(self) -> Iterator[str]:
        """A line for each thing that differs in the last step that was asked."""
        for number, (ours, its) in enumerate(zip(self.predicted, self.observed, strict=False), 1):
            if not _differs(ours, its):
                continue
            step = ours.step
            yield f"step {number}: {step.do} {step.to} {step.xml}"
            if ours.ok == bool(its.error):
                yield f"  predicted {ours.error or 'taken'}; observed {its.error or 'taken'}"
            for side, mine, other in (("live", ours.live, its.live), ("config", ours.config, its.config)):
                if sorted(mine) != sorted(other):
                    yield f"  {side}: predicted {_rows(mine)}; observed {_rows(other)}"


def _rows(some: Sequence[Change]) -> str:
    return ", ".join(" ".join(filter(None, one)) for one in some) or "nothing"


def _differs(ours: Outcome, its: Observed) -> bool:
    same = sorted(ours.live) == sorted(its.live) and sorted(ours.config) == sorted(its.config)
    return ours.ok == bool(its.error) or not same


def ask(peer: Libvirt, xml: str, steps: Sequence[Step], name: str, images: str | None = None) -> Asked:
    """Do the steps on a domain that libvirtd starts paused, and predict them, up to the first that differs.

    The domain becomes one of type qemu; disk images are replaced by empty files that are there for the moment, in the
    folder ``images`` (None: the one for temporary files), which has the same path for libvirtd.
    Raises InputError and Refused for what is no domain, VerifyError when libvirtd does not start it.
    """
    with _images(images) as folder:
        text = re.sub(r"(<domain[^>]*\stype=)(['\"])\w+\2", r"\1'qemu'", _with_images(xml, folder), count=1)
        steps = [Step(step.do, step.to, _with_images(step.xml, folder)) for step in steps]
        session = Session(resolve(read(text.encode(), name), host=peer.host))
        predicted, observed = [], []
        with peer.started(text.encode(), name) as domain:
            for step in steps:
                ours, its = session.step(step), _do(peer, domain, step)
                predicted.append(ours)
                observed.append(its)
                if _differs(ours, its):
                    break
    return Asked(tuple(predicted), tuple(observed))


def _do(peer: Libvirt, domain: Any, step: Step) -> Observed:
    before = [_devices(peer, domain, side) for side in ("live", "config")]
    call = domain.attachDeviceFlags if step.do == "attach" else domain.detachDeviceFlags
    error = peer.tried(lambda: call(step.xml, peer.flags(*_FLAGS[step.to])))
    after = [_devices(peer, domain, side) for side in ("live", "config")]
    live, config = (changes(one, other) for one, other in zip(before, after, strict=True))
    return Observed(error, live, config)


def _devices(peer: Libvirt, domain: Any, side: str) -> Any:
    text = domain.XMLDesc(0 if side == "live" else peer.flags("XML_INACTIVE"))
    return rows(read_devices(read(text.encode()).document, peer.host.libvirt))


@contextmanager
def _images(parent: str | None) -> Iterator[Path]:
    with TemporaryDirectory(prefix="virtkit-", dir=parent) as folder:
        yield Path(folder)


def _with_images(xml: str, folder: Path) -> str:
    """The XML with every file of a disk replaced by an empty image in a folder."""

    def image(found: re.Match[str]) -> str:
        file = folder / found[3]
        if not file.exists():
            with file.open("wb") as stream:
                stream.truncate(IMAGE_BYTES)
        return f"{found[1]}'{file}'"

    return _SOURCE.sub(image, xml)

