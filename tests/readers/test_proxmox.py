"""Proxmox VE configurations: keys, boards, addresses by machine type, and what is skipped or said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import virtkit as vk
from virtkit import facts
from virtkit.domain.domain import Domain
from virtkit.errors import InputError, VirtkitError
from virtkit.readers import reader_of, readings
from virtkit.readers.contract import FoundDomain, ReaderOptions, Skipped
from virtkit.readers.qemu_command_line.known_files import known_devices
from virtkit.resolved import Resolved

pytestmark = pytest.mark.slow

Q35 = """\
agent: 1
boot: order=scsi0;net0
machine: q35
memory: 2048
name: web
net0: virtio=AA:BB:CC:00:00:01,bridge=vmbr0
scsi0: local:vm-100-disk-0,size=32G
scsihw: virtio-scsi-pci
ostype: l26
"""


def read(text: str, file: str = "100.conf") -> tuple[FoundDomain, Resolved]:
    """The current configuration, and its resolution."""
    first = next(iter(readings(text.encode(), file, ReaderOptions())))
    assert isinstance(first, FoundDomain)
    return first, vk.resolve(Domain(first.document))


def places(resolved: Resolved) -> dict[str, str]:
    """The address of each device by id, with the id of the bus in front."""
    buses = {one.index: one.alias or one.id for one in resolved.inventory.controllers if one.type == "pci"}
    found = {}
    for device in resolved.devices:
        text = str(device.address or "")
        if text.count(":") == 2 and "." in text:
            bus = buses[int(text.split(":")[1], 16)]
            found[device.id] = f"{bus}:{text.rpartition(':')[2]}"
    return found


def test_q35_has_its_board_and_conventional_devices_behind_its_bridges() -> None:
    """On q35 the display is on the root bus, and NICs and disks are on the bridge pci.0 of the board."""
    _, resolved = read(Q35)
    at = places(resolved)
    assert (at["vga"], at["net0"], at["scsihw0"]) == ("pcie.0:01.0", "pci.0:12.0", "pci.0:05.0")
    assert at["ich9-pcie-port-1"] == "pcie.0:1c.0"
    assert at["balloon0"] == "pci.0:03.0"
    assert {one.id: one.line for one in resolved.devices if one.id in ("net0", "scsi0")} == {"net0": 6, "scsi0": 7}
    shown = {one.id: str(one.shown.interface) for one in resolved.virtio_devices if one.shown}
    assert shown["net0"] == "transitional"


def test_pc_has_the_same_addresses_on_its_root_bus() -> None:
    """Without q35 the same table counts on pci.0, with two further bridges."""
    _, resolved = read(Q35.replace("machine: q35\n", "") + "net6: e1000=AA:BB:CC:00:00:02,bridge=vmbr0\n")
    at = places(resolved)
    assert resolved.family == "i440fx"
    assert (at["net0"], at["net6"], at["vga"]) == ("pci.0:12.0", "pci.1:01.0", "pci.0:02.0")


@pytest.mark.parametrize(("version", "port"), [("3.1", "ioh3420"), ("4.0", "pcie-root-port")])
def test_older_q35_machines_have_older_ports(version: str, port: str) -> None:
    """Before machine version 4.0 the root ports of the board are ioh3420."""
    first, _ = read(Q35.replace("q35", f"pc-q35-{version}"))
    assert f'name="{port}"' in first.document.text


def test_windows_without_a_version_is_pinned() -> None:
    """A Windows machine without a version gets 5.1, or the release that made it from 9.1 on, and a note says so."""
    windows = Q35.replace("l26", "win10")
    first, _ = read(windows)
    assert 'machine="pc-q35-5.1"' in first.document.text
    assert any("pins a Windows machine without a version to pc-q35-5.1" in note for note in first.notes)
    first, _ = read(windows + "meta: creation-qemu=9.2.0,ctime=1\n")
    assert 'machine="pc-q35-9.2"' in first.document.text


def test_a_device_that_is_passed_through_goes_behind_a_root_port() -> None:
    """With pcie=1 device N is behind port N + 1, and ports beyond the fourth are added."""
    text = Q35 + "hostpci0: 01:00.0,pcie=1\nhostpci5: 02:00.0;02:00.1,pcie=1\nhostpci1: 03:00\n"
    first, resolved = read(text)
    at = places(resolved)
    assert at["hostpci0"] == "ich9-pcie-port-1:00.0"
    assert (at["hostpci5.0"], at["hostpci5.1"]) == ("ich9-pcie-port-6:00.0", "ich9-pcie-port-6:00.1")
    assert at["hostpci1"] == "pci.0:11.0"
    assert any("hostpci1: the host decides how many functions it has" in note for note in first.notes)


@pytest.mark.parametrize(
    ("model", "controllers", "last"),
    [("lsi", 2, "1:0:2:0"), ("virtio-scsi-pci", 1, "0:0:0:9"), ("virtio-scsi-single", 3, "2:0:0:9")],
)
def test_scsi_disks_share_controllers_by_model(model: str, controllers: int, last: str) -> None:
    """lsi takes 7 disks, virtio-scsi-single one, and virtio-scsi-pci all of them."""
    text = Q35.replace("virtio-scsi-pci", model) + "scsi1: local:a\nscsi9: local:b\n"
    _, resolved = read(text)
    assert sum(one.type == "scsi" for one in resolved.inventory.controllers) == controllers
    assert str(next(disk.address for disk in resolved.inventory.disks if disk.id == "scsi9")) == last


def test_snapshots_and_pending_changes_are_skipped_with_their_lines() -> None:
    """Only the configuration before the first section is a domain."""
    text = Q35 + "\n[PENDING]\nmemory: 1\n\n[before-update]\nmachine: pc\nsnaptime: 1\n"
    parts = list(readings(text.encode(), "100.conf", ReaderOptions()))
    assert [part.name for part in parts if isinstance(part, Skipped)] == ["PENDING", "before-update"]
    assert [part.line for part in parts if isinstance(part, Skipped)] == [11, 14]
    assert vk.resolve(Domain(parts[0].document)).family == "q35"  # type: ignore[union-attr]


def test_arguments_are_added_last() -> None:
    """args is read as options of QEMU."""
    _, resolved = read(Q35 + "args: -device virtio-rng-pci,id=mine,bus=pcie.0 -device 'e1000,id=n'\n")
    assert {"mine", "n"} <= places(resolved).keys()


def test_a_container_and_an_unknown_machine_are_refused() -> None:
    """A container has no virtual hardware, and a machine type that is unknown is named."""
    with pytest.raises(InputError, match="Proxmox container"):
        list(readings(b"arch: amd64\nhostname: ct\nrootfs: local:1\nostype: debian\n", "101.conf", ReaderOptions()))
    (part, *_) = readings(Q35.replace("q35", "microvm").encode(), "100.conf", ReaderOptions())
    assert "machine type 'microvm' is not known" in str(getattr(part, "error", ""))


def test_a_configuration_is_recognised() -> None:
    """Typical keys are enough, or one key in a file with a number as its name; other text is left alone."""
    assert reader_of(Q35.encode(), "x").name == "proxmox"
    assert reader_of(b"vga: qxl\n", "/etc/pve/qemu-server/100.conf").name == "proxmox"
    assert reader_of(b"memory: 512\ncores: 2\n", "notes.txt").name != "proxmox"


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="no qemu-system-x86_64 on PATH")
@pytest.mark.parametrize("name", ["pve-q35-4.0.cfg", "pve-q35.cfg", "pve-usb.cfg"])
def test_the_boards_start_in_qemu(name: str, tmp_path: Path) -> None:
    """The devices of each board have the same places in the QEMU on PATH."""
    pytest.importorskip("qemu.qmp")
    from virtkit.verify.started import compare_command_line

    text = ""
    for group in known_devices(name, 1):
        text += f'[device "{group.get("id")}"]\n'
        text += "".join(f'  {key} = "{value}"\n' for key, value in group.values.items() if key != "id")
    (tmp_path / name).write_text(text)
    machine = "pc" if name == "pve-usb.cfg" else "q35"
    line = f"qemu-system-x86_64 -M {machine} -nodefaults -readconfig {tmp_path / name}"
    outcome = compare_command_line(line, "qemu-system-x86_64")
    assert outcome.unstarted == ""
    assert outcome.agrees
    assert outcome.devices >= len(known_devices(name, 1))


def test_no_address_is_given_twice() -> None:
    """Devices that may stand together have places of their own in the table of addresses."""
    alternatives = {"ehci", "legacy-igd", "pci.3", "pci.2-igd", "ivshmem"}
    rows = [row for row in facts.table("proxmox/addresses.csv") if row["device"] not in alternatives]
    taken = [(row["bus"], row["slot"]) for row in rows]
    assert len(taken) == len(set(taken))


def test_lines_that_do_not_count_are_named() -> None:
    """A device whose number Proxmox does not have, and the earlier of two equal keys, are named with their line."""
    found, _ = read(Q35 + "net32: virtio=AA:BB:CC:00:00:02,bridge=vmbr0\nmemory: 4096\n")
    assert "line 10: net32: Proxmox has net0 to net31; the line is left out" in found.notes
    assert "line 4: memory is there again in line 11, which counts" in found.notes
    assert [one.mac for one in vk.resolve(Domain(found.document)).inventory.nics] == ["aa:bb:cc:00:00:01"]


KEYS = st.sampled_from(
    ["machine", "net0", "net99", "scsi0", "scsi30", "scsihw", "virtio0", "hostpci0", "hostpci5", "usb0", "vga", "boot",
     "args", "ide3", "ostype", "bios", "memory", "agent", "sata5", "audio0", "watchdog", "arch", "meta", "virtiofs0",
     "balloon", "[x]", "name"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["q35", "pc-q35-3.1", "pc,viommu=virtio", "virtio=AA:BB:CC:00:00:01", "local:x,media=cdrom", "lsi", "01:00",
     "virtio-scsi-single", "a;b;c,pcie=1", "spice,usb3=1", "qxl4", "order=scsi0;net0", "-device x -device 'y", "win11",
     "win7", "l26", "ovmf", "0", "1", "", ",,=", "aarch64", "creation-qemu=999.1", "device=ich9-intel-hda", "\x01é",
     "none", "serial0", "model=ib700"]
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(KEYS, VALUES), max_size=20))
def test_only_errors_of_virtkit_come_out(pairs: list[tuple[str, str]]) -> None:
    """Whatever a configuration holds, it is read and resolved or refused with one of virtkit's errors."""
    text = "".join(f"{key}\n" if key.startswith("[") else f"{key}: {value}\n" for key, value in pairs)
    try:
        for part in readings(("cores: 1\n" + text).encode(), "100.conf", ReaderOptions()):
            if isinstance(part, FoundDomain):
                vk.resolve(Domain(part.document)).xml()
    except VirtkitError:
        pass


