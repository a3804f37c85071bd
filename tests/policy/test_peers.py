"""What the sources of other software say, rule by rule: each row of the comparison of shipped policies with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from virtkit.guests import KINDS, catalogue, find
from virtkit.policy import document
from virtkit.policy.decide import circumstances, decide, decide_machine, decide_ports
from virtkit.policy.ports import Ports

pytestmark = pytest.mark.slow

PLAIN, NAMED, OLD = "virtio", "virtio-non-transitional", "virtio-transitional"


def _decided(name: str, guest: str, machine: str, kind: str, request: str, arch: str, firmware: str) -> tuple[str, str]:
    policy = document.load(name)
    about = circumstances([policy], request, arch, firmware)
    found = decide(policy, find(guest), machine, kind, about=about)
    return found.value, found.created.value


@pytest.mark.parametrize(
    ("name", "guest", "machine", "kinds", "request_", "value", "created"),
    [
        # KubeVirt on amd64.
        ("kubevirt", "fedora42", "q35", "net balloon console scsi", "", NAMED, "always"),
        ("kubevirt", "fedora42", "q35", "rng vsock", "", NAMED, "on-request"),
        ("kubevirt", "fedora42", "q35", "9p", "", "none", "never"),
        ("kubevirt", "fedora42", "q35", "fs mem", "", PLAIN, "on-request"),
        ("kubevirt", "fedora42", "q35", "block", "", "sata", "always"),
        ("kubevirt", "fedora42", "q35", "block", "disk-bus-virtio", NAMED, "always"),
        ("kubevirt", "fedora42", "q35", "gpu", "", "vga", "always"),
        ("kubevirt", "fedora42", "q35", "gpu", "video-virtio", PLAIN, "always"),
        ("kubevirt", "fedora42", "q35", "input", "", "usb-tablet", "on-request"),
        ("kubevirt", "fedora42", "q35", "input", "input-bus-virtio", PLAIN, "on-request"),
        ("kubevirt-transitional", "fedora42", "q35", "net balloon console scsi", "", OLD, "always"),
        ("kubevirt-transitional", "fedora42", "q35", "vsock", "", NAMED, "on-request"),
        ("kubevirt-transitional", "fedora42", "q35", "block", "disk-bus-virtio", OLD, "always"),
        # Nova.
        ("nova", "win10", "pc", "net", "", "e1000", "always"),
        ("nova", "winxp", "pc", "net", "", "e1000", "always"),
        ("nova", "freebsd12.0", "pc", "net", "", "ne2k_pci", "always"),
        ("nova", "openbsd7.4", "pc", "net", "", "pcnet", "always"),
        ("nova", "rhel9.0", "pc", "net", "", PLAIN, "always"),
        ("nova", "win10", "pc", "net", "other-os-distro", PLAIN, "always"),
        ("nova", "fedora42", "pc", "input", "", "usb-tablet", "always"),
        ("nova", "fedora42", "pc", "input", "hw-input-bus", PLAIN, "always"),
        ("nova", "fedora42", "pc", "9p vsock mem", "", "none", "never"),
        ("nova", "fedora42", "pc", "scsi console fs", "", PLAIN, "on-request"),
        ("nova", "fedora42", "pc", "gpu rng balloon block", "", PLAIN, "always"),
        # oVirt.
        ("ovirt", "winxp", "q35", "block net", "", PLAIN, "always"),
        ("ovirt", "rhel6.10", "q35", "block net rng balloon console scsi", "", OLD, "always"),
        ("ovirt", "rhel6.10", "q35", "gpu", "", "vga", "always"),
        ("ovirt", "rhel8.0", "q35", "gpu", "", PLAIN, "always"),
        ("ovirt@4.6", "rhel8.0", "q35", "gpu", "", "vga", "always"),
        ("ovirt", "rhel8.0", "q35", "gpu", "qxl", "qxl", "always"),
        ("ovirt", "rhel8.0", "q35", "input", "", "usb-tablet", "always"),
        ("ovirt", "rhel8.0", "q35", "fs 9p vsock mem", "", "none", "never"),
        # Proxmox VE.
        ("proxmox", "fedora42", "pc", "block", "", "scsi", "always"),
        ("proxmox", "fedora42", "pc", "net scsi balloon", "", PLAIN, "always"),
        ("proxmox", "win10", "pc", "block", "", "ide", "always"),
        ("proxmox", "win10", "pc", "net", "", "e1000", "always"),
        ("proxmox", "winxp", "pc", "net", "", "rtl8139", "always"),
        ("proxmox", "winxp", "pc", "block net", "api", PLAIN, "always"),
        ("proxmox", "fedora42", "pc", "9p vsock mem", "", "none", "never"),
        ("proxmox", "fedora42", "pc", "gpu", "", "vga", "always"),
        ("proxmox", "fedora42", "q35", "gpu", "vga-virtio", PLAIN, "always"),
        ("proxmox", "fedora42", "pc", "input", "", "usb-tablet", "always"),
        # virt-v2v.
        ("virt-v2v", "fedora42", "q35", "gpu input fs mem 9p scsi", "", "none", "never"),
        ("virt-v2v", "rhel6.10", "q35", "block net balloon console", "", OLD, "always"),
        ("virt-v2v", "rhel6.10", "pc", "block net balloon console", "", PLAIN, "always"),
        ("virt-v2v", "rhel6.10", "pc", "block net", "output-kubevirt", OLD, "always"),
        ("virt-v2v", "win2k", "pc", "net", "", "rtl8139", "always"),
        ("virt-v2v", "win2k", "pc", "block", "", "ide", "always"),
        ("virt-v2v", "win2k", "q35", "block", "", "sata", "always"),
        ("virt-v2v", "win2k", "pc", "rng balloon vsock", "", "none", "never"),
        ("virt-v2v", "freebsd6.0", "pc", "net", "", "e1000", "always"),
        ("virt-v2v", "fedora42", "q35", "vsock", "", PLAIN, "always"),
        # virt-install.
        ("virt-install", "freebsd6.0", "pc", "balloon console", "", PLAIN, "always"),
        ("virt-install", "freebsd6.0", "pc", "console", "vnc", "none", "never"),
        ("virt-install", "winxp", "pc", "gpu", "", "qxl", "always"),
        ("virt-install", "winxp", "pc", "gpu", "vnc", "vga", "always"),
        ("virt-install", "fedora42", "q35", "gpu rng net block", "", PLAIN, "always"),
        ("virt-install", "fedora42", "q35", "input", "", "usb-tablet", "always"),
        ("virt-install", "fedora42", "q35", "scsi 9p fs vsock mem", "", PLAIN, "on-request"),
        # Cockpit asks virt-install for VNC.
        ("cockpit", "winxp", "pc", "gpu", "", "vga", "always"),
        ("cockpit", "freebsd6.0", "pc", "console", "", "none", "never"),
        ("cockpit", "fedora42", "q35", "gpu console", "", PLAIN, "always"),
        # GNOME Boxes: a USB tablet only where the database lists one.
        ("gnome-boxes", "fedora42", "q35", "input", "", "usb-tablet", "always"),
        ("gnome-boxes", "winxp", "pc", "input", "", "usb-tablet", "always"),
        ("gnome-boxes", "linux2016", "pc", "input", "", "usb-tablet", "always"),
        # Plain QEMU: Quickemu's choices by system.
        ("qemu-direct", "fedora42", "q35", "net block rng gpu balloon console", "", PLAIN, "always"),
        ("qemu-direct", "fedora42", "q35", "input", "", "usb-tablet", "always"),
        ("qemu-direct", "fedora42", "q35", "input", "virtio-input", PLAIN, "always"),
        ("qemu-direct", "win11", "q35", "net block gpu", "", PLAIN, "always"),
        ("qemu-direct", "win2k22", "q35", "net", "", "e1000", "always"),
        ("qemu-direct", "win2k22", "q35", "block", "", "sata", "always"),
        ("qemu-direct", "openbsd7.5", "q35", "gpu", "", "vga", "always"),
        ("qemu-direct", "haikur1beta4", "pc", "net", "", "rtl8139", "always"),
        ("qemu-direct", "macosx10.7", "q35", "net", "", "vmxnet3", "always"),
        ("qemu-direct", "macosx10.7", "q35", "balloon", "", "none", "never"),
        # libvirt.
        ("libvirt", "fedora42", "pc", " ".join(KINDS), "", PLAIN, "always"),
        ("libvirt", "fedora42", "pc", "net", "no-nic-model", "rtl8139", "always"),
    ],
)
def test_devices(
    name: str, guest: str, machine: str, kinds: str, request_: str, value: str, created: str
) -> None:
    """The device of each kind, and whether it is created always, on request or never."""
    for kind in kinds.split():
        assert _decided(name, guest, machine, kind, request_, "x86_64", "bios") == (value, created), kind


@pytest.mark.parametrize(
    ("name", "kinds", "arch", "firmware", "value", "created"),
    [
        ("kubevirt", "net block balloon console scsi gpu input", "s390x", "bios", PLAIN, "always"),
        ("kubevirt", "rng vsock", "s390x", "bios", PLAIN, "on-request"),
        ("kubevirt-transitional", "net balloon console scsi", "s390x", "bios", PLAIN, "always"),
        ("kubevirt", "block net", "aarch64", "efi", NAMED, "always"),
        ("kubevirt", "gpu", "aarch64", "efi", PLAIN, "always"),
        ("kubevirt", "input", "aarch64", "efi", "usb-tablet", "always"),
        ("kubevirt", "gpu", "x86_64", "efi", "bochs", "always"),
        ("cloudstack", "block", "x86_64", "efi", "sata", "always"),
        ("cloudstack", "net", "x86_64", "efi", "e1000", "always"),
        ("cloudstack", "block", "aarch64", "bios", "scsi", "always"),
        ("cloudstack", "scsi net", "aarch64", "bios", PLAIN, "always"),
        ("cockpit", "gpu", "x86_64", "efi", "bochs", "always"),
        ("minikube", "scsi", "aarch64", "efi", PLAIN, "always"),
        ("minikube", "scsi", "x86_64", "bios", "none", "never"),
    ],
)
def test_devices_by_architecture_and_firmware(
    name: str, kinds: str, arch: str, firmware: str, value: str, created: str
) -> None:
    """The device of each kind on another architecture or firmware."""
    for kind in kinds.split():
        assert _decided(name, "win2k8", "q35", kind, "", arch, firmware) == (value, created), kind


@pytest.mark.parametrize(
    ("name", "guest", "request_", "machine"),
    [
        ("kubevirt", "rhel6.10", "", "q35"),
        ("nova", "fedora42", "", "pc"),
        ("ovirt", "rhel6.10", "", "q35"),
        ("ovirt", "rhel5.11", "", "pc"),
        ("ovirt", "winxp", "", "pc"),
        ("ovirt@4.3", "rhel8.0", "", "pc"),
        ("proxmox", "fedora42", "", "pc"),
        ("proxmox", "win11", "", "q35"),
        ("proxmox", "win11", "api", "pc"),
        ("virt-v2v", "linux-6.1", "", "q35"),
        ("virt-v2v", "rhel5.11", "", "pc"),
        ("virt-install", "rhel6.10", "", "pc"),
        ("libvirt", "fedora42", "", "pc"),
        ("unraid", "fedora42", "", "q35"),
        ("unraid", "win11", "", "pc"),
        ("incus", "winxp", "", "q35"),
        ("gnome-boxes", "rhel6.10", "", "pc"),
        ("gnome-boxes", "fedora42", "", "q35"),
    ],
)
def test_machines(name: str, guest: str, request_: str, machine: str) -> None:
    """The machine that each software chooses."""
    policy = document.load(name)
    assert decide_machine(policy, find(guest), circumstances([policy], request_)).value == machine


@pytest.mark.parametrize(
    ("name", "machine", "request_", "ports"),
    [
        ("virt-install", "q35", "", Ports(14, 0)),
        ("virt-install", "pc", "", Ports()),
        ("ovirt", "q35", "", Ports(0, 16)),
        ("kubevirt", "q35", "", Ports(8, 3)),
        ("kubevirt", "q35", "large-memory", Ports(16, 6)),
        ("kubevirt", "q35", "root-complex", Ports()),
        ("kubevirt-transitional@1.6", "q35", "", Ports()),
        ("nova", "q35", "", Ports()),
        ("opennebula", "q35", "", Ports(16, 0)),
    ],
)
def test_ports(name: str, machine: str, request_: str, ports: Ports) -> None:
    """The root ports that each software writes."""
    policy = document.load(name)
    assert decide_ports(policy, find("fedora42"), machine, circumstances([policy], request_)) == ports


def test_root_complex() -> None:
    """KubeVirt's annotation puts disks, NICs, controllers, rng and balloon on bus 0."""
    policy = document.load("kubevirt")
    about = circumstances([policy], "root-complex disk-bus-virtio rng")
    for kind in ("block", "net", "scsi", "console", "rng", "balloon"):
        assert decide(policy, find("fedora42"), "q35", kind, about=about).slot == "root"
    assert decide(policy, find("fedora42"), "q35", "fs", about=about).slot == "auto"


