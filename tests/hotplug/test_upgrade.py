"""How bad a change is for a guest, and how to keep its devices in place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from lxml import etree

from tests.readers.kubevirt.machines import NET, instance, machine
from tests.writing import domain
from virtkit import catalogue, read, resolve, samples
from virtkit.cli import main
from virtkit.domain.domain import Domain
from virtkit.domain.origin import kubevirt_origin
from virtkit.errors import UsageError
from virtkit.hotplug.moves import moves
from virtkit.hotplug.pinning import patch, pin_advice, pinned
from virtkit.hotplug.upgrade import Rank, Upgrade, upgrade
from virtkit.inputs import read as read_input
from virtkit.resolved import Resolved
from virtkit.topology.diff import compare

NIC = "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/>{}</interface>"
DISK = "<disk type='file' device='disk'><source file='/{0}'/><target dev='{0}' bus='virtio'/>{1}</disk>"


def at(bus: int) -> str:
    return f"<address type='pci' bus='{bus}' slot='0'/>"


def changed(before: str, after: str, guest: str | None = None) -> Upgrade:
    """The upgrade between two sets of devices."""
    one, other = (resolve(read(domain(devices))) for devices in (before, after))
    return upgrade(one, other, None if guest is None else catalogue().find(guest))


def ranks(found: Upgrade) -> dict[str, Rank]:
    return {one.move.id: one.rank for one in found.consequences}


def test_nothing_changes() -> None:
    """Equal domains have no consequence, and the rank is nothing."""
    found = changed(NIC.format(""), NIC.format(""))
    assert (found.rank, found.consequences, found.text()) == (Rank.NOTHING, (), "nothing moves\n")


@pytest.mark.parametrize(
    ("guest", "rank", "condition"),
    [
        ("win2k22", Rank.LOSES_NETWORK, "its address is set by hand"),
        ("debian12", Rank.LOSES_NETWORK, ""),
        ("freebsd14.0", Rank.COSMETIC, ""),
        (None, Rank.LOSES_NETWORK, "the guest names NICs by slot or path, or is Windows with an address set by hand"),
    ],
)
def test_a_nic_that_moves(guest: str | None, rank: Rank, condition: str) -> None:
    """Windows sets up a new adapter, Linux renames the NIC, and BSD counts NICs in the order of the buses."""
    found = changed(NIC.format(at(1)), NIC.format(at(5)), guest)
    [one] = [one for one in found.consequences if one.move.what == "interface"]
    assert (one.rank, one.condition) == (rank, condition)
    assert found.rank is rank


def test_bsd_nics_that_change_their_order() -> None:
    """Two NICs that swap their buses swap their names in a BSD."""
    second = NIC.replace(":01", ":02")
    found = changed(NIC.format(at(1)) + second.format(at(2)), NIC.format(at(2)) + second.format(at(1)), "freebsd14.0")
    assert set(ranks(found).values()) == {Rank.LOSES_NETWORK}


@pytest.mark.parametrize(
    ("guest", "data"),
    [
        ("win2k22", Rank.DISK_OFFLINE),
        ("win2k8", Rank.DISK_OFFLINE),
        ("win11", Rank.COSMETIC),
        ("win2k3", Rank.COSMETIC),
        ("debian12", Rank.COSMETIC),
        (None, Rank.DISK_OFFLINE),
    ],
)
def test_a_data_disk_that_moves(guest: str | None, data: Rank) -> None:
    """A server edition of Windows may take a data disk offline; clients and releases before 2008 take it online."""
    before, after = (DISK.format("vda", at(n)) + DISK.format("vdb", at(n + 1)) for n in (1, 4))
    found = [one for one in changed(before, after, guest).consequences if one.move.what == "disk"]
    assert {one.move.device.split()[1]: one.rank for one in found} == {"vda": Rank.COSMETIC, "vdb": data}


@pytest.mark.parametrize(
    ("model", "rank"), [("e1000", Rank.LOSES_NETWORK), ("virtio-transitional", Rank.COSMETIC)]
)
def test_a_bsd_nic_of_another_model(model: str, rank: Rank) -> None:
    """BSD names a NIC after its driver, so em0 is not vtnet0; all virtio models have one driver."""
    found = changed(NIC.format(""), NIC.format("").replace("virtio", model), "freebsd14.0")
    assert [one.rank for one in found.consequences if one.move.what == "interface"] == [rank]


def test_a_disk_that_the_guest_cannot_drive_breaks_the_boot() -> None:
    """RHEL 6 on plain virtio loses its disk when the machine becomes q35, and worst comes first."""
    written = read(samples() / "rhel6-q35-virtio.xml")
    one, other = (resolve(written, machine=name) for name in ("pc", "q35"))
    found = upgrade(one, other, catalogue().find("rhel6.10"))
    assert found.rank is Rank.BREAKS_BOOT
    assert found.consequences[0].move.what == "disk"
    assert [one.rank.order for one in found.consequences] == sorted(one.rank.order for one in found.consequences)


def test_lost_devices_are_ranked_by_what_they_are() -> None:
    """Without its first disk the guest does not start, without its NIC it has no network."""
    one = DISK.format("vda", "") + DISK.format("vdb", "")
    assert changed(one, DISK.format("vdb", "")).rank is Rank.BREAKS_BOOT
    assert changed(NIC.format(""), "").rank is Rank.LOSES_NETWORK


def kubevirt(text: str, release: str) -> Resolved:
    return resolve(read_input(text.encode(), "vm.yaml", kubevirt=release))


LARGE = f"disks: [{{name: root, disk: {{bus: virtio}}}}, {{name: data, disk: {{bus: virtio}}}}]\n{NET}"
VOLUMES = "volumes: [{name: root, emptyDisk: {capacity: 1Gi}}, {name: data, emptyDisk: {capacity: 1Gi}}]"


def test_a_large_kubevirt_machine_moves_its_disks() -> None:
    """From v2 to v3 both disks move to lower buses, the NIC stays, and the annotations of v2 pin them."""
    text = instance(LARGE, memory="4Gi", spec=VOLUMES)
    before, after = kubevirt(text, "1.6.3"), kubevirt(text, "1.9")
    found = upgrade(before, after, catalogue().find("win2k22"), pin=pin_advice(before, after))
    disks = [one.move for one in found.consequences if one.move.what == "disk"]
    assert {move.device: (move.before, move.after) for move in disks} == {
        "disk vda (virtio) ua-root": ("0000:0d:00.0", "0000:07:00.0"),
        "disk vdb (virtio) ua-data": ("0000:0e:00.0", "0000:08:00.0"),
    }
    assert "kubevirt.io/pci-interface-slot-count: '10'" in found.pin
    assert not any(one.move.what == "interface" for one in found.consequences)


PODS = "networks: [{name: default, pod: {}}]"


@pytest.mark.parametrize(
    "written",
    [
        instance(LARGE, memory="4Gi", spec=VOLUMES),
        machine(LARGE, domain="memory: {guest: 4Gi}", volumes=f"      {PODS}\n      {VOLUMES}"),
    ],
)
def test_the_patch_keeps_a_kubevirt_machine_in_place(written: str) -> None:
    """The object with the patch merged in has the same addresses under the later release."""
    before = kubevirt(written, "1.6.3")
    origin = kubevirt_origin(before.domain)
    assert origin is not None
    merged = _merged(yaml.safe_load(written), yaml.safe_load(patch(origin)))
    after = kubevirt(yaml.safe_dump(merged), "1.9")
    assert moves(compare(before.topology, after.topology)) == ()


def _merged(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    for key, value in other.items():
        inner = one.setdefault(key, {})
        one[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return one


def test_nothing_is_pinned_where_nothing_moves() -> None:
    """A machine of v1 or v3 gets a comment and no patch."""
    origin = kubevirt_origin(kubevirt(instance(), "1.5").domain)
    assert origin is not None
    assert patch(origin).startswith("# VirtualMachineInstance default/vm: nothing to pin")


@pytest.mark.parametrize("name", ["win10-q35.xml", "rhel6-pc.xml", "30-disks-q35.xml", "gpu-passthrough-explicit.xml"])
def test_a_pinned_domain_moves_nothing(name: str) -> None:
    """With all addresses written, the domain resolves to the same places, and there is nothing more to write."""
    before = resolve(read(samples() / name))
    text, count = pinned(before)
    after = resolve(read(text.encode()), before.host)
    assert count > 0
    assert moves(compare(before.topology, after.topology)) == ()
    assert pinned(after)[1] == 0


def test_pinned_devices_stay_when_another_comes() -> None:
    """One more disk moves the balloon of a domain as written, and nothing of the pinned one."""
    written = read(domain(DISK.format("vda", "")))
    more = f"{DISK.format('vda', '')}{DISK.format('vdb', '')}"
    assert changed(DISK.format("vda", ""), more).moved == 1
    text = pinned(resolve(written))[0]
    root = etree.fromstring(text)
    [holder] = root.iterchildren("devices")
    holder.append(etree.fromstring(DISK.format("vdb", "")))
    one, other = resolve(read(text.encode())), resolve(read(etree.tostring(root)))
    assert upgrade(one, other).moved == 0


def test_only_some_kinds_are_pinned() -> None:
    """--only nic writes the NIC and the controllers that it needs, and leaves the disk."""
    text = pinned(resolve(read(domain(NIC.format("") + DISK.format("vda", "")))), ["nic"])[0]
    found = Domain(read(text.encode()).document).document.root
    assert found.find("devices/interface/address") is not None
    assert found.find("devices/disk/address") is None
    with pytest.raises(UsageError, match="--only: expected nic or disk, got 'usb'"):
        pinned(resolve(read(domain(""))), ["usb"])


def test_moves_of_a_folder_lists_the_worst_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each domain has one line with its rank, and a rejected one a message."""
    (tmp_path / "a.xml").write_bytes(domain("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"))
    (tmp_path / "b.xml").write_bytes(domain(NIC.format("")))
    (tmp_path / "c.xml").write_text("<domain>")
    assert main(["moves", str(tmp_path), "--machine", "q35:pc"]) == 1
    said = capsys.readouterr()
    assert [line.split(": ")[1] for line in said.out.splitlines()] == ["loses network", "cosmetic"]
    assert "2 domains, 1 rejected; loses network: 1, cosmetic: 1" in said.err


