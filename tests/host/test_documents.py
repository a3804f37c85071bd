"""Hosts from the capability documents users have; what a document lacks is unknown, not absent."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from tests.writing import NEW, RELEASES
from virtkit import facts, read, resolve
from virtkit.errors import CapabilityError, Unsupported
from virtkit.host import Host, shipped

CONFORMANCE = Path(
    os.environ.get("VIRTKIT_CONFORMANCE", Path(__file__).resolve().parents[3] / "shared" / "conformance")
)
FACTS = facts.path("qemu/7.2/s390x.json")
CACHE = """<qemuCaps>
  <emulator>/usr/bin/qemu-system-x86_64</emulator>
  <selfvers>9000000</selfvers>
  <flag name='lsi'/>
  <flag name='intel-iommu'/>
  <flag name='intel-iommu.intremap'/>
  <flag name='a-flag-from-the-future'/>
  <version>7002005</version>
  <package>Debian 1:7.2</package>
  <arch>x86_64</arch>
  <machine type='kvm' name='pc-i440fx-7.2' alias='pc' maxCpus='255' default='yes'/>
  <machine type='tcg' name='pc-i440fx-7.2' alias='pc' maxCpus='255' default='yes'/>
  <machine type='tcg' name='pc-i440fx-1.4' maxCpus='255' deprecated='yes'/>
</qemuCaps>
"""
DOMCAPS = """<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path><domain>kvm</domain><machine>pc-q35-9.1</machine><arch>x86_64</arch>
  <devices>
    <disk supported='yes'><enum name='bus'><value>fdc</value><value>virtio</value></enum></disk>
    <video supported='yes'><enum name='modelType'><value>vga</value><value>qxl</value></enum></video>
    <tpm supported='no'/>
  </devices>
</domainCapabilities>
"""
CAPABILITIES = """<capabilities>
  <host><uuid>5bd5c9a8-4f0e-4d2f-8f6f-6c8c9f1f0001</uuid></host>
  <guest><os_type>hvm</os_type><arch name='x86_64'><wordsize>64</wordsize>
    <machine maxCpus='255'>pc-i440fx-7.2</machine>
    <machine canonical='pc-i440fx-7.2' maxCpus='255'>pc</machine>
    <machine maxCpus='288'>pc-q35-6.2</machine>
    <domain type='qemu'/><domain type='kvm'/></arch></guest>
  <guest><os_type>hvm</os_type><arch name='armv7l'><machine maxCpus='1'>vexpress-a15</machine>
    <domain type='qemu'/></arch></guest>
  <guest><os_type>xen</os_type><arch name='s390x'><machine>xenpv</machine><domain type='xen'/></arch></guest>