def test_virt_v2v_writes_a_transitional_vsock() -> None:
    """A guest with vsock and without virtio 1.0 in the database gets a device that QEMU does not have."""
    rhel6 = find("rhel6.10")
    guest = replace(rhel6, devices=rhel6.devices | {"pcisig.com/pci/1af4/1053"})
    assert decide(document.load("virt-v2v"), guest, "q35", "vsock").value == OLD


def test_nova_nics_of_the_whole_database() -> None:
    """The NIC models of all guests of osinfo-db 20260517, counted as Nova's own code gives them with libosinfo."""
    policy = document.load("nova")
    counts = Counter(decide(policy, guest, "pc", "net").value for guest in catalogue())
    assert counts == {"virtio": 552, "e1000e": 298, "ne2k_pci": 45, "pcnet": 30, "e1000": 17, "rtl8139": 17}


def test_incus_and_lxd_differ_for_old_guests() -> None:
    """Incus gives RHEL 6 a transitional NIC and Windows XP a transitional disk too; LXD gives neither."""
    incus, lxd = document.load("incus"), document.load("lxd")
    for guest, kind, value in (
        ("rhel6.10", "net", OLD),
        ("rhel6.10", "block", "scsi"),
        ("rhel5.11", "block", OLD),
        ("winxp", "block", OLD),
        ("rhel7.9", "net", PLAIN),
        ("fedora6", "net", OLD),
        ("fedora5", "block", OLD),
        ("fedora7", "net", PLAIN),
        ("debian5", "net", OLD),
    ):
        assert decide(incus, find(guest), "q35", kind).value == value
        assert decide(lxd, find(guest), "q35", kind).value == ("scsi" if kind == "block" else PLAIN)


def test_cloudstack_knows_systems_by_name() -> None:
    """Ubuntu and FreeBSD get virtio, Windows and Arch Linux IDE and e1000."""
    policy = document.load("cloudstack")
    for guest, disk, nic in (
        ("ubuntu24.04", PLAIN, PLAIN),
        ("freebsd14.0", PLAIN, PLAIN),
        ("win11", "ide", "e1000"),
        ("archlinux", "ide", "e1000"),
    ):
        assert decide(policy, find(guest), "pc", "block").value == disk
        assert decide(policy, find(guest), "pc", "net").value == nic
