"""Worked examples kept as text: a small domain, and what libvirt made of it.

A ``#`` line names an example; ``=`` gives architecture and machine (``-`` for none written); then its device
elements, one a line, in the short forms of SHORT or as ``3 x <tag/>``; ``top …`` stands outside ``<devices>``.
Each ``>`` line names the releases for which the lines below it hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from tests.writing import NO_BALLOON, NO_USB, domain, several
from virtkit.errors import Refused

DATA = Path(__file__).resolve().parents[1] / "data"
SHORT = {"no usb": NO_USB, "no balloon": NO_BALLOON, "vnc": "<graphics type='vnc'/>"}


@dataclass(slots=True)
class Example:
    """One domain, and for each release the lines expected of it."""

    title: str
    arch: str
    machine: str
    lines: list[str] = field(default_factory=list)
    expected: dict[str, list[str]] = field(default_factory=dict)


def parse(text: str) -> list[Example]:
    """The examples of a file."""
    found: list[Example] = []
    releases: list[str] | None = None
    title = ""
    for line in text.splitlines():
        if line.startswith("# "):
            title = line[2:]
        elif line.startswith("= "):
            releases = None
            arch, machine = line[2:].split()
            found.append(Example(title, arch, machine))
        elif line.startswith("> "):
            releases = line[2:].split()
            for release in releases:
                found[-1].expected[release] = []
        elif line and releases is None:
            found[-1].lines.append(line)
        elif line:
            for release in releases or ():
                found[-1].expected[release].append(line)
    return found


@cache
def examples(name: str) -> tuple[Example, ...]:
    """The examples of ``tests/data/NAME``."""
    return tuple(parse((DATA / name).read_text(encoding="utf-8")))


def each_of(*names: str) -> pytest.MarkDecorator:
    """Runs a test with ``example`` and ``release`` for each example and release of ``tests/data/NAME``."""
    found = [
        pytest.param(example, release, id=f"{example.title} {release}")
        for name in names
        for example in examples(name)
        for release in example.expected
    ]
    return pytest.mark.parametrize(("example", "release"), found)


def answers(example: Example, release: str, observe: Callable[[bytes, str], str]) -> list[str]:
    """The lines that ``observe(xml, release)`` gives; where the domain is refused as expected, the expected line.

    A refusal is as expected where it contains the text after "refused: ".
    """
    expected = example.expected[release]
    try:
        return observe(build(example), release).splitlines()
    except Refused as error:
        known = expected[0].startswith("refused: ") and expected[0].removeprefix("refused: ") in str(error)
        return expected if known else [f"refused: {error}"]


def build(example: Example) -> bytes:
    """The domain's XML."""
    top = "".join(line[4:] for line in example.lines if line.startswith("top "))
    devices = "\n".join(SHORT.get(line) or several(line) for line in example.lines if not line.startswith("top "))
    data = domain(devices, example.machine, example.arch, top)
    return data.replace(b" machine='-'", b"")


def kinds(xml: str | bytes) -> str:
    """The machine type, then every device with its model and the like, by kind."""
    root = etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
    machine = root.find("os/type")
    assert machine is not None
    lines = [f"machine: {machine.get('machine')!s}"]
    for element in root.iterfind("devices/*"):
        words = [str(element.tag)]
        words += [element.get(name, "") for name in ("type", "index", "bus", "model")]
        words.append("" if element.get("device") == "disk" else element.get("device", ""))
        for path, attribute in (
            ("target", "type"),
            ("target", "bus"),
            ("target/model", "name"),
            ("model", "type"),
            ("model", "device"),
            ("model", "name"),
            ("driver", "intremap"),
            ("driver", "eim"),
        ):
            child = element.find(path)
            if child is not None and child.get(attribute):
                words.append(f"{attribute}={child.get(attribute)!s}")
        if element.tag not in ("emulator", "graphics", "audio"):
            lines.append(" ".join(filter(None, words)))
    return "\n".join([lines[0], *sorted(lines[1:], key=lambda line: line.split()[0])])
