"""The virt-install policy decides as virt-install itself does, asked through its own Python classes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import HANGING
from virtkit.guests import catalogue
from virtkit.policy import document
from virtkit.policy.decide import decide, decide_machine

PYTHON = Path("/usr/bin/python3")
VIRTINST = Path("/usr/share/virt-manager")
OSINFO = Path("/usr/share/osinfo")

# The classes that choose are real; only the connection and the capabilities are stood in for.
ASK = """
import json, sys
from types import SimpleNamespace as Names
sys.path.insert(0, "/usr/share/virt-manager")
from virtinst.osdict import OSDB
from virtinst.devices.interface import DeviceInterface
from virtinst.devices.disk import DeviceDisk

def yes(*_): return True
def no(*_): return False

found = {}
for system in OSDB.list_os():
    answers = {}
    for machine in ("own", "pc", "q35"):
        chosen = ("q35" if system.supports_chipset_q35() else "pc") if machine == "own" else machine
        q35 = chosen == "q35"
        guest = Names(
            os=Names(is_hvm=yes, is_x86=yes, is_q35=lambda q35=q35: q35, is_xenpv=no, is_arm=no),
            osinfo=system,
            supports_virtionet=system.supports_virtionet,
            supports_virtiodisk=system.supports_virtiodisk,
            supports_virtioscsi=system.supports_virtioscsi,
        )
        disk = Names(is_floppy=no, is_disk=yes, is_cdrom=no, conn=Names(is_bhyve=no))
        answers[machine] = {
            "machine": chosen,
            "block": DeviceDisk._default_bus(disk, guest),
            "net": DeviceInterface.default_model(guest),
            "rng": "virtio" if system.supports_virtiorng() else "none",
        }
    found[system.name] = answers
json.dump(found, sys.stdout)
"""


def _virtinst() -> dict[str, Any]:
    if not (PYTHON.exists() and VIRTINST.is_dir() and (OSINFO / "os").is_dir()):
        pytest.skip("virtinst or osinfo-db is not installed")
    environment = {
        **os.environ,
        "OSINFO_SYSTEM_DIR": str(OSINFO),
        "OSINFO_LOCAL_DIR": "/nonexistent",
        "OSINFO_USER_DIR": "/nonexistent",
    }
    done = subprocess.run(
        [str(PYTHON), "-I", "-c", ASK], env=environment, capture_output=True, text=True, check=False, timeout=HANGING
    )
    if done.returncode:
        pytest.skip(f"virtinst cannot be asked: {done.stderr.strip().splitlines()[-1:]}")
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def test_every_os() -> None:
    """Machine, disk bus, NIC model and rng are equal for every OS that virt-install knows."""
    theirs = _virtinst()
    policy = document.builtin("virt-install")
    known = catalogue(OSINFO)
    asked = 0
    for name, answers in theirs.items():
        if name not in known.names:
            assert name in ("generic", "detect"), name
            continue
        guest = known.find(name)
        for machine, wanted in answers.items():
            chosen = decide_machine(policy, guest).value if machine == "own" else machine
            ours = {kind: decide(policy, guest, chosen, kind).value for kind in ("block", "net", "rng")}
            assert {"machine": chosen, **ours} == wanted, (name, machine)
            asked += 1
    assert asked >= 3 * 700
