"""What a virtual machine becomes: defaults, devices, names of results, and lines."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.readers.kubevirt.machines import DISK, NET, found, instance, machine, parts, resolved
from virtkit import check
from virtkit.domain.document import line_of
from virtkit.readers.contract import FoundDomain, NotRead, Skipped
from virtkit.readers.kubevirt import READER


def devices(text: str, tag: str) -> list[dict[str, str]]:
    """The attributes of the devices with a tag, and those of their targets and models, as converted."""
    result = []
    for one in found(text, topology="none").document.root.iterfind(f"devices/{tag}"):
        inner = {f"{child.tag!s}.{key!s}": str(value) for child in one for key, value in child.attrib.items()}
        result.append({str(key): str(value) for key, value in one.attrib.items()} | inner)
    return result


@pytest.mark.parametrize(("arch", "bus", "name"), [("amd64", "sata", "sda"), ("arm64", "virtio", "vda")])
def test_a_disk_without_a_bus_gets_that_of_the_architecture(arch: str, bus: str, name: str) -> None:
    """A disk is on SATA on amd64 and on virtio on arm64."""
    [disk] = devices(instance(f"disks: [{{name: root}}]\n{NET}", spec=f"architecture: {arch}"), "disk")
    assert (disk["target.bus"], disk["target.dev"]) == (bus, name)


def test_a_volume_without_a_disk_gets_one() -> None:
    """A volume that neither a disk nor a file system names becomes a disk at the end."""
    volumes = "volumes: [{name: a, emptyDisk: {capacity: 1Gi}}, {name: root, containerDisk: {image: x}}]"
    disks = devices(instance(f"{DISK}\n{NET}", spec=volumes), "disk")
    assert [(one["alias.name"], one["target.bus"]) for one in disks] == [("ua-root", "virtio"), ("ua-a", "sata")]


@pytest.mark.parametrize(
    ("uuid", "expected"),
    [("5bc8fbbc-bde5-4099-8164-d8399f767c45", "5bc8fbbc-bde5-4099-8164-d8399f767c45"), ("no-uuid", "")],
)
def test_the_firmware_has_the_uuid_of_the_domain(uuid: str, expected: str) -> None:
    """libvirt takes the UUID of a domain from its SMBIOS data, where KubeVirt writes that of the firmware."""
    document = found(instance(domain=f"firmware: {{uuid: {uuid}}}")).document
    assert document.root.findtext("uuid", "") == expected


def test_names_of_sata_scsi_and_usb_disks_share_one_series() -> None:
    """A SCSI disk after a SATA disk is sdb, and has unit 1."""
    disks = "disks: [{name: root, disk: {bus: sata}}, {name: b, disk: {bus: scsi}}]"
    volumes = "volumes: [{name: root, emptyDisk: {capacity: 1Gi}}, {name: b, emptyDisk: {capacity: 1Gi}}]"
    one = devices(instance(f"{disks}\n{NET}", spec=volumes), "disk")[1]
    assert (one["target.dev"], one["address.unit"]) == ("sdb", "1")


def test_no_interface_and_no_network_give_the_pod_network() -> None:
    """A machine that names neither gets one interface, unless it refuses it."""
    assert [one["target.dev"] for one in devices(instance(DISK), "interface")] == ["tap0"]
    assert devices(instance(f"{DISK}\nautoattachPodInterface: false"), "interface") == []


@pytest.mark.parametrize(
    ("wanted", "arch", "model"),
    [
        ("false", "amd64", "virtio-non-transitional"),
        ("true", "amd64", "virtio-transitional"),
        ("true", "s390x", "virtio"),
    ],
)
def test_the_virtio_model(wanted: str, arch: str, model: str) -> None:
    """Virtio devices are non-transitional unless they are asked to be transitional; s390x knows plain virtio only."""
    text = instance(f"{DISK}\n{NET}\nuseVirtioTransitional: {wanted}", spec=f"architecture: {arch}")
    assert devices(text, "interface")[0]["model.type"] == model
    assert devices(text, "disk")[0]["model"] == model


def test_the_firmware_decides_the_video_device() -> None:
    """amd64 has vga with BIOS and bochs with UEFI."""
    uefi = "firmware: {bootloader: {efi: {secureBoot: false}}}"
    assert [devices(instance(domain=one), "video")[0]["model.type"] for one in ("", uefi)] == ["vga", "bochs"]


def test_an_absent_interface_is_left_out() -> None:
    """An interface in the state absent is no device, and counts as one when ports are reserved."""
    nics = "interfaces: [{name: default, masquerade: {}}, {name: b, bridge: {}, state: absent}]"
    networks = "networks: [{name: default, pod: {}}, {name: b, multus: {networkName: b}}]"
    assert len(devices(instance(f"{DISK}\n{nics}", spec=networks), "interface")) == 1


def test_an_sriov_interface_is_a_host_device() -> None:
    """It has KubeVirt's alias for SR-IOV."""
    nics = "interfaces: [{name: default, sriov: {}}]"
    text = instance(f"{DISK}\n{nics}", spec="networks: [{name: default, multus: {networkName: b}}]")
    assert [one["alias.name"] for one in devices(text, "hostdev")] == ["ua-sriov-default"]
    assert devices(text, "interface") == []


def test_an_instance_ignores_the_input_device_that_a_controller_adds() -> None:
    """autoattachInputDevice adds a tablet to a VirtualMachine, and nothing to an instance."""
    wanted = f"{DISK}\n{NET}\nautoattachInputDevice: true"
    networks = "      networks: [{name: default, pod: {}}]\n"
    volumes = f"{networks}      volumes: [{{name: root, containerDisk: {{image: x}}}}]"
    assert devices(instance(wanted), "input") == []
    assert len(devices(machine(wanted, volumes=volumes), "input")) == 1


