"""Random domains for the live comparison: repeatable, well-formed, and mostly sensible."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from lxml import etree

from tests.writing import OLD, RELEASES
from virtkit import read, resolve
from virtkit.errors import Refused
from virtkit.host import Host
from virtkit.releases import NEWEST, parse
from virtkit.verify.generate import domain, domains
from virtkit.verify.mutations import mutate
from virtkit.verify.platforms import PLATFORMS


def test_the_same_seed_gives_the_same_domains() -> None:
    """On every machine and in every run."""
    assert list(domains(20, 3, NEWEST)) == list(domains(20, 3, NEWEST))
    assert list(domains(5, 3, NEWEST)) != list(domains(5, 4, NEWEST))


def test_every_platform_gives_domains() -> None:
    """Well-formed, of the platform's architecture, no larger than asked."""
    for name, platform in PLATFORMS.items():
        for seed in range(30):
            title, text = domain(seed, NEWEST, name, largest=10)
            root = etree.fromstring(text)
            assert title == f"{name}-{seed}"
            assert root.find("os/type").get("arch") == platform.arch  # type: ignore[union-attr]
            assert 1 <= len(root.findall("devices/*")) <= 14


def test_a_mutation_changes_one_device() -> None:
    """The same random numbers give the same mutation; the other devices stay, and every kind of mutation occurs."""
    _title, text = domain(11, NEWEST, "q35", largest=12)
    mutated = {mutate(Random(seed), text) for seed in range(200)}
    assert mutate(Random(7), text) == mutate(Random(7), text)
    assert len(mutated) > 50
    sizes = Counter(len(etree.fromstring(one).findall("devices/*")) for one in mutated)
    before = len(etree.fromstring(text).findall("devices/*"))
    assert set(sizes) == {before, before + 1}
    for one in mutated:
        assert all(target.get("dev") for target in etree.fromstring(one).findall(".//disk/target"))


def test_newer_kinds_wait_for_their_release() -> None:
    """libvirt 9.0 knows no nvme controller, crypto or virtio sound."""
    old = "".join(text for _name, text in domains(400, 1, parse(OLD)))
    new = "".join(text for _name, text in domains(400, 1, NEWEST))
    for word in ("nvme", "<crypto", "<sound model='virtio'", "loongarch64", "igb", "usb-net"):
        assert word not in old
        assert word in new


@pytest.mark.slow
def test_many_are_accepted_and_none_crashes() -> None:
    """About half resolve; the others are refused, never anything else."""
    verdicts: Counter[str] = Counter()
    for release in RELEASES:
        host = Host.default(release)
        for _name, text in domains(150, 5, host.libvirt):
            try:
                resolve(read(text.encode()), host=host).xml()
                verdicts["accepted"] += 1
            except Refused:
                verdicts["refused"] += 1
    assert verdicts["accepted"] > 100
    assert verdicts["refused"] > 20
