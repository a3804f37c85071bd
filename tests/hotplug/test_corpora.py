"""Agreement with what libvirt did in every scenario of the corpora; skipped where they are not at hand."""

from __future__ import annotations

import json

import pytest

from tests.corpora import CORPORA, case_names
from tests.writing import host
from virtkit import Host, read, resolve
from virtkit.hotplug.session import Session, Step

HOSTS = {"9.0": "", "11.3": "11.1", "12.8": ""}

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the conformance corpora are not at hand"),
]


@pytest.mark.parametrize("release", HOSTS)
def test_every_step_agrees_with_libvirt(release: str, whole: bool) -> None:
    """Each step is decided as libvirt decided it, and both sides have the same devices at the same places."""
    on = Host.named(HOSTS[release], release) if HOSTS[release] else host(release)
    wrong = []
    steps = 0
    corpus = CORPORA / f"libvirt-{release}" / "hotplug"
    for name in case_names(corpus, whole):
        asked = json.loads((corpus / f"{name}.steps.json").read_text(encoding="utf-8"))
        wanted = json.loads((corpus / f"{name}.out.json").read_text(encoding="utf-8"))["steps"]
        found = Session(resolve(read(corpus / f"{name}.in.xml"), on))
        for number, (step, want) in enumerate(zip(asked, wanted, strict=True)):
            outcome = found.step(Step(**step))
            steps += 1
            got = [sorted(map(list, side)) for side in (outcome.live, outcome.config)]
            if outcome.ok != want["ok"] or got != [sorted(want["live"]), sorted(want["config"])]:
                wrong.append(f"{name} step {number}: {outcome.error or 'taken'}, not {want.get('error', 'taken')}")
                break
    assert steps > 0
    assert wrong == []
