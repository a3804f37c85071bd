"""What libvirt fills in, and what it passes to QEMU, where the QEMU of the host lacks a device type or a property."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.writing import NO_BALLOON, NO_USB, domain
from virtkit import Host, Resolved, check, facts, read, resolve
from virtkit.errors import Refused
from virtkit.qemu_args import text

MODELS = ("-transitional", "-non-transitional")


def lean(folder: Path, *lacking: str, properties: tuple[str, ...] = (), libvirt: str = "12.8") -> Host:
    """The host of libvirt 12.8 with a QEMU 11.1 that lacks device types (those that end with a word) and properties."""
    known = json.loads(facts.path("qemu/11.1/x86_64.json").read_text(encoding="utf-8"))
    known["devices"] = [name for name in known["devices"] if not name.endswith(lacking or ("\n",))]
    for name in properties:
        known["properties"][name] = []
    file = folder / "x86_64.json"
    file.write_text(json.dumps(known), encoding="utf-8")
    return Host.from_file(file, libvirt=libvirt)


def on(host: Host, devices: str, machine: str = "q35") -> Resolved:
    """A domain with these devices, resolved for a host."""
    return resolve(read(domain(devices, machine)), host)


def nic(model: str) -> str:
    """A NIC alone in a domain."""
    return f"{NO_USB}{NO_BALLOON}<interface type='user'><model type='{model}'/></interface>"


@pytest.mark.parametrize(
    ("model", "driver"),
    [
        ("virtio", '"virtio-net-pci","id"'),
        ("virtio-transitional", '"virtio-net-pci","disable-legacy":"off","disable-modern":"off","id"'),
        ("virtio-non-transitional", '"virtio-net-pci","disable-legacy":"on","disable-modern":"off","id"'),
    ],
)
def test_a_qemu_before_4_0_gets_switches_in_place_of_models(model: str, driver: str, tmp_path: Path) -> None:
    """Without the drivers of both models, the plain driver gets disable-legacy and disable-modern."""
    found = on(lean(tmp_path, *MODELS), nic(model))
    assert driver in text(found)
    (device,) = found.virtio_devices
    assert (device.kind, device.driver, device.model) == ("net", "virtio-net-pci", model)


def test_a_qemu_without_the_switches_has_legacy_devices_only(tmp_path: Path) -> None:
    """Then a transitional device is a plain one, a non-transitional one is refused, and virtio is conventional PCI."""
    host = lean(tmp_path, *MODELS, properties=("disable-legacy",))
    found = on(host, nic("virtio-transitional"))
    assert '"virtio-net-pci","id"' in text(found)
    assert str(found.inventory.nics[0].address) == "0000:02:01.0"
    with pytest.raises(Refused) as caught:
        text(on(host, nic("virtio-non-transitional")))
    assert caught.value.what == "virtio non-transitional model not supported for this qemu"
    assert (caught.value.category, caught.value.device) == (
        "unsupported configuration",
        "interface 0 (virtio-non-transitional)",
    )
    assert caught.value.line == 7


@pytest.mark.parametrize(
    ("lacking", "model"),
    [((), "rtl8139"), (("rtl8139",), "e1000"), (("rtl8139", "e1000"), "virtio")],
)
def test_the_default_nic_is_the_first_that_qemu_has(lacking: tuple[str, ...], model: str, tmp_path: Path) -> None:
    """libvirt prefers rtl8139 to e1000, and e1000 to virtio."""
    found = on(lean(tmp_path, *lacking), "<interface type='user'/>", "pc")
    assert found.inventory.nics[0].model == model


@pytest.mark.parametrize(("lacking", "model"), [((), "cirrus"), (("cirrus-vga",), "vga")])
def test_the_default_display_is_the_first_that_qemu_has(lacking: tuple[str, ...], model: str, tmp_path: Path) -> None:
    """libvirt prefers cirrus to VGA."""
    assert on(lean(tmp_path, *lacking), "<video/>", "pc").inventory.videos[0].model == model


@pytest.mark.parametrize(
    ("lacking", "driver", "forms"),
    [
        ((), "", ["virtio-vga", "virtio-gpu"]),
        (("virtio-vga",), "", ["virtio-gpu", "virtio-gpu"]),
        ((), "<driver name='vhostuser'/>", ["vhost-user-vga", "vhost-user-gpu"]),
        (("vhost-user-vga",), "<driver name='vhostuser'/>", ["vhost-user-gpu", "vhost-user-gpu"]),
    ],
)
def test_only_the_first_virtio_display_is_a_vga_card(
    lacking: tuple[str, ...], driver: str, forms: list[str], tmp_path: Path
) -> None:
    """And only where QEMU has that form."""
    videos = f"<video>{driver}<model type='virtio'/></video>" * 2
    found = on(lean(tmp_path, *lacking), videos)
    assert [video.frontend for video in found.inventory.videos] == forms


def test_the_default_usb_controller_of_q35_is_the_first_that_qemu_has(tmp_path: Path) -> None:
    """libvirt prefers qemu-xhci to nec-xhci, and both to ich9 with its companions."""
    models = []
    for lacking in ((), ("qemu-xhci",), ("qemu-xhci", "nec-usb-xhci")):
        found = on(lean(tmp_path, *lacking), "")
        usb = [one for one in found.inventory.controllers if one.type == "usb"]
        models.append([(one.model, one.index, one.startport) for one in usb])
    assert models == [
        [("qemu-xhci", 0, None)],
        [("nec-xhci", 0, None)],
        [("ich9-ehci1", 0, None), ("ich9-uhci1", 0, 0), ("ich9-uhci2", 0, 2), ("ich9-uhci3", 0, 4)],
    ]
    said = "USB controller 0 is added because the domain has none (machine family q35)"
    assert [found.trace.of(one)[0].text for one in usb] == [said] * 4


@pytest.mark.parametrize(("lacking", "model"), [((), "lsilogic"), (("lsi53c895a",), "virtio-scsi")])
def test_the_default_scsi_controller_is_the_first_that_qemu_has(
    lacking: tuple[str, ...], model: str, tmp_path: Path
) -> None:
    """libvirt prefers lsilogic to virtio-scsi; a second controller has the model of the first."""
    devices = "<controller type='scsi' index='0'/><controller type='scsi' index='1'/>"
    found = on(lean(tmp_path, *lacking), devices, "pc")
    assert [one.model for one in found.inventory.controllers if one.type == "scsi"] == [model, model]


def test_an_old_pc_keeps_its_usb_controller_without_a_model(tmp_path: Path) -> None:
    """Where QEMU lacks piix3-uhci, pc has a USB controller without a model, for the same reason."""
    found = on(lean(tmp_path, "piix3-usb-uhci"), NO_BALLOON, "pc")
    (usb,) = (one for one in found.inventory.controllers if one.type == "usb")
    assert usb.model is None
    said = "USB controller 0 is added because the domain has none (machine family i440fx)"
    assert said in [one.text for one in found.trace.of(usb)]


@pytest.mark.parametrize(("model", "options"), [("intel", {"intremap", "eim"}), ("amd", {"intremap", "xtsup"})])
def test_more_than_255_vcpus_turn_on_the_options_of_an_iommu(model: str, options: set[str], tmp_path: Path) -> None:
    """An Intel IOMMU needs interrupt remapping and eim, an AMD one interrupt remapping and xtsup."""
    more = "<vcpu>256</vcpu><features><ioapic driver='qemu'/></features>"
    data = domain(f"<iommu model='{model}'/>{NO_USB}{NO_BALLOON}", more=more)
    driver = read(resolve(read(data), lean(tmp_path)).xml().encode()).document.root.find("devices/iommu/driver")
    assert driver is not None
    assert {str(name) for name in driver.keys()} == options  # noqa: SIM118
    assert set(driver.values()) == {"on"}


def test_an_option_of_an_iommu_that_is_written_stays(tmp_path: Path) -> None:
    """Only the option that is not written is added."""
    more = "<vcpu>256</vcpu><features><ioapic driver='qemu'/></features>"
    data = domain(f"<iommu model='intel'><driver intremap='on'/></iommu>{NO_USB}{NO_BALLOON}", more=more)
    assert "<driver intremap='on' eim='on'/>" in resolve(read(data), lean(tmp_path)).xml()


def test_without_a_scsi_controller_nothing_is_said_of_its_disks(tmp_path: Path) -> None:
    """Where QEMU has no SCSI controller that libvirt would choose, the model is unknown, and so is the verdict."""
    host = lean(tmp_path, "lsi53c895a", "virtio-scsi-pci", "virtio-scsi-device", "virtio-scsi")
    disk = "<disk type='file'><source file='/d'/><target dev='sda' bus='scsi'/></disk>"
    (found,) = check(on(host, disk, "pc"), "debian12").emulated
    assert (found.model, found.verdict) == ("unknown", "unknown")
