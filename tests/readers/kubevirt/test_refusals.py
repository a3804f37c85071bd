"""What KubeVirt's admission refuses, and instance types that are missing or conflict."""

from __future__ import annotations

import pytest

from tests.readers.kubevirt.machines import DISK, NET, instance, machine, parts, problem, resolved
from virtkit.errors import UsageError
from virtkit.readers.contract import FoundDomain, NotRead
from virtkit.readers.kubevirt import documents as documents_module

PATH = "VirtualMachineInstance vm: spec"
DEVICES = f"{PATH}.domain.devices"


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ("diskz: []", f"{DEVICES}.diskz: KubeVirt 1.9 has no such field; did you mean disks?"),
        ("disks: {}", f"{DEVICES}.disks: expected a list, got a mapping"),
        ("rng: true", f"{DEVICES}.rng: expected a mapping, got true or false"),
        ("blockMultiQueue: 1", f"{DEVICES}.blockMultiQueue: expected true or false, got a number"),
        ("disks: [{name: 5}]", f"{DEVICES}.disks[0].name: expected text, got a number"),
        ("disks: [{name: x}]", f"{DEVICES}.disks[0].name: there is no volume called 'x' in spec.volumes"),
        (
            "disks: [{name: root, disk: {bus: ide}}]",
            f"{DEVICES}.disks[0].disk.bus: expected virtio, scsi, sata or usb on amd64, got 'ide'",
        ),
        (
            "disks: [{name: root, cdrom: {bus: virtio}}]",
            f"{DEVICES}.disks[0].cdrom.bus: a CD-ROM cannot be on the virtio bus; use sata or scsi",
        ),
        (
            "disks: [{name: root, disk: {bus: sata}, dedicatedIOThread: true}]",
            f"{DEVICES}.disks[0].dedicatedIOThread: only a disk on the virtio bus can have it, got bus 'sata'",
        ),
        (
            "disks: [{name: root, disk: {bus: virtio, pciAddress: 81.0}}]",
            f"{DEVICES}.disks[0].disk.pciAddress: expected an address such as 0000:81:00.0, got '81.0'",
        ),
        (
            "disks: [{name: root, disk: {}, cdrom: {}}]",
            f"{DEVICES}.disks[0]: expected one of disk, cdrom and lun, got disk and cdrom",
        ),
        (
            "interfaces: [{name: default, masquerade: {}, model: ne2000}]",
            f"{DEVICES}.interfaces[0].model: expected e1000, e1000e, igb, ne2k_pci, pcnet, rtl8139 "
            "or virtio on amd64, got 'ne2000'",
        ),
        (
            "interfaces: [{name: other, masquerade: {}}]",
            f"{DEVICES}.interfaces[0].name: there is no network called 'other' in spec.networks",
        ),
        (
            "watchdog: {name: w, diag288: {}}",
            f"{DEVICES}.watchdog.diag288: expected i6300esb on amd64",
        ),
        (
            "disks: [{name: root, bootOrder: 0}]",
            f"{DEVICES}.disks[0].bootOrder: expected 1 or more, got 0",
        ),
        ("disks: [{name: root, cache: fast}]", f"{DEVICES}.disks[0].cache: expected none, writethrough or writeback,"),
        ("disks: [{name: root, io: x}]", f"{DEVICES}.disks[0].io: expected native or threads, got 'x'"),
        ("disks: [{name: root, serial: a b}]", f"{DEVICES}.disks[0].serial: expected up to 256 letters"),
        (
            "disks: [{name: root, lun: {bus: scsi}}]",
            f"{DEVICES}.disks[0].lun: a LUN needs a volume with persistentVolumeClaim or dataVolume",
        ),
        (
            "interfaces: [{name: default}]",
            f"{DEVICES}.interfaces[0]: expected one of bridge, masquerade, sriov, passtBinding and binding, got none",
        ),
        (
            "interfaces: [{name: default, bridge: {}, masquerade: {}}]",
            f"{DEVICES}.interfaces[0]: expected one of bridge, masquerade, sriov, passtBinding and binding, got bridge "
            "and masquerade",
        ),
        ("interfaces: [{name: default, macvtap: {}}]", f"{DEVICES}.interfaces[0].macvtap: KubeVirt has had no macvtap"),
        (
            "interfaces: [{name: default, bridge: {}, state: absent}]",
            f"{DEVICES}.interfaces[0].state: the interface of the default network cannot be 'absent'",
        ),
        (
            "interfaces: [{name: default, sriov: {}, state: down}]",
            f"{DEVICES}.interfaces[0].state: an SR-IOV interface cannot be 'down'",
        ),
        ("video: {type: qxl}", f"{DEVICES}.video.type: expected vga, cirrus, virtio, ramfb or bochs on"),
    ],
)
def test_what_admission_refuses(devices: str, said: str) -> None:
    """The error has the file, the line, the path of the field, and what is expected there."""
    assert problem(instance(devices)).startswith(f"in.yaml:9: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            instance("disks: [{name: root, bootOrder: 1}]\ninterfaces: [{name: default, bridge: {}, bootOrder: 1}]"),
            f"{DEVICES}.interfaces[0].bootOrder: domain.devices.disks[0] has boot order 1, too",
        ),
        (
            instance("autoattachGraphicsDevice: false\nvideo: {type: vga}"),
            f"{DEVICES}.video: autoattachGraphicsDevice is false, so the machine has no video device",
        ),
        (
            instance(spec="volumes: [{name: root, containerDisk: {image: x}}, {name: root, emptyDisk: {}}]"),
            f"{PATH}.volumes[1].name: an earlier volume is called 'root' too",
        ),
        (
            instance(spec="volumes: [{name: root}]"),
            f"{PATH}.volumes[0]: expected one source, such as containerDisk or persistentVolumeClaim, got none",
        ),
        (
            instance(spec="networks: [{name: default, multus: {networkName: n}}]"),
            f"{DEVICES}.interfaces[0].masquerade: masquerade is for the pod network only; use bridge on other networks",
        ),
        (
            instance(spec="networks: [{name: default, pod: {}, multus: {networkName: n}}]"),
            f"{PATH}.networks[0]: expected one of pod, multus and resourceClaim, got pod and multus",
        ),
        (instance(memory="-1Gi"), f"{PATH}.domain.memory.guest: expected a quantity above 0"),
        (
            instance(domain="firmware: {bootloader: {bios: {}, efi: {}}}"),
            f"{PATH}.domain.firmware.bootloader: expected one of bios and efi, got both",
        ),
        (
            instance(domain="launchSecurity: {}", spec="architecture: arm64"),
            f"{PATH}.domain.launchSecurity: KubeVirt has none on arm64",
        ),
    ],
)
def test_what_admission_refuses_of_a_spec(text: str, said: str) -> None:
    """Fields that exclude each other, and volumes and networks without one source, are refused by their path."""
    assert said in problem(text)


