"""The fleet of the examples in docs/scale.md, in two weeks."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from benchmarks.fleets import Fleet, write
from virtkit import facts

__all__ = ["write_weeks"]


def write_weeks(folder: Path) -> None:
    """Write the folders week-1 and week-2: 600 generated domains of 60 templates, and 40 copies of a sample that fails.

    In the second week, 25 of the copies have other models, 5 generated domains are gone, and 15 copies of another
    sample are new.
    """
    for week in ("week-1", "week-2"):
        write(Fleet(600, 60), str(folder / week), "folder")
        for number in range(40):
            text = _copy("rhel6-q35-virtio.xml", "erp", number)
            if week == "week-2" and number < 25:
                text = text.replace("device='disk'>", "device='disk' model='virtio-transitional'>")
                text = text.replace("<model type='virtio'/>", "<model type='virtio-transitional'/>")
            (folder / week / f"erp-{number:03}.xml").write_text(text, encoding="utf-8")
    for number in range(5):
        (folder / "week-2" / f"vm-{number:07}.xml").unlink()
    for number in range(15):
        (folder / "week-2" / f"web-{number:03}.xml").write_text(_copy("ubuntu24.04-q35.xml", "web", number), "utf-8")


def _copy(sample: str, name: str, number: int) -> str:
    """The text of a sample with a name and a UUID of its own."""
    text = facts.path(f"domains/{sample}").read_text(encoding="utf-8")
    text = re.sub("<name>[^<]*", f"<name>{name}-{number:03}", text, count=1)
    ident = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}-{number}.example")
    return re.sub("<uuid>[^<]*", f"<uuid>{ident}", text, count=1)