def test_each_device_keeps_the_line_of_its_field() -> None:
    """The element of a device has the line of its item in the YAML, and one that virtkit adds that of the devices."""
    disks, nics = "disks:\n- name: root\n  disk: {bus: virtio}", "interfaces:\n- name: default\n  masquerade: {}"
    text = instance(f"{disks}\n{nics}\nrng: {{}}")
    lines = text.splitlines()
    root = found(text).document.root
    wanted = {"disk": "- name: root", "interface": "- name: default", "rng": "rng: {}"}
    for tag, line in wanted.items():
        [element] = root.iterfind(f"devices/{tag}")
        assert lines[(line_of(element) or 0) - 1].strip() == line


def test_explain_names_the_line_of_the_yaml() -> None:
    """A resolved device has the line of the YAML."""
    text = instance()
    [disk] = resolved(text).inventory.disks
    assert "disks:" in text.splitlines()[(disk.line or 0) - 1]


def test_one_machine_is_named_as_the_file_and_several_by_namespace_and_name() -> None:
    """The result of a file with one machine has the file's name, and each machine of a list its own."""
    assert [part.name for part in parts(instance()) if isinstance(part, FoundDomain)] == [""]
    both = instance(name="a") + "---\n" + instance(name="b").replace("  name: b", "  name: b\n  namespace: other")
    assert [part.name for part in parts(both) if isinstance(part, FoundDomain)] == ["default.a", "other.b"]


def test_a_list_names_each_machine() -> None:
    """A list with one machine gives NAMESPACE.NAME."""
    item = "\n".join(f"  {line}" for line in instance(name="a").splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n- {item.strip()}\n"
    assert [part.name for part in parts(text)] == ["default.a"]


@pytest.mark.parametrize(
    ("kind", "group", "path"),
    [
        ("VirtualMachineInstanceReplicaSet", "kubevirt.io/v1", ("template",)),
        ("VirtualMachinePool", "pool.kubevirt.io/v1beta1", ("virtualMachineTemplate", "spec", "template")),
    ],
)
def test_one_domain_stands_for_the_machines_of_a_set(kind: str, group: str, path: tuple[str, ...]) -> None:
    """A replica set and a pool give one domain, and a note says so."""
    head = f"apiVersion: {group}\nkind: {kind}\nmetadata: {{name: set}}\nspec:\n  replicas: 3\n"
    depth = "".join(f"{'  ' * level}{key}:\n" for level, key in enumerate(path, 1))
    pad = "  " * (len(path) + 1)
    spec = f"{pad}spec: {{domain: {{memory: {{guest: 1Gi}}, devices: {{}}}}}}\n"
    [one] = parts(head + depth + spec)
    assert isinstance(one, FoundDomain)
    assert one.notes == (f"one domain stands for every virtual machine of the {kind}",)


def test_no_secret_reaches_the_domain() -> None:
    """User data, kernel arguments and annotations are in neither the domain nor a message."""
    spec = (
        "volumes:\n- {name: root, cloudInitNoCloud: {userData: 'password: s3cret'}}\n"
        "accessCredentials:\n- userPassword:\n    source: {secret: {secretName: s3cret}}\n"
        "    propagationMethod: {qemuGuestAgent: {}}"
    )
    domain = "firmware: {kernelBoot: {container: {image: x, kernelPath: /k}, kernelArgs: token=s3cret}}"
    text = instance(domain=domain, spec=spec, annotations="other: s3cret")
    assert b"s3cret" not in etree.tostring(found(text).document.root)


def test_other_objects_say_what_they_are() -> None:
    """A Deployment, a preset and a list of Ansible plays are no machines, and each is named."""
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
    playbook = "- hosts: all\n  tasks: []\n"
    reasons = [part.reason for part in parts(f"{deployment}---\n{playbook}") if isinstance(part, Skipped)]
    assert reasons[0].startswith("this is a Deployment of apps/v1, called 'web'; of Kubernetes objects, virtkit reads")
    assert reasons[1].startswith("this seems to be an Ansible playbook; of Kubernetes objects, virtkit reads")


def test_a_bad_machine_does_not_stop_the_others() -> None:
    """Of three documents, the bad one gives an error and the others domains."""
    text = "---\n".join([instance(name="a"), instance("disks: [{name: gone}]", name="b"), instance(name="c")])
    assert [type(part) for part in parts(text)] == [FoundDomain, NotRead, FoundDomain]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (instance(), True),
        ('{"kind": "VirtualMachine", "apiVersion": "kubevirt.io/v1"}', True),
        ("apiVersion: apps/v1\nkind: Deployment\n", True),
        ("<domain type='kvm'/>", False),
        ("services: {a: 1}\n", False),
        ("qemu-system-x86_64 -machine q35", False),
    ],
)
def test_kubernetes_objects_are_recognised(text: str, answer: bool) -> None:
    """A text with an API version and a kind is one; XML, other YAML and a command line are not."""
    assert READER.detects(text.encode(), "in") is answer


def test_a_legacy_guest_needs_a_field_of_kubevirt() -> None:
    """Where transitional devices help, check names the field of the machine that makes them; else it does not."""
    for guest, expected in (("rhel6.10", True), ("rhel9.6", False)):
        review = check(resolved(instance()), guest)
        assert any("useVirtioTransitional" in one.text for one in review.remarks) is expected


def test_a_misspelt_kind_gets_a_hint() -> None:
    """A kind that is nearly one of KubeVirt's is named with the one that was meant."""
    [part] = parts(instance().replace("kind: VirtualMachineInstance", "kind: VirtualMachineInstanze"))
    assert isinstance(part, Skipped)
    assert part.reason.endswith("called 'vm'; did you mean VirtualMachineInstance?")
