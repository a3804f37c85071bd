"""Whether a guest OS uses a device that is plugged in: what booted guests did, and what follows for others."""

from __future__ import annotations

import pytest

from tests.hotplug.plugging import plug, q35, session
from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement, Verdict
from virtkit.guests import catalogue
from virtkit.hotplug.changes import row
from virtkit.hotplug.verdict import judge_plug

BRIDGE = "<controller type='pci' model='pcie-to-pci-bridge'/>"


def judged(what: str, guest: str, xml: str) -> Judgement:
    """The verdict on a device that was plugged into a running domain."""
    found = session(xml)
    (*_, device) = plug(found, what).devices
    now = found.running.snapshot()
    here = next(one for one in now.devices if row(one) == row(device))
    return judge_plug(now, here, catalogue().find(guest))


def test_a_booted_guest_works() -> None:
    """Debian 12 was seen using a modern disk below a root port."""
    found = judged("disk", "debian12", q35(3))
    assert (found.verdict, found.evidence) == (Verdict.WORKS, Evidence.BOOT)


def test_another_linux_needs_a_driver_of_hot_plug() -> None:
    """Another Linux works on condition that its kernel has the driver for hot plug."""
    found = judged("disk", "fedora39", q35(3))
    assert found.verdict is Verdict.CONDITION
    assert "acpiphp" in found.condition


def test_native_hot_plug_needs_another_driver() -> None:
    """A q35 machine type before 6.1 notifies the guest through the port itself, for pciehp."""
    found = judged("disk", "fedora39", q35(3).replace("machine='q35'", "machine='pc-q35-5.2'"))
    assert "pciehp" in found.condition


def test_the_driver_of_the_device_counts_first() -> None:
    """A guest with a legacy driver fails on a modern device, wherever it is plugged in."""
    assert judged("disk", "rhel6.10", q35(3)).verdict is Verdict.FAILS


def test_old_uefi_firmware_leaves_an_empty_bridge_without_room() -> None:
    """With UEFI, a device on a bridge that was empty at boot is not sure to work."""
    text = q35(3, BRIDGE).replace("<os>", "<os firmware='efi'>")
    assert judged("disk:virtio-transitional", "debian12", text).verdict in (Verdict.CONDITION, Verdict.FAILS)


def test_what_no_boot_shows_is_unknown() -> None:
    """For Windows, of which no boot is recorded, the verdict is unknown, not no."""
    found = judged("disk", "win10", q35(3))
    assert found.verdict in (Verdict.UNKNOWN, Verdict.FAILS)
    assert judged("nic:e1000e", "win10", q35(3)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("line", facts.table("evidence/hotplug.csv"), ids=lambda line: line["source"])
def test_the_evidence_is_whole(line: dict[str, str]) -> None:
    """Each row says whether QEMU took the device, and then whether it came up and was let go."""
    assert line["source"].startswith("boot: QEMU ")
    if line["accepted"] == "no":
        assert line["place"] == "pcie-root"
        assert line["seen"] == line["bound"] == ""
    else:
        assert line["seen"]
        assert line["removed"] in ("yes", "no")
        assert (line["driver"] == "") == ("never" in (line["seen"], line["bound"]))


def test_a_kernel_without_the_driver_of_hot_plug() -> None:
    """A cloud kernel has no SHPC driver, so on an older q35 it never sees a device on a conventional bridge."""
    text = q35(3, BRIDGE).replace("machine='q35'", "machine='pc-q35-5.2'")
    found = judged("disk:virtio-transitional", "debian12:cloud", text)
    assert found.verdict is Verdict.FAILS
    assert "CONFIG_HOTPLUG_PCI_SHPC (shpchp), so the guest never sees the device" in found.reason
    assert judged("disk:virtio-transitional", "debian12:amd64", text).verdict is not Verdict.FAILS


def test_a_tenth_root_port_under_ovmf() -> None:
    """Under OVMF 2022.11 a bridge that is empty at boot gets no memory when there are more than 9 root ports."""
    text = q35(12, BRIDGE).replace("<os>", "<os firmware='efi'>")
    found = judged("disk:virtio-transitional", "debian12", text)
    assert found.verdict is Verdict.CONDITION
    assert "gives a bridge that is empty at boot no memory" in found.reason