@pytest.mark.parametrize(
    ("ostype", "guest", "note"),
    [
        ("wxp", "http://microsoft.com/win/xp", ""),
        ("win10", "http://microsoft.com/win/10", "ostype win10 stands for Windows 10, Server 2016 and 2019; "),
        ("win11", "http://microsoft.com/win/11", "ostype win11 stands for Windows 11, Server 2022 and 2025; "),
        ("l26", None, "ostype 'l26' names no release of a system; name the guest OS (--guest)"),
        ("other", None, "ostype 'other' names no release of a system"),
    ],
)
def test_the_ostype_names_the_guest(ostype: str, guest: str | None, note: str) -> None:
    """The guest OS is that of ostype, with a note where the value stands for several systems or for none."""
    found, _ = read(Q35.replace("l26", ostype))
    assert Domain(found.document).osinfo_id == guest
    assert any(note in text for text in found.notes)
    assert any("ostype" in text for text in found.notes) is bool(note)


def test_every_ostype_is_a_system_of_the_database() -> None:
    """Each system that an ostype stands for is found in the guest OS database."""
    for row in facts.table("proxmox/ostypes.csv"):
        assert vk.guests.find(row["guest"]).uri == row["guest"]


def test_an_assumed_host_is_a_release_of_qemu() -> None:
    """libvirt takes no part in a machine of Proxmox VE, so the note names a QEMU release and how to name another."""
    _, resolved = read(Q35.replace("machine: q35", "machine: pc-q35-5.1"))
    assert resolved.assumption is not None
    note = resolved.assumption.note
    assert note.startswith("assumed host: QEMU 5.2, which has it, because QEMU 11.1 lacks machine type 'pc-q35-5.1'")
    assert "--qemu RELEASE 100.conf" in note
    assert "libvirt" not in note
    assert "virsh" not in note