def test_moves_and_pin_take_kubevirt_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """moves --kubevirt A:B says which disks move; pin prints the patch; --add-disk adds one to the YAML."""
    file = tmp_path / "vm.yaml"
    file.write_text(instance(LARGE, memory="4Gi", spec=VOLUMES))
    assert main(["moves", str(file), "--kubevirt", "1.6.3:1.9", "--guest", "win2k22", "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["rank"] == "disk offline"
    assert main(["pin", str(file), "--kubevirt", "1.6.3"]) == 0
    assert "pci-interface-slot-count: '10'" in capsys.readouterr().out
    assert main(["moves", str(file), "--add-disk"]) == 0
    assert "ua-new0" in capsys.readouterr().out
    assert main(["moves", str(file), "--spare-ports", "2"]) == 2


def test_pin_writes_files(tmp_path: Path) -> None:
    """One domain goes to a file, several to a folder."""
    one = samples() / "win10-q35.xml"
    assert main(["pin", str(one), "-o", str(tmp_path / "one.xml")]) == 0
    assert main(["pin", str(one), str(samples() / "winxp-pc.xml"), "-o", str(tmp_path / "both")]) == 0
    assert sorted(path.name for path in (tmp_path / "both").iterdir()) == ["win10-q35.xml", "winxp-pc.xml"]
    assert (tmp_path / "one.xml").read_text() == (tmp_path / "both" / "win10-q35.xml").read_text()


def test_pin_writes_a_folder_or_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-o names a file of one input by its ending, and a folder otherwise; --format json lists names and results."""
    folder = tmp_path / "domains"
    folder.mkdir()
    (folder / "a.xml").write_bytes(domain(NIC.format("")))
    (folder / "b.xml").write_text("<domain>", encoding="utf-8")
    assert main(["pin", str(folder), "-o", str(tmp_path / "pinned")]) == 1
    assert (tmp_path / "pinned" / "a.xml").exists()
    assert main(["pin", str(folder / "a.xml"), "-o", str(tmp_path / "one.xml")]) == 0
    assert (tmp_path / "one.xml").is_file()
    capsys.readouterr()
    assert main(["pin", str(folder / "a.xml"), "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["name"], row["form"]) == ("a", "xml")
    assert "<address type='pci'" in row["result"]
