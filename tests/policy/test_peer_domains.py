"""One domain as each piece of software writes it: its devices are those that its policy decides."""

from __future__ import annotations

from pathlib import Path

import pytest

import virtkit as vk
from virtkit.compat.check import check
from virtkit.guests import KINDS, catalogue
from virtkit.policy import comparison, document
from virtkit.policy.decide import decide_machine

pytestmark = pytest.mark.slow

DOMAINS = sorted((Path(__file__).resolve().parents[1] / "data" / "policies").glob("*.xml"))
_MACHINES = {"i440fx": "pc", "q35": "q35"}


def _written(resolved: vk.Resolved) -> dict[str, tuple[str, str]]:
    """The devices of a resolved domain by kind: a virtio device's interface and place, or an emulated device's name."""
    found: dict[str, tuple[str, str]] = {}
    for device in check(resolved).findings:
        found[device.kind] = (device.interface, device.location)
    inventory = resolved.inventory
    for disk in inventory.disks:
        if disk.device == "disk" and disk.bus != "virtio":
            found["block"] = ("", str(disk.bus))
    for nic in inventory.nics:
        if nic.model and not nic.model.startswith("virtio"):
            found["net"] = ("", nic.model)
    for video in inventory.videos:
        found.setdefault("gpu", ("", str(video.model)))
    for one in inventory.inputs:
        if one.bus in ("usb", "ps2") and one.type in ("tablet", "mouse") and not one.added:
            found.setdefault("input", ("", f"{one.bus}-{one.type}"))
    return found


@pytest.mark.parametrize("file", DOMAINS, ids=lambda file: file.stem)
def test_the_domain_has_what_the_policy_decides(file: Path) -> None:
    """Machine, devices, their virtio interface and the class of their slot are equal, and no device is missing."""
    policy = document.builtin(file.stem)
    resolved = vk.resolve(vk.read(file))
    guest = catalogue().find(check(resolved).guest)
    machine = _MACHINES[resolved.family]
    assert decide_machine(policy, guest).value == machine
    frame = comparison.evaluate([policy], [guest])
    decided = {
        str(row["kind"]): (str(row["interface"]), str(row["placement"] or row["choice"]))
        for row in frame.to_dict("records")
        if row["verdict"] != "absent"
    }
    written = _written(resolved)
    assert {kind: written.get(kind) for kind in KINDS if kind in decided} == decided
    assert not [kind for kind in policy.never if kind in written and written[kind][0]]


def test_a_transitional_device_behind_a_port_has_the_old_id() -> None:
    """Incus's NIC with disable-legacy=off is a transitional device, with id 1000, behind a PCI Express port."""
    resolved = vk.resolve(vk.read(next(file for file in DOMAINS if file.stem == "incus")))
    (nic,) = [device for device in check(resolved).findings if device.kind == "net"]
    assert (nic.location, nic.interface, nic.device_id) == ("pcie-port", "transitional", "1000")
    frame = comparison.evaluate([document.builtin("incus")], "centos6.10", kinds=("net",))
    (row,) = frame.to_dict("records")
    assert (row["placement"], row["interface"], row["verdict"]) == ("pcie-port", "transitional", "works")


def test_every_new_policy_has_a_domain() -> None:
    """The policies of other software that were added together have a domain each."""
    assert {file.stem for file in DOMAINS} == {
        "cloudstack",
        "cockpit",
        "gnome-boxes",
        "harvester",
        "incus",
        "lxd",
        "minikube",
        "opennebula",
        "qemu-direct",
        "unraid",
        "vagrant-libvirt",
    }
