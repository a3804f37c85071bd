"""PCI places that are taken without a table of buses, or without a dry run, are those that both runs find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.writing import host
from virtkit import VirtkitError, read, resolve
from virtkit.releases import parse
from virtkit.resolution.addresses import pci
from virtkit.verify.generate import domains
from virtkit.verify.mutations import mutate
from virtkit.verify.platforms import PLATFORMS

#: How many random domains of each release and platform are resolved, in as many forms as ``_texts`` gives.
COUNT = 20


def _texts(release: str, platform: str) -> Iterator[str]:
    """Domains as written, as libvirt would keep them, and both with one thing altered."""
    random = Random(18)
    for _, text in domains(COUNT, 418, parse(release), platform, largest=30):
        yield text
        yield mutate(random, text)
        try:
            kept = resolve(read(text.encode()), host(release)).xml()
        except VirtkitError:
            continue
        yield kept
        for _ in range(4):
            yield mutate(random, kept)


def _answer(text: str, release: str) -> object:
    try:
        resolved = resolve(read(text.encode()), host(release))
    except VirtkitError as error:
        return type(error), str(error)
    return resolved.xml(), list(resolved.trace)


@pytest.mark.parametrize("platform", [name for name in PLATFORMS if name != "loongarch"])
@pytest.mark.parametrize("release", ["7.0", "9.0", "12.8"])
def test_answers_are_those_of_both_runs(release: str, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain gets the same places, reasons and refusals when the allocator makes both of its runs."""
    texts = list(_texts(release, platform))
    short = [_answer(text, release) for text in texts]
    for name in ("is_settled", "has_room"):
        monkeypatch.setattr(pci, name, lambda *_: False)
    for text, found in zip(texts, short, strict=True):
        assert _answer(text, release) == found, text


@pytest.mark.parametrize("name", ["is_settled", "has_room"])
def test_both_shortcuts_are_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the domains above, each shortcut decides some and leaves some to the allocator."""
    taken: list[bool] = []
    known: Callable[..., bool] = getattr(pci, name)

    def noted(*given: object) -> bool:
        taken.append(known(*given))
        return taken[-1]

    monkeypatch.setattr(pci, name, noted)
    for text in _texts("12.8", "pc"):
        _answer(text, "12.8")
    assert taken.count(True) > COUNT / 4
    assert taken.count(False) > COUNT / 4
