"""Whether a guest OS uses a device that is plugged in: what booted guests did, and what follows for others."""

from __future__ import annotations

import pytest

from tests.hotplug.plugging import PORT, ROOT, domain, plug, q35, session
from tests.writing import NEW, OLD
from virtkit import facts
from virtkit.compat.verdict import Evidence, Judgement, Verdict
from virtkit.guests import catalogue
from virtkit.hotplug.changes import row
from virtkit.hotplug.session import Session, Step
from virtkit.hotplug.verdict import judge_plug, lets_go

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


def test_a_kernel_that_has_the_driver_of_hot_plug() -> None:
    """A kernel whose configuration is known to have the driver needs no condition."""
    found = judged("disk", "debian12:cloud", q35(3))
    assert (found.verdict, found.condition) == (Verdict.WORKS, "")
    assert "has CONFIG_HOTPLUG_PCI_ACPI (acpiphp)" in found.reason


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


@pytest.mark.parametrize(("slot", "release", "verdict"), [(3, OLD, "fails"), (0, OLD, "works"), (3, NEW, "works")])
def test_a_switch_port_after_an_empty_slot(slot: int, release: str, verdict: str) -> None:
    """QEMU 7.2 announces no device behind a downstream port that comes after an empty slot of its switch."""
    switch = "".join(
        f"<controller type='pci' index='{index}' model='{model}'>"
        f"<address type='pci' bus='{bus}' slot='{at}'/></controller>"
        for index, model, bus, at in (
            (1, "pcie-root-port", 0, 2),
            (2, "pcie-switch-upstream-port", 1, 0),
            (3, "pcie-switch-downstream-port", 2, slot),
        )
    )
    found = session(domain(f"{ROOT}{switch}"), release)
    disk = (
        "<disk type='file' device='disk'><source file='/x.img'/><target dev='vda' bus='virtio'/>"
        "<address type='pci' domain='0' bus='3' slot='0' function='0'/></disk>"
    )
    assert found.step(Step("attach", "live", disk)).ok
    now = found.running.snapshot()
    here = next(one for one in now.devices if one.kind == "disk")
    judgement = judge_plug(now, here, catalogue().find("debian12"))
    assert judgement.verdict == verdict
    assert ("after an empty one" in judgement.reason) == (verdict == "fails")


def test_what_no_boot_shows_is_unknown() -> None:
    """For Windows, of which no boot is recorded, the verdict is unknown, not no."""
    found = judged("disk", "win10", q35(3))
    assert found.verdict in (Verdict.UNKNOWN, Verdict.FAILS)
    assert judged("nic:e1000e", "win10", q35(3)).verdict is Verdict.UNKNOWN


def test_the_evidence_is_whole() -> None:
    """Each row says whether QEMU took the device, and then whether it came up and was let go."""
    for line in facts.table("evidence/hotplug.csv"):
        assert line["source"].startswith("boot: QEMU "), line
        if line["accepted"] == "no":
            assert (line["place"], line["seen"], line["bound"]) == ("pcie-root", "", ""), line
        else:
            assert line["seen"], line
            assert line["removed"] in ("yes", "no"), line
            assert (line["driver"] == "") == ("never" in (line["seen"], line["bound"])), line


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


FIRST = "<controller type='pci' index='1' model='{}'/>"
BELOW = "<controller type='pci' index='{}' model='{}'><address type='pci' bus='{}' slot='{}'/></controller>"
PLACES = {
    "pcie-root": ("", 0, 16),
    "pci-root": ("", 0, 8),
    "root-port": (FIRST.format("pcie-root-port"), 1, 0),
    "pci-bridge": (FIRST.format("pci-bridge"), 1, 3),
    "pcie-to-pci-bridge below a root port": (
        FIRST.format("pcie-root-port") + BELOW.format(2, "pcie-to-pci-bridge", 1, 0),
        2,
        3,
    ),
    "switch-downstream-port": (
        FIRST.format("pcie-root-port")
        + BELOW.format(2, "pcie-switch-upstream-port", 1, 0)
        + BELOW.format(3, "pcie-switch-downstream-port", 2, 0),
        3,
        0,
    ),
    "root-port of a pcie-expander-bus": (
        FIRST.format("pcie-expander-bus") + BELOW.format(2, "pcie-root-port", 1, 0),
        2,
        0,
    ),
}
"""For each place of the evidence that libvirt can make: its controllers, and its bus and slot."""

BOOTED = [
    row
    for row in facts.table("evidence/hotplug.csv")
    if row["os"] and row["mode"] in ("acpi", "native") and row["place"] in PLACES
]