</capabilities>
"""
CPU = "qemu64-x86_64-cpu"
MACHINES = [
    {"name": "pc-i440fx-11.1", "alias": "pc", "is-default": True, "cpu-max": 255, "default-cpu-type": CPU},
    {"name": "pc-q35-9.1", "cpu-max": 4096, "deprecated": False, "default-cpu-type": CPU},
    {"name": "none", "cpu-max": 1},
]  # fmt: skip
TYPES = [
    {"name": "virtio-net-pci", "parent": "virtio-net-pci-base-type"},
    {"name": "lsi53c895a", "parent": "pci-device"},
]


def host(tmp_path: Path, text: str | object, name: str = "caps.xml", libvirt: str | None = None) -> Host:
    """The Host of one document."""
    file = tmp_path / name
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return Host.from_file(file, libvirt)


def test_the_capability_cache_of_libvirt(tmp_path: Path) -> None:
    """Flags state which device types exist; a flag that this libvirt does not have states nothing."""
    found = host(tmp_path, CACHE)
    assert (found.libvirt, found.qemu, found.architectures) == ((9, 0), (7, 2), ("x86_64",))
    x86 = found.emulator("x86_64")
    assert x86 is not None
    assert x86.machines["pc"].name == x86.default_machine == "pc-i440fx-7.2"
    assert x86.names == ("pc-i440fx-7.2", "pc-i440fx-1.4")
    assert (x86.has("lsi53c895a"), x86.has("qxl"), x86.has("usb-bot"), x86.has("isa-debugcon")) == (
        True,
        False,
        None,
        None,
    )
    assert x86.has_property("intel-iommu", "intremap") is True
    assert x86.has_property("intel-iommu", "eim") is False
    assert x86.has_property("amd-iommu", "xtsup") is None
    assert found.emulator("aarch64") is None


def test_the_libvirt_release_can_be_named(tmp_path: Path) -> None:
    """A named release wins over the one the cache was written by."""
    assert host(tmp_path, CACHE, libvirt=NEW).libvirt == (12, 8)


def test_domain_capabilities(tmp_path: Path) -> None:
    """One machine type, and the drivers that its enumerations prove there or not there."""
    found = host(tmp_path, DOMCAPS)
    assert (found.libvirt, found.qemu) == ((12, 8), (11, 1))
    x86 = found.emulator("x86_64")
    assert x86 is not None
    assert (x86.names, x86.all_machines) == (("pc-q35-9.1",), False)
    assert [x86.has(name) for name in ("VGA", "qxl", "cirrus-vga", "ich9-ahci", "tpm-crb")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [x86.has(name) for name in ("virtio-rng-pci-transitional", "lsi53c895a")] == [None, None]


def test_a_document_of_one_machine_type_does_not_deny_others(tmp_path: Path) -> None:
    """A domain of another versioned machine type is resolved; a short name without an explanation is refused."""
    one = host(tmp_path, DOMCAPS)
    kind = "<os><type arch='x86_64' machine='{}'>hvm</type></os>"
    text = f"<domain type='kvm'><name>d</name><memory>1</memory>{kind}</domain>"
    assert resolve(read(text.format("pc-i440fx-9.0").encode()), host=one).machine == "pc-i440fx-9.0"
    with pytest.raises(Unsupported, match="does not describe machine type 'q35'"):
        resolve(read(text.format("q35").encode()), host=one)


def test_virsh_capabilities(tmp_path: Path) -> None:
    """Every QEMU guest, its release taken from the alias, no device types; other hypervisors are passed over."""
    found = host(tmp_path, CAPABILITIES)
    assert (found.qemu, found.architectures) == ((7, 2), ("arm", "x86_64"))
    x86 = found.emulator("x86_64")
    assert x86 is not None
    assert x86.machines["pc"].name == "pc-i440fx-7.2"
    assert x86.machines["pc-q35-6.2"].max_cpus == 288
    assert x86.has("virtio-net-pci") is None


@pytest.mark.parametrize(
    "document",
    [
        MACHINES,
        {"return": MACHINES},
        {"query-machines": {"return": MACHINES}},
        {"query-machines": MACHINES, "query-target": {"arch": "x86_64"}},
    ],
)
def test_a_reply_to_query_machines(tmp_path: Path, document: object) -> None:
    """Bare, as QMP gives it, or by command name; the release is taken from the alias."""
    found = host(tmp_path, document, "machines.json")
    assert (found.qemu, found.architectures) == ((11, 1), ("x86_64",))
    x86 = found.emulator("x86_64")
    assert x86 is not None
    assert (x86.default_machine, x86.names) == ("pc-i440fx-11.1", ("pc-i440fx-11.1", "pc-q35-9.1"))
    assert x86.has("qxl") is None


def test_a_reply_to_qom_list_types(tmp_path: Path) -> None:
    """Device types are complete; machine types are not known."""
    x86 = host(tmp_path, {"return": TYPES}, "x86_64.json").emulator("x86_64")
    assert x86 is not None
    assert (x86.has("lsi53c895a"), x86.has("qxl"), x86.all_machines) == (True, False, False)


def test_a_transcript_with_a_greeting(tmp_path: Path) -> None:
    """One JSON value a line, the release from the greeting."""
    greeting = {"QMP": {"version": {"qemu": {"major": 10, "minor": 2, "micro": 0}, "package": "v10.2"}}}
    lines = [greeting, {"return": {}}, {"return": MACHINES[1:]}, {"return": TYPES}]
    found = host(tmp_path, "\n".join(json.dumps(line) for line in lines), "transcript.json")
    x86 = found.emulator("x86_64")
    assert x86 is not None
    assert (found.qemu, x86.package, x86.has("qxl"), x86.names) == ((10, 2), "v10.2", False, ("pc-q35-9.1",))


def test_a_folder_holds_one_host(tmp_path: Path) -> None:
    """Documents of several architectures stand side by side, those of one emulator are joined."""
    (tmp_path / "x86_64-machines.json").write_text(json.dumps(MACHINES))
    (tmp_path / "x86_64-types.json").write_text(json.dumps(TYPES))
    (tmp_path / "s390x-types.json").write_text(json.dumps([{"name": "virtio-net-ccw", "parent": "virtio-ccw-device"}]))
    found = Host.from_file(tmp_path)
    x86, s390x = found.emulator("x86_64"), found.emulator("s390x")
    assert x86 is not None
    assert s390x is not None
    assert (x86.release, s390x.release) == ((11, 1), (11, 1))
    assert (x86.default_machine, x86.has("lsi53c895a"), x86.has("qxl")) == ("pc-i440fx-11.1", True, False)


def test_documents_of_different_releases_are_no_host(tmp_path: Path) -> None:
    """The message names the releases."""
    (tmp_path / "a.xml").write_text(CACHE)
    (tmp_path / "b.xml").write_text(CACHE.replace("7002005", "8001000").replace("x86_64", "s390x"))
    with pytest.raises(CapabilityError, match=r"7\.2, 8\.1"):
        Host.from_file(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (CACHE[: len(CACHE) // 2], "corrupt or truncated"),
        ("not XML at all", "corrupt or truncated"),
        ("\0\1\2", "corrupt or truncated"),
        ("<domain type='kvm'/>", "expected a capability document .*got <domain>"),
        ("<qemuCaps/>", r"<arch>, <version>, <flag \.\.\./>, <machine \.\.\./>"),
        (CACHE.replace("<arch>x86_64</arch>", ""), "has no <arch>"),
        (CACHE.replace("7002005", "seven"), "in <version>, got 'seven'"),
        (CACHE.replace("name='pc-i440fx-1.4'", ""), "has no name="),
        ("<domainCapabilities/>", "<domain>, <arch>, <devices>"),
        (DOMCAPS.replace("kvm", "bhyve"), "expected the domain capabilities of qemu or kvm, got those of 'bhyve'"),
        (DOMCAPS.replace("<machine>pc-q35-9.1</machine>", ""), "have no <machine>"),
        ("<capabilities><host/></capabilities>", "have no <guest>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><qemuCaps>&b;</qemuCaps>', "document type"),
    ],
)
def test_an_unusable_xml_document_says_what_is_missing(tmp_path: Path, text: str, message: str) -> None:
    """The file is named, and what is wrong with it."""
    with pytest.raises(CapabilityError, match=f"caps.xml.*{message}"):
        host(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"return": [', "corrupt or truncated"),
        ("[]", "neither machine types"),
        ("{}", "neither machine types"),
        ('{"error": {"class": "GenericError"}}', "neither machine types"),
        (json.dumps([{"name": "virt", "cpu-max": 8}]), "the architecture is unknown"),
        (json.dumps([{"name": "virt", "cpu-max": "8", "default-cpu-type": "a-s390x-cpu"}]), "cpu-max"),
        ('{"format": 1}', "have no arch"),
        ("[" * 100_000, "more than 100 levels of YAML or JSON"),
        (json.dumps([{"name": "\ud800", "cpu-max": 1, "default-cpu-type": "a-s390x-cpu"}]), "the name"),
        (json.dumps([{"name": "q", "alias": [], "cpu-max": 1, "default-cpu-type": "a-s390x-cpu"}]), "the name"),
        (json.dumps({"v": {"qemu": {"major": "7", "minor": 2}}, "m": MACHINES}), "expected two numbers"),
    ],
)
def test_an_unusable_json_document_says_what_is_missing(tmp_path: Path, text: str, message: str) -> None:
    """The file is named, and what is wrong with it."""
    with pytest.raises(CapabilityError, match=f"machines.json.*{message}"):
        host(tmp_path, text, "machines.json")


def test_facts_of_an_emulator_are_read_with_care(tmp_path: Path) -> None:
    """A value of the wrong type is named, not carried on."""
    good = json.loads(shipped.dump(shipped.read(FACTS.read_bytes(), "facts")))
    for key, wrong, message in (
        ("arch", 7, "expected a text, got 7"), ("devices", "qxl", "list of names"), ("devices", [["qxl"]], "a text"),
        ("machines", [{"name": "a", "default": "yes"}], "default is 'yes'"), ("release", [7, float("inf")], "infinity"),
        ("machines", [{"name": "\0"}], "expected printable text"), ("machines", [{"size": 1}], "size"),
    ):  # fmt: skip
        with pytest.raises(CapabilityError, match=message):
            host(tmp_path, {**good, key: wrong}, "facts.json")
    assert host(tmp_path, good, "facts.json").qemu == (7, 2)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    """Windows tools write one before XML and before JSON."""
    assert host(tmp_path, "\ufeff" + CACHE).qemu == (7, 2)
    assert host(tmp_path, "\ufeff" + json.dumps(MACHINES), "m.json").qemu == (11, 1)


@pytest.mark.parametrize("count", ["\u00b2", "\u0664", "9" * 400, "-1", ""])
def test_a_number_of_cpus_that_is_none_is_unknown(tmp_path: Path, count: str) -> None:
    """Digits of other scripts are no number."""
    x86 = host(tmp_path, CAPABILITIES.replace("288", count)).emulator("x86_64")
    assert x86 is not None
    assert x86.machines["pc-q35-6.2"].max_cpus is None


@pytest.mark.slow
def test_damaged_documents_are_refused_with_their_name(tmp_path: Path) -> None:
    """Wherever a document breaks off or a byte is wrong, it is read or refused: nothing else happens."""
    texts = (CACHE, DOMCAPS, CAPABILITIES, json.dumps(MACHINES), json.dumps({"return": TYPES}))
    chance = random.Random(4)
    for text in texts:
        file = tmp_path / ("x86_64.json" if text[0] in "[{" else "caps.xml")
        for _ in range(120):
            data = bytearray(text.encode())
            if chance.random() < 0.5:
                del data[chance.randrange(len(data)) :]
            for _byte in range(chance.randrange(3)):
                data[chance.randrange(len(data) or 1) : 0] = bytes([chance.randrange(256)])
            file.write_bytes(data)
            try:
                found = Host.from_file(file)
            except CapabilityError as error:
                assert str(file) in str(error)  # noqa: PT017
            else:
                assert found.architectures


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    """Both are errors with a name, not an empty host."""
    with pytest.raises(CapabilityError, match="cannot be read"):
        Host.from_file(tmp_path / "nothing.xml")
    with pytest.raises(CapabilityError, match="expected capability documents"):
        Host.from_file(tmp_path)


@pytest.mark.skipif(not CONFORMANCE.is_dir(), reason="the conformance corpora are not at hand")
@pytest.mark.parametrize("release", RELEASES)
def test_real_caches_agree_with_the_shipped_facts(release: str) -> None:
    """Where libvirt's cache states something, the probed emulator states the same."""
    cached, probed = Host.from_file(CONFORMANCE / f"libvirt-{release}" / "qemucaps"), Host.default(release)
    assert (cached.libvirt, cached.qemu) == (probed.libvirt, probed.qemu)
    assert cached.architectures == probed.architectures
    for arch in cached.architectures:
        one, other = cached.emulator(arch), probed.emulator(arch)
        assert one is not None
        assert other is not None
        assert set(one.machines) == set(other.machines)
        assert one.default_machine == other.default_machine
        assert [name for name in one.devices if not other.has(name)] == []
        assert [name for name in one.absent if other.has(name)] == []
