"""Predictions against a QEMU: with a real one where it is installed, without one for what must fail well."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import HANGING, until
from virtkit.commands import verify
from virtkit.errors import VerifyError
from virtkit.host import shipped
from virtkit.host.modules import not_installed
from virtkit.host.qmp import Ask, QemuExited, converse
from virtkit.verify.backends import Stubs
from virtkit.verify.pci import look
from virtkit.verify.qemu import Qemu
from virtkit.virtio.interface import Interface

BINARY = shutil.which("qemu-system-x86_64")
needs_qemu = pytest.mark.skipif(BINARY is None, reason="qemu-system-x86_64 is not installed")
DOMAIN = b"""<domain type='qemu'><name>v</name><memory>1048576</memory>
  <os><type arch='x86_64' machine='%s'>hvm</type></os>
  <devices>
    <disk type='file' device='disk' model='virtio-transitional'>
      <source file='/a'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk' model='virtio-non-transitional'>
      <source file='/b'/><target dev='vdb' bus='virtio'/></disk>
    <interface type='user'><model type='virtio'/></interface>
    <interface type='user'><model type='virtio'/>
      <address type='pci' domain='0' bus='0' slot='7' function='0'/></interface>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <input type='tablet' bus='virtio'/>
    <rng model='virtio-transitional'><backend model='random'/></rng>
    <filesystem type='mount'><source dir='/s'/><target dir='t'/></filesystem>
    <video><model type='virtio'/></video>
  </devices></domain>"""


def executable(place: Path, text: str) -> str:
    """A program that stands in for QEMU."""
    place.write_text(text)
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return str(place)


async def nothing(ask: Ask) -> None:
    """Asks one thing."""
    await ask("query-version")


def test_a_program_that_is_no_qemu(tmp_path: Path) -> None:
    """What it says on leaving is passed on, with its status."""
    fake = executable(tmp_path / "fake", "#!/bin/sh\necho no such machine >&2\nexit 3\n")
    with pytest.raises(QemuExited, match="status 3: no such machine"):
        converse(fake, (), nothing)
    with pytest.raises(VerifyError, match="cannot be started"):
        converse(str(tmp_path / "missing"), (), nothing)


def test_one_that_never_answers_is_ended_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit holds for everything, and the process is gone."""
    fake = executable(tmp_path / "fake", "#!/bin/sh\nexec sleep 60\n")
    begun = []
    original = asyncio.create_subprocess_exec

    async def recorded(*words: Any, **options: Any) -> asyncio.subprocess.Process:
        begun.append(await original(*words, **options))
        return begun[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    for limit in (0.5, 5, 50):
        with pytest.raises(VerifyError, match=f"did not answer within {limit} s"):
            converse(fake, (), nothing, limit=limit)
        if begun:  # a busy machine may take longer to start it
            break
    assert begun[0].returncode == -signal.SIGKILL  # it did not end by itself
    assert not alive(begun[0].pid)


def alive(pid: int) -> bool:
    """Whether a process still runs (a zombie does not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    """The interrupted command ends its QEMU."""
    note = tmp_path / "pid"
    fake = executable(tmp_path / "fake", f"#!/bin/sh\necho $$ > {note}\nexec sleep 60\n")
    code = (
        "import virtkit.host.qmp as q\n"
        "async def talk(ask):\n    await ask('query-version')\n"
        f"q.converse({fake!r}, (), talk, 60)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, stderr=subprocess.DEVNULL
    )
    until(lambda: note.exists() and note.read_text().strip() != "", lambda: process.poll() is None)
    pid = int(note.read_text())
    assert alive(pid)
    process.send_signal(signal.SIGINT)
    process.wait(HANGING)
    until(lambda: not alive(pid))


def test_devices_without_a_stub_say_what_they_need() -> None:
    """They are left out of the comparison, not guessed."""
    stubs = Stubs()
    missing = stubs.attach("vhost-scsi", {"id": "hostdev0", "driver": "vhost-scsi-pci"})
    assert missing == "it needs a vhost-scsi target of the host"
    assert stubs.attach("gpu", {"id": "video0", "driver": "virtio-gpu-gl-pci"}) == "it needs a display with OpenGL"
    disk = stubs.attach("blk", {"id": "virtio-disk0", "driver": "virtio-blk-pci"})
    assert disk == {"id": "virtio-disk0", "driver": "virtio-blk-pci", "drive": "stub-virtio-disk0"}
    stubs.close()


TREE = """bus: main-system-bus
  type System
  dev: gpex-pcihost, id ""
    bus: pcie.0
      type PCIE
      dev: pcie-root-port, id "pci.1"
        class PCI bridge, addr 00:01.0, pci id 1b36:000c (sub 0000:0000)
        bar 0: mem at 0xffffffffffffffff [0xffe]
        bus: pci.1
          type PCIE
          dev: virtio-net-pci-transitional, id "net0"
            rombar = 1 (0x1)
            class Ethernet controller, addr 00:00.0, pci id 1af4:1000 (sub 1af4:0001)
            bar 0: i/o at 0xffffffffffffffff [0x1e]
            bar 4: mem at 0xffffffffffffffff [0x3ffe]
            bus: virtio-bus
              dev: virtio-net-device, id ""
      dev: virtio-rng-pci, id "rng0"
        class Class 255, addr 00:02.0, pci id 1af4:1005 (sub 1af4:0004)
        bar 0: i/o at 0xffffffffffffffff [0x1e]
""".replace("\n", "\r\n")
PLACES = {"pci.1": ("pcie.0", 8), "net0": ("pci.1", 0), "rng0": ("pcie.0", 16), "sound0": ("virtio-bus", None)}


def test_devices_behind_bridges_are_read_from_the_device_tree() -> None:
    """query-pci shows root buses only; ids and BARs of the rest stand in info qtree, on every architecture."""

    async def ask(command: str, arguments: dict[str, object] | None = None) -> object:
        if command == "human-monitor-command":
            return TREE
        if command == "query-pci":
            row = {"qdev_id": "rng0", "id": {"vendor": 0x1AF4, "device": 0x1005}, "regions": [{"bar": 0}, {"bar": 4}]}
            return [{"bus": 0, "devices": [row, {"qdev_id": ""}]}]
        place = str((arguments or {})["path"]).rpartition("/")[2]
        bus, devfn = PLACES[place]
        if command == "qom-list":
            return [{"name": "parent_bus"}, *([] if devfn is None else [{"name": "addr"}])]
        return {"parent_bus": f"/machine/{bus}", "addr": devfn, "type": "t"}[str((arguments or {})["property"])]

    found = asyncio.run(look(ask, dict.fromkeys(PLACES, "")))
    assert {name: (one.bus, one.slot, one.device_id, one.interface) for name, one in found.items()} == {
        "pci.1": ("pcie.0", 1, "000c", None),
        "net0": ("pci.1", 0, "1000", Interface.TRANSITIONAL),
        "rng0": ("pcie.0", 2, "1005", Interface.TRANSITIONAL),
    }


def test_a_missing_qemu_is_named(tmp_path: Path) -> None:
    """With the architecture that was wanted."""
    with pytest.raises(VerifyError, match="no QEMU for x86_64"):
        Qemu(str(tmp_path)).ask(DOMAIN % b"q35", "d")


def run(*words: str) -> int:
    """The command as the command line runs it."""
    parser = argparse.ArgumentParser()
    verify.register(parser.add_subparsers())
    args = parser.parse_args(["verify", *words])
    return int(args.run(args))


@pytest.mark.live
@needs_qemu
@pytest.mark.parametrize("machine", [b"q35", b"pc"])
def test_a_real_qemu_shows_what_was_predicted(machine: bytes) -> None:
    """Place, device id and interface of each virtio device and PCI controller."""
    outcome = Qemu().ask(DOMAIN % machine, "d")
    assert outcome.differences == ()
    assert outcome.unstarted == ""
    assert outcome.devices >= 9


@pytest.mark.live
@needs_qemu
def test_a_wrong_prediction_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is no tautology: with the facts of interfaces turned round, QEMU disagrees."""
    from virtkit.virtio import interface

    right = interface.shown

    def wrong(*words: object, **named: object) -> interface.Shown:
        found = right(*words, **named)  # type: ignore[arg-type]
        return interface.Shown(interface.Interface.LEGACY, "1111", "", found.source)

    monkeypatch.setattr("virtkit.virtio.devices.shown", wrong)
    monkeypatch.setattr("virtkit.virtio.devices._machines", dict)  # no answers from before, and none for later
    aspects = {difference.aspect for difference in Qemu().ask(DOMAIN % b"q35", "d").differences}
    assert aspects == {"device id", "interface"}


@pytest.mark.live
@needs_qemu
def test_a_qemu_without_facts_is_described_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that no facts ship of is asked for its machine and device types first."""
    monkeypatch.setenv("VIRTKIT_DATA_QEMU", str(tmp_path))
    outcome = Qemu().ask(DOMAIN % b"q35", "d")
    assert (outcome.differences, outcome.unstarted) == ((), "")
    assert outcome.devices >= 9


@pytest.mark.live
@needs_qemu
def test_random_domains_hold_against_a_real_qemu(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 20 of them, without difference."""
    assert run("qemu", "--random", "40", "--seed", "6", "--platform", "q35", "--largest", "15") == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert " 0 domains not as predicted" in line
    assert int(line.partition(": ")[2].split()[0]) >= 20


@pytest.mark.live
@needs_qemu
def test_a_probe_equals_the_shipped_facts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """``virtkit data refresh`` writes what ships, but for modules that are not installed here: it names them."""
    from virtkit.commands import data

    parser = argparse.ArgumentParser()
    data.register(parser.add_subparsers())
    args = parser.parse_args(["data", "refresh", "--qemu", str(BINARY), "-o", str(tmp_path)])
    assert args.run(args) == 0
    written = next(tmp_path.glob("qemu/*/x86_64.json"))
    found = shipped.read(written.read_bytes(), str(written))
    known = shipped.load(found.release, "x86_64")
    if known is None or known.package != found.package:
        pytest.skip("another package than the one the shipped facts are of")
    missing = not_installed(found, known)
    assert found.devices <= known.devices
    assert known.devices - found.devices == {name for module in missing for name in module.types}
    said = caplog.text
    assert [module.name for module in missing if str(module) not in said] == []
    for prop, owners in known.properties.items():
        assert found.properties[prop] >= owners & found.devices - found.unasked, prop