def _booted(row: dict[str, str]) -> tuple[Session, Step]:
    """The domain of a boot, and the step that plugs in its device."""
    devices, bus, slot = PLACES[row["place"]]
    if row["beside"] not in ("", "nothing"):
        devices += (
            "<disk type='file' device='disk'><source file='/boot.raw'/><target dev='vda' bus='virtio'/>"
            f"<address type='pci' bus='{bus}' slot='1'/></disk>"
        )
    root = ROOT if row["machine"] == "q35" else "<controller type='pci' index='0' model='pci-root'/>"
    machine = "pc-q35-6.0" if row["mode"] == "native" else row["machine"]
    text = domain(root + devices, machine=machine)
    if row["firmware"].startswith("OVMF"):
        text = text.replace("<os>", "<os firmware='efi'>")
    at = f"<address type='pci' bus='{bus}' slot='{slot}'/>"
    if row["device"] == "virtio-blk":
        model = " model='virtio-transitional'" if row["shows"] == "transitional" else ""
        xml = f"<disk type='file' device='disk'{model}><source file='/x'/><target dev='vdz' bus='virtio'/>{at}</disk>"
    else:
        model = {"virtio-net": "virtio"}.get(row["device"], row["device"])
        xml = f"<interface type='user'><mac address='52:54:00:00:00:01'/><model type='{model}'/>{at}</interface>"
    return session(text, OLD), Step("attach", "live", xml)


@pytest.mark.parametrize("mode", ["acpi", "native"])
def test_the_verdict_agrees_with_each_boot(mode: str) -> None:
    """A device that a booted guest used is not said to fail, and one that it never used is not said to work."""
    boots = [boot for boot in BOOTED if boot["mode"] == mode]
    assert boots
    for boot in boots:
        found, step = _booted(boot)
        outcome = found.step(step)
        assert outcome.ok == (boot["accepted"] == "yes"), (boot, outcome.error)
        if not outcome.ok or "more root ports" in boot["setup"] or boot["shows"] == "legacy":
            continue
        now = found.running.snapshot()
        here = next(one for one in now.devices if str(one.address) == str(outcome.devices[-1].address))
        verdict = judge_plug(now, here, catalogue().find(boot["os"]), began=found.running.resolved).verdict
        used = "never" not in (boot["seen"], boot["bound"])
        assert verdict in (Verdict.WORKS if used else Verdict.FAILS, Verdict.CONDITION), boot


def test_a_device_that_was_plugged_in_leaves_the_bus_empty_at_boot() -> None:
    """Firmware set up the bridge before: a second device on it has no more room than the first."""
    text = domain(f"{ROOT}{PORT * 3}{BRIDGE}").replace("<os>", "<os firmware='efi'>")
    found = session(text)
    (first,), (second,) = (plug(found, "disk:virtio-transitional").devices for _ in range(2))
    now = found.running.snapshot()
    verdicts = [
        judge_plug(
            now,
            next(one for one in now.devices if row(one) == row(device)),
            catalogue().find("debian12"),
            began=found.running.resolved,
        ).verdict
        for device in (first, second)
    ]
    assert verdicts == [Verdict.CONDITION, Verdict.CONDITION]


def test_firmware_that_leaves_no_room_does_not_speak_for_windows() -> None:
    """Where some firmware leaves room, the verdict for a guest that was never booted is unknown."""
    text = q35(3, BRIDGE).replace("<os>", "<os firmware='efi'>")
    assert judged("nic:e1000", "win11", text).verdict is Verdict.UNKNOWN


def test_pseries_notifies_the_guest_through_its_firmware() -> None:
    """On pseries the condition names the driver rpaphp, and not one of PCI Express."""
    text = domain(machine="pseries", arch="ppc64").replace("<features><acpi/></features>", "")
    found = judged("disk", "debian12", text)
    assert "rpaphp" in found.reason


def test_native_hot_plug_of_a_bridge_takes_seconds() -> None:
    """Where booted guests needed 6 s until they used a device, the verdict says so."""
    text = domain(f"{ROOT}{PORT * 3}{BRIDGE}", machine="pc-q35-6.0")
    found = session(text, OLD)
    (device,) = plug(found, "nic:e1000").devices
    now = found.running.snapshot()
    here = next(one for one in now.devices if row(one) == row(device))
    assert "after 6 s" in judge_plug(now, here, catalogue().find("debian12")).reason
    assert "had not let go of e1000" in lets_go(now, here)


def test_acpi_lets_go_at_once() -> None:
    """On q35 with ACPI hot plug, booted guests let go of a virtio disk below a root port within a second."""
    found = session(q35(3))
    (device,) = plug(found, "disk").devices
    now = found.running.snapshot()
    here = next(one for one in now.devices if row(one) == row(device))
    assert lets_go(now, here) == "booted Linux guests let go of virtio-blk here within 0.4 s"
