"""The recipes of docs/extending.md and docs/extending-device-kind.md do what they say, followed as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KIND = (ROOT / "docs" / "extending-device-kind.md").read_text(encoding="utf-8")
RECIPES = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
RNG = "<rng model='virtio'>\n<backend model='random'>/dev/urandom</backend></rng>"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of the package and its facts, in which a recipe changes files."""
    for name in ("virtkit", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def block(page: str, start: str) -> str:
    """The indented block of a page that begins with a text, without its indentation."""
    found = re.search(rf"^( {{4,}}){re.escape(start)}.*\n(?:\1.*\n|\n(?=\1))*", page, re.M)
    assert found is not None, start
    return textwrap.dedent(found.group())


def add(file: Path, text: str, before: str = "") -> None:
    """Put a text in front of another one in a file, or at its end."""
    old = file.read_text(encoding="utf-8")
    assert before in old
    file.write_text(old.replace(before, text + before, 1) if before else old + text, encoding="utf-8")


def virtkit(clone: Path, *words: str) -> str:
    """What a command of the changed copy prints, its messages included."""
    environment = os.environ | {"PYTHONPATH": str(clone), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "virtkit.cli", *words]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def write_guest(clone: Path, devices: str) -> None:
    """A q35 domain with these devices, as guest.xml."""
    text = block(KIND, "<domain type='kvm'>").replace("<blinker model='virtio'/>", devices)
    (clone / "guest.xml").write_text(text, encoding="utf-8")


def test_a_virtio_kind(clone: Path) -> None:
    """Each step of the worked example has the effect that the page states; a forgotten one gives the message there."""
    data = clone / "data"
    (clone / "guest.xml").write_text(block(KIND, "<domain type='kvm'>"), encoding="utf-8")
    assert "<blinker model='virtio'/>" in virtkit(clone, "resolve", "guest.xml")
    field = textwrap.indent(block(KIND, "blinkers: list[Device]"), "    ")
    add(clone / "virtkit" / "domain" / "device_classes.py", field, "    cryptos: list[Device]")
    assert "no values for attribute 'model' of <blinker>" in virtkit(clone, "resolve", "guest.xml")
    add(data / "libvirt" / "accepted-values.csv", block(KIND, "blinker,model"))
    assert "no row has blinker:VARIANT among its devices" in virtkit(clone, "resolve", "guest.xml")
    add(data / "virtio" / "kinds.csv", block(KIND, "blinker,modern-only"))
    assert re.search(r"<blinker model='virtio'>\s+<address type='pci'", virtkit(clone, "resolve", "guest.xml"))
    assert "QEMU refuses the device" in virtkit(clone, "check", "guest.xml", "--guest", "fedora40")
    add(data / "qemu" / "11.1" / "x86_64.json", '  "virtio-blinker-pci",\n', '  "virtio-blk-pci",\n')
    assert "The guest has no virtio blinker driver." in virtkit(clone, "check", "guest.xml", "--guest", "fedora40")
    add(data / "guests" / "overrides.toml", "\n" + block(KIND, "[[override]]"))
    assert re.search(r"ok blinker .*: works", virtkit(clone, "check", "guest.xml", "--guest", "fedora40"))
    assert '"driver":"virtio-blinker-pci"' in virtkit(clone, "args", "guest.xml")
    asked = ("recommend", "--guest", "fedora40", "--kinds", "blinker")
    assert re.search(r"blinker +virtio +works", virtkit(clone, *asked))


def test_a_release(clone: Path) -> None:
    """The rows of a made-up release make it known by its number and by its distribution, with its changed default."""
    write_guest(clone, "")
    assert "the nearest of these is used" in virtkit(clone, "resolve", "guest.xml", "--libvirt", "99.0")
    add(clone / "data" / "releases.csv", block(RECIPES, "99.0,11.1,yes"))
    assert "virtkit:" not in virtkit(clone, "resolve", "guest.xml", "--libvirt", "99.0")
    add(clone / "data" / "hosts.csv", block(RECIPES, "fedora-99"))
    change = block(RECIPES, "[[family.change]]") + "\n"
    machines = (clone / "data" / "libvirt" / "machines.toml").read_text(encoding="utf-8")
    after_q35 = re.search(r'name = "q35".*?(\[\[family\]\].{80})', machines, re.S)
    assert after_q35 is not None
    add(clone / "data" / "libvirt" / "machines.toml", change, after_q35.group(1))
    assert "<watchdog model='i6300esb'" in virtkit(clone, "resolve", "guest.xml", "--host", "fedora-99")
    assert "<watchdog model='itco'" in virtkit(clone, "resolve", "guest.xml", "--libvirt", "12.9")


def test_a_refusal(clone: Path) -> None:
    """The row of the made-up refusal refuses the device from its release on, with its line and in libvirt's words."""
    write_guest(clone, RNG)
    assert "</domain>" in virtkit(clone, "resolve", "guest.xml")
    add(clone / "data" / "libvirt" / "constraints.csv", block(RECIPES, "rng,backend").replace("…", "libvirt 12.8"))
    said = "unsupported configuration: rng backend 'random' is not supported [rng virtio]"
    assert said in RECIPES
    assert virtkit(clone, "resolve", "guest.xml") == f"virtkit: guest.xml:6: {said}\n"
    assert "</domain>" in virtkit(clone, "resolve", "guest.xml", "--libvirt", "9.0")


def test_a_decision(clone: Path) -> None:
    """The step adds the device since its release, explain shows the sentence, and a forgotten sentence is an error."""
    write_guest(clone, "")
    add(clone / "data" / "releases.csv", block(RECIPES, "99.0,11.1,yes"))
    add(clone / "data" / "libvirt" / "behaviours.csv", block(RECIPES, "vsock-for-all"))
    step = textwrap.indent(block(RECIPES, 'if "vsock-for-all"'), "    ")
    add(clone / "virtkit" / "resolution" / "defaults" / "additions.py", step, "    _add_watchdog(context, draft)\n")
    asked = ("explain", "guest.xml", "--libvirt", "99.0")
    assert "no sentence for the rule 'machine.vsock'; add a row" in virtkit(clone, *asked)
    add(clone / "data" / "libvirt" / "rules.csv", block(RECIPES, "machine.vsock"))
    assert "a vsock is added because the domain has none (machine family q35)" in virtkit(clone, *asked)
    assert "vsock" not in virtkit(clone, "explain", "guest.xml", "--libvirt", "12.9")
