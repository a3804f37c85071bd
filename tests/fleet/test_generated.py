"""The fleets of the benchmarks are the same everywhere, and are accepted by libvirt's rules."""

from __future__ import annotations

import io
import json
from statistics import median

import pytest
from lxml import etree

from benchmarks.fleets import Fleet, main
from virtkit import read, resolve

pytestmark = pytest.mark.slow


def test_a_seed_gives_one_fleet() -> None:
    """Names, UUIDs and devices depend on the numbers alone."""
    assert list(Fleet(30, 4, 7)) == list(Fleet(30, 4, 7))
    assert list(Fleet(30, 4, 7)) != list(Fleet(30, 4, 8))


def test_domains_of_a_fleet_are_real() -> None:
    """Each is accepted, with a UUID of its own."""
    found = [data for _, data in Fleet(60, 0, 3)]
    assert len({resolve(read(data)).domain.uuid for data in found}) == 60


def test_the_number_of_devices_is_that_of_published_domains() -> None:
    """The median is 23 devices, and nine domains in ten have fewer than 35."""
    devices = [len(etree.fromstring(data).findall("devices/*")) for _, data in Fleet(1000, 0, 2)]
    assert 22 <= median(devices) <= 24
    assert 0.88 <= sum(count < 35 for count in devices) / len(devices) <= 0.92


def test_few_templates_make_many_domains() -> None:
    """Domains of a template differ in open values only."""
    found = [data for _, data in Fleet(200, 3, 1)]
    assert len(set(found)) == 200
    assert len({(data.count(b"<"), data.count(b"\n")) for data in found}) <= 3


def test_the_command_writes_json_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One object a line, with the name and the XML of a domain."""
    out = io.StringIO()
    out.close = lambda: None  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", out)
    assert main(["5", "--templates", "2"]) == 0
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["name"] for line in lines] == [f"vm-{number:07}" for number in range(5)]
    assert all(line["xml"].startswith("<domain") for line in lines)
