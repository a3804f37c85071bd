"""Agreement with what libvirt did in every scenario of the corpora; skipped where they are not at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.writing import host
from virtkit import Host, read, resolve
from virtkit.hotplug.session import Session, Step

CORPUS = Path(os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[3] / "shared" / "conformance"))
HOSTS = {"9.0": "", "11.3": "11.1", "12.8": ""}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the conformance corpus is not at hand")


@pytest.mark.parametrize("release", HOSTS)
def test_every_step_agrees_with_libvirt(release: str) -> None:
    """Each step is decided as libvirt decided it, and both sides have the same devices at the same places."""
    on = Host.named(HOSTS[release], release) if HOSTS[release] else host(release)
    wrong = []
    steps = 0
    for path in sorted((CORPUS / f"libvirt-{release}" / "hotplug").glob("*.in.xml")):
        stem = path.name.removesuffix(".in.xml")
        asked = json.loads(path.with_name(f"{stem}.steps.json").read_text(encoding="utf-8"))
        wanted = json.loads(path.with_name(f"{stem}.out.json").read_text(encoding="utf-8"))["steps"]
        found = Session(resolve(read(path), on))
        for number, (step, want) in enumerate(zip(asked, wanted, strict=True)):
            outcome = found.step(Step(**step))
            steps += 1
            got = [sorted(map(list, side)) for side in (outcome.live, outcome.config)]
            if outcome.ok != want["ok"] or got != [sorted(want["live"]), sorted(want["config"])]:
                wrong.append(f"{stem} step {number}: {outcome.error or 'taken'}, not {want.get('error', 'taken')}")
                break
    assert steps > 0
    assert wrong == []
