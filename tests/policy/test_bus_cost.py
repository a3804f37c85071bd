"""What choices cost together: whole domains, resolved."""

from __future__ import annotations

import pytest

from virtkit.errors import UsageError
from virtkit.guests import KINDS
from virtkit.host import Host
from virtkit.policy import document
from virtkit.policy.bus_cost import ROOT, BusCost, ChosenDevice

LEGACY = ("block", "net", "rng", "balloon", "console", "scsi", "9p")


def test_a_bridge_is_counted_once() -> None:
    """Seven transitional devices share a bridge and its port; seven plain ones have a port each; pc needs none."""
    cost = BusCost(Host.default(), "C")
    assert cost.buses("q35", [ChosenDevice(kind, "virtio-transitional") for kind in LEGACY]).added == 2
    assert cost.buses("q35", [ChosenDevice(kind, "virtio") for kind in LEGACY]).added == 7
    assert cost.buses("pc", [ChosenDevice(kind, "virtio") for kind in KINDS]).added == 0


def test_the_root_bus_costs_nothing() -> None:
    """All twelve kinds with an address on bus 0 of q35 add no bus, and the old kinds are transitional there."""
    cost = BusCost(Host.default(), "C")
    choices = [ChosenDevice(kind, "virtio", ROOT) for kind in KINDS]
    assert cost.buses("q35", choices).added == 0
    for choice in choices:
        placement, shown = cost.shown("q35", choice)
        assert shown is not None
        assert placement.location == "pcie-root"
        assert shown.interface == ("transitional" if choice.kind in LEGACY else "modern")


def test_conventional_takes_every_virtio_device() -> None:
    """Under Proxmox's slots a SCSI controller and a virtio-mem go on the bridge as the others do."""
    cost = BusCost(Host.default(), "conventional")
    assert cost.buses("q35", [ChosenDevice(kind, "virtio") for kind in KINDS]).added == 2
    assert cost.shown("q35", ChosenDevice("scsi", "virtio"))[0].location == "conventional-bridge"


@pytest.mark.parametrize(
    ("choice", "buses"),
    [
        (ChosenDevice("net", device="e1000e"), 1),
        (ChosenDevice("net", device="e1000"), 2),
        (ChosenDevice("block", device="sata"), 0),
        (ChosenDevice("gpu", device="vga"), 0),
        (ChosenDevice("input", device="usb-tablet"), 0),
    ],
)
def test_other_devices_cost_too(choice: ChosenDevice, buses: int) -> None:
    """An emulated NIC takes a port, or a bridge, as libvirt gives it."""
    assert BusCost(Host.default(), "C").buses("q35", [choice]).added == buses


def test_what_is_refused_is_left_out() -> None:
    """A model that there is not, and a device that libvirt refuses, cost nothing and say why."""
    cost = BusCost(Host.default(), "C")
    for choice in (
        ChosenDevice("gpu", "virtio-transitional"),
        ChosenDevice("gpu", "virtio-transitional", ROOT),
        ChosenDevice("block", device="nonesuch"),
    ):
        assert cost.shown("q35", choice)[0].refusal
        assert cost.buses("q35", [choice]).added == 0
    placement, shown = cost.shown("q35", ChosenDevice("vsock", "virtio-transitional"))
    assert not placement.refusal
    assert shown is not None
    assert shown.interface is None
    assert cost.buses("q35", [ChosenDevice("vsock", "virtio-transitional")]).added == 0


def test_slot_in_a_policy() -> None:
    """Only a virtio model has a slot, and there are two."""
    head = "name: x\ntitle: x\nsources: [x]\nrules:\n- kinds: [net]\n  reason: x\n"
    assert document.parse(head + "  model: virtio\n  slot: root\n", "x").rules[0].slot == ROOT
    with pytest.raises(UsageError, match="x:8: slot: expected one of auto, root, got 'top'"):
        document.parse(head + "  model: virtio\n  slot: top\n", "x")
    with pytest.raises(UsageError, match="x:8: only a rule that gives a virtio model can have a slot"):
        document.parse(head + "  device: e1000\n  slot: root\n", "x")
