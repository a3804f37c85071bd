"""What the reader says that it assumed, encrypted memory, and volumes that are attached after the start."""

from __future__ import annotations

import pytest

from tests.readers.kubevirt.machines import DISK, NET, found, instance, parts, problem, resolved
from virtkit.domain.address import PciAddress
from virtkit.readers.contract import FoundDomain

LATER = (
    "volumes:\n- {name: root, containerDisk: {image: x}}\n"
    "- {name: data, persistentVolumeClaim: {claimName: c, hotpluggable: true}}\n"
    "- {name: more, dataVolume: {name: d, hotpluggable: true}}"
)
DISKS = f"disks: [{', '.join(f'{{name: {name}, disk: {{bus: virtio}}}}' for name in ('data', 'root', 'more'))}]"


def notes(text: str) -> str:
    """The notes on the one machine of a text."""
    return "\n".join(found(text).notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (instance(annotations="hooks.kubevirt.io/hookSidecars: '[]'"), "hook sidecars may change the domain"),
        (instance(domain="machine: {type: pc}"), "refuses the machine type 'pc' unless the cluster allows it"),
        (instance(f"{DISK}\n{NET}\nhostDevices: [{{name: h, deviceName: d}}]"), "taken as PCI devices (h)"),
        (
            instance(f"{DISK}\ninterfaces: [{{name: default, binding: {{name: x}}}}]"),
            "a binding plugin are left out (default): the plugin adds the device, unless",
        ),
        (instance(memory=""), "no memory is stated"),
    ],
)
def test_what_was_assumed(text: str, said: str) -> None:
    """Each thing that the object does not state is one note."""
    assert said in notes(text)


def test_a_plain_machine_has_no_note() -> None:
    """Nothing is assumed of a machine with a disk, a NIC and its memory."""
    assert notes(instance()) == ""


@pytest.mark.parametrize(("arch", "security"), [("amd64", "sev: {}"), ("amd64", "snp: {}"), ("s390x", "")])
def test_encrypted_memory_gives_virtio_devices_an_iommu(arch: str, security: str) -> None:
    """With SEV, SEV-SNP and Secure Execution, every virtio device with driver options has iommu='on'."""
    text = instance(f"{DISK}\n{NET}\nrng: {{}}", domain=f"launchSecurity: {{{security}}}", spec=f"architecture: {arch}")
    drivers = found(text).document.root.findall("devices/*/driver")
    assert [one.get("iommu") for one in drivers] == ["on"] * 6


def test_other_launch_security_has_none() -> None:
    """TDX needs no IOMMU driver."""
    root = found(instance(domain="launchSecurity: {tdx: {}}")).document.root
    assert root.find("devices/*/driver[@iommu]") is None


def test_hotpluggable_volumes_take_free_ports() -> None:
    """Of three virtio disks, the two hotpluggable ones take the lowest free ports, as an attached disk does."""
    without = resolved(instance("disks: [{name: root, disk: {bus: virtio}}]\n" + NET, spec="volumes: [{name: root, "
                                "containerDisk: {image: x}}]"))  # fmt: skip
    used = {one.address.bus for one in without.devices if isinstance(one.address, PciAddress)}
    ports = sorted(one.index for one in without.inventory.controllers if one.model == "pcie-root-port")
    free = [one for one in ports if one not in used]
    text = instance(f"{DISKS}\n{NET}", spec=LATER)
    places = {disk.alias: disk.address for disk in resolved(text).inventory.disks}
    assert [place.bus for name in ("ua-data", "ua-more") if isinstance(place := places[name], PciAddress)] == free[:2]
    assert "attached after the start, in the order of the disks: data, more" in notes(text)


def test_volumes_of_which_every_one_is_hotpluggable() -> None:
    """KubeVirt starts such a machine with all of its disks."""
    spec = "volumes: [{name: root, persistentVolumeClaim: {claimName: c, hotpluggable: true}}]"
    text = instance(spec=spec)
    assert notes(text) == ""
    assert len(resolved(text).inventory.disks) == 1


def test_hotpluggable_volumes_without_a_free_place() -> None:
    """On the root complex no port is free: the volume is left out, and a note says so."""
    text = instance(
        f"{DISKS}\n{NET}", spec=LATER, annotations="kubevirt.io/placePCIDevicesOnRootComplex: 'true'"
    )
    assert "no free place is left for hotpluggable volumes, which are left out: data, more" in notes(text)


def test_hotpluggable_volumes_of_other_machines() -> None:
    """A transitional disk takes a slot of the bridge that a placeholder had, a SCSI disk a unit, s390x a channel."""
    transitional = resolved(instance(f"{DISKS}\n{NET}\nuseVirtioTransitional: true", spec=LATER))
    data, root = (next(d for d in transitional.inventory.disks if d.alias == f"ua-{n}") for n in ("data", "root"))
    assert (str(data.address), str(root.address)) == ("0000:02:02.0", "0000:02:07.0")
    scsi = resolved(instance(f"{DISKS.replace('virtio', 'scsi')}\n{NET}", spec=LATER))
    assert [str(disk.address) for disk in scsi.inventory.disks] == ["0:0:0:0", "0:0:0:1", "0:0:0:2"]
    channels = resolved(instance(f"{DISKS}\n{NET}", spec=f"architecture: s390x\n{LATER}"))
    places = {disk.alias: str(disk.address) for disk in channels.inventory.disks}
    assert places["ua-root"] < places["ua-data"] < places["ua-more"]


def test_a_helm_template_is_named() -> None:
    """A file with braces of a template is no YAML yet; the error says what to pass."""
    text = instance(name="x").replace("name: x", "name: {{ .Values.name }}")
    assert "pass what helm template prints" in problem(text)
    assert not [part for part in parts(text) if isinstance(part, FoundDomain)]