def test_devices_that_an_architecture_lacks() -> None:
    """arm64 has neither watchdog nor sound in KubeVirt."""
    for devices in ("watchdog: {name: w, i6300esb: {}}", "sound: {name: s}"):
        assert "on arm64" in problem(instance(f"{DISK}\n{NET}\n{devices}", spec="architecture: arm64"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nmetadata: {name: a}\n",
            "in.yaml:1: VirtualMachineInstance a: spec is missing; expected a mapping",
        ),
        (
            "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nmetadata: {name: a}\nspec: {template: {}}\n",
            "in.yaml:4: VirtualMachine a: spec.template.spec is missing; expected a mapping",
        ),
        (
            "apiVersion: kubevirt.io/v1\nkind: VirtualMachine\nspec: {}\n",
            "in.yaml:1: the VirtualMachine has no metadata.name",
        ),
    ],
)
def test_objects_without_what_they_need(text: str, said: str) -> None:
    """A machine without a name, a spec or a template is one error."""
    assert problem(text) == said


def test_an_unknown_architecture_is_refused() -> None:
    """The error lists the known ones."""
    text = problem(instance(spec="architecture: riscv64"))
    assert text.endswith("spec.architecture: expected one of amd64, arm64, s390x, got 'riscv64'")


TYPE = """---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterInstancetype
metadata: {name: big}
spec: {cpu: {guest: 4}, memory: {guest: 8Gi}}
---
apiVersion: instancetype.kubevirt.io/v1beta1
kind: VirtualMachineClusterPreference
metadata: {name: linux}
spec:
  cpu: {preferredCPUTopology: cores}
  devices: {preferredDiskBus: virtio, preferredCdromBus: scsi, preferredInterfaceModel: e1000e, preferredRng: {}}
"""
NAMED = "instancetype: {name: big}\npreference: {name: linux}"


def test_instance_type_and_preference_of_the_same_input() -> None:
    """The instance type gives memory and CPUs; the preference fills buses and models that are not set."""
    text = machine("disks: [{name: root}]", vm=NAMED) + TYPE
    [one] = [part for part in parts(text) if isinstance(part, FoundDomain)]
    root = one.document.root
    assert (root.findtext("memory"), root.findtext("vcpu")) == (str(8 << 30), "4")
    bus, model = root.find("devices/disk/target"), root.find("devices/interface/model")
    assert bus is not None
    assert model is not None
    assert (bus.get("bus"), model.get("type")) == ("virtio", "e1000e")
    assert root.find("devices/rng") is not None


def test_an_instance_type_that_is_not_there() -> None:
    """Without the instance type the machine cannot be answered, and the error says what to add."""
    text = problem(machine("disks: [{name: root}]", vm="instancetype: {name: big}"))
    assert text == (
        "in.yaml:5: VirtualMachine vm: the instance type 'big' is not in this input; add what kubectl get "
        "virtualmachineclusterinstancetype big -o yaml prints to the file"
    )


@pytest.mark.parametrize("domain", ["memory: {guest: 1Gi}", "cpu: {cores: 2}", "resources: {requests: {cpu: 1}}"])
def test_a_conflict_with_the_instance_type(domain: str) -> None:
    """A machine that sets what its instance type sets never starts, whether or not the type is in the input."""
    for more in ("", TYPE):
        found = parts(machine("disks: [{name: root}]", vm="instancetype: {name: big}", domain=domain) + more)
        [error] = [str(part.error) for part in found if isinstance(part, NotRead)]
        assert "conflicts with the instance type 'big', so KubeVirt never starts it; remove one of them" in error


def test_a_preference_leaves_what_is_set() -> None:
    """A bus that the machine names stays."""
    text = machine("disks: [{name: root, disk: {bus: sata}}]", vm=NAMED) + TYPE
    assert [one.target for one in resolved(text).inventory.disks] == ["sda"]


def test_without_pyyaml_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(UsageError, match=r'pip install "virtkit\[report\]"'):
        list(documents_module.documents(b"a: 1", "in.yaml"))


def test_a_topology_that_is_none_is_refused() -> None:
    """Only v1, v2, v3 and none are topologies."""
    with pytest.raises(UsageError, match="--topology: expected none, v1, v2, v3, got 'v4'"):
        parts(instance(), topology="v4")


@pytest.mark.parametrize("text", [instance(name='"a\\x01b"'), instance().replace("name: root", 'name: "r\\x00t"')])
def test_control_characters_are_refused(text: str) -> None:
    """A name that no XML can contain gives an error with its line."""
    assert problem(text).endswith("contains a control character; remove it")
